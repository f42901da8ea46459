"""What each program shows: its rule on files where the fields do not agree, embedded and beside the photo."""

import pytest

from tagroll.metadata.apps import APPS, Sources, blind_to_sidecars

TAGS_LIST, HIERARCHICAL = "XMP-digiKam:TagsList", "XMP-lr:HierarchicalSubject"
SUBJECT, IPTC, XP = "XMP-dc:Subject", "IPTC:Keywords", "IFD0:XPKeywords"
RULES = {app.name: app for app in APPS}

ALL = {
    TAGS_LIST: ("Places/Paris", "list"),
    HIERARCHICAL: ("Places|Rome", "tree"),
    SUBJECT: ("Rome", "tree", "subject"),
    IPTC: ("iptc",),
    XP: ("xp;words",),
}


def without(*names: str) -> dict[str, tuple[str, ...]]:
    return {name: values for name, values in ALL.items() if name not in names}


@pytest.mark.parametrize(
    ("app", "fields", "tags"),
    [
        ("Lightroom Classic", ALL, {"Places|Rome", "tree", "subject", "iptc"}),
        ("digiKam", ALL, {"Places|Paris", "list"}),
        ("digiKam", without(TAGS_LIST), {"Places|Rome", "tree"}),
        ("digiKam", without(TAGS_LIST, HIERARCHICAL), {"Rome", "tree", "subject"}),
        ("digiKam", {IPTC: ("x.y", "Paris, France")}, {"x.y", "Paris, France"}),
        ("digiKam", {XP: ("xp;words",)}, {"xp", "words"}),
        ("digiKam", {"XMP-mediapro:CatalogSets": ("a|b",)}, {"a|b"}),
        ("digiKam", {"XMP-microsoft:LastKeywordXMP": ("a/b",), HIERARCHICAL: ("c",)}, {"a|b"}),
        (
            "digiKam",
            {"XMP-acdsee:Categories": ('<Categories><Category Assigned="1">a</Category></Categories>',)},
            {"a"},
        ),
        ("Immich", ALL, {"Places|Paris", "list"}),
        ("Immich", without(TAGS_LIST), {"Places|Rome", "tree"}),
        ("Immich", without(TAGS_LIST, HIERARCHICAL), {"Rome", "tree", "subject"}),
        ("Immich", {SUBJECT: ("a", "b")}, {"a", "b"}),
        ("Immich", {IPTC: ("iptc", "Paris, France")}, {"iptc", "Paris, France"}),
        ("Aves", ALL, {"Rome", "tree", "subject"}),
        ("Aves", without(SUBJECT), {"iptc"}),
        ("PhotoPrism", ALL, {"iptc"}),
        ("PhotoPrism", without(IPTC), set()),
        ("PhotoPrism", {IPTC: ("Mountain Lake", "2024", "Łódź")}, {"mountain", "lake", "łódź"}),
        ("darktable", ALL, {"Places|Rome", "tree", "iptc"}),
        ("darktable", without(HIERARCHICAL), {"Rome", "tree", "subject", "iptc"}),
        ("darktable", {IPTC: ("iptc",)}, {"iptc"}),
        ("darktable", {SUBJECT: ("Paris, France", "B")}, {"Paris", "B"}),
        ("darktable", {HIERARCHICAL: ("People|Surname, First",)}, {"People|Surname"}),
        ("darktable", {SUBJECT: ("Paris, France",), IPTC: ("Paris, France",)}, {"Paris", "Paris, France"}),
        ("Windows Explorer", ALL, {"Rome", "tree", "subject"}),
        ("Windows Explorer", without(SUBJECT), {"iptc"}),
        ("Windows Explorer", {XP: ("xp;words",)}, {"xp", "words"}),
        ("Damselfly", ALL, {"iptc"}),
        ("Damselfly", without(IPTC), set()),
        ("F-Stop", ALL, {"Rome", "tree", "subject"}),
    ],
)
def test_the_rule_of_each_program(app, fields, tags):
    seen = RULES[app].read(Sources(fields))
    assert set(seen.tags) == tags
    assert len(seen.tags) == len(tags)
    assert seen.why


