"""Make docs/grid.webp and docs/review.webp, the pictures of the page in the README: the sample photos in a real browser.

pip install -e '.[test]'        and a Chromium, which TAGROLL_CHROMIUM may name
python tools/make_pictures.py
"""

import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright

ROOT = Path(__file__).parents[1]
SIZE = {"width": 1200, "height": 720}
DAY = 86_400
NEWEST = 1_717_250_400  # a Saturday in June
DAYS = [
    ("Coast", ["harbour.jpg", "2019/boats.jpg", "espresso.webp"]),
    ("Home", ["cat.png", "dogs.jpg"]),
    ("Road", ["road.jpg", "crossing.jpg"]),
    ("Alps", ["2019/mountains.tif"]),
]  # without the one on which faces can be seen


def copied(library: Path) -> None:
    """Put copies of the sample photos into folders of their own, a few a day."""
    for days, (folder, names) in enumerate(DAYS):
        (library / folder).mkdir(parents=True)
        for number, name in enumerate(names):
            target = library / folder / Path(name).name
            shutil.copyfile(ROOT / "examples" / "photos" / name, target)
            taken = NEWEST - days * 9 * DAY - number * 600
            os.utime(target, (taken, taken))


def tagroll(*arguments: str | Path) -> None:
    """Run a command to its end."""
    subprocess.run([sys.executable, "-m", "tagroll", *arguments, "--quiet"], check=True)


@contextmanager
def served(library: Path) -> Iterator[str]:
    """The address of a server of these photos."""
    command = [sys.executable, "-m", "tagroll", "serve", library, "--port", "0", "--no-browser", "--json"]
    with subprocess.Popen(command, text=True, stdout=subprocess.PIPE) as server:
        assert server.stdout
        try:
            yield json.loads(server.stdout.readline())["urls"][0]
        finally:
            server.terminate()


def save(page: Page, name: str) -> None:
    """Keep what is seen, once all pictures are there."""
    loaded = "() => [...document.images].every((one) => one.complete && one.naturalWidth)"
    while not page.evaluate(loaded):
        page.wait_for_timeout(100)
    page.mouse.move(0, 0)
    page.wait_for_timeout(500)  # until all has faded in
    path = ROOT / "docs" / f"{name}.webp"
    Image.open(io.BytesIO(page.screenshot())).save(path, quality=80, method=6)
    print(f"{path}: {path.stat().st_size / 1000:.0f} kB")


def review(page: Page) -> None:
    """A tag of which the model is sure, and not always right."""
    page.keyboard.press("r")
    page.get_by_role("button", name="Person").click()
    page.get_by_role("option", name=re.compile("Alps")).click()  # nobody is there
    save(page, "review")


def grid(page: Page) -> None:
    """Two photos are selected, and their tags shown."""
    for place in (0, 1):
        page.get_by_role("gridcell").nth(place).locator(".ring").click(force=True)
    page.keyboard.press("t")
    page.get_by_role("complementary", name="Tags of the selection").wait_for()
    save(page, "grid")


def main() -> None:
    """Ask the model, look at what it proposes; tag most of them, look at these."""
    found = os.environ.get("TAGROLL_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    with tempfile.TemporaryDirectory() as work, sync_playwright() as started:
        os.environ |= {
            "TAGROLL_CATALOG": f"{work}/catalog.sqlite",
            "XDG_CACHE_HOME": work,
            "XDG_CONFIG_HOME": work,
        }
        library = Path(work, "Pictures")
        copied(library)
        browser = started.chromium.launch(executable_path=found, args=["--no-sandbox"])
        for options, paths, picture in (
            (["--review"], [library], review),
            ([], [library / "Coast", library / "Home"], grid),
        ):
            tagroll("tag", "--backend", "builtin", *options, *paths)
            with served(library) as url:
                page = browser.new_page(viewport=SIZE, color_scheme="light")
                page.goto(url)
                page.locator("body[data-ready]").wait_for()
                expect(page.get_by_role("heading", level=1)).to_contain_text("8 photos")
                picture(page)
        browser.close()


if __name__ == "__main__":
    main()
