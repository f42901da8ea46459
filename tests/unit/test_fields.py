"""The table: whoever tagged a photo before and whatever we change, every program then shows the same tags."""

import dataclasses
import hashlib
import re
import struct
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagroll.domain import Change, Metadata
from tagroll.errors import MetadataError
from tagroll.metadata.apps import APPS, Sources
from tagroll.metadata.field_values import read_fields, with_fields
from tagroll.metadata.fields import (
    apply_change,
    fields_after,
    metadata_from_fields,
    read_metadata,
    tags_after,
)
from tagroll.metadata.packets import exif, iptc
from tagroll.metadata.packets.keywords import flat_after, levels
from tagroll.metadata.packets.raw import Packets
from tagroll.metadata.table import FIELDS
from tagroll.tags.identity import identity

JPEG = frozenset({"xmp", "iptc", "exif"})
PNG = frozenset({"xmp"})

LISTS = {
    "TagsList": ("digiKam", "http://www.digikam.org/ns/1.0/", "Seq"),
    "hierarchicalSubject": ("lr", "http://ns.adobe.com/lightroom/1.0/", "Bag"),
    "CatalogSets": ("mediapro", "http://ns.iview-multimedia.com/mediapro/1.0/", "Bag"),
    "LastKeywordXMP": ("MicrosoftPhoto", "http://ns.microsoft.com/photo/1.0/", "Bag"),
    "LastKeywordIPTC": ("MicrosoftPhoto", "http://ns.microsoft.com/photo/1.0/", "Bag"),
    "subject": ("dc", "http://purl.org/dc/elements/1.1/", "Bag"),
    "acdsee": ("acdsee", "http://ns.acdsee.com/iptc/1.0/", "Bag"),
    "expression": ("expressionmedia", "http://ns.microsoft.com/expressionmedia/1.0/", "Bag"),
    "gthumb": ("Iptc4xmpCore", "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/", "Bag"),
    "prism": ("prism", "http://prismstandard.org/namespaces/basic/2.0/", "Bag"),
}
LOCAL = {"acdsee": "keywords", "expression": "CatalogSets", "gthumb": "Keywords", "prism": "keyword"}
"""What a property is called where the key above is not its name."""


def packet(categories: str = "", **lists: list[str]) -> bytes:
    """A packet as a program would write it, with these lists."""
    body = ""
    for name, values in lists.items():
        prefix, space, kind = LISTS[name]
        local = LOCAL.get(name, name)
        items = "".join(f"<rdf:li>{value}</rdf:li>" for value in values)
        body += (
            f'<{prefix}:{local} xmlns:{prefix}="{space}"><rdf:{kind}>{items}</rdf:{kind}></{prefix}:{local}>'
        )
    if categories:
        text = categories.replace("<", "&lt;")
        body += f'<a:categories xmlns:a="http://ns.acdsee.com/iptc/1.0/">{text}</a:categories>'
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="">'
        f'{body}</rdf:Description></rdf:RDF></x:xmpmeta>{" " * 500}<?xpacket end="w"?>'
    ).encode()


def latin_iptc(*words: str) -> bytes:
    """IPTC as programs without a character set mark write it."""
    return b"".join(b"\x1c\x02\x19" + len(w.encode("cp1252")).to_bytes(2) + w.encode("cp1252") for w in words)


def broken_comment(text: str) -> bytes:
    """The UserComment of the older script: UTF-8 behind the mark of UTF-16."""
    block = exif.set_text(None, comment="x" * 200)
    broken = b"UNICODE\0" + text.encode()
    at = block.index(b"UNICODE\0")
    entry = block.index(b"\x86\x92\x07\x00")
    return block[: entry + 4] + len(broken).to_bytes(4, "little") + block[entry + 8 : at] + broken


def utf8_iptc(*words: str) -> bytes:
    """IPTC with the mark of UTF-8, and keywords of any length."""
    keywords = (word.encode() for word in words)
    return b"\x1c\x01\x5a\0\x03\x1b%G" + b"".join(b"\x1c\x02\x19" + len(k).to_bytes(2) + k for k in keywords)


def cut(word: str) -> str:
    """A keyword as programs cut it for IPTC; tagroll did, too."""
    return word.encode()[:64].decode(errors="ignore").rstrip()


SIGHTS = "Достопримечательности Санкт-Петербурга"
JAPANESE = "京都府京都市東山区清水一丁目にある清水寺の舞台からの眺め"
LONG = "Kirche Sankt Maximilian am Rathausplatz der kleinen Stadt Überlingen"
TREE = ["Sky", "Places|Europe|Paris", "People|Zoë"]
SLASHED = [tag.replace("|", "/") for tag in TREE]
LEAVES = ["Sky", "Paris", "Zoë"]
CATEGORIES = (
    '<Categories><Category Assigned="1">Sky</Category>'
    '<Category Assigned="0">Places<Category Assigned="0">Europe'
    '<Category Assigned="1">Paris</Category></Category></Category><Category Assigned="0">People'
    '<Category Assigned="1">Zoë</Category></Category></Categories>'
)

