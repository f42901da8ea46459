"""`tagroll serve --lan`, asked from another device: a network namespace of its own, joined by a cable that is made up."""

import json
import os
import shutil
import subprocess
import sys
from urllib.parse import urlsplit

import pytest

from support.judge import subjects
from support.runs import paint
from support.served import Served

pytestmark = pytest.mark.slow

VISIT = """
import http.client, json, sys, time
url, tag = sys.argv[1:]
host, token = url.split("/")[2], url.partition("=")[2]
cookie = ""

def ask(method, path, body=None, **headers):
    connection = http.client.HTTPConnection(host, timeout=60)
    headers = {"Cookie": cookie, "Origin": f"http://{host}", "Content-Type": "application/json", **headers}
    connection.request(method, path, body and json.dumps(body), headers)
    answer = connection.getresponse()
    return answer.status, answer.headers, answer.read()

def refusals():
    wrong = {"Host": "127.0.0.1.example:80"}, {"Cookie": "tagroll=none"}, {"Origin": "http://evil.example"}
    return [ask("POST", "/api/edits", {"photos": [1], "add": [tag]}, **one)[0] for one in wrong]

stranger = ask("GET", "/api/status")[0]
cookie = ask("GET", f"/?token={token}")[1]["set-cookie"].partition(";")[0]
while json.loads(ask("GET", "/api/status")[2])["indexing"]["running"]:
    time.sleep(0.1)
seen = [(path, ask("GET", path)[0]) for path in ("/", "/api/library", "/thumb/1/0", "/view/1/0", "/original/1")]
refused = refusals()
status, _, data = ask("POST", "/api/edits", {"photos": [1], "add": [tag]})
number = json.loads(data)["number"]
while not (done := json.loads(ask("GET", f"/api/edits/{number}")[2]))["finished"]:
    time.sleep(0.1)
print(json.dumps({"stranger": stranger, "seen": seen, "refused": refused, "failed": done["failed"]}))
"""


@pytest.fixture
def device():
    """Runs programs on a device in the network of this machine; gives this machine's address there, and how to run one."""
    ip = shutil.which("ip")
    if not ip or os.geteuid() != 0:
        pytest.skip("a network namespace needs root and the command ip")
    name = f"tagroll-{os.getpid()}"
    ours, theirs, network = f"tga{os.getpid()}"[:15], f"tgb{os.getpid()}"[:15], f"10.99.{os.getpid() % 250}"
    made = subprocess.run([ip, "netns", "add", name], capture_output=True, text=True, check=False)
    if made.returncode:
        pytest.skip(f"no network namespace can be made here: {made.stderr.strip()}")
    inside = [ip, "netns", "exec", name]
    cable = [ip, "link", "add", ours, "type", "veth", "peer", "name", theirs, "netns", name]
    try:
        laid = subprocess.run(cable, capture_output=True, text=True, check=False)
        if laid.returncode:
            pytest.skip(f"no virtual cable can be laid here: {laid.stderr.strip()}")
        for command in (
            [ip, "addr", "add", f"{network}.1/24", "dev", ours], [ip, "link", "set", ours, "up"],
            [*inside, ip, "addr", "add", f"{network}.2/24", "dev", theirs], [*inside, ip, "link", "set", theirs, "up"],
        ):  # fmt: skip
            subprocess.run(command, check=True, capture_output=True)
        yield f"{network}.1", inside
    finally:
        subprocess.run([ip, "netns", "del", name], check=False, capture_output=True)
        subprocess.run([ip, "link", "del", ours], check=False, capture_output=True)


def visit(inside, url):
    done = subprocess.run(
        [*inside, sys.executable, "-c", VISIT, url, "Beach"], capture_output=True, text=True, timeout=120, check=False
    )  # fmt: skip
    return json.loads(done.stdout) if done.returncode == 0 else done.stderr


def test_another_device_finds_the_printed_address_and_may_do_what_the_token_allows(tmp_path, device):
    address, inside = device
    photos = paint(tmp_path / "photos", ("a.jpg", (200, 9, 9)))
    with Served(tmp_path, photos, options=("--lan",)) as server:
        (url,) = (one for one in server.urls if urlsplit(one).hostname == address)
        told = visit(inside, url)
        assert told == {
            "stranger": 401,
            "seen": [[path, 200] for path in ("/", "/api/library", "/thumb/1/0", "/view/1/0", "/original/1")],
            "refused": [421, 401, 403],
            "failed": [],
        }
        assert subjects(photos / "a.jpg") == ["Beach"]


def test_without_lan_no_other_device_gets_through(tmp_path, device):
    address, inside = device
    photos = paint(tmp_path / "photos", ("a.jpg", (200, 9, 9)))
    with Served(tmp_path, photos) as server:
        server.ready()
        told = visit(inside, server.urls[0].replace("127.0.0.1", address))
        assert "ConnectionRefusedError" in told
        assert subjects(photos / "a.jpg") == []
