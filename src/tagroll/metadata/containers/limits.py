"""How many parts a file may have: one of too many tiny ones would keep exiftool busy for minutes.

exiftool takes 1 to 100 µs for each block, box, directory or segment. The limits are far beyond what cameras,
scanners and animations make, and let no file cost more than some seconds. JPEG, PNG and WebP are counted where
they are read in process, JPEG also here: what cannot be told apart there is left to exiftool.
"""

from typing import Final

MADE_OF_CRUMBS: Final = "it is damaged, or made to keep programs busy"
MAX_SEGMENTS: Final = 10_000
"""Of a JPEG before its picture (650 MB of full ones)."""
MAX_BLOCKS: Final = 400_000
"""Of a GIF: three or four for each frame. Full ones of 255 bytes do not count, of which large pictures have many."""
MAX_BOXES: Final = 20_000
"""Of a HEIC, AVIF, JPEG XL or CR3: a hundred or so for each of the items in the largest."""
MAX_ENTRIES: Final = 1_000_000
"""Of a TIFF: its directories (pages) count as many each as exiftool takes time for."""
LOOKED_AT: Final = 512 << 20
"""Bytes of a JPEG or GIF, at the most: what comes behind is not read in process, nor written by exiftool."""