WRITERS = {
    "nobody": (Packets(), []),
    "digiKam, all fields": (
        Packets(
            xmp=packet(
                CATEGORIES,
                TagsList=SLASHED,
                hierarchicalSubject=TREE,
                CatalogSets=TREE,
                LastKeywordXMP=SLASHED,
                subject=LEAVES,
            ),
            iptc=iptc.set_keywords(None, tuple(LEAVES)),
        ),
        TREE,
    ),
    "digiKam, TagsList only": (Packets(xmp=packet(TagsList=SLASHED)), TREE),
    "Lightroom": (
        Packets(
            xmp=packet(
                hierarchicalSubject=TREE, subject=["Sky", "Places", "Europe", "Paris", "People", "Zoë"]
            ),
            iptc=iptc.set_keywords(None, ("Sky", "Places", "Europe", "Paris", "People", "Zoë")),
        ),
        TREE,
    ),
    "Lightroom after digiKam": (
        Packets(xmp=packet(TagsList=["Old", "Sky"], hierarchicalSubject=["Sky"], subject=["Sky"])),
        ["Old", "Sky"],
    ),
    "Immich (sidecar)": (Packets(xmp=packet(TagsList=SLASHED)), TREE),
    "Windows": (
        Packets(
            xmp=packet(subject=["Sky", "Sea"], LastKeywordXMP=["Sky", "Sea"], LastKeywordIPTC=["Sky", "Sea"]),
            iptc=latin_iptc("Sky", "Sea"),
            exif=exif.set_text(None, keywords="Sky;Sea"),
        ),
        ["Sky", "Sea"],
    ),
    "Windows Photo Gallery": (
        Packets(xmp=packet(subject=["Places/Paris", "Sky"], LastKeywordXMP=["Places/Paris", "Sky"])),
        ["Places|Paris", "Sky"],
    ),
    "Windows Explorer, with slashes": (
        Packets(
            xmp=packet(subject=["B/W", "24/7", "Sky"], LastKeywordXMP=["B/W", "24/7", "Sky"]),
            exif=exif.set_text(None, keywords="B/W;24/7;Sky"),
        ),
        ["B/W", "24/7", "Sky"],
    ),
    "ACDSee": (
        Packets(xmp=packet(CATEGORIES, acdsee=["Sky", "Sea"], subject=["Sky"])),
        [*TREE, "Sea"],
    ),
    "Expression Media": (Packets(xmp=packet(expression=TREE)), TREE),
    "gThumb": (Packets(xmp=packet(gthumb=["Sky", "Sea"], subject=["Sky"])), ["Sky", "Sea"]),
    "LLMII": (
        Packets(xmp=packet(subject=["sky", "sea"]), iptc=iptc.set_keywords(None, ("sky", "sea"))),
        ["sky", "sea"],
    ),
    "the older script": (
        Packets(xmp=packet(subject=LEAVES), iptc=latin_iptc(*LEAVES), exif=broken_comment(", ".join(LEAVES))),
        LEAVES,
    ),
    "exiftool, IPTC only": (Packets(iptc=latin_iptc("Sky", "Café")), ["Sky", "Café"]),
    "exiftool, XPKeywords only": (Packets(exif=exif.set_text(None, keywords="Sky; Sea")), ["Sky", "Sea"]),
    "a long keyword, cut in IPTC": (Packets(xmp=packet(subject=[LONG]), iptc=utf8_iptc(cut(LONG))), [LONG]),
    "a long keyword, whole in IPTC": (Packets(xmp=packet(subject=[LONG]), iptc=utf8_iptc(LONG)), [LONG]),
    "long keywords of other scripts": (
        Packets(
            xmp=packet(hierarchicalSubject=[f"Orte|{SIGHTS}", JAPANESE], subject=[SIGHTS, JAPANESE]),
            iptc=utf8_iptc(cut(SIGHTS), cut(JAPANESE)),
        ),
        [f"Orte|{SIGHTS}", JAPANESE],
    ),
    "separators inside names": (
        Packets(
            xmp=packet(subject=["Black/White", "a;b", "Paris, France"]),
            exif=exif.set_text(None, keywords="Sky"),
        ),
        ["Black/White", "a;b", "Paris, France", "Sky"],
    ),
    "tagroll": (
        apply_change(Packets(), Change(add=("Sky", "Places|Europe|Paris", "Zoë")), families=JPEG),
        ["Sky", "Places|Europe|Paris", "Zoë"],
    ),
}

NEW = ("Harbour", "Boats & Ships")
CHANGES = {
    "append": lambda _: Change(add=NEW),
    "replace": lambda old: Change(add=NEW, remove=old),
    "replace, one stays": lambda old: Change(add=NEW, remove=old[1:]),
    "remove": lambda old: Change(add=("Kept",), remove=old[:1]),
    "hierarchical": lambda _: Change(add=("Animals|Birds|Gull", "Gull")),
    "nothing new": lambda old: Change(add=old),
    "take all away": lambda old: Change(remove=old),
}


def plain(tag: str) -> str:
    """A tag for comparison: stand-ins of separators and letter case folded, as a person would read it."""
    return identity(tag)


