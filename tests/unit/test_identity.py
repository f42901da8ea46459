"""The one answer to "is this the same tag?", and that every part of tagroll gives it."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagroll.domain import Change, Metadata
from tagroll.metadata.apps import APPS, Sources
from tagroll.metadata.fields import tags_after
from tagroll.models.reply.parse import parse_reply
from tagroll.runs.proposal import TagProposal
from tagroll.runs.rewrite import change_for
from tagroll.runs.tag import TagPolicy
from tagroll.runs.words import Vocabulary, WordRequest, Words
from tagroll.tags.identity import identities, identity
from tagroll.tags.normalize import normalize

SAME = [
    ("Café", "Cafe\u0301"),
    ("caf\u00c9", "Cafe\u0301"),
    ("Å", "\u212b"),
    ("K", "\u212a"),
    ("MAẞE", "maße"),
    ("ΟΔΟΣ", "οδος"),
    ("ΟΔΟΣ|ΟΔΟΣ", "οδος|οδοσ"),
    ("İzmir", "İzmir".lower()),
    ("Black/White", "black\u2215white"),
    (" two  words ", "Two words"),
    ("ǅ", "ǆ"),
]
DIFFERENT = [
    ("Maße", "Masse"),
    ("Buße", "BUSSE"),
    ("Weiße", "Weisse"),
    ("k\u0131z", "kiz"),
    ("İn", "In"),
    ("Bär", "Bar"),
    ("\uff21\uff22", "AB"),
    ("\uff76\uff92\uff97", "カメラ"),
    ("ﬁn", "fin"),
    ("C#", "C"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_the_same(one: str, other: str) -> None:
    assert identity(one) == identity(other)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_not_the_same(one: str, other: str) -> None:
    assert identity(one) != identity(other)


@given(st.text(max_size=20))
def test_whatever_form_it_comes_in(text: str) -> None:
    assert identity(identity(text)) == identity(text)
    for form in ("NFC", "NFD"):
        assert identity(unicodedata.normalize(form, text)) == identity(text)


@pytest.mark.parametrize(("one", "other"), [("Maße", "Masse"), ("Buße", "Busse"), ("Floße", "Flosse")])
def test_two_words_stay_two_everywhere(one: str, other: str) -> None:
    both = (one, other)
    listed = WordRequest(Vocabulary(dict.fromkeys(both, ())), strict=True)
    assert normalize(both) == both
    assert parse_reply(f'{{"keywords": ["{one}", "{other}"]}}').keywords == both
    assert TagPolicy(words=listed.words_among({}, ())).tags(both) == both
    assert TagProposal(both, {}).change(Metadata((one,)), "append").add == (other,)
    assert tags_after(Metadata((one,)), Change(add=(other,))) == both
    assert tags_after(Metadata(both), Change(remove=(one,))) == (other,)
    assert change_for(Metadata((*both, "X")), {"X": one}) == Change(remove=("X",))
    for app in (app for app in APPS if app.exact):
        fields = {"XMP-dc:Subject": both, "IPTC:Keywords": both, "XMP-lr:HierarchicalSubject": both}
        assert app.read(Sources(fields, base_sidecar=fields)).tags == both, app.name


@pytest.mark.parametrize("there", ["Cafe\u0301", "cafe\u0301", "CAFÉ"])
def test_one_word_in_another_form_is_not_replaced(there: str) -> None:
    proposal = TagProposal(("Café", "Cup"), {})
    seen = Metadata((there,))
    assert proposal.change(seen, "replace") == Change(add=("Cup",), ours=("Cup",))
    assert identities(seen.tags) <= identities(tags_after(seen, proposal.change(seen, "replace")))
    assert TagPolicy(words=Words(preferred={identity("Café"): "Coffee"})).tags([there]) == ("Coffee",)
