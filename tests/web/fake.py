"""A server that knows the page's side of the talk and nothing else: a made-up library of any size, edits in memory.

The page's own tests drive it, the one with 100,000 photos too; tests of the real server stand beside. By hand:

    PYTHONPATH=src python tests/web/fake.py --count 2000 [--photos FOLDER --labels FILE] [--port 8377]
"""

import argparse
import functools
import gzip
import io
import json
import queue
import struct
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import numpy as np
from PIL import Image, ImageOps

import tagroll
from web.photos import Row, make, of_folder

STATIC = Path(tagroll.__file__).parent / "web" / "static"
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "manifest-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
KINDS = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".json": "application/json",
}
FORMATS = {"u8": "<u1", "i8": "<i1", "u16": "<u2", "i32": "<i4", "u32": "<u4", "f32": "<f4"}


def padded(data: bytes) -> bytes:
    """With zeros to a multiple of eight."""
    return data + bytes(-len(data) % 8)


class Library:
    """The photos, what is done to them, and who listens."""

    def __init__(self, rows: list[Row], *, read_only: bool = False) -> None:
        self.rows = {row.id: row for row in rows}
        self.read_only = read_only
        self.lock = threading.RLock()
        self.generation = 1
        self.edits: list[dict[str, Any]] = []
        self.before: dict[int, list[tuple[Row, list[str], list[tuple[str, float | None]]]]] = {}
        self.searches: list[dict[str, str]] = []
        self.pairs: list[dict[str, Any]] = []
        self.listeners: list[queue.Queue[bytes | None]] = []
        self.waiting = ""
        self.indexing = {"done": len(rows), "about": len(rows), "running": False}
        self.slow = 0.0
        self.fails: dict[int, tuple[str, str]] = {}
        self.built: tuple[int, bytes] = (0, b"")

    def columns(self) -> bytes:
        """As `GET /api/library` answers, packed."""
        with self.lock:
            if self.built[0] != self.generation:
                self.built = (self.generation, gzip.compress(self._columns(), 1))
            return self.built[1]

    def _columns(self) -> bytes:
        rows = list(self.rows.values())
        counts: dict[str, int] = {}
        for row in rows:
            for tag in row.tags:
                counts[tag] = counts.get(tag, 0) + 1
        names = sorted(counts, key=lambda name: (-counts[name], name))
        index = {name: n for n, name in enumerate(names)}
        folders = sorted({row.folder for row in rows})
        places = {name: n for n, name in enumerate(folders)}
        cameras = sorted({row.camera for row in rows if row.camera})
        lenses = {name: n + 1 for n, name in enumerate(cameras)}
        minutes = np.array([row.minute for row in rows], dtype=np.int64)
        nowhere = (float("nan"), float("nan"))
        arrays: dict[str, tuple[str, Any]] = {
            "id": ("u32", [row.id for row in rows]),
            "aspect": ("u16", [row.aspect for row in rows]),
            "minute": ("i32", np.diff(minutes, prepend=0) if rows else []),
            "folder": ("u32", [places[row.folder] for row in rows]),
            "camera": ("u16", [lenses.get(row.camera, 0) for row in rows]),
            "rating": ("i8", [-128 if row.rating is None else row.rating for row in rows]),
            "lat": ("f32", [(row.place or nowhere)[0] for row in rows]),
            "lon": ("f32", [(row.place or nowhere)[1] for row in rows]),
            "flags": ("u8", [self._flags(row) for row in rows]),
            "key": ("u32", [0 if row.error else row.id * 2_654_435_761 % 2**32 for row in rows]),
            "ntags": ("u16", [len(row.tags) for row in rows]),
            "tags": ("u32", [index[tag] for row in rows for tag in row.tags]),
        }
        packed = {name: np.asarray(values).astype(FORMATS[kind]) for name, (kind, values) in arrays.items()}
        head = {
            "version": 1,
            "generation": str(self.generation),
            "count": len(rows),
            "tags": [[name, counts[name]] for name in names],
            "folders": folders,
            "cameras": cameras,
            "columns": [{"name": n, "type": arrays[n][0], "length": len(a)} for n, a in packed.items()],
            "videos": 3,
            "readOnly": self.read_only,
            "roots": ["/home/anna/Pictures"],
        }
        text = json.dumps(head).encode()
        text += b" " * (-(4 + len(text)) % 8)
        return struct.pack("<I", len(text)) + text + b"".join(padded(a.tobytes()) for a in packed.values())

    def _flags(self, row: Row) -> int:
        caption = 8 if row.title or row.description else 0
        return (1 if row.dated else 0) | (2 if row.proposals else 0) | 4 | caption | (16 if row.error else 0)

    def tell(self, event: str, data: dict[str, Any]) -> None:
        """Sends an event to every listener."""
        for listener in list(self.listeners):
            listener.put(f"event: {event}\ndata: {json.dumps(data)}\n\n".encode())

    def touch(self) -> None:
        """Something changed."""
        self.generation += 1
        self.tell("library", {"generation": str(self.generation)})

    def begin(
        self, label: str, changes: list[tuple[Row, list[str], list[str]]], undoes: int | None = None
    ) -> int:
        """Starts an action in a thread of its own."""
        with self.lock:
            edit = {
                "number": len(self.edits) + 1, "label": label, "done": 0, "total": len(changes), "failed": [],
                "finished": False, "run": 100 + len(self.edits), "undoes": undoes,
            }  # fmt: skip
            self.edits.append(edit)
            self.before[edit["number"]] = [
                (row, list(row.tags), list(row.proposals)) for row, _, _ in changes
            ]
        threading.Thread(target=self._write, args=(edit, changes), daemon=True).start()
        return int(edit["number"])

    def _write(self, edit: dict[str, Any], changes: list[tuple[Row, list[str], list[str]]]) -> None:
        while self.waiting:
            time.sleep(0.02)
        for row, add, remove in changes:
            time.sleep(self.slow)
            with self.lock:
                if row.id in self.fails:
                    error, hint = self.fails[row.id]
                    edit["failed"].append({"id": row.id, "name": row.name, "error": error, "hint": hint})
                else:
                    row.tags = [t for t in row.tags if t not in remove] + [
                        t for t in add if t not in row.tags
                    ]
                    row.proposals = [p for p in row.proposals if p[0] not in row.tags]
                edit["done"] += 1
            if edit["done"] % 50 == 0:
                self.tell("edit", edit)
        edit["finished"] = True
        self.tell("edit", edit)
        self.touch()

    def undo(self, number: int) -> int:
        """As it was before that action."""
        with self.lock:
            back = [(row, tags, props) for row, tags, props in self.before[number]]
            changes = []
            for row, tags, proposals in back:
                row.proposals = proposals
                changes.append(
                    (row, [t for t in tags if t not in row.tags], [t for t in row.tags if t not in tags])
                )
        return self.begin(f"undo of {number}", changes, undoes=number)

    def retag(self, body: dict[str, Any]) -> dict[str, Any]:
        """Renames, merges or removes tags over the library."""
        if "rename" in body:
            old, new = [body["rename"]["tag"]], body["rename"]["into"]
        elif "merge" in body:
            old, new = body["merge"]["tags"], body["merge"]["into"]
        else:
            old, new = [body["remove"]["tag"]], ""
        rows = [row for row in self.rows.values() if set(old) & set(row.tags)]
        if body.get("preview"):
            return {"count": len(rows), "photos": [row.id for row in rows[:8]]}
        return {
            "number": self.begin(
                "retag", [(row, [new] if new else [], [t for t in old if t != new]) for row in rows]
            )
        }

    def review(self) -> dict[str, Any]:
        """What is proposed, by tag."""
        by_tag: dict[str, list[tuple[int, float | None]]] = {}
        for row in self.rows.values():
            for tag, confidence in row.proposals:
                by_tag.setdefault(tag, []).append((row.id, confidence))
        tags = []
        for tag, photos in by_tag.items():
            photos.sort(key=lambda one: -(one[1] or 0))
            tags.append({"tag": tag, "count": len(photos), "best": photos[0][1], "photos": photos})
        return {"tags": sorted(tags, key=lambda one: -(one["best"] or 0))}

    def verdicts(self, verdicts: list[dict[str, Any]]) -> int:
        """What a person says of proposals."""
        changes = [(self.rows[v["photo"]], [v["tag"]] if v["yes"] else [], []) for v in verdicts]
        number = self.begin("review", changes)
        for verdict in verdicts:
            row = self.rows[verdict["photo"]]
            row.proposals = [p for p in row.proposals if p[0] != verdict["tag"]]
        return number

    def detail(self, row: Row) -> dict[str, Any]:
        """One photo."""
        return {
            "id": row.id, "name": row.name, "folder": row.folder, "path": f"/home/anna/{row.folder}/{row.name}",
            "format": "JPEG", "width": 4 * row.aspect, "height": 4000, "taken": row.minute * 60, "camera": row.camera,
            "latitude": row.place and row.place[0], "longitude": row.place and row.place[1], "rating": row.rating,
            "title": row.title, "description": row.description, "tags": row.tags,
            "proposals": [{"tag": tag, "confidence": c} for tag, c in row.proposals], "error": row.error, "hint": "",
        }  # fmt: skip

    def history(self) -> dict[str, Any]:
        """Runs, newest first."""
        now = time.time()
        undone = {edit["undoes"] for edit in self.edits}
        runs = [
            {"run": e["run"], "command": "serve", "arguments": [e["label"]], "model": None, "started": now - 60,
             "finished": now, "changed": e["done"], "failed": len(e["failed"]), "left": 0 if e["number"] in undone else e["done"]}
            for e in reversed(self.edits)
        ]  # fmt: skip
        old = {"run": 7, "command": "tag", "arguments": ["/home/anna/Pictures"], "model": "built-in", "started": now - 90_000,
               "finished": now - 86_400, "changed": 1204, "failed": 2, "left": 1200}  # fmt: skip
        return {"runs": [*runs, old]}

    def image(self, row: Row, edge: int) -> bytes:
        """A thumbnail as WebP: of the real photo, or a gentle gradient of a colour of its own."""
        return of_file(row.path, edge) if row.path else gradient(row.id % 8, row.aspect or 1500, edge)


