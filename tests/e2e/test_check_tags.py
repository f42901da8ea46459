"""`tag --check-tags`: a server is asked again of each tag; what it is not sure of is left out, or said in a broader word."""

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
