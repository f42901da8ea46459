"""What operating systems do differently about locks, syncing and a file's attributes."""

import contextlib
import errno
import os
import stat
import sys
from functools import cache

from tagroll.disk import sync_names
from tagroll.metadata.files.refusals import CANNOT

if sys.platform != "win32":
    import fcntl

_NO_LOCKS = CANNOT | {errno.ENOLCK}
_NO_FOLDER_SYNC = CANNOT - {errno.EACCES, errno.EPERM} | {errno.ENOLCK}
_NOT_HELD = CANNOT | {errno.E2BIG, errno.ENOSPC, errno.ERANGE}
"""What file systems say to attributes that they cannot hold, or not so many or so long ones."""
_ACL = "system.posix_acl_access"
_FICLONE = 0x40049409  # linux/fs.h
_COPYFILE_METADATA = 7  # copyfile.h: access list, flags and extended attributes


def identity(state: os.stat_result) -> tuple[int, ...]:
    """What changes whenever a file becomes another one, or gets other bytes or attributes.

    Windows has no time of the last change of attributes: some of its calls give the time of making in its place, and some do not.
    """
    found = state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns
    return found if sys.platform == "win32" else (*found, state.st_ctime_ns)


def is_protected(state: os.stat_result) -> bool:
    """Whether somebody has locked a file in macOS' Finder, or made it read-only on Windows.

    It cannot be replaced then; and a copy that gets its flags on macOS could not even be removed again.
    """
    flags = stat.UF_IMMUTABLE | stat.UF_APPEND | stat.SF_IMMUTABLE | stat.SF_APPEND
    attributes = getattr(state, "st_file_attributes", 0)
    return bool(getattr(state, "st_flags", 0) & flags or attributes & stat.FILE_ATTRIBUTE_READONLY)


def lock(fd: int) -> bool | None:
    """Take an exclusive advisory lock without waiting.

    Returns:
        True if we have it now, False if someone else has, None where files cannot be locked. Closing the last
        descriptor gives it back, and so does the end of the process, however it ends.
    """
    if sys.platform != "win32":
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
        else:
            return True
    return None


def sync(fd: int) -> None:
    """Bring a file's bytes and attributes to the disk itself (macOS: through the drive's own cache, too).

    A share that cannot be told to does it when it likes.
    """
    if sys.platform == "darwin":
        with contextlib.suppress(OSError):  # network and FAT volumes do not know it
            fcntl.fcntl(fd, fcntl.F_FULLFSYNC)
            return
    try:
        os.fsync(fd)
    except OSError as error:
        if error.errno not in CANNOT:
            raise


def sync_folder(folder: str | os.PathLike[str]) -> None:
    """Bring the names in a folder to the disk, where folders can be synced.

    Raises:
        OSError: They can, but it failed. The names are right all the same, until the power fails.
    """
    sync_names(folder, _NO_FOLDER_SYNC)


@cache  # once is enough; a second block of that size would come out of what is kept, and be cleared
def keep_large_blocks() -> None:
    """Let the allocator keep freed memory for the next photo.

    glibc gives blocks above 128 KB back to the system at once, and getting their pages anew costs ten times what
    copying a photo into them does. Freeing one large block, never touched, raises that limit (mallopt(3),
    M_MMAP_THRESHOLD, "dynamic"); elsewhere this does nothing.
    """
    bytes(31 << 20)


def clone(source: int, target: int) -> bool:
    """Let an empty file share the blocks of another one, where the file system can (Btrfs, XFS, bcachefs ...)."""
    if sys.platform == "linux":
        # it cannot, or they are on two disks; what else is wrong shows when bytes are copied
        with contextlib.suppress(OSError):
            fcntl.ioctl(target, _FICLONE, source)
            return True
    return False


def copy_attributes(source: int, target: int, *, strict: bool = True) -> None:
    """Copy access list and extended attributes from one open file to another.

    Attributes that only the system may set (`security.*`, `trusted.*`) are copied where it lets us.

    Args:
        source: The file that has them.
        target: The file that gets them.
        strict: Else what the target's disk cannot hold is left out.

    Raises:
        OSError: An attribute that belongs to the user cannot be kept.
    """
    try:
        _copy_attributes(source, target)
    except OSError as error:
        if strict or error.errno not in _NOT_HELD:
            raise


def _copy_attributes(source: int, target: int) -> None:
    if sys.platform == "darwin":
        import ctypes  # macOS only

        libc = ctypes.CDLL(None, use_errno=True)
        if libc.fcopyfile(source, target, None, _COPYFILE_METADATA) != 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    elif sys.platform == "linux":
        _copy_xattrs(source, target)


if sys.platform == "linux":

    def _copy_xattrs(source: int, target: int) -> None:
        names = _names(source)
        for name in names:
            _copy_xattr(name, source, target)
        if _ACL not in names and _ACL in _names(target):
            os.removexattr(target, _ACL)  # given by the folder's default, the original has none

    def _copy_xattr(name: str, source: int, target: int) -> None:
        try:
            value = os.getxattr(source, name)
            os.setxattr(target, name, value)
        except OSError:
            if not name.startswith("user.") and name != _ACL:
                return
            with contextlib.suppress(OSError):  # it may be one that the share gives to each file by itself
                if os.getxattr(target, name) == os.getxattr(source, name):
                    return
            raise

    def _names(fd: int) -> list[str]:
        """Which attributes a file has; none where the disk knows of no such thing."""
        try:
            return os.listxattr(fd)
        except OSError as error:
            if error.errno in CANNOT:
                return []
            raise
