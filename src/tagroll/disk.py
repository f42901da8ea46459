"""What everybody who keeps files asks of the disk."""

import os
import sys
from collections.abc import Collection


def sync_names(folder: str | os.PathLike[str], pass_over: Collection[int] = ()) -> None:
    """Bring the names in a folder to the disk. Windows syncs no folders: there it does nothing.

    Args:
        folder: Which.
        pass_over: Error numbers by which a disk says that it syncs no folders.

    Raises:
        OSError: It cannot be opened, or syncing it failed.
    """
    if sys.platform == "win32":
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in pass_over:
            raise
    finally:
        os.close(descriptor)