def expected(app_levels: bool, tags: tuple[str, ...]) -> set[str]:
    return {plain(tag if app_levels else levels(tag)[-1]) for tag in tags}


def shown(app, packets: Packets) -> set[str]:
    return {plain(tag) for tag in app.read(Sources(read_fields(packets))).tags}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize(("packets", "tags"), WRITERS.values(), ids=WRITERS)
def test_every_program_sees_exactly_the_intended_tags(packets, tags, change):
    before = read_metadata(packets)
    assert before.tags == tuple(tags)
    wanted = change(before.tags)
    after = apply_change(packets, wanted, families=JPEG)
    tags_now = tags_after(before, wanted)
    assert {plain(tag) for tag in read_metadata(after).tags} == {plain(tag) for tag in tags_now}
    assert len(read_metadata(after).tags) == len(tags_now)
    for app in (app for app in APPS if app.exact):
        seen = shown(app, after)
        want = expected(app.levels, tags_now)
        ancestors = {plain(part) for tag in tags_now for part in levels(tag)} if not app.levels else set()
        # a path that stands in one flat value stays so, for those who read it there
        whole = {plain("/".join(levels(tag))): plain(levels(tag)[-1]) for tag in tags_now}
        seen = {whole.get(name, name) if not app.levels else name for name in seen} - whole.keys()
        seen |= {name for name in want if name in whole}
        if app.name == "Damselfly":
            want = {name for name in want if iptc.fits(name)}  # it reads IPTC and nothing else
        if app.name.startswith("digiKam"):  # what Explorer has left it reads as paths, with or without us
            seen = {name if name in want else name.replace("|", "/") for name in seen}
        assert seen <= want | ancestors, app.name
        assert want <= seen, app.name


@pytest.mark.parametrize("packets", [packets for packets, _ in WRITERS.values()], ids=WRITERS)
def test_nothing_to_do_after_it_is_done(packets):
    once = apply_change(packets, Change(add=NEW), families=JPEG)
    assert apply_change(once, Change(add=NEW), families=JPEG) == once
    assert apply_change(packets, Change(), families=JPEG) == packets


@pytest.mark.parametrize(("packets", "tags"), WRITERS.values(), ids=WRITERS)
def test_no_keyword_field_is_stale_where_only_xmp_can_be_added(packets, tags):
    after = apply_change(packets, Change(add=NEW, remove=tuple(tags)), families=PNG)
    assert (after.iptc is None) == (packets.iptc is None)
    assert after.exif is None or packets.exif is not None
    assert read_metadata(after).tags == NEW


def test_ancestors_that_lightroom_wrote_go_with_the_last_path_that_has_them():
    packets = Packets(xmp=packet(hierarchicalSubject=["P|A", "P|B"], subject=["P", "A", "B"]))
    one = apply_change(packets, Change(remove=("P|A",)), families=PNG)
    assert read_fields(one)["XMP-dc:Subject"] == ("P", "B")
    none = apply_change(one, Change(remove=("p|b",), add=("X",)), families=PNG)
    assert read_fields(none)["XMP-dc:Subject"] == ("X",)


def test_a_flat_tag_that_is_a_level_of_a_path_is_not_missing():
    packets = Packets(xmp=packet(TagsList=["Places/Paris"]))
    after = apply_change(packets, Change(add=("paris", "Tower")), families=PNG)
    assert read_metadata(after).tags == ("Places|Paris", "Tower")


def test_removing_and_adding_gives_a_new_spelling():
    packets = Packets(xmp=packet(subject=["sky", "Sea"]))
    after = apply_change(packets, Change(add=("Sky",), remove=("sky",)), families=PNG)
    assert set(read_fields(after)["XMP-dc:Subject"]) == {"Sky", "Sea"}


def test_removing_and_adding_what_stands_behind_gives_a_place():
    packets = Packets(xmp=packet(subject=["Sea", "Sky", "Boat"], TagsList=["A/Boat", "Sky"]))
    assert read_metadata(packets).tags == ("A|Boat", "Sky", "Sea")
    change = Change(add=("Sun", "Sea", "A"), remove=("Sky", "Sea"))
    after = read_fields(apply_change(packets, change, families=PNG))
    assert after["XMP-digiKam:TagsList"] == ("A/Boat", "Sun", "Sea")
    assert after["XMP-dc:Subject"] == ("Sun", "Sea", "Boat")  # the order there was
    both = ("A", "A|Boat")
    assert tags_after(Metadata(both), Change(add=both, remove=both)) == both  # A is not a level only


def test_a_packet_full_of_keywords_does_not_take_hours():
    there = tuple(f"tag {number}" for number in range(50_000))
    started = time.process_time()
    assert flat_after(there[::2], there) == there
    assert time.process_time() - started < 5


