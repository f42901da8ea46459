"""A pulled plug: what a run asks of the disk is recorded, and what a disk may hold when the power goes is made of it.

strace tells every system call that changes files. What was synced since it was done is there after a crash; of everything
else any part may be: a rename without the data, data without the name, any pages of a file. That is more than most file
systems do (ext4 keeps the order of renames); it is what POSIX promises.
"""

import re
import shlex
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random

CALLS = (
    "open,openat,openat2,creat,write,pwrite64,writev,pwritev,pwritev2,ftruncate,truncate,fsync,fdatasync,rename,renameat,"
    "renameat2,unlink,unlinkat,link,linkat,mkdir,mkdirat,rmdir,symlink,symlinkat,copy_file_range,sendfile,fallocate"
)
PAGE = 512
"""A write may be cut at such a border."""

_CALL = re.compile(r"(\d+) +(?:<\.\.\. )?(\w+)(?: resumed>|\()(.*)$")
_DONE = re.compile(r"(.*)\) += (-?\d+)")
_TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
_OPEN_FILE = re.compile(r"\d+<((?:\\x[0-9a-f]{2})+)")


@dataclass(frozen=True, slots=True)
class Call:
    """A system call that succeeded.

    Attributes:
        name: Its name.
        paths: What it names, as texts or as open files.
        data: What is written.
        number: Its last number: an offset, or a size.
        began: How many calls were over when it began.
        makes: Whether it opens a file that is made where there is none.
    """

    name: str
    paths: tuple[Path, ...]
    data: bytes
    number: int
    began: int
    makes: bool


def record(command: Sequence[str], wanted: Callable[[Path], bool], log: Path) -> list[Call]:
    """Run a command; the calls that changed wanted files and folders, in the order in which they were over."""
    traced = [
        "strace",
        "-f",
        "--seccomp-bpf",
        "-y",
        "-xx",
        "-s",
        "100000000",
        "-e",
        f"trace={CALLS}",
        "-o",
        str(log),
    ]
    done = subprocess.run([*traced, *command], capture_output=True, text=True, timeout=500, check=False)
    assert done.returncode == 0, (shlex.join(command), done.stderr)
    with log.open(encoding="ascii") as lines:
        return list(_calls(lines, wanted))


def _calls(lines: Iterator[str], wanted: Callable[[Path], bool]) -> Iterator[Call]:
    begun: dict[str, tuple[str, int]] = {}
    over = 0
    for line in lines:
        if not (found := _CALL.match(line)):
            continue  # a signal, an exit
        thread, name, rest = found.groups()
        if rest.endswith("<unfinished ...>"):
            begun[thread] = rest.removesuffix("<unfinished ...>").rstrip(), over
            continue
        head, began = begun.pop(thread, ("", over)) if " resumed>" in line else ("", over)
        if (done := _DONE.match(head + rest)) and int(done[2]) >= 0:
            call = _call(name, done[1], line, began)
            if any(map(wanted, call.paths)):
                over += 1
                yield call


def _call(name: str, arguments: str, line: str, began: int) -> Call:
    texts = [_bytes(text) for text in _TEXT.findall(arguments)]
    files = [_path(text) for text in _OPEN_FILE.findall(arguments)]
    writes = "write" in name
    named = [] if writes else [Path(text.decode()) for text in texts]
    assert all(path.is_absolute() for path in named), line
    number = re.search(r"(\d+)$", arguments)
    return Call(
        name, tuple([*named] if named else files[:1]), b"".join(texts) if writes else b"",
        int(number[1]) if number else 0, began, "O_CREAT" in arguments or name == "creat",
    )  # fmt: skip


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.replace("\\x", ""))


def _path(text: str) -> Path:
    return Path(_bytes(text).decode())


Step = tuple[int, int]
"""What a disk does as a whole or not at all: the number of the call, and which part of its data."""
Happened = Callable[[Step], bool]


@dataclass(slots=True)
class File:
    """The bytes of a file: those that are on the disk for good, and the writes that may be lost.

    Attributes:
        kept: What is on the disk.
        loose: Steps that may be lost, and what each does to the bytes.
        end: Where the next write without an offset goes.
    """

    kept: bytearray = field(default_factory=bytearray)
    loose: list[tuple[Step, Callable[[bytearray], None]]] = field(default_factory=list)
    end: int = 0

    def bytes_with(self, happened: Happened) -> bytes:
        """What is in it where only some of the steps that may be lost have happened."""
        data = bytearray(self.kept)
        for step, change in self.loose:
            if happened(step):
                change(data)
        return bytes(data)

    def sync(self, before: int) -> None:
        """All that was done before this call is on the disk."""
        for step, change in self.loose:
            if step < (before, 0):
                change(self.kept)
        self.loose = [one for one in self.loose if one[0] >= (before, 0)]


