"""Everything that can go wrong, as one tree.

    TagrollError                    1   stops the run
    ├── UsageError                  2   the command line or a settings file is wrong
    ├── ServerError                 4   no model server, or none that can be used
    ├── StoppedError              130   the user stops the run, and this photo was not yet asked about
    ├── CatalogError                1   the catalog cannot be read or written
    │   └── CatalogLockedError      5   another run holds it
    └── PhotoError                  3   one photo failed, the run goes on
        ├── PictureError                the picture cannot be decoded
        ├── ReplyError                  the model's answer holds nothing usable
        ├── MetadataError               metadata cannot be read: never the same as "no tags"
        │   └── ForeignStructureError   not safe to edit in process; exiftool or a sidecar may do it
        └── WriteError                  the file could not be replaced; it is as it was
            └── ChangedMeanwhileError   another program changed the file while we worked on it

The number is the exit code of a run that ends with the error.
"""

import re
from typing import ClassVar

_MOST_OF_OTHERS = 200


def plainly(words: object) -> str:
    """What another program or library says, as one plain line without a full stop, to be told in a message of ours."""
    line = " ".join(str(words).replace("\\n", " ").split())
    line = "".join(char for char in line if char.isprintable())
    return re.sub(r"\s+([,;:.])", r"\1", line)[:_MOST_OF_OTHERS].rstrip(" .")


class TagrollError(Exception):
    """Base of all errors of tagroll.

    Args:
        message: What happened, one line, in the user's words. Begins small; no full stop at its end.
        hint: What the user can do about it, or an empty string. Begins with a capital; no full stop at its end, where
            a command may stand that is copied.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __reduce__(self) -> tuple[type["TagrollError"], tuple[str, str]]:
        """Keep the hint when the error crosses a process border."""
        return type(self), (self.message, self.hint)


class UsageError(TagrollError):
    """The command line or a settings file asks for something that cannot be."""

    exit_code = 2


class ServerError(TagrollError):
    """No model server answers, or it has no usable model."""

    exit_code = 4


class StoppedError(TagrollError):
    """The user stops the run: what had to wait is left for the next one."""

    exit_code = 130


class CatalogError(TagrollError):
    """The catalog cannot be read or written."""


class CatalogLockedError(CatalogError):
    """Another run uses this catalog."""

    exit_code = 5


class PhotoError(TagrollError):
    """One photo failed; the run goes on and counts it."""

    exit_code = 3


class PictureError(PhotoError):
    """The picture cannot be decoded: broken, truncated, too large, or of no known format."""


class ReplyError(PhotoError):
    """The model answered, but not with anything usable (a refusal, a sentence, nonsense)."""


class MetadataError(PhotoError):
    """The metadata of a file cannot be read. Never to be taken for "has no tags"."""


class ForeignStructureError(MetadataError):
    """The file's structure is not one that is safe to edit in process."""


class WriteError(PhotoError):
    """The new file could not be put in place. The old one is untouched."""


class ChangedMeanwhileError(WriteError):
    """The file changed between reading and replacing it. Nothing was written."""