TREE_OF_MWG = """<m:Keywords xmlns:m="http://www.metadataworkinggroup.com/schemas/keywords/" rdf:parseType="Resource">
<m:Hierarchy><rdf:Bag>
<rdf:li rdf:parseType="Resource"><m:Keyword>Animals</m:Keyword><m:Applied>False</m:Applied><m:Children><rdf:Bag>
  <rdf:li><rdf:Description m:Keyword="Cat" m:Applied="True"/></rdf:li>
  <rdf:li m:Keyword="Dog" m:Applied="False"/></rdf:Bag></m:Children></rdf:li>
<rdf:li rdf:parseType="Resource"><m:Keyword>Sea</m:Keyword></rdf:li>
<rdf:li rdf:parseType="Resource"><m:Keyword>Places</m:Keyword><m:Children><rdf:Bag>
  <rdf:li rdf:parseType="Resource"><m:Keyword>Rome</m:Keyword></rdf:li></rdf:Bag></m:Children></rdf:li>
</rdf:Bag></m:Hierarchy></m:Keywords>"""


def with_property(xml: str, **lists: list[str]) -> Packets:
    return Packets(xmp=packet(**lists).replace(b"</rdf:Description>", xml.encode() + b"</rdf:Description>"))


def test_the_tree_of_the_metadata_working_group_is_kept_in_step():
    packets = with_property(TREE_OF_MWG, subject=["Cat"])
    assert read_metadata(packets).tags == ("Animals|Cat", "Sea", "Places|Rome")
    after = apply_change(packets, Change(add=("Animals|Bird", "Boats|Ferry"), remove=("Sea",)), families=PNG)
    there = ("Animals|Cat", "Animals|Bird", "Places|Rome", "Boats|Ferry")
    assert read_fields(after)["XMP-mwg-kw:KeywordInfo"] == there
    assert set(read_metadata(after).tags) == set(there)
    assert re.search(rb"Dog<[^>]*>\s*<[^>]*Applied>False", after.xmp)  # on offer as before
    none = apply_change(after, Change(add=("X",), remove=read_metadata(after).tags), families=PNG)
    assert read_fields(none)["XMP-mwg-kw:KeywordInfo"] == ("X",)
    assert "XMP-mwg-kw:KeywordInfo" not in read_fields(
        apply_change(none, Change(remove=("X",)), families=PNG)
    )


PDF = '<pdf:Keywords xmlns:pdf="http://ns.adobe.com/pdf/1.3/">{}</pdf:Keywords>'


@pytest.mark.parametrize(
    ("text", "tags"), [("Sky, Sea", ["Sky", "Sea"]), ("Sky; Paris, France", ["Sky", "Paris, France"])]
)
def test_the_keywords_of_pdf_and_prism_lose_what_is_gone_and_get_nothing(text, tags):
    packets = with_property(PDF.format(text), prism=["Sky", "Moon"])
    assert read_metadata(packets).tags == ("Sky", "Moon", tags[1])
    added = read_fields(apply_change(packets, Change(add=NEW), families=PNG))
    assert (added["XMP-pdf:Keywords"], added["XMP-prism:Keyword"]) == ((text,), ("Sky", "Moon"))
    less = read_fields(apply_change(packets, Change(remove=("sky",)), families=PNG))
    assert (less["XMP-pdf:Keywords"], less["XMP-prism:Keyword"]) == ((tags[1],), ("Moon",))
    none = read_fields(
        apply_change(packets, Change(remove=("Sky", "Moon", tags[1]), add=("X",)), families=PNG)
    )
    assert not {"XMP-pdf:Keywords", "XMP-prism:Keyword"} & none.keys()


def test_supplemental_categories_are_no_keywords():
    codes = b"\x1c\x02\x14\0\x03SPO" + b"\x1c\x02\x14\0\x0c703-614-9154"
    assert read_metadata(Packets(iptc=codes)).tags == ()
    assert codes in apply_change(Packets(iptc=codes), Change(add=NEW), families=JPEG).iptc


def md5(data: bytes) -> bytes:
    return hashlib.md5(data, usedforsecurity=False).digest()


@pytest.mark.parametrize(
    ("digest", "tags"), [("none", ("Sky",)), ("same", ("Sky",)), ("other", ("Sky", "Wrong", "Café"))]
)
def test_iptc_beside_xmp_counts_only_when_it_was_changed_since(digest, tags):
    stale = latin_iptc("Sky", "Wrong", "Café")
    told = {"none": None, "same": md5(stale), "other": md5(stale[:-1])}[digest]
    packets = Packets(xmp=packet(subject=["Sky"]), iptc=stale, digest=told)
    assert read_metadata(packets).tags == tags
    assert read_metadata(Packets(iptc=stale, digest=told)).tags == ("Sky", "Wrong", "Café")
    assert read_metadata(dataclasses.replace(packets, xmp=packet(TagsList=["Sky"]))).tags == (
        "Sky",
        "Wrong",
        "Café",
    )
    after = read_fields(apply_change(packets, Change(add=NEW), families=JPEG))
    assert set(after["XMP-dc:Subject"]) == {*tags, *NEW}
    assert set(after["IPTC:Keywords"]) == {"Sky", "Wrong", "Café", *NEW}  # nothing is lost where it stands
    replaced = read_fields(apply_change(packets, Change(add=NEW, remove=tags), families=JPEG))
    assert replaced["IPTC:Keywords"] == NEW
    ours = Change(add=NEW, left=(("Sky", "Wrong", "Café"),))
    kept = () if digest != "other" else ("Wrong", "Café")
    assert set(read_fields(apply_change(packets, ours, families=JPEG))["IPTC:Keywords"]) == {
        "Sky",
        *kept,
        *NEW,
    }


