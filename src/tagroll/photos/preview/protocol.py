"""How the parent and a decoding process talk: a message is a header (JSON) and a blob.

No pickles: a process that decodes hostile files should not be able to hand its parent code.
"""

import json
import struct
from typing import IO, Any

_LENGTHS = struct.Struct(">II")

Message = tuple[dict[str, Any], bytes]


def send(stream: IO[bytes], header: dict[str, Any], blob: bytes = b"") -> None:
    """Write one message.

    Raises:
        OSError: The other side is gone.
    """
    packed = json.dumps(header).encode("ascii")  # ASCII whatever bytes a file name is made of
    stream.write(_LENGTHS.pack(len(packed), len(blob)) + packed + blob)
    stream.flush()


def receive(stream: IO[bytes]) -> Message | None:
    """Read one message; None when the other side is gone."""
    lengths = stream.read(_LENGTHS.size)
    if len(lengths) < _LENGTHS.size:
        return None
    header_size, blob_size = _LENGTHS.unpack(lengths)
    packed, blob = stream.read(header_size), stream.read(blob_size)
    if len(packed) < header_size or len(blob) < blob_size:
        return None
    return json.loads(packed), blob
