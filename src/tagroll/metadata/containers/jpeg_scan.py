"""Where the compressed picture of a JPEG ends."""

import re

_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
"""A marker inside compressed data: 0xFF and neither a stuffed zero, a restart marker nor a fill byte."""
_END = 0xD9
_MAX_SCANS = 10_000


def end_of_image(data: bytes | memoryview, position: int) -> int:
    """The offset behind the end marker of the picture, or the length of the file.

    The latter for a file that has no end marker, or absurdly many scans.

    Args:
        data: The whole file.
        position: Where the first scan (or end) marker stands.
    """
    for _ in range(_MAX_SCANS):
        found = _MARKER.search(data, position)
        if found is None:
            break
        start = found.start()
        if data[start + 1] == _END:
            return start + 2
        # a scan header or a table between two scans; what follows may be compressed data again
        position = start + 2 + max(2, int.from_bytes(data[start + 2 : start + 4], "big"))
    return len(data)
