import errno

import pytest

from tagroll.errors import TagrollError, WriteError
from tagroll.runs.guard import stop_if_disk_is_full


@pytest.mark.parametrize(
    ("met", "told"),
    [
        ("cannot be written: the disk is full", "cannot be written: the disk is full"),
        ("a working copy cannot be made", "the disk is full: a working copy cannot be made"),
    ],
)
def test_a_full_disk_stops_the_run_and_is_said_once(met: str, told: str) -> None:
    error = WriteError(met)
    error.__cause__ = OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(TagrollError) as caught:
        stop_if_disk_is_full(error)
    assert caught.value.message == told
    assert caught.value.exit_code == 1


def test_another_failure_is_the_photo_s_own() -> None:
    error = WriteError("cannot be written: Input/output error")
    error.__cause__ = OSError(errno.EIO, "Input/output error")
    stop_if_disk_is_full(error)
