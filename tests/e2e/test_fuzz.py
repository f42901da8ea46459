"""A short run of tools/fuzz.py: every parser gets damaged bytes, and nothing but our own errors comes out."""

import subprocess
import sys
from pathlib import Path

TOOL = Path(__file__).parents[2] / "tools" / "fuzz.py"
PARSERS = {
    "jpeg",
    "png",
    "webp",
    "tiff",
    "gif",
    "bmp",
    "psd",
    "heic",
    "avif",
    "jxl",
    "raw",
    "xmp",
    "iptc",
    "exif",
}


def test_damaged_bytes_break_no_parser(tmp_path):
    done = subprocess.run(
        [sys.executable, TOOL, "0.5"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    counts = {line.split()[0]: int(line.split()[1].replace(",", "")) for line in done.stdout.splitlines()}
    assert counts.keys() == PARSERS
    assert min(counts.values()) > 50
