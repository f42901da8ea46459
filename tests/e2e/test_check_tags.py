"""`tag --check-tags`: a server is asked again of each tag; what it is not sure of is left out, or said in a broader word."""

import json

from support.runs import paint
from support.stub import Stub, checked, is_check, keywords

SURE = {"golden retriever": 0.4, "dog": 0.9, "animal": 0.7, "beach": 0.8, "frisbee": 0.1}
SAYS = keywords("golden retriever", "beach", "frisbee")


def serving() -> Stub:
    return Stub(lambda request: checked(request, SURE) if is_check(request) else SAYS)


def test_unsure_tags_are_broader_or_proposals(tagroll, tmp_path):
    paint(tmp_path / "photos", ("a.jpg", (200, 0, 0)))
    with serving() as server:
        options = ("tag", tmp_path / "photos", "--api-url", server.url, "--check-tags")
        done = tagroll(*options, "--json")
        row = done.photos["a.jpg"]
        assert row["tags"] == ["Dog", "Beach"]
        assert row["confidences"] == {"Dog": 0.9, "Beach": 0.8}
        assert row["proposals"] == {"Golden Retriever": 0.4}
        assert server.chats == 2
        assert tagroll(*options, "-v").code == 0
        assert server.chats == 2, "what is kept is not asked for again"
        lower = tagroll(*options, "--threshold", "0.3", "-v")
        assert server.chats == 2, "nor for another threshold"
        assert "Beach 0.80, Golden Retriever 0.40" in lower.out
        assert "--threshold is for" not in lower.err
        plain = tagroll("tag", tmp_path / "photos", "--api-url", server.url, "--json")
        assert server.chats == 3, "without the option it is another question"
        assert set(plain.photos["a.jpg"]["tags"]) == {"Golden Retriever", "Beach", "Frisbee"}


def test_what_is_not_sure_waits_in_review(tagroll, tmp_path):
    paint(tmp_path / "photos", ("a.jpg", (200, 0, 0)))
    with serving() as server:
        assert (
            tagroll("tag", tmp_path / "photos", "--api-url", server.url, "--check-tags", "--review").code == 0
        )
    told = tagroll("tags", tmp_path / "photos", "--proposals", "--json").rows
    assert {row["tag"]: row["confidence"] for row in told if row["type"] == "proposal"} == {
        "Dog": 0.9,
        "Beach": 0.8,
        "Golden Retriever": 0.4,
    }


def test_a_copy_is_named_after_what_is_sure(tagroll, tmp_path):
    paint(tmp_path / "photos", ("a.jpg", (200, 0, 0)))
    with serving() as server:
        done = tagroll("classify", tmp_path / "photos", "--api-url", server.url, "--check-tags", "--json")
    assert done.photos["a.jpg"]["tags"] == ["Dog", "Beach"]


def test_what_eval_finds_is_what_tag_keeps_to(tagroll, tmp_path):
    """The model says "cat" of every photo and is fairly sure of it; one of forty has a cat."""
    photos = {f"{n}.jpg": (3 * n, 120, 255 - 3 * n) for n in range(40)}
    paint(tmp_path / "photos", *photos.items())
    labels = tmp_path / "labels.json"
    labels.write_text(
        json.dumps({"photos": "photos", **{name: ["dog"] for name in list(photos)[1:]}, "0.jpg": ["cat"]})
    )
    sure = {"dog": 0.9, "cat": 0.7, "animal": 0.95}
    with Stub(
        lambda request: checked(request, sure) if is_check(request) else keywords("cat", "dog")
    ) as server:
        asked = ("--api-url", server.url, "--check-tags", "--json")
        done = tagroll("eval", labels, *asked, "--promise", "20", "--again", "0", "--threshold", "0.8")
        (promise,) = (row for row in done.rows if row["type"] == "promise")
        assert promise["model"] == "stub-vlm"
        assert promise["usual"] == 0.5
        assert promise["own"].keys() == {"cat"}
        assert (promise["photos"], promise["tags"], promise["wrong"]) == (40, 40, 1)
        assert promise["bound"] < 0.2 == promise["most_wrong"]
        assert "surely at most 20 of 100 tags are wrong" in done.err
        assert "cat: never" in done.err
        tags = {row["model"]: row["tags_per_photo"] for row in done.rows if row["type"] == "model"}
        assert tags == {"stub-vlm": 2.0, "stub-vlm@0.8": 2.0}, "at 0.8 a cat is an animal"
        asked_before = server.chats
        assert asked_before == 80
        row = tagroll("tag", tmp_path / "photos" / "7.jpg", *asked).photos["7.jpg"]
        assert set(row["tags"]) == {"Dog", "Animal"}
        strict = tagroll("eval", labels, *asked, "--promise", "2", "--again", "0")
        assert '"usual": null' in strict.out.replace(":null", ": null")
        assert "cannot be promised" in strict.err