@pytest.mark.parametrize(
    ("app", "sources", "tags"),
    [
        (
            "Lightroom Classic",
            Sources(ALL, base_sidecar={SUBJECT: ("side",)}, kind="raw"),
            {"side"},
        ),
        ("Lightroom Classic", Sources(ALL, full_sidecar={SUBJECT: ("side",)}, kind="raw"), set()),
        (
            "Lightroom Classic",
            Sources(
                {SUBJECT: ("Anna",), HIERARCHICAL: ("People|Anna",)},
                base_sidecar={SUBJECT: ("x",)},
                kind="dng",
            ),
            {"People|Anna"},
        ),
        ("digiKam", Sources(ALL, full_sidecar={TAGS_LIST: ("side",)}), {"Places|Paris", "list"}),
        ("digiKam with sidecars on", Sources(ALL, full_sidecar={TAGS_LIST: ("side",)}), {"side"}),
        ("digiKam with sidecars on", Sources(ALL, full_sidecar={SUBJECT: ("side",)}), {"side"}),
        ("digiKam with sidecars on", Sources(ALL, base_sidecar={SUBJECT: ("side",)}), {"side"}),
        ("digiKam with sidecars on", Sources(ALL, full_sidecar={}), {"iptc"}),
        ("Immich", Sources({IPTC: ("a",)}, full_sidecar={SUBJECT: ("side",)}), {"side"}),
        ("Immich", Sources({TAGS_LIST: ("a",)}, full_sidecar={SUBJECT: ("side",)}), {"a"}),
        ("Immich", Sources({IPTC: ("a",)}, base_sidecar={TAGS_LIST: ("side",)}), {"side"}),
        ("Immich", Sources({}, {TAGS_LIST: ("full",)}, {TAGS_LIST: ("base",)}), {"full"}),
        ("darktable", Sources(ALL, full_sidecar={HIERARCHICAL: ("side",)}), {"side", "iptc"}),
        (
            "darktable",
            Sources({HIERARCHICAL: ("P",)}, base_sidecar={HIERARCHICAL: ("side",), SUBJECT: ("sidedc",)}),
            {"P", "side", "sidedc"},
        ),
        ("darktable", Sources({}, {SUBJECT: ("full",)}, {SUBJECT: ("base",)}), {"full"}),
        ("F-Stop", Sources(ALL, base_sidecar={SUBJECT: ("side",)}, kind="raw"), {"side"}),
        ("Aves", Sources({}, {SUBJECT: ("side",)}), set()),
        ("PhotoPrism", Sources({}, {SUBJECT: ("side",)}, {SUBJECT: ("side",)}), set()),
    ],
)
def test_sidecars(app, sources, tags):
    assert set(RULES[app].read(sources).tags) == tags


def test_why_names_the_field_and_the_place():
    assert RULES["digiKam"].read(Sources(ALL)).why == "XMP-digiKam:TagsList in the photo"
    beside = Sources(ALL, full_sidecar={TAGS_LIST: ("side",)})
    with_sidecars = RULES["digiKam with sidecars on"]
    assert with_sidecars.read(beside).why == "XMP-digiKam:TagsList in name.ext.xmp"
    assert RULES["Damselfly"].read(Sources({})).why == "no IPTC:Keywords in the photo"
    assert RULES["Aves"].read(Sources({})).why == "no XMP-dc:Subject or IPTC:Keywords in the photo"
    assert RULES["Immich"].read(Sources({SUBJECT: ("a",)})).why == "XMP-dc:Subject in the photo"
    assert "comma" in RULES["darktable"].read(Sources({SUBJECT: ("Paris, France",)})).why
    assert "comma" not in RULES["darktable"].read(Sources(ALL)).why


def test_what_photoprism_only_searches_is_said():
    seen = RULES["PhotoPrism"].read(Sources(without(IPTC)))
    assert seen.searched == ALL[SUBJECT]
    assert "searched, but not listed" in seen.why


def test_who_does_not_look_into_sidecars():
    assert blind_to_sidecars("jpeg") == [
        "Lightroom Classic", "digiKam (unless switched on)", "Aves", "PhotoPrism", "Windows Explorer", "Damselfly", "F-Stop"
    ]  # fmt: skip
    assert "Lightroom Classic" in blind_to_sidecars("raw")
    assert "Lightroom Classic" not in blind_to_sidecars("raw", is_base=True)
    assert "Lightroom Classic" in blind_to_sidecars("dng", is_base=True)
    assert "Lightroom Classic" not in blind_to_sidecars("webp")
