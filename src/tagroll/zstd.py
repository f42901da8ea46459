"""Zstandard: Python's own from 3.14 on, before that the same module as a small package."""

import sys

if sys.version_info >= (3, 14):
    from compression.zstd import ZstdCompressor, ZstdError, compress, decompress
else:
    from backports.zstd import ZstdCompressor, ZstdError, compress, decompress

__all__ = ["ZstdCompressor", "ZstdError", "compress", "decompress"]