class Folder(File):
    """A folder that was made."""


@dataclass(slots=True)
class Disk:
    """A disk, and what is not sure to be on it.

    Attributes:
        names: Path -> file, for good.
        loose: Steps that may be lost, and the names that each gives and takes.
        steps: All so far, in order.
    """

    names: dict[Path, File]
    loose: list[tuple[Step, Mapping[Path, File | None]]] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)

    def now(self) -> dict[Path, File]:
        """The names as programs see them."""
        return self._with(lambda _: True)

    def _with(self, happened: Happened) -> dict[Path, File]:
        names = dict(self.names)
        for step, change in self.loose:
            if happened(step):
                _rename(names, change)
        return names

    def do(self, number: int, call: Call) -> None:
        """One call happens."""
        now, step = self.now(), (number, 0)
        first = call.paths[0]
        match call.name:
            case "open" | "openat" | "openat2" | "creat":
                if call.makes and first not in now:
                    self.loose.append((step, {first: File()}))
            case "rename" | "renameat" | "renameat2":
                self.loose.append((step, {first: None, call.paths[1]: now[first]}))
            case "unlink" | "unlinkat":
                self.loose.append((step, {first: None}))
            case "link" | "linkat":
                self.loose.append((step, {call.paths[1]: now[first]}))
            case "mkdir" | "mkdirat":
                self.loose.append((step, {first: Folder()}))
            case "write" | "pwrite64":
                file = now[first]
                offset = file.end if call.name == "write" else call.number
                file.end = offset + len(call.data)
                parts = range(0, len(call.data), PAGE)
                file.loose += [((number, at), _put(offset + at, call.data[at : at + PAGE])) for at in parts]
                self.steps += [(number, at) for at in parts]
                return
            case "ftruncate" | "truncate":
                now[first].loose.append((step, _cut(call.number)))
            case "fsync" | "fdatasync":
                self._sync(first, call.began, now)
                return
            case other:
                raise AssertionError(f"{other} is not played: {call}")
        self.steps.append(step)

    def _sync(self, path: Path, before: int, now: Mapping[Path, File]) -> None:
        if path in now:
            now[path].sync(before)
        loose = []
        for step, change in self.loose:
            if step < (before, 0) and all(one.parent == path for one in change):
                _rename(self.names, change)
            else:
                loose.append((step, change))
        self.loose = loose

    def after_crash(self, happened: Happened) -> dict[Path, bytes]:
        """What is found after a crash, where of the steps that may be lost only some have happened.

        A file is found only where the folders that were made for it are.
        """
        names = self._with(happened)
        folders = {path for path, file in self.now().items() if isinstance(file, Folder)}
        return {
            path: file.bytes_with(happened)
            for path, file in names.items()
            if not isinstance(file, Folder)
            and all(one in names for one in folders.intersection(path.parents))
        }

    def unsure(self) -> list[Step]:
        """The steps that may be lost, in order."""
        files = {id(file): file for file in self.now().values()}
        return sorted({s for s, _ in self.loose} | {s for file in files.values() for s, _ in file.loose})


def _rename(names: dict[Path, File], change: Mapping[Path, File | None]) -> None:
    for path, file in change.items():
        if file is None:
            names.pop(path, None)
        else:
            names[path] = file


def _put(offset: int, data: bytes) -> Callable[[bytearray], None]:
    def change(file: bytearray) -> None:
        file.extend(bytes(max(0, offset - len(file))))
        file[offset : offset + len(data)] = data

    return change


def _cut(size: int) -> Callable[[bytearray], None]:
    def change(file: bytearray) -> None:
        del file[size:]
        file.extend(bytes(size - len(file)))

    return change


def crashes(
    disk: Disk, calls: Sequence[Call], random: Random
) -> Iterator[tuple[int, Callable[[], dict[Path, bytes]]]]:
    """After each call, what may be found when the power goes right then; the same only once.

    All that was asked for; only what was synced; names without data, and data without names; and three times some of each.

    Yields:
        The number of the call, and what makes the files, which has to be called before the next one is taken.
    """
    seen: set[tuple[Step, frozenset[Step]]] = set()
    for number, call in enumerate(calls):
        disk.do(number, call)
        unsure = disk.unsure()
        names = {step for step, _ in disk.loose}
        some = [{step for step in unsure if random.random() < 0.5} for _ in range(3)]
        for lost in (set[Step](), set(unsure), set(unsure) - names, names, *some):
            last = next((step for step in reversed(disk.steps) if step not in lost), (-1, 0))
            key = last, frozenset(step for step in lost if step < last)
            if key not in seen:
                seen.add(key)
                yield number, partial(disk.after_crash, lambda step, lost=lost: step not in lost)
