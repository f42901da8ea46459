"""See a folder of photos with the built-in model's networks, once; train_head.py learns from what they saw."""

import argparse
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, fields
from pathlib import Path

import numpy as np

from tagroll.models.builtin.vision.recogniser import Recogniser, Sight


def see_photos(folder: Path, names: list[str], jobs: int, *, large: bool) -> dict[str, np.ndarray]:
    """See the photos; rows in the order of the names."""
    recogniser = Recogniser(large=large)

    def look(name: str) -> Sight:
        return recogniser.look((folder / name).read_bytes())

    with ThreadPoolExecutor(jobs) as pool:
        sights = [asdict(sight) for sight in pool.map(look, names)]
    parts = [field.name for field in fields(Sight) if large or field.name != "tokens"]
    return {part: np.stack([sight[part] for sight in sights]) for part in parts}


def main() -> None:
    """Write an .npz with the names and the arrays of `Sight`."""
    parser = argparse.ArgumentParser(description="See a folder of photos with the built-in model's networks.")
    parser.add_argument("photos", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--large", action="store_true", help="let the large network look, too")
    options = parser.parse_args()
    names = sorted(path.name for path in options.photos.glob("*.jpg"))
    np.savez(
        options.output,
        names=np.array(names),
        **see_photos(options.photos, names, options.jobs, large=options.large),
    )
    print(f"{len(names)} photos -> {options.output}")


if __name__ == "__main__":
    main()
