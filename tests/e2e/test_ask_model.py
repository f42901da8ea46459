"""`tagroll dedupe --ask-model`, against a server: what it says is proposed, and written only when a person says so."""

import json
from pathlib import Path

import pytest

from support.pairs import answer, perfect
from support.runs import contents, tagged
from support.stub import Says, Stub, chat, error, models

pytestmark = pytest.mark.slow

TAGS = {
    "1.jpg": ("Splash", "Sky", "Red Car"),
    "2.jpg": ("Splash", "Clear Sky", "DSLR"),
    "3.jpg": ("Splashing", "Blue Car", "Dslr", "Dslr Camera"),
}
SAME = {frozenset(("Splash", "Splashing"))}
UNDER = {("Clear Sky", "Sky"): "narrower", ("Sky", "Clear Sky"): "broader"}


@pytest.fixture
def library(tmp_path) -> Path:
    return tagged(tmp_path / "photos", TAGS)


def server(says=None, **more) -> Stub:
    says = says or (lambda a, b: UNDER.get((a, b)) or perfect(SAME)(a, b))

    def script(request) -> Says:
        return chat(answer(request.body["messages"][0]["content"], says))

    return Stub(
        script,
        pages={"/v1/models": models("words-only", architecture={"input_modalities": ["text"]})},
        **more,
    )


def asking(folder: Path, url: str, *options: object) -> tuple[object, ...]:
    return (
        "dedupe",
        folder,
        "--report",
        "--ask-model",
        "--api-url",
        url,
        "--evidence",
        "spelling,model",
        *options,
    )


def mapping(folder: Path) -> dict[str, str]:
    (report,) = folder.glob("tag_deduplication_report_*.json")
    found = json.loads(report.read_text())["tag_mapping"]
    report.unlink()
    return found


def test_what_a_model_calls_the_same_is_written_through_a_plan_and_can_be_undone(tagroll, library, tmp_path):
    before = contents(library)
    with server() as there:
        done = tagroll(*asking(library, there.url))
        assert done.code == 0, done
        assert mapping(library) == {"Dslr": "DSLR"}  # by rules alone
        assert "words-only judged" in done.err
        assert "1 more tag could go by what a model says" in done.err
        asked = len(there.bodies)
        assert {body["response_format"]["type"] for body in there.bodies} == {"json_schema"}
        assert {body["temperature"] for body in there.bodies} == {0}
        assert tagroll("undo").code == 0
        plan = tmp_path / "plan.toml"
        written = tagroll(*asking(library, there.url, "--plan", plan, "--hierarchy"))
        assert written.code == 0, written
        assert len(there.bodies) == asked  # nothing is asked twice
    then = written.err.partition("Edit it, then: ")[2]
    assert "--apply" in then
    assert "--ask-model" not in then  # the two do not go together
    lines = plan.read_text().partition("[merge]\n")[2].splitlines()
    assert lines[0].startswith('"Dslr" = "DSLR"') or lines[0].startswith('"Splashing" = "Splash"')
    assert any(line.startswith('"Splashing" = "Splash"  # 1 photo; model') for line in lines)
    assert any(line.startswith('"Clear Sky" = "Sky|Clear Sky"') for line in lines)
    mapping(library)
    assert tagroll("dedupe", library, "--plan", plan, "--apply", "--report").code == 0
    assert mapping(library)["Splashing"] == "Splash"
    assert tagroll("undo").code == 0
    assert contents(library) == before


def test_a_model_that_calls_everything_the_same_is_not_used(tagroll, library):
    with server(lambda _a, _b: "same") as there:
        done = tagroll(*asking(library, there.url, "--dry-run"))
    assert done.code == 0, done
    assert "words-only is not used: it was wrong about" in done.err
    assert "<- Splashing" not in done.out
    assert mapping(library) == {"Dslr": "DSLR"}


def test_a_server_that_is_gone_for_a_while_is_waited_for_and_one_that_stays_away_ends_the_run(
    tagroll, library
):
    ill = [error(503, "loading")] * 3
    with server() as there:
        well = there.script
        there.script = lambda request: ill.pop() if ill else well(request)
        done = tagroll(*asking(library, there.url, "--dry-run"))
        assert done.code == 0, done
        assert "<- Splashing  (1 photo): model" in done.out
        mapping(library)
    with server(lambda _a, _b: "same") as there:
        there.script = lambda _: error(503, "loading")
        name = ("--model", "another", "--patience", "1", "--timeout", "1")
        done = tagroll(*asking(library, there.url, "--dry-run", *name))
    assert done.code == 4, done
    assert "stays not ready" in done.err


def test_no_model_no_judge(tagroll, library):
    done = tagroll("dedupe", library, "--ask-model", "--backend", "builtin")
    assert (done.code, "the built-in one cannot be asked" in done.err) == (2, True), done
    done = tagroll(*asking(library, "http://127.0.0.1:9"))
    assert done.code == 4, done
