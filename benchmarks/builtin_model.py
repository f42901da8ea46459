"""How good and how fast the built-in model is on a folder of photos.

    python benchmarks/builtin_model.py DEVSET/photos --predictions tags.json --class-words without-head.json
    python DEVSET/score_tags.py DEVSET/labels.json tags.json

Photos are made into previews as for any model before the clock starts. --class-words writes what the same
network says without the head: ImageNet's classes as everyday words, at --class-threshold.
"""

import argparse
import io
import json
import resource
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from PIL import Image, ImageOps

from tagroll.describe.builtin import BuiltinDescriber
from tagroll.describe.vision.recogniser import Recogniser
from tagroll.describe.vision.words import read_class_words, word_probabilities
from tagroll.domain import Preview, Prompt

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
    """Tag, time, write what was asked for."""
    parser = argparse.ArgumentParser(description="How good and how fast is the built-in model?")
    parser.add_argument("photos", type=Path)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--predictions", type=Path)
    parser.add_argument("--class-words", type=Path)
    parser.add_argument("--class-threshold", type=float, default=0.5)
    options = parser.parse_args()
    paths = sorted(options.photos.glob("*.jpg"))
    previews = [preview_of(path) for path in paths]
    describer = BuiltinDescriber()
    start = time.perf_counter()
    describer.describe(previews[0], PROMPT)
    first = time.perf_counter() - start
    start, busy = time.perf_counter(), time.process_time()
    with ThreadPoolExecutor(options.jobs) as pool:
        described = list(pool.map(lambda preview: describer.describe(preview, PROMPT), previews))
    seconds, busy = time.perf_counter() - start, time.process_time() - busy
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
    held = sum(len(preview.jpeg) for preview in previews) / 2**20
    print(f"first answer {first:.2f} s, then {len(paths) / seconds:.1f} photos/s with {options.jobs} jobs")
    print(f"{1000 * busy / len(paths):.0f} ms of one core a photo")
    print(f"peak memory {peak:.0f} MB, {held:.0f} MB of it the previews")
    if options.predictions:
        tags = {path.name: answer.keywords for path, answer in zip(paths, described, strict=True)}
        options.predictions.write_text(json.dumps(tags))
    if options.class_words:
        recogniser, words = Recogniser(), read_class_words()
        said = {
            path.name: word_probabilities(recogniser.look(preview.jpeg).classes, words)
            for path, preview in zip(paths, previews, strict=True)
        }
        options.class_words.write_text(
            json.dumps(
                {
                    name: [word for word, chance in chances.items() if chance >= options.class_threshold]
                    for name, chances in said.items()
                }
            )
        )


if __name__ == "__main__":
    main()