def li(kind: str, *values: str) -> str:
    return f"<rdf:{kind}>" + "".join(f"<rdf:li>{value}</rdf:li>" for value in values) + f"</rdf:{kind}>"


@pytest.mark.parametrize("wrong", ["Seq", "Bag", "Alt"])
def test_a_list_becomes_the_kind_that_its_readers_want(wrong):
    xmp = packet(subject=["Sky"], TagsList=["Sky"], hierarchicalSubject=["Sky"]).decode()
    for kind in ("Bag", "Seq"):
        xmp = xmp.replace(li(kind, "Sky"), li(wrong, "Sky"))
    after = apply_change(Packets(xmp=xmp.encode()), Change(add=NEW), families=PNG).xmp.decode()
    kinds = dict(re.findall(r"<[^>]*:(subject|TagsList|hierarchicalSubject)\b[^>]*>\s*<rdf:(\w+)>", after))
    assert kinds == {"subject": "Bag", "TagsList": "Seq", "hierarchicalSubject": "Bag"}


@pytest.mark.parametrize("wrong", ["Seq", "Bag", "Alt", ""])
@pytest.mark.parametrize("change", [Change(align=True), Change(add=("Sky",)), Change(remove=("Gone",))])
def test_a_list_of_the_wrong_kind_is_written_anew_although_it_says_what_it_should(wrong, change):
    right = packet(subject=["Sky"], TagsList=["Sky"], hierarchicalSubject=["Sky"], LastKeywordXMP=["Sky"])
    xmp = right.decode()
    for kind in ("Bag", "Seq"):
        xmp = xmp.replace(li(kind, "Sky"), li(wrong, "Sky") if wrong else "Sky")
    before = Packets(xmp=xmp.encode())
    after = apply_change(before, change, families=PNG)
    kinds = re.findall(
        r"<[^>]*:(subject|TagsList|hierarchicalSubject|LastKeywordXMP)\b[^>]*>\s*<rdf:(\w+)>",
        after.xmp.decode(),
    )
    assert dict(kinds) == {
        "subject": "Bag",
        "TagsList": "Seq",
        "hierarchicalSubject": "Bag",
        "LastKeywordXMP": "Bag",
    }
    assert read_fields(after) == read_fields(before)
    assert apply_change(after, change, families=PNG) == after
    caption = apply_change(before, Change(set={"title": "A lake"}), families=PNG)
    assert li(wrong, "Sky") in caption.xmp.decode() or not wrong  # no tags, no new lists


ACCOUNT = ["darktable|changed", "darktable|format|jpg", "darktable|style|1. Develop Filmic"]


@pytest.mark.parametrize(
    "change", [Change(add=NEW), Change(add=NEW, remove=("People|Anna",)), Change(remove=("changed",))]
)
@pytest.mark.parametrize(
    "flat", [["changed", "jpg", "Anna"], ["Anna", "darktable", "format", "jpg", "1. Develop Filmic"]]
)
def test_what_darktable_notes_for_itself_is_no_tag_and_stays_where_it_is(change, flat):
    packets = Packets(xmp=packet(hierarchicalSubject=[*ACCOUNT, "People|Anna"], subject=flat))
    before = read_metadata(packets)
    assert before.tags == ("People|Anna",)
    written = apply_change(packets, change, families=JPEG)
    after = read_fields(written)
    assert read_metadata(written).tags == tags_after(before, change)
    assert set(ACCOUNT) < set(after["XMP-lr:HierarchicalSubject"])
    assert set(flat) - {"Anna"} <= set(after["XMP-dc:Subject"])
    assert not {"changed", "jpg", "format", "darktable"} & set(after.get("IPTC:Keywords", ()))
    assert not any("darktable" in value for value in after.get("XMP-digiKam:TagsList", ()))


def test_a_tag_that_is_called_like_a_note_of_darktable_is_a_tag():
    packets = Packets(
        xmp=packet(hierarchicalSubject=["darktable|format|jpg", "jpg", "darktable"], subject=["jpg", "Sky"])
    )
    assert read_metadata(packets).tags == ("jpg", "darktable", "Sky")
    assert read_metadata(Packets(xmp=packet(subject=["darktable", "changed"]))).tags == (
        "darktable",
        "changed",
    )


@pytest.mark.parametrize("name", ["B/W", "24/7", "AC/DC", "TCP/IP", "and/or"])
def test_a_slash_of_windows_explorer_is_no_level(name):
    packets = Packets(
        xmp=packet(subject=[name, "Sky"], LastKeywordXMP=[name, "Sky"]),
        exif=exif.set_text(None, keywords=f"{name};Sky"),
    )
    assert read_metadata(packets).tags == (name, "Sky")
    after = read_fields(apply_change(packets, Change(add=NEW), families=JPEG))
    for field in (
        "XMP-dc:Subject",
        "XMP-microsoft:LastKeywordXMP",
        "IPTC:Keywords",
        "XMP-lr:HierarchicalSubject",
    ):
        assert after[field][:2] == (name, "Sky"), field
    assert after["IFD0:XPKeywords"][0].startswith(f"{name};Sky;")
    renamed = apply_change(packets, Change(add=("Grey",), remove=(name,)), families=JPEG)
    assert read_metadata(renamed).tags == ("Sky", "Grey")


