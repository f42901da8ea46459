"""What the folders of a photo say: the words that a person chose, and none that a camera or a program did."""

import re
from pathlib import PurePath

LEVELS = 2
"""So many folders above a photo are read; farther up stands how the disk is ordered."""
_HOMES = frozenset({"home", "users", "media", "mnt", "volumes", "run", "tmp", "var", "private", "root"})
"""Folders in which the next name is that of a person, a disk or a program."""
_CAMERA = re.compile(
    r"DCIM|\d{3}[A-Z0-9_]{5}|\d{3}_\w{4}|\d{6,8}(?:_\w+)?|(?:IMG|DSC[FN]?|PXL|VID|P)[_-]?\d*", re.IGNORECASE
)
"""Design rule for Camera File system, 2.0, 3.2.2: three digits and five characters; and what phones make of it."""
_PROGRAM_WORDS = """
album albums archiv archive archives backup backups bilder camera card cards cloud converted copy cr2 data desktop
documents downloads dropbox edit edited edits export exported exports files folder foto fotos gallery google icloud
image images img import imported inbox incoming input jpeg jpg jpgs lightroom media misc mobile my new nextcloud
onedrive original originals output phone photo photography photoprism photos pics picture pictures png processed raw
raws roll scan scans screenshots sd sdcard selects shared sort sorted sync takeout temp test tmp to unsorted untitled
upload uploads web whatsapp work
"""
_PROGRAM = frozenset(_PROGRAM_WORDS.split())
"""Words of folders that say nothing of a photo."""
_WORD = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*")
_LONGEST = 80


def folder_words(photo: PurePath) -> tuple[str, ...]:
    """What the folders of a photo say, the nearest last: "Lake Garda 2019" for 2019-07 Lake_Garda/100CANON.

    Args:
        photo: Its absolute path.
    """
    names = list(photo.parent.parts[1:])
    if names and names[0].casefold() in _HOMES:
        del names[:2]
    said = [_said(name) for name in names[-LEVELS - 1 :] if not _CAMERA.fullmatch(name)]
    return tuple(text for text in said[-LEVELS:] if text)


def _said(name: str) -> str:
    """The words in the name of a folder, without dates, and nothing where all of them are a program's."""
    words = _WORD.findall(name)
    if all(word.casefold() in _PROGRAM or len(word) < 2 for word in words):
        return ""
    return " ".join(words)[:_LONGEST]
