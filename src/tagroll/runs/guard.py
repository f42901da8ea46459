"""One photo may fail and the run goes on; what would fail every photo after it stops the run."""

import errno
import logging
from collections.abc import Callable
from pathlib import Path

from tagroll.domain import Outcome, Status
from tagroll.errors import PhotoError, TagrollError, plainly

log = logging.getLogger(__name__)


def guard(photo: Path, work: Callable[[], Outcome]) -> Outcome:
    """Do the work on one photo; its failure is an outcome.

    Raises:
        ServerError, CatalogError: The run cannot go on.
        TagrollError: The disk is full; the run cannot go on.
    """
    try:
        return work()
    except PhotoError as error:
        stop_if_disk_is_full(error)
        return Outcome(photo, Status.FAILED, error=error.message, hint=error.hint)
    except TagrollError:
        raise
    except Exception as error:
        # A mistake of ours met by one odd photo must not end a night's run over the other 100,000.
        log.exception("unexpected error with %s", photo)
        text = f"unexpected error in tagroll: {type(error).__name__}: {plainly(error)}"
        return Outcome(photo, Status.FAILED, error=text, hint="Please report it, with what --verbose prints")


def stop_if_disk_is_full(error: PhotoError) -> None:
    """A full disk is no fault of the photo: stop instead of failing photo after photo.

    Raises:
        TagrollError: The disk is full.
    """
    cause = error.__cause__
    if isinstance(cause, OSError) and cause.errno in (errno.ENOSPC, errno.EDQUOT):
        full = "the disk is full"
        raise TagrollError(
            error.message if full in error.message else f"{full}: {error.message}",
            "Nothing is damaged. Make room and run the same command again: it goes on where it stopped",
        ) from error
