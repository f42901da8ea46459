"""What each program shows: its rule on files where the fields do not agree, embedded and beside the photo."""

import pytest

from tagroll.metadata.apps import APPS, Sources

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
        ("digiKam", {IPTC: ("Places.Paris",)}, {"Places|Paris"}),
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
        ("Immich", without(TAGS_LIST, HIERARCHICAL), {"iptc"}),
        ("Immich", {SUBJECT: ("subject",)}, set()),
        ("Aves", ALL, {"Rome", "tree", "subject"}),
        ("Aves", without(SUBJECT), {"iptc"}),
        ("PhotoPrism", ALL, {"iptc", "Rome", "tree", "subject"}),
        ("darktable", ALL, {"Places|Rome", "tree"}),
        ("darktable", without(HIERARCHICAL), {"Rome", "tree", "subject"}),
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
            Sources(ALL, base_sidecar={SUBJECT: ("side",)}, raw=True, jpeg=False),
            {"side"},
        ),
        ("Lightroom Classic", Sources(ALL, full_sidecar={SUBJECT: ("side",)}, raw=True, jpeg=False), set()),
        ("digiKam", Sources(ALL, full_sidecar={TAGS_LIST: ("side",)}), {"side"}),
        ("digiKam", Sources(ALL, full_sidecar={SUBJECT: ("side",)}), {"Places|Paris", "list"}),
        ("Immich", Sources({IPTC: ("a",)}, base_sidecar={TAGS_LIST: ("side",)}), {"side"}),
        ("Immich", Sources({}, {TAGS_LIST: ("full",)}, {TAGS_LIST: ("base",)}), {"full"}),
        ("darktable", Sources(ALL, full_sidecar={HIERARCHICAL: ("side",)}), {"side"}),
        ("darktable", Sources(ALL, base_sidecar={HIERARCHICAL: ("side",)}), {"Places|Rome", "tree"}),
        ("F-Stop", Sources(ALL, base_sidecar={SUBJECT: ("side",)}, jpeg=False), {"side"}),
        ("Aves", Sources({}, {SUBJECT: ("side",)}), set()),
    ],
)
def test_sidecars(app, sources, tags):
    assert set(RULES[app].read(sources).tags) == tags


def test_why_names_the_field_and_the_place():
    assert RULES["digiKam"].read(Sources(ALL)).why == "XMP-digiKam:TagsList in the photo"
    beside = Sources(ALL, full_sidecar={TAGS_LIST: ("side",)})
    assert RULES["digiKam"].read(beside).why == "XMP-digiKam:TagsList in name.ext.xmp"
    assert RULES["Damselfly"].read(Sources({})).why == "no IPTC:Keywords in the photo"
    assert "never" in RULES["Immich"].read(Sources({SUBJECT: ("a",)})).why
