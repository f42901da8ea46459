"""What is written is read back: nothing that was not meant to change may have, and all that was must have."""

from dataclasses import dataclass, field

import pytest

from tagroll.domain import Change, Metadata
from tagroll.errors import ForeignStructureError, MetadataError
from tagroll.metadata.engines import Content, edit

COMMENT = "ExifIFD:UserComment"
BEFORE = {"XMP-dc:Subject": ("Old",), "XMP-dc:Title": ("A title",)}
AFTER = {"XMP-dc:Subject": ("Old", "New"), "XMP-lr:HierarchicalSubject": ("Old", "New")}
AFTER |= {"XMP-dc:Title": ("A title",)}


@dataclass
class Pretender:
    """Writes nothing, and says afterwards what it is told to."""

    after: dict
    name: str = "pretender"
    families: frozenset = frozenset({"xmp", "exif"})
    wanted: dict = field(default_factory=dict)

    def read(self, _):
        return Content(self.after)

    def edit(self, _data, _content, wanted):
        self.wanted = wanted
        return b"new"


def outcome(after, before=BEFORE, by=None):
    known = Metadata(("Old",), before)
    change = Change(add=("New",), comment=True)
    return edit(Pretender(after), b"old", Content(before, by=by), change, known)


def test_what_was_wanted_is_accepted():
    after = {**AFTER, COMMENT: ("Old, New",)}
    assert outcome(after) == (b"new", after)


@pytest.mark.parametrize("name", AFTER)
def test_a_field_that_is_missing_or_says_something_else_is_not(name):
    for wrong in ((), ("Else",), ("Old",)):
        with pytest.raises(ForeignStructureError, match=name):
            outcome({**AFTER, COMMENT: ("Old, New",), name: wrong})


def test_characters_that_xml_cannot_hold_make_no_difference():
    before = {"XMP-dc:Title": ("A\x0b title ",)}
    after = {name: ("Old", "New") for name in AFTER if name != "XMP-dc:Title"}
    assert outcome({**after, COMMENT: ("Old, New",), "XMP-dc:Title": ("A title",)}, before)


def test_a_comment_may_stay_as_it_was_but_not_become_something_else():
    """It is only a fallback, which a full EXIF block has no room for."""
    assert outcome(AFTER)
    with pytest.raises(ForeignStructureError, match="UserComment"):
        outcome({**AFTER, COMMENT: ("Half",)})


def test_who_read_the_file_reads_it_again():
    assert outcome({}, by=Pretender({**AFTER, COMMENT: ("Old, New",)}))


def test_a_new_file_that_cannot_be_read_is_refused(monkeypatch):
    def broken(*_):
        raise MetadataError("odd")

    monkeypatch.setattr(Pretender, "read", broken)
    with pytest.raises(ForeignStructureError, match="could not be read back: odd"):
        outcome(AFTER)
