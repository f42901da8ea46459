/* Plays disks and shares that refuse things, for whatever is under SHARE_ROOT. Preloaded (LD_PRELOAD) into a child.

   SHARE is a list, separated by blanks:
     oldcifs        Linux' SMB client until 2025: rename(2) over a file that is open here removes it, and fails with ENOENT
     heldbyothers   files count as open: another program has them
     killed         with oldcifs: the program dies at that moment
     stuck          with oldcifs: nothing can be renamed any more after that
     busy=ERRNO     SMB and Windows: what is open here is neither replaced, renamed nor removed
     mode=OCTAL     new files get this mode, whatever was asked for
     CALL=ERRNO     CALL fails: chmod chown utime link fsync syncfolder flock fcntl listxattr setxattr
                    (0 instead of a name: it claims success and does nothing) */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/types.h>
#include <unistd.h>

static const struct { const char *name; int number; } NAMES[] = {
  {"0", 0}, {"EPERM", EPERM}, {"EACCES", EACCES}, {"EINVAL", EINVAL}, {"ENOSYS", ENOSYS}, {"EOPNOTSUPP", EOPNOTSUPP},
  {"EBUSY", EBUSY}, {"EIO", EIO}, {"EBADF", EBADF}, {"ENOLCK", ENOLCK}, {"EXDEV", EXDEV}, {"EMLINK", EMLINK},
  {"ETXTBSY", ETXTBSY}, {"ENOTTY", ENOTTY}, {NULL, 0}};

/* The text behind `name` in SHARE, or NULL: "" for a bare word. */
static const char *habit(const char *name) {
  static __thread char found[64];
  const char *at = getenv("SHARE");
  size_t length = strlen(name);
  while (at && *at) {
    size_t size = strcspn(at, " ");
    if (size >= length && !strncmp(at, name, length) && (size == length || at[length] == '=')) {
      snprintf(found, sizeof found, "%.*s", size == length ? 0 : (int)(size - length - 1), at + length + 1);
      return found;
    }
    at += size + (at[size] == ' ');
  }
  return NULL;
}

static int here(const char *path) {
  const char *root = getenv("SHARE_ROOT");
  char whole[PATH_MAX];
  if (!root || !path) return 0;
  if (path[0] != '/' && getcwd(whole, sizeof whole / 2)) {
    strncat(whole, "/", 2); strncat(whole, path, sizeof whole / 2 - 2); path = whole;
  }
  return !strncmp(path, root, strlen(root));
}

