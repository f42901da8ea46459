"""The built-in model's words in other languages, as photo programs see them."""

import json

import pytest

from support.judge import exiftool_folder
from support.runs import contents, listed
from tagroll.tags.translations import words_in

FEW = ("dogs.jpg", "crossing.jpg")


@pytest.mark.slow
def test_the_builtin_model_tags_in_the_language_that_is_asked_for(tagroll, photos):
    few = [photos / name for name in FEW]
    before = contents(photos)
    refused = tagroll("tag", *few, "--backend", "builtin", "--language", "eo")
    assert refused.code == 2
    assert "it knows English, German, French" in refused.err
    assert contents(photos) == before

    done = tagroll("tag", *few, "--backend", "builtin", "--language", "de", "--json")
    assert {"Hund", "Tier"} <= set(done.photos["dogs.jpg"]["tags"])  # the general word, too
    said = {tag for row in done.photos.values() for tag in row["tags"]}
    assert said <= {word[:1].upper() + word[1:] for word in words_in("German").values()}
    again = tagroll("tag", *few, "--backend", "builtin", "--language", "German", "--json")
    assert again.summary["unchanged"] == 2
    judged = exiftool_folder(photos, "-XMP-dc:Subject", "-IPTC:Keywords")
    for name in FEW:
        assert listed(judged[name]["XMP-dc:Subject"]) == listed(judged[name]["IPTC:Keywords"])
    assert "Straße" in listed(judged["crossing.jpg"]["XMP-dc:Subject"])

    done = tagroll("tag", *few, "--backend", "builtin", "--language", "fr", "--threshold", "0.9", "--json")
    assert {"Chien", "Animal"} <= set(done.photos["dogs.jpg"]["tags"])
    assert "Hund" not in done.photos["dogs.jpg"]["tags"]  # ours: the French ones stand in its place
    proposed = map(json.loads, tagroll("tags", *few, "--proposals", "--json").out.splitlines())
    said = {row["tag"] for row in proposed}
    assert said
    assert said <= {word[:1].upper() + word[1:] for word in words_in("French").values()}  # not Panneau Stop
