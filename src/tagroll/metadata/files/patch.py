"""The undo patch: what it takes to turn a file after a change back into the file before it.

A patch is a list of steps "append these literal bytes, then copy that stretch of the file after", compressed
with Zstandard. A metadata edit moves the picture data but does not alter them, so a patch holds little more
than the old packets: some hundred bytes for an edit of a JPEG of any size.
"""

import struct
from collections.abc import Iterator
from threading import local
from typing import Literal

from tagroll.errors import WriteError

_local = local()
_MAGIC = b"TRp1"
_STEP = struct.Struct("<QQQ")  # literal bytes to append; then offset and length of the stretch to copy
_COUNT = struct.Struct("<I")
_PROBE = 32  # bytes that must agree before two stretches are taken for the same
_MAX_DEPTH = 10  # splits of one gap: 2^10 stretches are plenty for a file rewritten by any program
_NEAR = 256  # bytes that are compared in one go, as numbers, to find where they differ
_WORTH = 1024  # a smaller gap is kept as it is: looking for what it shares costs more than its bytes
_PROBE_PLACES = (0.5, 0.25, 0.75, 0.05, 0.95)  # where in a gap a stretch that was only moved is looked for
_LARGE = 64  # a gap of more than one part in so many is large

_Copy = tuple[int, int, int]
"""Start in the bytes before, start in the bytes after, length."""


def make_patch(before: bytes, after: bytes) -> bytes:
    """Make the patch that `apply_patch` needs to give `before` back from `after`.

    Args:
        before: The whole file as it was.
        after: The whole file as it is written.

    Returns:
        The patch; its size follows the size of what was changed, not the size of the file.

    Raises:
        WriteError: It would not give the bytes before back (which is a mistake of ours).
    """
    steps, literals, done = [], [], 0
    for start, source, length in _copies(before, after, (0, len(before)), (0, len(after)), 0):
        steps.append(_STEP.pack(start - done, source, length))
        literals.append(before[done:start])
        done = start + length
    steps.append(_STEP.pack(len(before) - done, 0, 0))
    literals.append(before[done:])
    body = b"".join([_COUNT.pack(len(steps)), *steps, *literals])
    if b"".join(_pieces(after, body)) != before:  # without a way back nothing may be written
        raise WriteError("no undo record could be made")
    return _MAGIC + _packed(body)


def _packed(body: bytes) -> bytes:
    """Compress, by the compressor of this thread: making one takes longer than most patches do."""
    if not hasattr(_local, "compressor"):
        from tagroll.zstd import ZstdCompressor  # only runs that write need it

        _local.compressor = ZstdCompressor(level=3)
    compressor: ZstdCompressor = _local.compressor
    return compressor.compress(body, compressor.FLUSH_FRAME)


def apply_patch(after: bytes, patch: bytes) -> bytes:
    """Give the bytes before a change back.

    Args:
        after: The whole file as the change left it, to the byte.
        patch: What `make_patch` gave.

    Returns:
        The whole file as it was before. The caller compares its hash: a patch knows nothing of the file.

    Raises:
        WriteError: The patch is damaged or was made for another file.
    """
    from tagroll.zstd import ZstdError, decompress  # see _packed

    magic, packed = patch[: len(_MAGIC)], patch[len(_MAGIC) :]
    try:
        body = decompress(packed) if magic == _MAGIC else b""
        return b"".join(_pieces(after, body))
    except (ZstdError, struct.error, ValueError) as error:
        raise WriteError("the undo record of this file is damaged or belongs to another file") from error


def _pieces(after: bytes, body: bytes) -> Iterator[bytes | memoryview]:
    """Run the steps of a patch."""
    view = memoryview(after)
    (count,) = _COUNT.unpack_from(body)
    literal = _COUNT.size + count * _STEP.size
    for index in range(count):
        size, source, length = _STEP.unpack_from(body, _COUNT.size + index * _STEP.size)
        if literal + size > len(body) or source + length > len(after):
            raise ValueError(index)
        yield body[literal : literal + size]
        yield view[source : source + length]
        literal += size


def _copies(
    before: bytes, after: bytes, old: tuple[int, int], new: tuple[int, int], depth: int
) -> Iterator[_Copy]:
    """Find stretches of `before[old]` that are in `after`, in `new` as long as they kept their order."""
    head = _common(before, after, old, new)
    old_start, new_start = old[0] + head, new[0] + head
    tail = _common(before, after, (old_start, old[1]), (new_start, new[1]), backwards=True)
    old_end, new_end = old[1] - tail, new[1] - tail
    tail_start = new_end
    if head:
        yield old[0], new[0], head
    anchor = (
        _anchor(before, after, (old_start, old_end), (new_start, new_end)) if depth < _MAX_DEPTH else None
    )
    if anchor:
        there, here = anchor
        if not new_start <= here < new_end:  # a stretch out of order, like a page of a rewritten TIFF
            new_start, new_end = 0, len(after)
        yield from _copies(before, after, (old_start, there), (new_start, here), depth + 1)
        yield from _copies(before, after, (there, old_end), (here, new_end), depth + 1)
    if tail:
        yield old_end, tail_start, tail


def _anchor(
    before: bytes, after: bytes, old: tuple[int, int], new: tuple[int, int]
) -> tuple[int, int] | None:
    """Find one place of a gap in `before` in the gap of `after`, or else (if it is a large gap) anywhere."""
    room = old[1] - old[0] - _PROBE
    if room < _WORTH:
        return None
    probes = [old[0] + int(room * place) for place in _PROBE_PLACES]
    large = room > len(before) // _LARGE  # a small one is not worth a search through the whole file
    for within in (new, (0, len(after))) if large else (new,):
        for there in probes:
            here = after.find(before[there : there + _PROBE], *within)
            if here >= 0:
                return there, here
    return None


def _common(
    before: bytes, after: bytes, old: tuple[int, int], new: tuple[int, int], *, backwards: bool = False
) -> int:
    """Count the bytes two stretches share at their start (or end): in growing steps, then by bisection."""
    room = min(old[1] - old[0], new[1] - new[0])
    known, step = 0, _NEAR
    view = memoryview(before)  # compared in place: a copy would cost twenty times the comparison
    while known < room:
        size = min(known + step, room)
        if backwards:
            start, there = old[1] - size, new[1] - size
        else:
            start, there = old[0] + known, new[0] + known
        if after.startswith(view[start : start + size - known], there):
            known, step = size, step * 8
        elif size - known > _NEAR:
            room, step = size - 1, (size - known) // 2
        else:
            length = size - known
            return known + _same(view[start : start + length], after[there : there + length], backwards)
    return known


def _same(one: memoryview, two: bytes, backwards: bool) -> int:
    """How many bytes two different short stretches of one length share at their start (or end)."""
    order: Literal["big", "little"] = "big" if backwards else "little"
    differing = int.from_bytes(one, order) ^ int.from_bytes(two, order)
    return ((differing & -differing).bit_length() - 1) // 8  # the lowest bit set
