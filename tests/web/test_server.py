"""`tagroll serve` itself, as a child process: what a browser asks for, what it gets, and how the server ends."""

import contextlib
import gzip
import http.client
import io
import json
import re
import shutil
import socket
import struct
import subprocess
import sys
from urllib.parse import quote

import pytest
from click.testing import CliRunner
from PIL import Image

from support.judge import subjects
from support.photos import FILES
from support.runs import paint, wait_for
from support.served import Served
from tagroll.catalog import Catalog
from tagroll.cli.app import main

HOSTILE = "<img src=x onerror=alert(1)>.jpg"


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A server that only the tests use that change nothing, or take it back."""
    tmp_path = tmp_path_factory.mktemp("served")
    photos = paint(
        tmp_path / "photos", ("a.jpg", (200, 9, 9)), ("b.png", (9, 200, 9)), (HOSTILE, (9, 9, 200))
    )
    for name in ("rotated.heic", "raw.dng", "plain.jxl"):
        shutil.copy(FILES / name, photos)
    (photos / "broken.jpg").write_bytes((FILES / "baseline.jpg").read_bytes()[:-300])
    (photos / "film.mp4").write_bytes(b"\0\0\0\x18ftypmp42" + bytes(100))
    with Served(tmp_path, photos) as server:
        yield server.ready()


def head(data):
    data = gzip.decompress(data)
    (length,) = struct.unpack("<I", data[:4])
    return json.loads(data[4 : 4 + length])


def test_the_columns_come_once_a_generation(served):
    status, headers, data = served.ask("GET", "/api/library")
    told = head(data)
    assert (status, told["count"], told["videos"], told["readOnly"]) == (200, 7, 1, False)
    assert headers["etag"] == f'"{told["generation"]}"' == f'"{served.get("/api/status")["generation"]}"'
    status, headers, data = served.ask("GET", "/api/library", **{"If-None-Match": headers["etag"]})
    assert (status, data) == (304, b"")


def test_a_photo_tells_all_that_is_known_of_it(served):
    number = served.numbers()[HOSTILE]
    told = served.get(f"/api/photo/{number}")
    assert (told["name"], told["folder"], told["format"]) == (HOSTILE, "photos", "jpeg")
    assert (told["width"], told["height"], told["tags"], told["proposals"]) == (90, 60, [], [])
    assert served.ask("GET", "/api/photo/999999")[0] == 404
    assert served.ask("GET", "/api/photo/x")[0] == 404
    assert served.get("/api/search?q=onerror") == {
        "exact": [number],
        "close": [],
        "note": None,
        "reasons": [],
    }


@pytest.mark.slow
def test_photos_like_one_are_asked_for_by_its_number_and_what_was_not_compared_is_said(served):
    pytest.importorskip("onnxruntime", reason="the built-in model needs it")
    number = served.numbers()["a.jpg"]
    found = served.get(f"/api/search?q=like:{number}")
    assert (found["exact"], found["close"]) == ([number], [])
    assert found["note"]["text"].startswith("6 photos not looked at yet")
    status, _, data = served.ask("GET", "/api/search?q=like:999999")
    assert (status, set(json.loads(data))) == (422, {"error", "hint"})


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("is:nonsense", "is:nonsense means nothing"), ("year:abc", "year:abc is no date"), ("🎉", "🎉 has no letters"),
        ("tag:a", "No photo has the tag a"), ("-has:gps zebra", "Without zebra: 7"),
    ],
)  # fmt: skip
def test_a_search_that_finds_nothing_says_why(served, query, reason):
    found = served.get(f"/api/search?q={quote(query)}")
    assert found["exact"] == []
    assert found["reasons"][0].startswith(reason)


@pytest.mark.parametrize("name", ["a.jpg", "b.png", "rotated.heic", HOSTILE])
def test_pictures_of_every_kind_are_webp_for_good(served, name):
    number = served.numbers()[name]
    served.ask("GET", f"/thumb/{number}/00000000")  # whatever the page knew
    with Catalog(served.catalog) as catalog:
        wait_for(lambda: catalog.photos.shown_as([number])[0].picture_hash)
        key = f"{catalog.photos.mark():04x}{catalog.photos.shown_as([number])[0].picture_hash[:4]}"
    status, headers, data = served.ask("GET", f"/thumb/{number}/{key}")
    assert (status, headers["content-type"], Image.open(io.BytesIO(data)).format) == (
        200,
        "image/webp",
        "WEBP",
    )
    assert "immutable" in headers["cache-control"]
    status, headers, data = served.ask("GET", f"/view/{number}/ffffffff")
    assert (status, "immutable" in headers["cache-control"]) == (200, False)


@pytest.mark.parametrize(
    "path",
    ["/api/photo/{}", "/original/{}", "/thumb/{}/00000000", "/view/{}/0", "/api/edits/{}"],
)
@pytest.mark.parametrize("digits", [19, 5000])
def test_numbers_of_any_length_are_none_of_a_photo(served, path, digits):
    status, _, data = served.ask("GET", path.format("9" * digits))
    assert (status, set(json.loads(data))) == (404, {"error", "hint"})
    status, _, _ = served.ask("POST", f"/api/edits/{'9' * digits}/undo", {})
    assert status == 404


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/searches", b'{"name":"\\ud800","query":"x"}'), ("/api/edits", b'{"photos":[1],"remove":["\\udfff"]}'),
        ("/api/edits", b'{"a":' * 100_000), ("/api/tags", b"[" * 100_000), ("/api/verdicts", b"\xff"),
    ],
)  # fmt: skip
def test_what_is_no_text_or_too_deep_is_refused_with_a_hint(served, path, body):
    status, _, data = served.ask("POST", path, body)
    told = json.loads(data)
    assert (status, told["error"], bool(told["hint"])) == (400, "what was sent is no JSON", True)


def test_what_cannot_be_decoded_says_why(served):
    status, _, data = served.ask("GET", f"/thumb/{served.numbers()['broken.jpg']}/00000000")
    assert (status, set(json.loads(data))) == (422, {"error", "hint"})
    assert json.loads(data)["error"]


def test_originals_are_sent_as_they_are_and_can_do_nothing(served):
    numbers = served.numbers()
    status, headers, data = served.ask("GET", f"/original/{numbers['b.png']}")
    assert (status, headers["content-type"], data[:4]) == (200, "image/png", b"\x89PNG")
    assert headers["content-security-policy"].startswith("sandbox")
    assert headers["x-content-type-options"] == "nosniff"
    for name in ("rotated.heic", "raw.dng"):
        assert served.ask("GET", f"/original/{numbers[name]}")[0] == 415
    for path in (
        "/original/../../etc/passwd",
        "/original/%2e%2e",
        "/static/../app.py",
        "/static/%2e%2e/app.py",
    ):
        assert served.ask("GET", path)[0] in (404, 405)


def test_every_screen_is_the_page(served):
    pages = [served.ask("GET", path) for path in ("/", "/tags", "/review", "/pairs", "/history", "/?q=tag:x")]
    assert len({body for _, _, body in pages}) == 1
    assert [status for status, _, _ in pages] == [200] * 6
    assert "default-src 'none'" in pages[0][1]["content-security-policy"]


def test_searches_are_kept(served):
    kept = {"name": "Sea", "query": "tag:sea -tag:ship"}
    assert served.post("/api/searches", kept)["searches"] == [kept]
    assert served.get("/api/searches")["searches"] == [kept]
    assert served.post("/api/searches", {"remove": "Sea"})["searches"] == []


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/edits", []), ("/api/edits", {"photos": "1"}), ("/api/edits", {"photos": [True], "add": ["x"]}),
        ("/api/edits", {"photos": [1], "add": [1]}), ("/api/edits", {"photos": [1], "set": {"title": 1}}),
        ("/api/edits", {"photos": [999999], "add": ["x"]}), ("/api/tags", {}), ("/api/tags", {"rename": {"tag": "x"}}),
        ("/api/tags", {"rename": {"tag": "x", "into": ""}}), ("/api/tags", {"remove": {"tag": "x"}, "merge": {}}),
        ("/api/verdicts", {"verdicts": [{"photo": 1, "tag": "x", "yes": 1}]}), ("/api/searches", {"name": "", "query": ""}),
        ("/api/history/99/undo", {}), ("/api/edits", {"photos": [1], "add": ["half \ud83d"]}),
        ("/api/edits", {"photos": [1], "set": {"title": "\udcff"}}), ("/api/searches", {"name": "\ud800", "query": ""}),
        ("/api/tags", {"rename": {"tag": "x", "into": "\udcff"}}),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_with_words(served, path, body):
    status, _, data = served.ask("POST", path, body)
    assert (status, bool(json.loads(data)["error"])) == (400, True)


def test_what_is_not_there_is_not_there(served):
    for path in ("/api/edits/1/undo", "/api/nothing"):
        assert served.ask("POST", path, {})[0] == 404
    assert served.ask("GET", "/api/edits/1")[0] == 404


def test_an_edit_is_seen_by_exiftool_and_told_to_those_who_listen(served):
    number = served.numbers()["a.jpg"]
    with contextlib.closing(http.client.HTTPConnection(served.host, timeout=60)) as listening:
        listening.request("GET", "/api/events", headers={"Cookie": served.cookie})
        stream = listening.getresponse()
        assert stream.getheader("content-type").startswith("text/event-stream")
        edit = {"photos": [number], "add": ["<b>Beach</b>", "A|B"], "set": {"title": "Sea"}}
        done = served.do("/api/edits", edit)
        assert (done["failed"], done["label"]) == ([], "+<b>Beach</b> +A|B title")
        heard = b""
        while b'"finished": true' not in heard:
            heard += stream.read1()
    assert {b"edit", b"library"} <= set(re.findall(rb"^event: (\w+)$", heard, re.MULTILINE))
    path = served.get(f"/api/photo/{number}")["path"]
    assert {"<b>Beach</b>", "B"} <= set(subjects(path))
    run = served.get("/api/history")["runs"][0]
    assert (run["run"], run["command"], run["changed"], run["left"]) == (done["run"], "serve", 1, 1)
    assert served.do(f"/api/edits/{done['number']}/undo", {})["failed"] == []
    assert subjects(path) == []


def test_captions_of_many_photos_come_at_once(served):
    a, b, c = (served.numbers()[name] for name in ("a.jpg", "b.png", HOSTILE))
    said = [{"title": "A title", "description": "More"}, {"description": "<b>&"}]
    done = [
        served.do("/api/edits", {"photos": [n], "set": what}) for n, what in zip((a, b), said, strict=True)
    ]
    told = served.get(f"/api/captions?photos={c},{b},{a},999999")
    assert told == {"captions": {str(a): "A title", str(b): "<b>&"}}
    for wrong in (
        "",
        "?photos=",
        "?photos=a",
        "?photos=1,",
        f"?photos={'9' * 19}",
        f"?photos={'1,' * 1000}1",
    ):
        assert served.ask("GET", f"/api/captions{wrong}")[0] == 400
    for one in done:
        served.do(f"/api/edits/{one['number']}/undo", {})


def test_tags_of_the_whole_library_are_renamed_after_a_look(served):
    numbers = served.numbers()
    served.do("/api/edits", {"photos": [numbers["a.jpg"], numbers["b.png"]], "add": ["Dslr"]})
    rename = {"rename": {"tag": "Dslr", "into": "DSLR"}}
    assert served.post("/api/tags", rename | {"preview": True})["count"] == 2
    done = served.do("/api/tags", rename)
    assert (done["total"], done["label"]) == (2, "Dslr → DSLR")
    assert served.get(f"/api/photo/{numbers['a.jpg']}")["tags"] == ["DSLR"]
    assert served.do("/api/tags", {"remove": {"tag": "DSLR"}})["failed"] == []
    assert served.get(f"/api/photo/{numbers['b.png']}")["tags"] == []


def test_tags_that_may_be_one_are_judged(served):
    numbers = served.numbers()
    for name, tags in (("a.jpg", ["Boat", "Sky"]), ("b.png", ["Boat"]), (HOSTILE, ["boats", "Skies"])):
        served.do("/api/edits", {"photos": [numbers[name]], "add": tags})
    pairs = [
        {"tag": "boats", "into": "Boat", "photos": 1, "evidence": "spelling"},
        {"tag": "Skies", "into": "Sky", "photos": 1, "evidence": "spelling"},
    ]
    assert sorted(served.get("/api/pairs")["pairs"], key=str) == sorted(pairs, key=str)
    said = {name: pairs[1][name] for name in ("tag", "into")}
    assert served.post("/api/pairs", said | {"same": False}) == {"apart": True}
    assert served.get("/api/pairs")["pairs"] == pairs[:1]
    assert served.post("/api/pairs", said | {"same": None}) == {"apart": False}
    assert len(served.get("/api/pairs")["pairs"]) == 2
    done = served.do("/api/pairs", {"tag": "boats", "into": "Boat", "same": True})
    assert (done["label"], done["total"]) == ("boats → Boat", 1)
    assert served.get(f"/api/photo/{numbers[HOSTILE]}")["tags"] == ["Boat", "Skies"]
    assert served.get("/api/pairs")["pairs"] == pairs[1:]
    served.do(f"/api/edits/{done['number']}/undo", {})
    assert len(served.get("/api/pairs")["pairs"]) == 2  # what was taken back is asked again
    status, _, _ = served.ask("POST", "/api/pairs", {"tag": "Sky", "into": "Sky", "same": False})
    assert status == 400
    for tag in ("Boat", "boats", "Sky", "Skies"):
        served.do("/api/tags", {"remove": {"tag": tag}})


# how it begins and ends ---------------------------------------------------------------------------------


@pytest.mark.slow
def test_ctrl_c_finishes_what_is_on_its_way(tmp_path):
    photos = paint(tmp_path / "photos", *((f"{n}.jpg", (n, 99, 7)) for n in range(40)))
    with Served(tmp_path, photos) as server:
        numbers = server.ready().numbers()
        server.post("/api/edits", {"photos": list(numbers.values()), "add": ["Beach"]})
        code, said = server.end()
    assert (code, "Traceback" in said) == (0, False)
    assert all(subjects(path) == ["Beach"] for path in list(photos.iterdir())[::13])
    with Catalog(server.catalog) as catalog:
        (run,) = catalog.runs.all()
        assert (run.writes, run.left, bool(run.finished), catalog.in_use()) == (40, 40, True, False)


@pytest.mark.slow
def test_a_photo_that_comes_while_it_runs_is_shown_and_what_it_writes_itself_is_not_looked_at_again(tmp_path):
    pytest.importorskip("watchfiles", reason="watchfiles is not installed")
    photos = paint(tmp_path / "photos", ("a.jpg", (9, 9, 9)), ("b.jpg", (9, 200, 9)))
    with (
        Served(tmp_path, photos) as server,
        contextlib.closing(http.client.HTTPConnection(server.host, timeout=60)) as tab,
    ):
        server.ready()
        tab.request("GET", "/api/events", headers={"Cookie": server.cookie})
        stream, heard = tab.getresponse(), b""
        server.do("/api/edits", {"photos": list(server.numbers().values()), "add": ["Beach"]})
        new = paint(tmp_path / "elsewhere", ("c.jpg", (200, 9, 9))) / "c.jpg"
        new.rename(photos / "c.jpg")
        wait_for(lambda: "c.jpg" in server.numbers())
        (photos / "a.jpg").unlink()
        wait_for(lambda: set(server.numbers()) == {"b.jpg", "c.jpg"})
        while heard.count(b'"running": false') < 2:  # one look for each, and none for what was written
            heard += stream.read1()
        looks = re.findall(rb'"done": (\d+), "about": \d+, "running": false', heard)
        assert looks == [b"3", b"2"]


@pytest.mark.slow
def test_read_only_shows_and_writes_nothing(tmp_path):
    photos = paint(tmp_path / "photos", ("a.jpg", (9, 9, 9)))
    with Served(tmp_path, photos, options=("--read-only",)) as server:
        (number,) = server.ready().numbers().values()
        assert server.get("/api/status")["readOnly"]
        assert head(server.ask("GET", "/api/library")[2])["readOnly"]
        for path in ("/api/edits", "/api/verdicts", "/api/tags", "/api/searches", "/api/history/1/undo"):
            assert server.ask("POST", path, {"photos": [number], "add": ["x"]})[0] == 403
        assert server.ask("GET", f"/thumb/{number}/00000000")[0] == 200


@pytest.mark.slow
def test_without_a_path_what_was_tagged_before_is_shown(tmp_path):
    run = CliRunner().invoke(main, ["serve", "--catalog", str(tmp_path / "none")])
    assert (run.exit_code, "tagroll serve ~/Pictures" in run.stderr) == (2, True)
    photos = paint(tmp_path / "photos", ("a.jpg", (9, 9, 9)))
    inside = paint(photos / "inside", ("b.jpg", (99, 9, 9)))
    with Catalog(tmp_path / "catalog.sqlite") as catalog:
        for folder in (inside, photos, tmp_path / "gone", "+Beach"):
            catalog.runs.start("tag", [str(folder), "--dry-run"])
    with Served(tmp_path) as server:
        assert server.ready().get("/api/status")["roots"] == [str(photos)]


@pytest.mark.parametrize(
    "name", ["", "http://photos.example", "photos.example:8377", "a b", "photos.example/"]
)
def test_what_is_no_name_of_a_host_is_refused(tmp_path, name):
    run = CliRunner().invoke(main, ["serve", str(tmp_path), "--allow-host", name])
    assert (run.exit_code, "is no name of a host" in run.output) == (2, True)


@pytest.mark.parametrize("arguments", [["serve", "nowhere"], ["serve", "--port", "65536"]])
def test_what_cannot_be_served_is_said(tmp_path, arguments):
    run = CliRunner().invoke(main, [*arguments, "--catalog", str(tmp_path / "c")])
    assert run.exit_code == 2


def test_a_port_that_is_taken_is_said_with_a_way_out(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        run = CliRunner().invoke(
            main, ["serve", str(tmp_path), "--port", str(port), "--catalog", str(tmp_path / "c")]
        )
    assert run.exit_code == 2
    assert f"port {port} is in use" in run.stderr
    assert f"--port {port + 1}" in run.stderr


@pytest.mark.slow
def test_the_lan_gets_addresses_and_a_code(tmp_path):
    photos = paint(tmp_path / "photos", ("a.jpg", (9, 9, 9)))
    with Served(tmp_path, photos, options=("--lan", "--allow-host", "photos.example")) as server:
        assert server.urls[0].startswith("http://127.0.0.1:")
        for name, status in (("photos.example", 200), ("evil.example", 421)):
            assert server.ask("GET", "/api/status", Host=name)[0] == status
        for url in server.urls[1:]:
            with contextlib.closing(http.client.HTTPConnection(url.split("/")[2], timeout=60)) as connection:
                connection.request("GET", "/api/status", headers={"Cookie": server.cookie})
                assert connection.getresponse().status == 200
        _, said = server.end()
    assert "read along" in said or "no address" in said


@pytest.mark.slow
def test_a_killed_server_harms_nothing_and_the_next_one_settles_it(tmp_path):
    photos = paint(tmp_path / "photos", *((f"{n}.jpg", (n % 250, 99, n // 250)) for n in range(300)))
    before = {path.name: path.read_bytes() for path in photos.iterdir()}
    with Served(tmp_path, photos) as server:
        numbers = server.ready().numbers()
        number = server.post("/api/edits", {"photos": list(numbers.values()), "add": ["Beach"]})["number"]
        wait_for(lambda: server.get(f"/api/edits/{number}")["done"] > 40)
        server.process.kill()
        server.process.wait()
    with Catalog(server.catalog) as catalog:
        cut_off = catalog.runs.all()[0]
        assert not cut_off.finished
    with Served(tmp_path, photos) as server:
        server.ready()
        with Catalog(server.catalog) as catalog:
            wait_for(lambda: not catalog.journal.pending())
            wait_for(lambda: not catalog.in_use())
            written = catalog.runs.all()[0].writes
        assert 40 < written < 300
        changed = [photos / name for name, data in before.items() if (photos / name).read_bytes() != data]
        assert len(changed) == written, "every file is as it was, or as the journal says"
        # A copy that was not in the journal yet is cleared away by the next write there: by this one.
        assert subjects(changed[0]) == ["Beach"]
        done = server.do(f"/api/history/{cut_off.id}/undo", {})
        assert (done["failed"], done["done"]) == ([], written)
        assert {path.name: path.read_bytes() for path in photos.iterdir()} == before


def test_help_and_other_commands_do_not_load_the_server():
    code = (
        "import sys; from tagroll.cli import main\n"
        "try: main(['serve', '--help'])\n"
        "except SystemExit: pass\n"
        "assert not {'starlette', 'uvicorn', 'segno', 'numpy'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
