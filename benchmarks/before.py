"""How much processor time the commands take beside an earlier tagroll, on the same photos.

    python benchmarks/before.py COMMIT FOLDER [--count 200] [--rounds 7]

Works on copies of the JPEGs in FOLDER. Both programs do the same in turn: `tag` (a server that answers at once), `tag` again,
`tags rename`, `dedupe --dry-run`, a write of eight tags without a catalog, and `tags` with a new catalog and with one that knows
the photos, which have a date, a camera, a place and three tags. The least of all rounds counts, as other programs only
add to it. What the earlier one needs besides (`httpx2`) is found through PYTHONPATH.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from read import tagged_copies
from tag import copies, server

HERE = Path(__file__).parents[1]
WRITE = """
import sys, pathlib
from tagroll.domain import Change, Photo
from tagroll.formats import FORMATS
from tagroll.metadata.store import MetadataStore
store, jpeg = MetadataStore(), next(row for row in FORMATS if row.name == "jpeg")
for path in pathlib.Path(sys.argv[1]).iterdir():
    store.write(Photo(path, 0, 0, jpeg), lambda _: Change(add=tuple("abcdefgh")), lambda _: None)
"""


def spent(source: Path, catalog: Path, *arguments: str) -> float:
    """Seconds of processor time that Python takes with the tagroll of a source tree, its own processes included."""
    environment = {
        **os.environ, "PYTHONPATH": f"{source}{os.pathsep}{os.environ.get('PYTHONPATH', '')}", "TAGROLL_CATALOG": str(catalog),
        "PYTHONDONTWRITEBYTECODE": "",
    }  # fmt: skip
    with subprocess.Popen(
        [sys.executable, *arguments], env=environment, cwd=catalog.parent, stdout=subprocess.DEVNULL
    ) as child:
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit(f"{arguments} failed")
    return usage.ru_utime + usage.ru_stime


def one_round(source: Path, originals: Path, tagged: Path, url: str) -> Iterator[tuple[str, float]]:
    """What each command takes."""
    with tempfile.TemporaryDirectory() as name:
        new, known = Path(name, "new"), Path(name, "known")
        photos, written = Path(name, "photos"), Path(name, "written")
        for folder in (photos, written):
            folder.mkdir()
            copies(originals, folder, sum(1 for _ in originals.iterdir()))
        run = ("-m", "tagroll")
        tag = (*run, "tag", str(photos), "--api-url", url, "-q")
        yield "tag", spent(source, new, *tag)
        yield "tag again", spent(source, new, *tag)
        yield "rename", spent(source, new, *run, "tags", "rename", "Lake", "Pond", str(photos), "-q")
        yield (
            "dedupe",
            spent(source, new, *run, "dedupe", "--dry-run", "--backend", "builtin", "-q", str(photos)),
        )
        yield "write", spent(source, new, "-c", WRITE, str(written))
        for what in ("tags", "tags again"):
            yield what, spent(source, known, *run, "tags", "-q", str(tagged))


def main() -> None:
    """Measure, and print the ratios."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("commit")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--tagged", type=int, default=2000, help="photos for `tags`")
    parser.add_argument("--rounds", type=int, default=7)
    given = parser.parse_args()
    archive = ["git", "-C", HERE, "archive", given.commit, "src"]
    with tempfile.TemporaryDirectory() as name, server() as url:
        work = Path(name)
        packed = subprocess.run(archive, capture_output=True, check=True).stdout
        subprocess.run(["tar", "-x", "-C", work], input=packed, check=True)
        for folder in ("originals", "tagged"):
            (work / folder).mkdir()
        copies(given.folder, work / "originals", given.count)
        tagged_copies(given.folder, work / "tagged", given.tagged)
        sources = [work / "src", HERE / "src"]
        taken: dict[tuple[str, Path], list[float]] = defaultdict(list)
        for number in range(given.rounds):
            for source in sources[:: 1 if number % 2 else -1]:
                for what, seconds in one_round(source, work / "originals", work / "tagged", url):
                    taken[what, source].append(seconds)
        for what in dict.fromkeys(what for what, _ in taken):
            then, now = (min(taken[what, source]) for source in sources)
            print(f"{what:10} {then:6.2f} s {now:6.2f} s  {now / then:.3f}", flush=True)


if __name__ == "__main__":
    main()
