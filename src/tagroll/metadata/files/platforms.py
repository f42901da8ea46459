"""What operating systems do differently about locks, syncing and a file's attributes."""

import contextlib
import errno
import os
import sys
from functools import cache

if sys.platform != "win32":
    import fcntl

_NO_LOCKS = {errno.EBADF, errno.EINVAL, errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP}
_NO_XATTRS = {errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP}
_NOT_HELD = _NO_XATTRS | {errno.E2BIG, errno.EINVAL, errno.ENOSPC, errno.EPERM, errno.ERANGE}
"""What file systems say to attributes that they cannot hold, or not so many or so long ones."""
_ACL = "system.posix_acl_access"
_FICLONE = 0x40049409  # linux/fs.h
_COPYFILE_METADATA = 7  # copyfile.h: access list, flags and extended attributes


def lock(fd: int) -> bool | None:
    """Take an exclusive advisory lock without waiting.

    Returns:
        True if we have it now, False if someone else has, None where files cannot be locked. Closing the last
        descriptor gives it back, and so does the end of the process, however it ends.
    """
    if sys.platform == "win32":
        return None
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno in _NO_LOCKS:
            return None
        raise
    return True


def sync(fd: int) -> None:
    """Bring a file's bytes and attributes to the disk itself (macOS: through the drive's own cache, too)."""
    if sys.platform == "darwin":
        with contextlib.suppress(OSError):  # network and FAT volumes do not know it
            fcntl.fcntl(fd, fcntl.F_FULLFSYNC)
            return
    os.fsync(fd)


def sync_folder(folder: str | os.PathLike[str]) -> None:
    """Bring the names in a folder to the disk, where folders can be synced."""
    if sys.platform == "win32":
        return
    fd = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
    finally:
        os.close(fd)


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
    if sys.platform != "linux":
        return False
    try:
        fcntl.ioctl(target, _FICLONE, source)
    except OSError:
        return False  # it cannot, or they are on two disks; what else is wrong shows when bytes are copied
    return True


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
        try:
            names = os.listxattr(source)
        except OSError as error:
            if error.errno in _NO_XATTRS:
                return
            raise
        for name in names:
            try:
                os.setxattr(target, name, os.getxattr(source, name))
            except OSError:
                if name.startswith("user.") or name == _ACL:
                    raise
        if _ACL not in names and _ACL in os.listxattr(target):
            os.removexattr(target, _ACL)  # given by the folder's default, the original has none