@pytest.mark.parametrize(
    ("whole", "path"),
    [
        ("Black/White", "Black|White"),
        ("Places/Rome/Ostia", "Places|Rome|Ostia"),
        ("Orte.Köln", "Orte|Köln"),
        ("a|b", "a|b"),
    ],
)
def test_a_flat_value_that_spells_a_path_keeps_all_of_it(whole, path):
    packets = Packets(xmp=packet(subject=["Sky", whole], TagsList=[path.replace("|", "/")]))
    assert set(read_metadata(packets).tags) == {"Sky", path}
    after = read_fields(apply_change(packets, Change(add=NEW), families=JPEG))
    assert after["XMP-dc:Subject"] == ("Sky", whole, *NEW)
    assert path in after["XMP-lr:HierarchicalSubject"]
    gone = read_fields(apply_change(packets, Change(remove=(path,)), families=JPEG))
    assert gone["XMP-dc:Subject"] == ("Sky",)


def test_what_stands_flat_beside_lightrooms_tree_is_not_hung_into_it():
    packets = Packets(xmp=packet(hierarchicalSubject=["Animals|Cat"], subject=["Cat", "Feline", "Animals"]))
    assert read_metadata(packets).tags == ("Animals|Cat", "Feline")
    after = read_fields(apply_change(packets, Change(add=NEW), families=JPEG))
    assert after["XMP-lr:HierarchicalSubject"] == ("Animals|Cat", *NEW)
    assert set(after["XMP-dc:Subject"]) == {"Cat", "Feline", "Animals", *NEW}
    again = Change(add=("Feline", "Boat"), remove=("Feline",))  # put behind another word, not said anew
    assert (
        "Feline" not in read_fields(apply_change(packets, again, families=JPEG))["XMP-lr:HierarchicalSubject"]
    )
    said = apply_change(packets, Change(add=("Feline",)), families=JPEG)
    assert "Feline" in read_fields(said)["XMP-lr:HierarchicalSubject"]
    without = apply_change(
        packets, Change(add=NEW, remove=("Animals|Cat",)), families=JPEG
    )  # no tree is left
    assert "Feline" in read_fields(without)["XMP-lr:HierarchicalSubject"]
    flat = Packets(xmp=packet(hierarchicalSubject=["Cat"], subject=["Cat", "Feline"]))
    assert (
        "Feline"
        in read_fields(apply_change(flat, Change(add=NEW), families=JPEG))["XMP-lr:HierarchicalSubject"]
    )


def test_spelling_differs_only_in_case_or_unicode_form():
    packets = Packets(xmp=packet(subject=["Zoe\u0308", "ZOË", "zoë"], TagsList=["Zoë"]))
    assert read_metadata(packets).tags == ("Zoë",)


def test_a_comment_of_a_person_is_never_touched_and_is_no_tag():
    words = Packets(xmp=packet(subject=["Sky"]), exif=exif.set_text(None, comment="Grandma, at the sea"))
    assert read_metadata(words).tags == ("Sky",)
    after = apply_change(words, Change(add=NEW, remove=("Sky",)), families=JPEG)
    assert after.exif == words.exif


def comment(packets: Packets) -> tuple[str, ...]:
    return read_fields(packets).get("ExifIFD:UserComment", ())


def test_the_list_of_tags_is_in_no_comment_unless_it_is_asked_for():
    assert apply_change(Packets(), Change(add=NEW), families=JPEG).exif is None
    first = apply_change(Packets(), Change(add=("Sky", "Sea"), comment=True), families=JPEG)
    assert comment(first) == ("Sky, Sea",)
    second = apply_change(first, Change(add=("Über",), remove=("Sky",), comment=True), families=JPEG)
    assert comment(second) == ("Sea, Über",)
    assert len(second.exif) <= len(first.exif) + 2


@pytest.mark.parametrize(
    ("was", "packets"),
    [
        ("Sky, Sea", Packets(xmp=packet(subject=["Sky", "Sea"]))),
        ("Sky", Packets(xmp=packet(subject=["Sky"]))),
        ("P, Sky", Packets(xmp=packet(hierarchicalSubject=["P|Sky"], subject=["P", "Sky"]))),
        ("Sky, Café", Packets(iptc=latin_iptc("Café", "Sky"))),
        ("Cat, Dog", Packets(xmp=packet(subject=["Sky"]))),  # the journal knows it
    ],
)
def test_a_list_of_ours_in_the_comment_goes_when_the_photo_is_written_again(was, packets):
    packets = dataclasses.replace(packets, exif=exif.set_text(None, comment=was))
    after = apply_change(packets, Change(add=NEW, left=(("Dog", "Pets|Cat"),)), families=JPEG)
    assert comment(after) == ()
    assert after.exif is None


