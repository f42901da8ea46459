"""What the system says when it refuses, in plain words; and what shares and simple disks refuse though nothing is wrong."""

import contextlib
import errno
from collections.abc import Callable, Iterator

from tagroll.errors import WriteError

Tell = Callable[[str], None]
"""Is told, in one line, what a disk could not do though the file was written; says each line once a run."""

CANNOT = frozenset(
    {errno.EPERM, errno.EACCES, errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EBADF}
)
"""What disks and shares answer to what they cannot do at all: set permissions or times, sync, lock, link."""
BUSY = frozenset({errno.EACCES, errno.EBUSY, errno.ETXTBSY})
"""What SMB and Windows answer while somebody has a file open that is to be replaced or removed."""

_ROOM = "make room and run again; what is done stays done"
_REASONS = {
    errno.ENOSPC: ("the disk is full", _ROOM),
    errno.EDQUOT: ("the disk quota is used up", _ROOM),
    errno.EROFS: ("the disk is read-only", "mount it writable"),
    errno.EACCES: ("no permission to write in its folder", "check the folder's permissions"),
    errno.EPERM: ("the system does not allow it", "check owner, permissions and file flags"),
    errno.ENAMETOOLONG: ("the name is too long for this disk", "give the photo a shorter name"),
    errno.EXDEV: ("a hard link cannot lead to another disk", "use --link sym, or make copies"),
    errno.EIO: ("the disk reported an error", "check the disk, and your backup, before going on"),
    errno.ENOENT: ("the file or its folder is gone", ""),
    errno.ENOTCONN: (
        "the disk is not connected any more",
        "connect it and run again; what is done stays done",
    ),
}


def untold(_: str) -> None:
    """For who does not want to know."""


@contextlib.contextmanager
def os_errors_in_plain_words() -> Iterator[None]:
    """Say in plain words why the system refused.

    Raises:
        WriteError: For any OSError within.
    """
    try:
        yield
    except OSError as error:
        reason, hint = _REASONS.get(error.errno or 0, (error.strerror or str(error), ""))
        raise WriteError(f"cannot be written: {reason}", hint) from error
