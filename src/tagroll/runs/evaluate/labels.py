"""What people say is in their photos: files of labels, as JSON or as text.

{"photos": "FOLDER", "synonyms": "FILE", "files": {"beach.jpg": {"labels": ["sea"], "minor": ["cloud"]}}}
{"beach.jpg": ["sea", "dog"]}
beach.jpg: sea, dog, (cloud)
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tagroll.errors import UsageError, plainly
from tagroll.formats import PHOTO_SUFFIXES
from tagroll.runs.evaluate.label_synonyms import synonyms_for, with_kinds
from tagroll.runs.evaluate.scoring import Labelled, Synonyms, fold

SHAPE = 'Write {"NAME.jpg": ["tag", "tag"]}, or one line a photo: NAME.jpg: tag, tag'
_LINE = re.compile(
    rf"(?P<name>.*?(?:{'|'.join(re.escape(s) for s in sorted(PHOTO_SUFFIXES))}))\s*:(?P<tags>.*)",
    re.IGNORECASE,
)
_MINOR = re.compile(r"\((.*)\)$")


@dataclass(frozen=True, slots=True)
class LabelSet:
    """Labelled photos.

    Attributes:
        photos: File -> its labels; those without any are left out.
        synonyms: Which words mean these labels.
        unlabelled: How many photos stand in the file without a label.
    """

    photos: Mapping[Path, Labelled]
    synonyms: Synonyms
    unlabelled: int = 0


def read_labels(path: Path, folder: Path | None = None) -> LabelSet:
    """Read a file of labels.

    Args:
        path: JSON or text; see the top of this module.
        folder: Where the photos are; else where the file says, else "photos" beside it, else beside it.

    Raises:
        UsageError: The file cannot be read, has another shape, or labels no photo.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"the labels in {path} cannot be read: {plainly(error)}", SHAPE) from error
    raw = _json(path, text) if text.lstrip().startswith("{") else dict(_lines(path, text))
    files = raw.get(
        "files", {name: value for name, value in raw.items() if name not in ("photos", "synonyms")}
    )
    if not isinstance(files, dict):
        raise UsageError(f'"files" in {path} holds no photos', SHAPE)
    folder = folder or _folder(path, raw.get("photos"))
    found = {folder / name: _labelled(path, name, value) for name, value in files.items()}
    labelled = {photo: truth for photo, truth in found.items() if truth.labels}
    if not labelled:
        raise UsageError(f"no photo in {path} has labels", SHAPE)
    synonyms = _synonyms(path, raw.get("synonyms"))
    if synonyms is None:
        synonyms = synonyms_for(labelled)
        labelled = {photo: with_kinds(truth, synonyms) for photo, truth in labelled.items()}
    return LabelSet(labelled, synonyms, len(found) - len(labelled))


def _json(path: Path, text: str) -> dict[str, Any]:
    try:
        raw = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is not JSON: {plainly(error)}", SHAPE) from error
    return raw if isinstance(raw, dict) else {}


def _lines(path: Path, text: str) -> Iterator[tuple[str, object]]:
    for number, line in enumerate(map(str.strip, text.splitlines()), start=1):
        if line.startswith("# photos:"):
            yield "photos", line.removeprefix("# photos:").strip()
        elif line and not line.startswith("# ") and line != "#":
            match = _LINE.fullmatch(line)
            if match is None:
                raise UsageError(f'line {number} of {path} is not "photo: tag, tag": {line[:60]}', SHAPE)
            yield match["name"], [tag.strip() for tag in re.split("[,;]", match["tags"])]


def _folder(path: Path, named: object) -> Path:
    """Where the photos are, when the user does not say."""
    if isinstance(named, str):
        return path.parent / Path(named).expanduser()
    beside = path.parent / "photos"
    return beside if beside.is_dir() else path.parent


def _labelled(path: Path, name: str, value: object) -> Labelled:
    """The labels of one photo, in whichever way they are written."""
    entry: dict[str, Any] = value if isinstance(value, dict) else {"labels": value}
    labels, minor, captions = (_texts(entry.get(key)) for key in ("labels", "minor", "captions"))
    if labels is None or minor is None or captions is None:
        raise UsageError(f"the labels of {name} in {path} are no list of words", SHAPE)
    inside = {label: match[1].strip() for label in labels if (match := _MINOR.match(label))}
    must = {fold(label): label for label in labels if label not in inside}
    return Labelled(
        labels=tuple(must.values()),
        minor=(*minor, *inside.values()),
        captions=captions,
        counts=tuple(map(str, entry.get("counts") or ())),
    )


def _texts(value: object) -> tuple[str, ...] | None:
    """The texts of a list without the empty ones, None if it is no list of texts."""
    if value is None:
        return ()
    if isinstance(value, list) and all(isinstance(text, str) for text in value):
        return tuple(text for text in value if fold(text))
    return None


def _synonyms(path: Path, named: object) -> Synonyms | None:
    """The synonyms that the file names or that lie beside it."""
    beside = path.with_name("synonyms.json")
    raw = named
    if isinstance(named, str) or (named is None and beside.is_file()):
        source = path.parent / named if isinstance(named, str) else beside
        try:
            raw = json.loads(source.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise UsageError(f"the synonyms in {source} cannot be read: {plainly(error)}") from error
    if raw is None:
        return None
    tables = [raw.get(key, {}) if isinstance(raw, dict) else None for key in ("accept", "strict", "coco80")]
    try:
        return Synonyms(*map(_table, tables))
    except (AttributeError, TypeError) as error:
        shape = (
            '{"accept": {"label": ["word"]}, "strict": {"thing": ["word"]}, "coco80": {"thing": ["word"]}}'
        )
        raise UsageError(f"the synonyms of {path} are not of the form {shape}") from error


def _table(raw: Any) -> dict[str, frozenset[str]]:
    return {name: frozenset(map(fold, (name, *words))) for name, words in raw.items()}
