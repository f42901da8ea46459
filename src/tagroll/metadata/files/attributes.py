"""What belongs to a file beside its bytes: owner, permissions, attributes and times, as its replacement gets them.

Nothing is set that is right already: many shares refuse to set what they show. What a disk refuses to keep is
told, and the file is written; but a private file never becomes public, and what a person has put there (owner,
access list, extended attributes) is not lost: such a photo stays as it is, and a sidecar may do.
"""

import errno
import os
import stat
import sys

from tagroll.errors import WriteError
from tagroll.metadata.files.order import NUDGE_NS
from tagroll.metadata.files.platforms import copy_attributes
from tagroll.metadata.files.refusals import CANNOT, Tell
from tagroll.metadata.files.temporary import Temporary

_OTHERS = stat.S_IRGRP | stat.S_IWGRP | stat.S_IROTH | stat.S_IWOTH
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EIO}


class NotKeptError(WriteError):
    """The new file could not get what belongs to the original. Nothing was written; a sidecar may do."""


class OwnerLostError(NotKeptError):
    """The new file could not get the original's owner or group."""


def keep_owner(new: Temporary, wanted: os.stat_result) -> None:
    """Give the new file owner and group of the old one, where they are not the same anyway.

    Raises:
        OwnerLostError: We may not.
    """
    is_now = os.fstat(new.fd)
    if sys.platform == "win32" or (is_now.st_uid, is_now.st_gid) == (wanted.st_uid, wanted.st_gid):
        return
    try:
        os.fchown(new.fd, wanted.st_uid, wanted.st_gid)
    except OSError as error:
        raise OwnerLostError("the file belongs to another user or group", "run as its owner") from error


def keep_attributes(new: Temporary, source: int) -> None:
    """Copy access list and extended attributes.

    Raises:
        NotKeptError: One that belongs to the user cannot be kept.
        OSError: The disk is full, or has an error.
    """
    try:
        copy_attributes(source, new.fd)
    except OSError as error:
        if error.errno in _FULL:
            raise
        what = "its access list or extended attributes cannot be kept on this disk"
        raise NotKeptError(what, "Take them away, or let tagroll write a sidecar") from error


def keep_mode(new: Temporary, wanted: int, tell: Tell, *, may_widen: bool = False) -> None:
    """Give the new file these permissions, where it has not got them already.

    Args:
        new: The new file.
        wanted: The permissions.
        tell: Is told when they are others now.
        may_widen: The user has chosen a disk that gives its own.

    Raises:
        WriteError: Others could read or change it who may not now.
        OSError: The disk has an error.
    """
    if os.name != "posix" or stat.S_IMODE(os.fstat(new.fd).st_mode) == wanted:
        return
    try:
        new.name.chmod(wanted)
    except OSError as error:
        if error.errno not in CANNOT:
            raise
    is_now = stat.S_IMODE(os.fstat(new.fd).st_mode)  # some say yes and do nothing
    if is_now & ~wanted & _OTHERS and not may_widen:
        raise WriteError(
            "cannot be written: the disk would let others read or change the new file",
            f"The photo's permissions are {wanted:03o}, and this disk makes them {is_now:03o}",
        )
    if is_now != wanted:
        tell("this disk does not let permissions be set: written files have those that it gives new ones")


def keep_times(new: Temporary, atime_ns: int, mtime_ns: int, tell: Tell) -> None:
    """Set the times of the new file, where they are not right already.

    Raises:
        OSError: The disk has an error.
    """
    state = new.name.stat()
    if state.st_mtime_ns == mtime_ns:
        return
    try:
        os.utime(new.name, ns=(atime_ns, mtime_ns))
    except (OSError, OverflowError) as error:
        if isinstance(error, OSError) and error.errno not in CANNOT:
            raise
        tell("this disk does not let times be set: written files have the time at which they were written")


def set_times(new: Temporary, old: os.stat_result, wanted: int, tell: Tell) -> int | None:
    """Give the new file its times: that of reading as the one it replaces has it, and a modification time.

    A later time that the disk does not tell from the old one, as it counts in whole seconds, becomes two seconds later,
    and now where it knows no later one.

    Returns:
        The modification time it shall have, in nanoseconds; None for that of writing.
    """
    keep_times(new, old.st_atime_ns, wanted, tell)
    if wanted > old.st_mtime_ns == new.name.stat().st_mtime_ns:
        wanted = old.st_mtime_ns + NUDGE_NS
        keep_times(new, old.st_atime_ns, wanted, tell)
        if new.name.stat().st_mtime_ns == old.st_mtime_ns:
            os.utime(new.name)
            return None
    return wanted
