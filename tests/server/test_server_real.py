"""The server client against a real llama.cpp server."""

import json
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing

import pytest

from support.llama import Llama
from tagroll.domain import Description
from tagroll.errors import PhotoError, ReplyError, ServerError, StoppedError
from tagroll.models.checking import check_prompt
from tagroll.models.pairs import pairs_prompt
from tagroll.models.prompt import Wordlist, build_prompt
from tagroll.models.server.describer import ServerDescriber
from tagroll.models.server.discovery import probe
from tagroll.models.server.http import Wire
from tagroll.models.server.request import Question
from tagroll.models.server.retry import Limits
from tagroll.models.server.several import ManyDescriber
from tagroll.tags.questions import Relation

PROMPT = build_prompt("tags", max_tags=6)
QUICK = Limits(outage=1.0, first_answer=20, answer=20)


@pytest.fixture
def describer(llama_server):
    with_model = ServerDescriber(llama_server.url, llama_server.model, limits=QUICK)
    yield with_model
    with_model.close()


@pytest.mark.parametrize("colour", ["red", "blue"])
def test_the_right_picture_reaches_the_model(describer, preview, colour):
    seen = describer.describe(preview(colour), PROMPT)
    assert seen.keywords[0].casefold() == colour
    assert seen.model == "tiny-vlm"


@pytest.mark.slow
def test_many_threads_get_their_own_answers(describer, preview):
    colours = ["red", "blue", "yellow"] * 20
    with ThreadPoolExecutor(16) as pool:
        seen = list(pool.map(lambda colour: describer.describe(preview(colour), PROMPT), colours))
    assert [description.keywords[0].casefold() for description in seen] == colours
    assert describer.stats.answers == len(colours)
    assert describer.stats.completion_tokens > len(colours)
    assert 0 < describer.stats.seconds < 5 * len(colours)


def test_words_alone_are_answered_in_the_form_that_was_asked_for(llama_server):
    """It has never learned words: what it says is held to the schema, one relation of each pair, and means nothing."""
    pairs = [(f"Tag {n}", f"Tags {n}") for n in range(5)]
    with closing(ServerDescriber(llama_server.url, llama_server.model, limits=QUICK)) as model:
        said = model.answer(pairs_prompt(pairs))
    verdicts = json.loads(said)["verdicts"]
    assert len(verdicts) == 5
    assert {one["relation"] for one in verdicts} <= set(Relation)


def test_it_says_how_many_slots_it_has(llama_server):
    assert probe(llama_server.url).slots == 4


def test_classify_fills_every_field(describer, preview):
    seen = describer.describe(preview("red"), build_prompt("classify", max_tags=4))
    assert seen.keywords
    assert seen.title
    assert seen.description
    assert seen.filename


def test_a_vocabulary_binds_the_answer(describer, preview):
    seen = describer.describe(
        preview("red"), build_prompt("tags", wordlist=Wordlist(("Zebra", "Xylophone")), max_tags=2)
    )
    assert set(seen.keywords) <= {"Zebra", "Xylophone"}


def test_a_thinking_model_is_told_not_to(tiny_model, preview):
    with Llama(*tiny_model(thinking=True)) as server:
        describer = ServerDescriber(server.url, server.model, limits=QUICK)
        assert describer.describe(preview("blue"), PROMPT).keywords[0].casefold() == "blue"
        assert describer.stats.answers == 1
        describer.close()


def test_a_model_without_eyes_is_refused_before_the_first_photo(tiny_model):
    model, _ = tiny_model()
    with Llama(model) as server:
        describer = ServerDescriber(server.url, "google/gemma-3-4b", explicit_model=False)
        with pytest.raises(ServerError, match=r"tiny-vlm .* does not see images") as caught:
            describer.discover()
        assert "--mmproj" in caught.value.hint
        assert probe(server.url).sees is False
        describer.close()


def test_any_name_is_answered_by_the_only_model_and_that_is_said(llama_server):
    describer = ServerDescriber(llama_server.url, "qwen3-vl-4b")
    (note,) = describer.discover()
    assert "tiny-vlm" in note
    assert describer.model == "tiny-vlm"
    describer.close()


def test_a_key_is_asked_for_and_accepted(tiny_model, preview):
    with Llama(*tiny_model(), "--api-key", "s3cret") as server:
        wrong = ServerDescriber(server.url, server.model, api_key="wr0ng")
        with pytest.raises(ServerError, match="API key") as caught:
            wrong.describe(preview(), PROMPT)
        assert "--api-key" in caught.value.hint
        assert "wr0ng" not in repr(caught.value) + caught.value.hint + repr(vars(wrong))
        right = ServerDescriber(server.url, server.model, api_key="s3cret\n")
        assert right.describe(preview("red"), PROMPT).keywords[0].casefold() == "red"
        wrong.close()
        right.close()


def test_a_picture_that_overflows_the_context_fails_alone(tiny_model, preview):
    with Llama(*tiny_model(projector="pixtral"), "--context", "1024", "--slots", "1") as server:
        describer = ServerDescriber(server.url, server.model, limits=QUICK)
        with pytest.raises(PhotoError, match="does not fit into the model's context") as caught:
            describer.describe(preview("red", (1024, 1024)), PROMPT)
        assert not isinstance(caught.value, ReplyError)
        assert "larger context" in caught.value.hint
        assert describer.describe(preview("red", (64, 64)), PROMPT).keywords
        describer.close()