@functools.cache
def of_file(path: Path, edge: int) -> bytes:
    """A real photo, small."""
    with Image.open(path) as image:
        picture = ImageOps.exif_transpose(image).convert("RGB")
        picture.thumbnail((edge, edge))
    return webp(picture)


@functools.cache
def gradient(colour: int, aspect: int, edge: int) -> bytes:
    """A made-up picture of this many thousandths as wide as it is high."""
    small = Image.new("HSV", (2, 2))
    small.putdata([(colour * 30, 90, 205 - 35 * n) for n in range(4)])
    size = (edge, max(1, edge * 1000 // aspect)) if aspect >= 1000 else (max(1, edge * aspect // 1000), edge)
    return webp(small.convert("RGB").resize(size, Image.Resampling.BICUBIC))


def webp(picture: Image.Image) -> bytes:
    """As the server sends pictures."""
    out = io.BytesIO()
    picture.save(out, "WEBP", quality=75, method=2)
    return out.getvalue()


class Handler(BaseHTTPRequestHandler):
    """The routes."""

    protocol_version = "HTTP/1.1"
    server: "Server"

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def answer(self, data: bytes, kind: str = "application/json", status: int = 200, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Content-Security-Policy", CSP)
        self.send_header("X-Content-Type-Options", "nosniff")
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(data)

    def json(self, value: Any, status: int = 200) -> None:
        self.answer(json.dumps(value).encode(), status=status)

    def refuse(self, status: int, error: str, hint: str = "") -> None:
        self.json({"error": error, "hint": hint}, status)

    def do_GET(self) -> None:
        if self.server.gone:
            self.close_connection = True  # no answer at all
            return
        address = urlsplit(self.path)
        self.server.asked.append(self.path)
        parts = unquote(address.path).strip("/").split("/")
        if parts[0] in ("", "tags", "review", "pairs", "history") and len(parts) == 1:
            self.answer((STATIC / "index.html").read_bytes(), KINDS[".html"])
        elif parts[0] == "static":
            self.static("/".join(parts[1:]))
        elif self.server.refusing:
            self.refuse(self.server.refusing, "not let in")
        elif parts[0] in ("thumb", "view", "original"):
            self.picture(parts[0], int(parts[1]))
        else:
            self.api(parts[1:], parse_qs(address.query))

    def static(self, path: str) -> None:
        file = (STATIC / path).resolve()
        if STATIC not in file.parents or not file.is_file():
            self.refuse(404, "no such file")
            return
        self.answer(file.read_bytes(), KINDS.get(file.suffix, "text/plain"), Cache_Control="no-cache")

    def picture(self, kind: str, number: int) -> None:
        row = self.server.library.rows.get(number)
        if row is None or row.error:
            self.refuse(404 if row is None else 422, row.error if row else "no such photo")
        elif kind == "original" and row.path:
            self.answer(row.path.read_bytes(), "image/jpeg")
        else:
            data = self.server.library.image(row, 384 if kind == "thumb" else 1600)
            self.answer(data, "image/webp", Cache_Control="private, max-age=31536000, immutable")

    def api(self, parts: list[str], query: dict[str, list[str]]) -> None:
        library = self.server.library
        match parts:
            case ["library"]:
                tag = f'"{library.generation}"'
                if self.headers["If-None-Match"] == tag:
                    self.answer(b"", status=304)
                else:
                    self.answer(
                        library.columns(), "application/octet-stream", Content_Encoding="gzip", ETag=tag
                    )
            case ["captions"]:
                self.server.tells.wait()
                rows = [library.rows[int(number)] for number in query["photos"][0].split(",")]
                texts = {str(row.id): row.title or row.description for row in rows}
                self.json({"captions": {number: text for number, text in texts.items() if text}})
            case ["search"]:
                self.search(query.get("q", [""])[0].lower())
            case ["photo", number] if int(number) in library.rows:
                self.server.tells.wait()
                self.json(library.detail(library.rows[int(number)]))
            case ["review"]:
                self.json(library.review())
            case ["pairs"]:
                self.json({"pairs": library.pairs})
            case ["edits", number]:
                self.json(library.edits[int(number) - 1])
            case ["events"]:
                self.events()
            case _:
                self.status(parts)

    def status(self, parts: list[str]) -> None:
        library = self.server.library
        match parts:
            case ["history"]:
                self.json(library.history())
            case ["searches"]:
                self.json({"searches": library.searches})
            case ["status"]:
                self.json({
                    "indexing": library.indexing, "generation": str(library.generation), "waiting": library.waiting,
                    "readOnly": library.read_only, "videos": 3, "roots": ["/home/anna/Pictures"],
                })  # fmt: skip
            case _:
                self.refuse(404, "no such thing")

    def search(self, words: str) -> None:
        rows = self.server.library.rows.values()
        if words.startswith("like:"):
            number = int(words.removeprefix("like:"))
            near = [row.id for row in rows if row.id != number][::-1]
            self.json(
                {
                    "exact": [number],
                    "close": near[:3],
                    "note": {"text": "2 photos not looked at yet"},
                    "reasons": [],
                }
            )
            return
        text = {
            row.id: f"{row.title} {row.description} {row.name} {row.folder} {' '.join(row.tags)}".lower()
            for row in rows
        }
        exact = [number for number, has in text.items() if all(word in has for word in words.split())]
        close = [row.id for row in rows if row.id not in set(exact)][:12] if words.startswith("sea") else []
        self.json({"exact": exact, "close": close, "reasons": [] if exact else [f"Nothing has {words}"]})

    def events(self) -> None:
        listener: queue.Queue[bytes | None] = queue.Queue()
        self.server.library.listeners.append(listener)
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        try:
            self.wfile.write(b": here\n\n")
            while (event := listener.get()) is not None:
                self.wfile.write(event)
        except OSError:
            return  # the page went away
        finally:
            self.server.library.listeners.remove(listener)

    def do_POST(self) -> None:
        if self.server.gone:
            self.close_connection = True
            return
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"] or 0)) or b"{}")
        library = self.server.library
        self.server.posted.append((self.path, body))
        api, *parts = self.path.strip("/").split("/")
        if api != "api":
            self.refuse(404, "no such thing")
        elif self.server.refusing:
            self.refuse(self.server.refusing, "not let in")
        elif library.read_only:
            self.refuse(403, "tagroll serve was started with --read-only")
        else:
            self.change(parts, body)

    def change(self, parts: list[str], body: dict[str, Any]) -> None:
        library = self.server.library
        if parts == ["edits"]:
            rows = [library.rows[number] for number in body["photos"]]
            changes = [(row, body.get("add", []), body.get("remove", [])) for row in rows]
            self.json({"number": library.begin("edit", changes)}, 202)
        elif parts[0] == "edits":
            self.json({"number": library.undo(int(parts[1]))}, 202)
        elif parts[0] == "history":
            number = int(parts[1]) - 99
            self.json({"number": library.undo(number) if number > 0 else library.begin("undo", [])}, 202)
        elif parts == ["verdicts"]:
            self.json({"number": library.verdicts(body["verdicts"])}, 202)
        elif parts == ["pairs"] and body["same"] is not True:
            self.json({"apart": body["same"] is False})
        elif parts == ["pairs"]:
            self.json(library.retag({"merge": {"tags": [body["tag"]], "into": body["into"]}}), 202)
        elif parts == ["tags"]:
            result = library.retag(body)
            self.json(result, 200 if "count" in result else 202)
        else:
            library.searches = [
                s for s in library.searches if s["name"] != body.get("remove", body.get("name"))
            ]
            if "query" in body:
                library.searches.append(body)
            self.json({"searches": library.searches})


class Server(ThreadingHTTPServer):
    """The server, in threads; `asked` and `posted` are what came."""

    daemon_threads = True

    def __init__(self, library: Library, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.library = library
        self.asked: list[str] = []
        self.posted: list[tuple[str, Any]] = []
        self.refusing = 0
        self.gone = False
        self.tells = threading.Event()  # what a single photo is asked about has to wait where it is cleared
        self.tells.set()

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, *_: Any) -> None:
        """A page that goes away in the middle of an answer is no error."""


def main() -> None:
    """As the text above says."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--photos", type=Path)
    parser.add_argument("--labels", type=Path)
    parser.add_argument("--port", type=int, default=8377)
    parser.add_argument("--read-only", action="store_true")
    options = parser.parse_args()
    rows = of_folder(options.photos, options.labels) if options.photos else make(options.count)
    server = Server(Library(rows, read_only=options.read_only), options.port)
    print(server.url, flush=True)  # noqa: T201
    server.serve_forever()


if __name__ == "__main__":
    main()