def test_what_the_older_script_left_in_the_comment_goes_even_beside_tags_of_others():
    old = Packets(xmp=packet(subject=["Sky", "Mine", "Zoë"]), exif=broken_comment("Sky, Zoë"))
    assert comment(apply_change(old, Change(add=NEW), families=JPEG)) == ()


@pytest.mark.parametrize("words", ["Paris", "Sky, Paris", "Sky, Sea and Paris"])
def test_a_comment_that_names_some_tags_may_be_a_caption(words):
    photo = Packets(xmp=packet(subject=["Sky", "Paris", "Sea"]), exif=exif.set_text(None, comment=words))
    assert apply_change(photo, Change(add=NEW, comment=True), families=JPEG).exif == photo.exif


@pytest.mark.parametrize("tag", ["Beach \U0001f3d6", "\U00020bb7野家", "Notes|\U0001d11e"])
def test_no_comment_of_ours_goes_beyond_the_bmp(tag):
    """exiv2 cannot convert it: digiKam and darktable show its first letter as the caption."""
    after = apply_change(Packets(), Change(add=("Sky", tag), comment=True), families=JPEG)
    assert after.exif is None
    listed = Packets(xmp=packet(subject=["Sky"]), exif=exif.set_text(None, comment="Sky"))
    assert comment(apply_change(listed, Change(add=(tag,), comment=True), families=JPEG)) == ()


@pytest.mark.parametrize("order", ["<", ">"])
def test_no_comment_of_ours_stands_beside_a_caption(order):
    """Five programs would show the list of tags in the place of what a person wrote."""
    block = described(order, "Grandma, 1955")
    told = Packets(xmp=packet(subject=["Sky"]), exif=block)
    assert read_fields(told)["IFD0:ImageDescription"] == ("Grandma, 1955",)
    assert apply_change(told, Change(add=NEW, comment=True), families=JPEG).exif == block
    listed = dataclasses.replace(told, exif=exif.set_text(block, comment="Sky"))
    after = apply_change(listed, Change(add=NEW, comment=True), families=JPEG)
    assert comment(after) == ()
    assert read_fields(after)["IFD0:ImageDescription"] == ("Grandma, 1955",)


def described(order: str, text: str) -> bytes:
    """A TIFF block with an ImageDescription."""
    entry = struct.pack(order + "HHHII", 1, 0x10E, 2, len(text) + 1, 26)
    head = struct.pack(order + "2sHI", b"II" if order == "<" else b"MM", 42, 8)
    return head + entry + bytes(4) + text.encode() + b"\0"


def test_a_blank_caption_is_none():
    told = Packets(exif=described("<", " " * 20))
    assert comment(apply_change(told, Change(add=NEW, comment=True), families=JPEG)) == (", ".join(NEW),)


def test_the_list_that_digikam_reads_first_is_kept_in_step_but_never_made():
    """Where only we write it, it would hide what Lightroom and darktable do later from digiKam and Immich."""
    new = read_fields(apply_change(Packets(), Change(add=("Places|Paris", "Sky")), families=JPEG))
    assert "XMP-digiKam:TagsList" not in new
    assert new["XMP-lr:HierarchicalSubject"] == ("Places|Paris", "Sky")
    there = Packets(xmp=packet(TagsList=["Sky"]))
    kept = read_fields(apply_change(there, Change(add=("Places|Paris",)), families=JPEG))
    assert kept["XMP-digiKam:TagsList"] == ("Sky", "Places/Paris")


@pytest.mark.parametrize("tag", [LONG, SIGHTS, JAPANESE, f"Orte|{SIGHTS}"])
def test_what_iptc_has_no_room_for_is_left_out_of_it(tag):
    after = apply_change(Packets(), Change(add=("Sky", tag)), families=JPEG)
    assert read_fields(after)["IPTC:Keywords"] == ("Sky",)
    assert read_metadata(after).tags == ("Sky", tag)
    assert apply_change(Packets(), Change(add=(tag,)), families=JPEG).iptc is None


@pytest.mark.parametrize("tag", [LONG, SIGHTS, f"Orte|{JAPANESE}"])
def test_a_cut_keyword_of_a_photo_stands_for_the_full_one_of_its_sidecar(tag):
    embedded = Packets(iptc=utf8_iptc(cut(tag.split("|")[-1])))
    sidecar = apply_change(Packets(), Change(add=(tag,)), families=PNG).xmp
    assert read_metadata(embedded, sidecar).tags == (tag,)


def test_a_broken_exif_block_is_left_alone():
    broken = Packets(exif=b"II*\0\xff\xff\xff\xff")
    after = apply_change(broken, Change(add=NEW), families=JPEG)
    assert after.exif == broken.exif
    assert read_metadata(after).tags == NEW