static int here_fd(int fd) {
  char link[64], path[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t size = readlink(link, path, sizeof path - 1);
  if (size < 0) return 0;
  path[size] = 0;
  return here(path);
}

/* Whether a call is refused: sets errno, and *claimed where it only claims to have done it. */
static int refused(const char *call, int inside, int *result) {
  const char *value = inside ? habit(call) : NULL;
  if (!value) return 0;
  for (int i = 0; NAMES[i].name; i++)
    if (!strcmp(NAMES[i].name, value)) { errno = NAMES[i].number; *result = errno ? -1 : 0; return 1; }
  abort();
}

static int is_open(const char *path) {
  struct stat wanted, state;
  const char *name = strrchr(path, '/');
  if (lstat(path, &wanted)) return 0;
  if (habit("heldbyothers") && name && name[1] != '.') return 1;
  DIR *all = opendir("/proc/self/fd");
  int yes = 0;
  for (struct dirent *one; all && (one = readdir(all));)
    if (one->d_name[0] != '.' && !fstat(atoi(one->d_name), &state))
      yes |= state.st_dev == wanted.st_dev && state.st_ino == wanted.st_ino;
  if (all) closedir(all);
  return yes;
}

#define REAL(name) __typeof__(&name) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)
#define REFUSES(call, inside) int result; if (refused(call, inside, &result)) return result

static int breaks(const char *from, const char *to) {
  static int gone;
  int result;
  if (!here(to)) return 0;
  if (gone && habit("stuck")) { errno = EIO; return 1; }
  if (habit("oldcifs") && is_open(to)) {
    REAL(unlink);
    real(to);
    gone = 1;
    if (habit("killed")) raise(SIGKILL);
    errno = ENOENT;
    return 1;
  }
  return (is_open(to) || is_open(from)) && refused("busy", 1, &result);
}

int rename(const char *from, const char *to) { REAL(rename); return breaks(from, to) ? -1 : real(from, to); }
int renameat(int a, const char *from, int b, const char *to) {
  REAL(renameat); return breaks(from, to) ? -1 : real(a, from, b, to); }
int unlink(const char *path) {
  REAL(unlink); if (here(path) && is_open(path)) { REFUSES("busy", 1); } return real(path); }
int unlinkat(int at, const char *path, int flags) {
  REAL(unlinkat); if (here(path) && is_open(path)) { REFUSES("busy", 1); } return real(at, path, flags); }

int chmod(const char *path, mode_t mode) { REAL(chmod); REFUSES("chmod", here(path)); return real(path, mode); }
int fchmod(int fd, mode_t mode) { REAL(fchmod); REFUSES("chmod", here_fd(fd)); return real(fd, mode); }
int fchmodat(int at, const char *path, mode_t mode, int flags) {
  REAL(fchmodat); REFUSES("chmod", here(path)); return real(at, path, mode, flags); }
int chown(const char *path, uid_t u, gid_t g) { REAL(chown); REFUSES("chown", here(path)); return real(path, u, g); }
int fchown(int fd, uid_t u, gid_t g) { REAL(fchown); REFUSES("chown", here_fd(fd)); return real(fd, u, g); }

int utimensat(int at, const char *path, const struct timespec times[2], int flags) {
  REAL(utimensat); REFUSES("utime", here(path)); return real(at, path, times, flags); }
int futimens(int fd, const struct timespec times[2]) {
  REAL(futimens); REFUSES("utime", here_fd(fd)); return real(fd, times); }

int link(const char *from, const char *to) { REAL(link); REFUSES("link", here(to)); return real(from, to); }
int linkat(int a, const char *from, int b, const char *to, int flags) {
  REAL(linkat); REFUSES("link", here(to)); return real(a, from, b, to, flags); }

int fsync(int fd) {
  REAL(fsync);
  struct stat state;
  if (here_fd(fd) && !fstat(fd, &state)) { REFUSES(S_ISDIR(state.st_mode) ? "syncfolder" : "fsync", 1); }
  return real(fd);
}
int fdatasync(int fd) { REAL(fdatasync); REFUSES("fsync", here_fd(fd)); return real(fd); }

int flock(int fd, int how) { REAL(flock); REFUSES("flock", here_fd(fd)); return real(fd, how); }
static int locks(int what) {
  return what == F_SETLK || what == F_SETLKW || what == F_OFD_SETLK || what == F_OFD_SETLKW; }
#define FCNTL(name) int name(int fd, int what, ...) { \
  va_list rest; va_start(rest, what); void *argument = va_arg(rest, void *); va_end(rest); \
  int (*real)(int, int, ...) = (int (*)(int, int, ...))dlsym(RTLD_NEXT, #name); \
  if (locks(what)) { REFUSES("fcntl", here_fd(fd)); } \
  return real(fd, what, argument); }
FCNTL(fcntl)
FCNTL(fcntl64)

ssize_t flistxattr(int fd, char *list, size_t size) {
  ssize_t (*real)(int, char *, size_t) = (ssize_t (*)(int, char *, size_t))dlsym(RTLD_NEXT, "flistxattr");
  REFUSES("listxattr", here_fd(fd)); return real(fd, list, size); }
int fsetxattr(int fd, const char *name, const void *value, size_t size, int flags) {
  int (*real)(int, const char *, const void *, size_t, int) =
      (int (*)(int, const char *, const void *, size_t, int))dlsym(RTLD_NEXT, "fsetxattr");
  REFUSES("setxattr", here_fd(fd)); return real(fd, name, value, size, flags); }

#define OPEN(name) int name(const char *path, int flags, ...) { \
  va_list rest; va_start(rest, flags); mode_t mode = flags & O_CREAT ? va_arg(rest, mode_t) : 0; va_end(rest); \
  int (*real)(const char *, int, ...) = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, #name); \
  const char *fixed = (flags & O_CREAT) && here(path) ? habit("mode") : NULL; \
  int fd = real(path, flags, mode); \
  if (fixed && fd >= 0) { \
    int (*change)(int, mode_t) = (int (*)(int, mode_t))dlsym(RTLD_NEXT, "fchmod"); \
    change(fd, strtol(fixed, NULL, 8)); } \
  return fd; }
OPEN(open)
OPEN(open64)
