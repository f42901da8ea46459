"""`tagroll serve` as a child process, and a browser's part of the talk with it."""

import http.client
import json
import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from support.runs import environment, wait_for


class Served:
    """A server of the photos in some folders.

    Args:
        tmp_path: Holds the catalog and what is kept; a server that comes later finds them there.
        folders: What is served.
        options: More of the command line.
    """

    def __init__(self, tmp_path: Path, *folders: Path, options: tuple[str, ...] = ()) -> None:
        command = [
            sys.executable,
            "-m",
            "tagroll",
            "serve",
            *map(str, folders),
            "--no-browser",
            "--json",
            *options,
        ]
        if "--port" not in options:
            command += ["--port", "0"]
        env = environment(tmp_path) | {"XDG_CACHE_HOME": str(tmp_path / "cache")}
        self.process = subprocess.Popen(
            command, env=env, cwd=tmp_path, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        first = self.process.stdout.readline()
        if not first:
            raise AssertionError(self.process.communicate()[1])
        self.urls: list[str] = json.loads(first)["urls"]
        parts = urlsplit(self.urls[0])
        self.host, self.token = parts.netloc, parts.query.partition("=")[2]
        self.catalog = tmp_path / "catalog.sqlite"
        self.cookie = ""
        self.cookie = self.ask("GET", f"/?token={self.token}")[1]["set-cookie"].partition(";")[0]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.kill()
        self.process.communicate()

    def ask(
        self, method: str, path: str, body: Any = None, **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of an answer; a body of bytes is sent as it is, anything else as JSON."""
        connection = http.client.HTTPConnection(self.host, timeout=60)
        headers = {"Cookie": self.cookie, **headers}
        if body is not None:
            headers = {"Origin": f"http://{self.host}", "Content-Type": "application/json", **headers}
        sent = body if body is None or isinstance(body, bytes) else json.dumps(body)
        connection.request(method, path, sent, headers)
        answer = connection.getresponse()
        data = answer.read()
        connection.close()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, data

    def get(self, path: str) -> Any:
        """The JSON at a path."""
        status, _, data = self.ask("GET", path)
        assert status == 200, data
        return json.loads(data)

    def post(self, path: str, body: Any) -> Any:
        """What comes of a post that is taken."""
        status, _, data = self.ask("POST", path, body)
        assert status in (200, 202), data
        return json.loads(data)

    def do(self, path: str, body: Any) -> dict[str, Any]:
        """Post something that is done by and by, and wait for its end."""
        return self.finished(self.post(path, body)["number"])

    def finished(self, number: int) -> dict[str, Any]:
        """An action, once it is done."""
        wait_for(lambda: self.get(f"/api/edits/{number}")["finished"], 90)
        return self.get(f"/api/edits/{number}")

    def ready(self) -> "Served":
        """Wait until the folders were looked at."""
        wait_for(lambda: not self.get("/api/status")["indexing"]["running"], 90)
        return self

    def numbers(self) -> dict[str, int]:
        """File name -> number of each photo."""
        found = {}
        for number in range(1, 1000):
            status, _, data = self.ask("GET", f"/api/photo/{number}")
            if status == 200:
                found[json.loads(data)["name"]] = number
            elif number > len(found) + 20:
                break
        return found

    def end(self) -> tuple[int, str]:
        """Ctrl-C; gives the exit code and what was said."""
        self.process.send_signal(signal.SIGINT)
        _, said = self.process.communicate(timeout=200)
        return self.process.returncode, said
