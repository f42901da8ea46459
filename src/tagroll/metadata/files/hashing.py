"""The hashes that the catalog keeps of files and pictures: BLAKE3, 160 bits, as 40 hexadecimal digits.

Those of older catalogs are BLAKE2b, 128 bits, told by their length. What is to be compared with such a hash is
hashed in the same way: `like` is the hash it will be compared with.
"""

from collections.abc import Iterable
from hashlib import blake2b

from blake3 import blake3

_BYTES, _OLD_BYTES = 20, 16

Hasher = blake3 | blake2b


def hasher(kind: bytes = b"", like: str = "") -> Hasher:
    """What hashes; things of different kinds never hash the same."""
    if len(like) == 2 * _OLD_BYTES:
        return blake2b(digest_size=_OLD_BYTES, person=kind)
    return blake3(kind)


def text(done: Hasher) -> str:
    """The hash, as the catalog keeps it."""
    return done.hexdigest(length=_BYTES) if isinstance(done, blake3) else done.hexdigest()


def digest(data: bytes, like: str = "") -> str:
    """Hash a whole file."""
    return digest_of([data], like=like)


def digest_of(pieces: Iterable[bytes | memoryview], kind: bytes = b"", like: str = "") -> str:
    """Hash a whole file that comes in pieces."""
    whole = hasher(kind, like)
    for piece in pieces:
        whole.update(piece)
    return text(whole)
