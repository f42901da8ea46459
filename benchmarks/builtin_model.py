"""How fast the built-in model is on a folder of photos, and how much memory it takes. `tagroll eval` says how good.

    python benchmarks/builtin_model.py PHOTOS

    python benchmarks/builtin_model.py PHOTOS --beside CHECKOUT

Photos are made into previews as for any model before the clock starts. With --beside, this and another checkout take
turns, so that what else the machine does falls on both; the least of three rounds counts.
"""

import argparse
import io
import os
import re
import resource
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from PIL import Image, ImageOps

from tagroll.domain import Preview, Prompt
from tagroll.models.builtin.describer import BuiltinDescriber

PATTERNS = (r"then ([\d.]+) photos/s", r"([\d.]+) ms of one core", r"peak memory ([\d.]+) MB")
PROMPT = Prompt("tags", "", {}, max_tags=30, key="")


def preview_of(path: Path) -> Preview:
    """An upright JPEG of at most 1024 pixels."""
    with Image.open(path) as opened:
        image = ImageOps.exif_transpose(opened).convert("RGB")
        image.thumbnail((1024, 1024))
        stream = io.BytesIO()
        image.save(stream, "JPEG", quality=90)
        return Preview(stream.getvalue(), *image.size)


def main() -> None:
    """Tag and time."""
    parser = argparse.ArgumentParser(description="How fast is the built-in model?")
    parser.add_argument("photos", type=Path)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--beside", type=Path, metavar="CHECKOUT", help="another state of the project")
    parser.add_argument("--large", action="store_true", help="the large one, where it was fetched")
    options = parser.parse_args()
    if options.beside:
        compare(options)
    else:
        measure(options)


def compare(options: argparse.Namespace) -> None:
    """Measure this checkout and another one in turns."""
    sources = [Path(__file__).parent.parent / "src", options.beside / "src"]
    command = [sys.executable, __file__, options.photos, "--jobs", str(options.jobs)]
    command += ["--large"] * options.large
    rounds = [[figures(command, source) for source in sources] for _ in range(3)]
    this, other = (tuple(map(min, zip(*runs, strict=True))) for runs in zip(*rounds, strict=True))
    for name, figure, beside in zip(
        ("seconds a photo", "ms of one core a photo", "MB"), this, other, strict=True
    ):
        print(f"{name}: {figure:.3g}, beside it {beside:.3g}, a ratio of {beside / figure:.2f}")


def figures(command: list[str | Path], source: Path) -> tuple[float, ...]:
    """Seconds and ms of one core a photo, and MB at the peak."""
    environment = os.environ | {"PYTHONPATH": str(source)}
    told = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    rate, busy, memory = (float(re.search(pattern, told)[1]) for pattern in PATTERNS)  # type: ignore[index]
    return 1 / rate, busy, memory


def measure(options: argparse.Namespace) -> None:
    """Measure what is imported."""
    previews = [preview_of(path) for path in sorted(options.photos.glob("*.jpg"))]
    describer = (
        BuiltinDescriber(large=True) if options.large else BuiltinDescriber()
    )  # older ones know no large one
    start = time.perf_counter()
    describer.describe(previews[0], PROMPT)
    first = time.perf_counter() - start
    start, busy = time.perf_counter(), time.process_time()
    with ThreadPoolExecutor(options.jobs) as pool:
        list(pool.map(lambda preview: describer.describe(preview, PROMPT), previews))
    seconds, busy = time.perf_counter() - start, time.process_time() - busy
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
    held = sum(len(preview.jpeg) for preview in previews) / 2**20
    print(f"first answer {first:.2f} s, then {len(previews) / seconds:.2f} photos/s with {options.jobs} jobs")
    print(f"{1000 * busy / len(previews):.0f} ms of one core a photo")
    print(f"peak memory {peak:.0f} MB, {held:.0f} MB of it the previews")


if __name__ == "__main__":
    main()
