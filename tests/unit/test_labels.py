"""Files of labels, as people write them."""

import json

import pytest

from tagroll.errors import UsageError
from tagroll.runs.evaluate.labelling import json_template, label_page, text_template
from tagroll.runs.evaluate.labels import read_labels
from tagroll.runs.evaluate.scoring import Scorer


def write(folder, content, name="labels.json"):
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def test_a_plain_object_of_names_and_tags(tmp_path):
    found = read_labels(write(tmp_path, {"a.jpg": ["Dog", "dogs", "(Sky)"], "b.jpg": []}))
    ((path, truth),) = found.photos.items()
    assert path == tmp_path / "a.jpg"
    assert (truth.labels, truth.minor, found.unlabelled) == (("dogs",), ("Sky",), 1)


def test_the_longer_form_names_its_folder_and_its_synonyms(tmp_path):
    synonyms = {"accept": {"dog": ["rex"]}, "strict": {"dog": ["rex"]}}
    labels = {
        "photos": "pictures",
        "synonyms": synonyms,
        "files": {"a.jpg": {"labels": ["dog"], "captions": ["a lamp"]}},
    }
    found = read_labels(write(tmp_path, labels))
    assert list(found.photos) == [tmp_path / "pictures" / "a.jpg"]
    score = Scorer(found.synonyms).photo(found.photos[tmp_path / "pictures" / "a.jpg"], ["Rex", "Lamp"])
    assert score.verdicts == {"Rex": "good", "Lamp": "good"}
    assert list(read_labels(tmp_path / "labels.json", tmp_path).photos) == [tmp_path / "a.jpg"]


def test_lines_of_text_with_any_name_a_photo_can_have(tmp_path):
    text = (
        "\ufeff# What is in them\n#\n# photos: /pics\n\n"
        "2019/beach: day 1.JPG: Sea; dog, (cloud), \n  b c.heic:tree\n./#1.jpg: x\nempty.png:\n"
    )
    found = read_labels(write(tmp_path, text, "labels.txt"))
    assert {str(path): truth.labels for path, truth in found.photos.items()} == {
        "/pics/2019/beach: day 1.JPG": ("Sea", "dog"), "/pics/b c.heic": ("tree",), "/pics/#1.jpg": ("x",),
    }  # fmt: skip
    assert found.unlabelled == 1


def test_photos_are_looked_for_beside_the_labels(tmp_path):
    path = write(tmp_path, {"a.jpg": ["dog"]})
    assert list(read_labels(path).photos) == [tmp_path / "a.jpg"]
    (tmp_path / "photos").mkdir()
    assert list(read_labels(path).photos) == [tmp_path / "photos" / "a.jpg"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "not JSON"), ("[" * 10**5, "not"), ("hello", "line 1"), ({"a.jpg": "dog"}, "no list"), ({"a.jpg": [1]}, "no list"),
        ({"files": []}, "no photos"), ({}, "no photo in"), ({"a.jpg": [], "b.jpg": ["?"]}, "no photo in"),
        ({"synonyms": [], "files": {"a.jpg": ["dog"]}}, "not of the form"),
        ({"synonyms": "no.json", "files": {"a.jpg": ["x"]}}, "cannot be read"),
        ({"synonyms": {"accept": {"dog": 5}}, "files": {"a.jpg": ["dog"]}}, "not of the form"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_file_is_said(tmp_path, content, said):
    with pytest.raises(UsageError, match=said):
        read_labels(write(tmp_path, content))


def test_bytes_that_are_no_text_are_said(tmp_path):
    (tmp_path / "l.txt").write_bytes(b"\xff\xd8\xff\xe0")
    with pytest.raises(UsageError, match="cannot be read"):
        read_labels(tmp_path / "l.txt")


@pytest.mark.slow
def test_the_dictionary_knows_other_words_for_labels(tmp_path):
    labels = {"a.jpg": ["dog", "sofa", "(tree)"], "b.jpg": ["animal", "car"], "c.jpg": ["Schloss"]}
    found = read_labels(write(tmp_path, labels))
    scorer, truth = Scorer(found.synonyms), {path.name: truth for path, truth in found.photos.items()}
    dog = scorer.photo(
        truth["a.jpg"], ["golden retriever", "couch", "Animal", "automobile", "oak", "joy", "tree"]
    )
    assert dog.found == ("dog", "sofa")
    assert [word for word, verdict in dog.verdicts.items() if verdict == "wrong"] == ["automobile"]
    assert scorer.photo(truth["b.jpg"], ["poodle"]).found == ("animal",)
    assert scorer.photo(truth["c.jpg"], ["Schloss"]).found == ("Schloss",)


def test_templates_come_back_as_they_were_filled_in(tmp_path):
    names = ["a: b.jpg", "#c.png", "sub/d.webp"]
    filled = text_template(tmp_path, names).replace(": \n", ": dog, sea\n")
    found = read_labels(write(tmp_path, filled, "labels.txt"))
    assert [path.relative_to(tmp_path).as_posix() for path in found.photos] == names
    raw = json.loads(json_template(tmp_path, names))
    assert raw == {"photos": str(tmp_path), "files": {name: [] for name in names}}


def test_the_page_for_labelling_holds_any_name(tmp_path):
    from lxml import etree

    hostile = '"><script>alert(1)</script>.jpg'
    page = label_page(tmp_path, {hostile: b"jpeg", "b.jpg": b"jpeg"}, "labels.json")
    root = etree.fromstring(page.encode())
    assert [field.get("data-name") for field in root.iter("input")] == [hostile, "b.jpg"]
    assert len(list(root.iter("script"))) == 1
