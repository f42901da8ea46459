"""The undo patch gives back every byte, and stays small."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.laws import examples
from tagroll.errors import WriteError
from tagroll.metadata.files import patch as patch_module
from tagroll.metadata.files.patch import apply_patch, make_patch

_PICTURE = hashlib.shake_256(b"a picture").digest(300_000)


@given(st.binary(max_size=300), st.binary(max_size=300))
def test_any_two_files(before, after):
    assert apply_patch(after, make_patch(before, after)) == before


@examples(60)
@given(
    st.lists(st.binary(min_size=1, max_size=400), max_size=8),
    st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=5),
)
def test_stretches_moved_doubled_and_lost(stretches, swaps):
    moved = list(stretches)
    for one, other in swaps:
        if one < len(moved) and other < len(moved):
            moved[one], moved[other] = moved[other], moved[one]
    before, after = b"".join(stretches), b"".join(moved + moved[:2])
    assert apply_patch(after, make_patch(before, after)) == before


@pytest.mark.parametrize("filler", [b"\0", b"ab", b"<rdf:li>Cat</rdf:li>"])
def test_repetitive_bytes(filler):
    before, after = filler * 5000 + b"x" + filler * 70, filler * 4000 + b"xx" + filler * 900
    patch = make_patch(before, after)
    assert apply_patch(after, patch) == before
    assert len(patch) < 500


@pytest.mark.parametrize(
    "after",
    [
        pytest.param(_PICTURE[:20] + b"<packet>" * 400 + _PICTURE[20:], id="packet after the head"),
        pytest.param(b"RIFF" + _PICTURE[4:] + b"<packet>" * 400, id="size in the head, packet at the end"),
        pytest.param(_PICTURE[200_000:] + b"IFD" * 9 + _PICTURE[:200_000], id="pages in another order"),
    ],
)
def test_patch_is_small(after):
    patch = make_patch(_PICTURE, after)
    assert apply_patch(after, patch) == _PICTURE
    assert len(patch) < 200


@pytest.mark.parametrize("bit", [0x01, 0x80, 0xFF])
def test_where_bytes_differ_is_found_to_the_byte(bit):
    """The number that compares two stretches may have its lowest bit anywhere in a byte."""
    for place in (0, 1, 255, 256, 257, 5000):
        before = bytearray(_PICTURE[:6000])
        before[place] ^= bit
        assert apply_patch(_PICTURE, make_patch(bytes(before), _PICTURE)) == before


def test_no_patch_is_given_that_would_not_lead_back(monkeypatch):
    monkeypatch.setattr(patch_module, "_common", lambda *_, **__: 5)
    with pytest.raises(WriteError, match="undo record"):
        make_patch(b"one and all", b"two and all")


def test_a_new_file_needs_next_to_nothing():
    assert apply_patch(_PICTURE, make_patch(b"", _PICTURE)) == b""
    assert len(make_patch(b"", _PICTURE)) < 64


@pytest.mark.parametrize(
    "patch", [b"", b"TRp1", b"TRp1nonsense", b"other", make_patch(_PICTURE, _PICTURE)[:-3]]
)
def test_damaged_patch(patch):
    with pytest.raises(WriteError, match="undo record"):
        apply_patch(_PICTURE, patch)


def test_patch_of_another_file():
    with pytest.raises(WriteError, match="undo record"):
        apply_patch(b"short", make_patch(_PICTURE, _PICTURE + b"x"))