def test_a_cut_answer_is_asked_for_again_with_more_room(describer, preview, monkeypatch):
    monkeypatch.setattr(Question, "first", lambda prompt, **_: Question(prompt, tokens=5))
    seen = describer.describe(preview("red"), PROMPT)
    assert "red" in {keyword.casefold() for keyword in seen.keywords}
    assert describer.stats.answers == 2


@pytest.mark.slow
def test_a_server_that_comes_back_is_waited_for(tiny_model, preview):
    with Llama(*tiny_model()) as server, ThreadPoolExecutor(8) as pool:
        describer = ServerDescriber(server.url, server.model, limits=Limits(outage=20))
        describer.describe(preview("red"), PROMPT)
        server.kill()
        waiting = [pool.submit(describer.describe, preview(colour), PROMPT) for colour in ["red", "blue"] * 8]
        time.sleep(0.5)
        server.restart()
        seen = [future.result(20).keywords[0].casefold() for future in waiting]
        assert seen == ["red", "blue"] * 8
        describer.close()


@pytest.mark.slow
def test_a_server_that_stays_away_ends_the_run_for_all_threads_at_once(tiny_model, preview):
    with Llama(*tiny_model()) as server, ThreadPoolExecutor(12) as pool:
        describer = ServerDescriber(server.url, server.model, limits=Limits(outage=1.0))
        describer.describe(preview("red"), PROMPT)
        waiting = [pool.submit(describer.describe, preview("blue"), PROMPT) for _ in range(300)]
        time.sleep(0.1)
        server.kill()
        began = time.monotonic()
        errors = [future.exception(20) for future in waiting]
        waited = time.monotonic() - began
        describer.close()
    lost = [error for error in errors if error]
    assert lost
    assert {type(error) for error in lost} == {ServerError}
    assert all("is gone" in error.message for error in lost)
    assert 0.8 < waited < 4, "one second of patience in all, not one for each of 300 photos"


def test_no_server_is_said_at_once():
    describer = ServerDescriber("127.0.0.1:9", "any", limits=Limits(outage=60))
    began = time.monotonic()
    with pytest.raises(ServerError, match=r"no model server at http://127\.0\.0\.1:9") as caught:
        describer.discover()
    assert time.monotonic() - began < 1
    assert "llama-server" in caught.value.hint
    assert probe("127.0.0.1:9") is None
    describer.close()


def test_closing_wakes_who_waits(tiny_model, preview):
    with Llama(*tiny_model()) as server, ThreadPoolExecutor(1) as pool:
        describer = ServerDescriber(server.url, server.model, limits=Limits(outage=60))
        describer.discover()
        server.kill()
        waiting = pool.submit(describer.describe, preview(), PROMPT)
        threading.Timer(0.3, describer.close).start()
        assert isinstance(waiting.exception(5), StoppedError)


@pytest.mark.slow
def test_several_servers_share_the_work_and_survive_each_other(tiny_model, preview):
    with ExitStack() as running, ThreadPoolExecutor(16) as pool:
        servers = [
            running.enter_context(Llama(*tiny_model(), "--slots", str(slots), "--context", str(4096 * slots)))
            for slots in (4, 2, 1)
        ]
        members = [ServerDescriber(server.url, server.model, limits=Limits(outage=0.5)) for server in servers]
        many = ManyDescriber(members)
        many.discover()
        colours: list[str] = []
        waiting: list[Future[Description]] = []

        def ask(count: int) -> None:
            some = ["red", "blue"] * (count // 2)
            colours.extend(some)
            waiting.extend(pool.submit(many.describe, preview(colour), PROMPT) for colour in some)

        while min(member.stats.answers for member in members) <= 5:  # however busy the machine is
            ask(20)
            assert waiting[-20].result(60)
        ask(60)
        servers[1].kill()
        assert [future.result(60).keywords[0].casefold() for future in waiting] == colours
        assert many.stats.answers == len(colours)
        for server in servers:
            server.kill()
        with pytest.raises(ServerError, match="is gone"):
            many.describe(preview(), PROMPT)
        many.close()


def test_it_says_yes_or_no_of_each_of_its_words(describer, preview):
    """The model has learned colours only: what it says means nothing, but it is held to the form, and the photo is not lost."""
    seen = describer.describe(preview("red"), build_prompt("tags", max_tags=6, check=True))
    assert seen.said[0].casefold() == "red"
    assert set(seen.said) <= seen.confidences.keys()
    assert all(0 <= sure <= 1 for sure in seen.confidences.values())


def test_a_check_does_not_read_the_picture_again(llama_server, preview):
    """What the server had read already: of another picture the words before it, for a check the picture, too."""
    prompt = build_prompt("tags", max_tags=6)
    check = check_prompt(prompt, ["red", "sea"])

    form = frozenset({"max_tokens", "schema", "logprobs"})

    def read_before(asked, colour):
        body = Question.first(asked).body(llama_server.model, preview(colour).jpeg, form)
        said = wire.post(f"{llama_server.url}/v1/chat/completions", body, 20).json()
        assert (asked is check) == bool(said["choices"][0].get("logprobs"))
        return said["usage"]["prompt_tokens_details"]["cached_tokens"]

    with closing(Wire(llama_server.url, None)) as wire:
        read_before(prompt, (17, 93, 201))
        before = read_before(prompt, (201, 93, 17))  # nobody else shows these
        assert read_before(check, (201, 93, 17)) > before