def test_captions():
    packets = apply_change(
        Packets(), Change(set={"title": "Tí", "description": "Líne\ntwo", "alt_text": "Alt"}), families=JPEG
    )
    found = read_metadata(packets)
    assert (found.title, found.description, found.alt_text) == ("Tí", "Líne\ntwo", "Alt")
    assert found.tags == ()
    assert packets.iptc is None
    assert packets.exif is None
    emptied = read_metadata(apply_change(packets, Change(set={"title": ""}), families=JPEG))
    assert (emptied.title, emptied.alt_text) == ("", "Alt")


def test_a_caption_in_iptc_counts_where_xmp_has_none_and_stays():
    told = b"\x1c\x02\x05\0\x04Mine" + b"\x1c\x02\x78\0\x05Tower"
    packets = Packets(iptc=told)
    assert (read_metadata(packets).title, read_metadata(packets).description) == ("Mine", "Tower")
    after = apply_change(packets, Change(set={"title": "Ours"}), families=JPEG)
    assert after.iptc == told
    assert read_metadata(after).title == "Ours"
    unknown = b"\x1c\x01\x5a\0\x03\x1b$B" + b"\x1c\x02\x05\0\x02\xe9\xe8"
    assert read_metadata(Packets(iptc=unknown)).title


def test_changing_a_caption_leaves_partial_keyword_lists_alone():
    packets = Packets(xmp=packet(TagsList=["Sky"]))
    after = read_fields(apply_change(packets, Change(set={"title": "T"}), families=JPEG))
    assert "XMP-dc:Subject" not in after


def test_an_unreadable_packet_is_an_error_and_never_replaced():
    with pytest.raises(MetadataError):
        apply_change(Packets(xmp=b"<x:xmpmeta"), Change(add=NEW), families=JPEG)
    with pytest.raises(MetadataError):
        read_metadata(Packets(iptc=b"\x1c\x02\x19\x00\x99Sky"))


def test_both_engines_mean_the_same():
    """What exiftool reports goes through the same two functions; it gives no key for what is not there."""
    for packets, _ in WRITERS.values():
        fields = read_fields(packets)
        metadata = metadata_from_fields(fields)
        assert metadata == read_metadata(packets)
        change = Change(add=NEW, remove=metadata.tags[:1])
        after = fields_after(metadata, change)
        assert set(after) <= set(FIELDS)
        written = read_fields(apply_change(packets, change, families=JPEG))
        assert {name: values for name, values in after.items() if values} == {
            name: written[name] for name in after if after[name]
        }


def test_a_sidecar_comes_on_top_of_a_photo_and_alone_once_it_is_complete_and_the_photo_read_only_reason():
    embedded = Packets(iptc=latin_iptc("Sky", "Old"))
    partial = packet(subject=["Sea"])
    both = read_metadata(embedded, partial, read_only=True)
    assert both.tags == ("Sea", "Sky", "Old")
    alone = read_fields(Packets(xmp=partial))
    known = dataclasses.replace(both, fields=alone)
    wanted = fields_after(known, Change(add=("Boat",), remove=("Old",)), PNG)
    sidecar = with_fields(Packets(xmp=partial), alone, wanted).xmp
    assert read_metadata(embedded, sidecar, read_only=True).tags == ("Sea", "Sky", "Boat")
    assert read_metadata(embedded, sidecar).tags == ("Sea", "Sky", "Boat", "Old")
    two = read_metadata(embedded, packet(subject=["Two"]), sidecar, read_only=True)
    assert two.tags == ("Sea", "Sky", "Boat", "Two")


def test_categories_that_are_no_list_are_left_as_they_are():
    odd = Packets(xmp=packet("Holiday <pictures", subject=["Sky"]))
    after = read_fields(apply_change(odd, Change(add=NEW), families=PNG))
    assert after["XMP-acdsee:Categories"] == ("Holiday <pictures",)


@pytest.mark.parametrize("name", FIELDS)
def test_a_row_says_where_it_stands(name):
    row = FIELDS[name]
    assert row.name == name
    assert bool(row.xml) == (row.family == "xmp") == bool(row.prefix)


# without "|", and the look-alikes of separators, which come back as what they stand for
words = st.text(
    st.characters(exclude_categories=("Cs", "Cc", "Cn", "Co"), exclude_characters="|\u2215\u2223\u037e"),
    min_size=1,
    max_size=30,
).filter(lambda text: text.strip())
paths = st.lists(words, min_size=1, max_size=3).map("|".join)
tag_sets = st.lists(paths, max_size=6, unique_by=identity).map(tuple)


@pytest.mark.slow
@given(first=tag_sets, more=tag_sets, gone=st.integers(0, 5))
def test_tags_are_what_there_was_without_what_goes_with_what_comes(first, more, gone):
    packets = apply_change(Packets(), Change(add=first), families=JPEG)
    before = read_metadata(packets)
    assert set(map(identity, before.tags)) == set(map(identity, tags_after(Metadata(), Change(add=first))))
    change = Change(add=more, remove=before.tags[:gone])
    after = apply_change(packets, change, families=JPEG)
    assert set(map(identity, read_metadata(after).tags)) == set(map(identity, tags_after(before, change)))
    assert apply_change(after, change, families=JPEG) == after or set(more) & set(before.tags[:gone])
