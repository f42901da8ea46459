"""What `tagroll serve` costs: thumbnails made and kept, and edits beside `tagroll tags rename`.

    PYTHONPATH=src python benchmarks/serve.py [PHOTOS]      300 by default

Rates on a busy machine say little: what is to be looked at are processor times and ratios of one run.
"""

import functools
import http.client
import http.server
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from PIL import Image

from tagroll.domain import Form
from tagroll.photos.preview.decode import make_picture
from tagroll.photos.scan import scan
from tagroll.runs.edit import Editing
from tagroll.runs.gallery import Gallery
from tagroll.runs.review import Review
from tagroll.runs.rewrite import OpenLibrary, mapped
from tagroll.runs.run import Workspace
from tagroll.runs.thumbnails import THUMB, VIEW
from tagroll.settings import Settings

REQUESTS = 2000
ROUNDS = 3


def paint(path: Path, size: tuple[int, int], seed: int) -> None:
    """A photo that is as hard to decode as a real one: noise of several sizes."""
    dice = random.Random(seed)  # noqa: S311 - not for secrets
    coarse = Image.frombytes("RGB", (24, 16), dice.randbytes(24 * 16 * 3)).resize(
        size, Image.Resampling.BICUBIC
    )
    fine = Image.frombytes(
        "RGB", (size[0] // 4, size[1] // 4), dice.randbytes(size[0] // 4 * (size[1] // 4) * 3)
    )
    Image.blend(coarse, fine.resize(size), 0.15).save(path, quality=88)


def spent(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds by the clock and of processors."""
    clock, processor = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - clock, time.process_time() - processor


def making(folder: Path) -> None:
    """Processor time of a picture, without the pool around it."""
    for name, size in (("2 MP", (1632, 1224)), ("24 MP", (6000, 4000))):
        paint(folder / "large.jpg", size, 1)
        (photo,) = scan([folder / "large.jpg"], on_unreadable=lambda *_: None)
        for edge in (THUMB, VIEW):
            make = functools.partial(make_picture, photo.path, photo.format, Form(edge))
            size_of = len(make()) / 1024
            best = min(spent(make)[1] for _ in range(5))
            print(f"{name}, {edge} px: {1000 * best:.0f} ms of a processor, {size_of:.0f} KiB")
    (folder / "large.jpg").unlink()


def processor(pid: int) -> float:
    """Seconds of processors that a process has taken (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def asked(host: str, paths: Sequence[str], headers: dict[str, str], pid: int) -> tuple[float, float]:
    """Answers a second, and processor time of the server for one in seconds, from four connections."""

    def client(share: Sequence[str]) -> None:
        connection = http.client.HTTPConnection(host)
        for path in share:
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            assert answer.status == 200
            answer.read()

    before, begun = processor(pid), time.perf_counter()
    threads = [threading.Thread(target=client, args=(paths[n::4],)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(paths) / (time.perf_counter() - begun), (processor(pid) - before) / len(paths)


def hammer(
    scratch: Path, ours: tuple[str, Sequence[str], dict[str, str], int], theirs: tuple[str, int]
) -> None:
    """Both servers with eight connections of `wrk`, which costs less than a client in Python does."""

    def rate(host: str, paths: Sequence[str], headers: dict[str, str], pid: int) -> tuple[float, float]:
        said = "".join(f"['{name}'] = '{value}', " for name, value in headers.items())
        named = ", ".join(f"'{path}'" for path in paths)
        script = scratch / "ask.lua"
        script.write_text(
            f"local paths, n = {{{named}}}, 0\n"
            f"request = function() n = n + 1; return wrk.format('GET', paths[n % #paths + 1], {{{said}}}) end\n"
        )
        before = processor(pid)
        command = ["wrk", "-t1", "-c8", "-d4s", "-s", str(script), f"http://{host}"]
        told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        assert "Non-2xx" not in told, told
        (count,) = re.findall(r"(\d+) requests in", told)
        return int(count) / 4, (processor(pid) - before) / int(count)

    for _ in range(ROUNDS):
        (ours_rate, ours_cost), (rate_of_plain, cost_of_plain) = (
            rate(*ours), rate(theirs[0], [f"/{path.split('/')[2]}.webp" for path in ours[1]], {}, theirs[1])
        )  # fmt: skip
        print(
            f"kept thumbnails, wrk: {ours_rate:.0f}/s, {1e6 * ours_cost:.0f} us of a processor; http.server"
            f" {rate_of_plain:.0f}/s, {1e6 * cost_of_plain:.0f} us; rate x {ours_rate / rate_of_plain:.2f},"
            f" per processor x {cost_of_plain / ours_cost:.2f}"
        )


@contextmanager
def plain_server(folder: Path) -> Iterator[tuple[str, int]]:
    """The standard library's server of the files in a folder, in a process of its own."""
    code = (
        "import functools, http.server as h, sys\n"
        "class Quiet(h.SimpleHTTPRequestHandler):\n"
        "    def log_message(self, *_): pass\n"
        "s = h.ThreadingHTTPServer(('127.0.0.1', 0), functools.partial(Quiet, directory=sys.argv[1]))\n"
        "print(s.server_port, flush=True); s.serve_forever()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, folder], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as child:
        assert child.stdout
        yield f"127.0.0.1:{int(child.stdout.readline())}", child.pid
        child.kill()


def serving(folder: Path, scratch: Path) -> None:
    """Kept thumbnails beside the standard library's server of the same bytes."""
    env = os.environ | {
        "TAGROLL_CATALOG": str(scratch / "served.sqlite"),
        "XDG_CACHE_HOME": str(scratch / "cache"),
    }
    command = [sys.executable, "-m", "tagroll", "serve", folder, "--no-browser", "--json", "--port", "0"]
    files = scratch / "files"
    files.mkdir()
    with subprocess.Popen(
        command, env=env, stdout=subprocess.PIPE, text=True, stderr=subprocess.DEVNULL
    ) as child:
        assert child.stdout
        url = urlsplit(json.loads(child.stdout.readline())["url"])
        connection = http.client.HTTPConnection(url.netloc)
        connection.request("GET", f"/?{url.query}")
        answer = connection.getresponse()
        answer.read()
        headers = {"Cookie": (answer.getheader("set-cookie") or "").partition(";")[0]}
        numbers = range(1, 1 + len(list(folder.iterdir())))
        for number in numbers:  # made, and kept
            while True:
                connection.request("GET", f"/thumb/{number}/00000000", headers=headers)
                answer = connection.getresponse()
                data = answer.read()
                if answer.status == 200:
                    break
                time.sleep(0.2)  # the folder is still being read
            (files / f"{number}.webp").write_bytes(data)
        paths = [f"/thumb/{numbers[n % len(numbers)]}/00000000" for n in range(REQUESTS)]
        with plain_server(files) as (host, pid):
            if shutil.which("wrk"):
                hammer(scratch, (url.netloc, paths, headers, child.pid), (host, pid))
            for _ in range(ROUNDS):
                ours = asked(url.netloc, paths, headers, child.pid)
                theirs = asked(host, [f"/{path.split('/')[2]}.webp" for path in paths], {}, pid)
                print(
                    f"kept thumbnails: {ours[0]:.0f}/s, {1e6 * ours[1]:.0f} us of a processor;"
                    f" http.server {theirs[0]:.0f}/s, {1e6 * theirs[1]:.0f} us; rate x {ours[0] / theirs[0]:.2f}"
                )
        child.terminate()


def editing(folder: Path, scratch: Path) -> None:
    """A tag renamed in all photos: by the queue of edits, and as `tagroll tags rename` does it."""
    with Workspace.open(Settings(catalog=scratch / "edited.sqlite"), hold=False) as space:
        gallery = Gallery(space, [folder])
        gallery.refresh(lambda _: None)
        ended = threading.Event()

        def tell(name: str, data: object) -> None:
            if name == "edit" and isinstance(data, dict) and data["finished"]:
                ended.set()

        editor = Editing(space, gallery, Review(space, gallery), tell)
        numbers = [shown.id for shown in gallery.all_shown()]

        def edited(start: Callable[[], int]) -> None:
            ended.clear()
            start()
            ended.wait()

        def renamed(old: str, new: str) -> None:
            library = OpenLibrary.of(space, [folder])
            for _ in library.read(scan([folder], on_unreadable=lambda *_: None)):
                pass
            with space.begin("tags rename", [str(folder)]) as run:
                for _ in library.rewritten(mapped({old: new}), run.tally, run):
                    pass

        edited(lambda: editor.edit(numbers, ["T0"]))
        for n in range(ROUNDS):
            ours = spent(
                lambda n=n: edited(lambda: editor.retag(numbers, {f"T{2 * n}": f"T{2 * n + 1}"}, ""))
            )
            while space.catalog.in_use():
                time.sleep(0.1)
            theirs = spent(functools.partial(renamed, f"T{2 * n + 1}", f"T{2 * n + 2}"))
            gallery.refresh(lambda _: None)
            print(
                f"edits: {len(numbers) / ours[0]:.0f} photos/s, {1000 * ours[1] / len(numbers):.1f} ms of a processor each;"
                f" tags rename {len(numbers) / theirs[0]:.0f}/s, {1000 * theirs[1] / len(numbers):.1f} ms;"
                f" rate x {theirs[0] / ours[0]:.2f}"
            )
        editor.close()


def main() -> None:
    """Measure all of it."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        folder = scratch / "photos"
        folder.mkdir()
        making(folder)
        for n in range(count):
            paint(folder / f"{n:04}.jpg", (640, 480), n)
        editing(folder, scratch)
        serving(folder, scratch)


if __name__ == "__main__":
    main()
