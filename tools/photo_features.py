"""See a folder of photos with the built-in model's network, once; train_head.py learns from what it saw."""

import argparse
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from tagroll.models.builtin.vision.recogniser import Recogniser, Sight


def see_photos(folder: Path, names: list[str], jobs: int = 2) -> dict[str, np.ndarray]:
    """See the photos; rows in the order of the names."""
    recogniser = Recogniser()

    def look(name: str) -> Sight:
        return recogniser.look((folder / name).read_bytes())

    with ThreadPoolExecutor(jobs) as pool:
        sights = list(pool.map(look, names))
    return {
        part: np.stack([getattr(sight, part) for sight in sights])
        for part in ("pooled", "classes", "regional")
    }


def main() -> None:
    """Write an .npz with the names and the three arrays of `Sight`."""
    parser = argparse.ArgumentParser(description="See a folder of photos with the built-in model's network.")
    parser.add_argument("photos", type=Path)
    parser.add_argument("output", type=Path)
    options = parser.parse_args()
    names = sorted(path.name for path in options.photos.glob("*.jpg"))
    np.savez(options.output, names=np.array(names), **see_photos(options.photos, names))
    print(f"{len(names)} photos -> {options.output}")


if __name__ == "__main__":
    main()
