"""Many photos and a server in trouble: whose fault is it, the photo's or the server's? Small forms of real nights."""

import base64
import io
import json
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace

import pytest
from PIL import Image

from support.stub import SEES, Says, Stub, chat, error, keywords, tells
from support.stub import models as listed
from tagroll.catalog import Catalog
from tagroll.domain import Preview
from tagroll.errors import PhotoError, ServerError, StoppedError, TagrollError
from tagroll.models.prompt import build_prompt
from tagroll.models.server.describer import ServerDescriber
from tagroll.models.server.retry import Limits
from tagroll.models.server.several import ManyDescriber
from tagroll.runs.run import Workspace
from tagroll.settings import Settings

PROMPT = build_prompt("tags", max_tags=10)
QUICK = {"first_answer": 5, "answer": 5, "outage": 20, "probe": 0.05, "elsewhere": 5}


def picture(number):
    """A photo whose number can be read in the request."""
    jpeg = io.BytesIO()
    Image.new("RGB", (64, 64), (number % 16 * 7 % 16 * 16 + 8, number // 16 % 16 * 16 + 8, 60)).save(
        jpeg, "JPEG"
    )
    return Preview(jpeg.getvalue(), 64, 64)


def number_of(request):
    url = request.body["messages"][0]["content"][1]["image_url"]["url"]
    red, green, _ = Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))).getpixel((9, 9))
    return red // 16 * 7 % 16 + 16 * (green // 16)  # 7 * 7 is 1, modulo 16


def good(request):
    return keywords(f"thing {number_of(request)}", "lake", "sky", "boat")


class Night(Stub):
    """A server with a habit; knows how often each photo was asked about and how much was refused."""

    def __init__(self, habit, **options):
        self.asked, self.refused, self.began = Counter(), 0, None
        self.habit, self.lock = habit, threading.Lock()
        super().__init__(self.say, **options)

    def say(self, request):
        self.began = self.began or time.monotonic()
        number = number_of(request)
        with self.lock:
            self.asked[number] += 1
        said = self.habit(self, number) or good(request)
        self.refused += said.status != 200 or bool(said.cut)
        return said

    @property
    def seconds(self):
        return time.monotonic() - self.began


def run(*servers, photos=40, threads=None, **limits):
    """What became of each photo: "tagged", or the error's words; ServerError as such."""
    members = [
        ServerDescriber(server.url, "stub-vlm", limits=Limits(**{**QUICK, **limits})) for server in servers
    ]
    describer = members[0] if len(members) == 1 else ManyDescriber(members)
    try:
        describer.discover()

        def one(number):
            try:
                assert describer.describe(picture(number), PROMPT).keywords
            except PhotoError as failure:
                return failure.message
            except TagrollError as failure:
                return failure
            return "tagged"

        with ThreadPoolExecutor(threads or describer.capacity + 6) as pool:
            return list(pool.map(one, range(photos)))
    finally:
        describer.close()


@pytest.fixture
def hurried(monkeypatch):
    """Who was refused tries again after a quarter of the usual time."""
    monkeypatch.setattr("tagroll.models.server.retry.spread", lambda seconds: seconds / 4)


def tagged(outcomes):
    return sum(outcome == "tagged" for outcome in outcomes)


def first_quick(cases):
    """Parameters of which all but the first are for the slow part; by name."""
    first = next(iter(cases))
    return [
        pytest.param(said, id=name, marks=[pytest.mark.slow] if name != first else [])
        for name, said in cases.items()
    ]


def after(first, seconds, said):
    """All is refused for these seconds, from the request of this number on."""

    def habit(server, _number):
        if server.chats <= first:
            return None
        server.down = getattr(server, "down", None) or time.monotonic()
        return said if time.monotonic() - server.down < seconds else None

    return habit


OUTAGES = {
    "LM Studio, crashed": error(
        400, {"error": "The model has crashed without additional information. (Exit code: 1)"}
    ),
    "LM Studio, unloaded": error(400, {"error": "Model is unloaded."}),
    "Ollama, stopped": error(
        500, "model runner has unexpectedly stopped, this may be due to resource limitations"
    ),
    "Ollama, EOF": error(500, 'Post "http://127.0.0.1:52208/completion": EOF'),
    "LM Studio, cannot load": error(400, 'Failed to load model "m". Error: Operation canceled.'),
    "no words": error(500, ""),
    "strange words": error(422, "the hamster sleeps"),
    "no model": error(404, "No models loaded. Please load a model"),
    "gateway": error(502, "upstream gone"),
    "loading": error(503, "Loading model"),
    "memory": error(500, "CUDA out of memory. Tried to allocate 2.00 GiB"),
    "cut": Says(cut="before"),
    "a page, as if all were well": Says(b"<html>We are being maintained</html>"),
    "nothing, as if all were well": Says(b""),
    "a guard on the way": Says(b"<html>Forbidden</html>", 403),
    "a gateway that mislaid the keys": error(401, "no such user"),
}


@pytest.mark.parametrize("said", first_quick(OUTAGES))
def test_an_outage_of_any_look_is_waited_for(said):
    see_an_outage_waited_for(said, None)


@pytest.mark.parametrize("jobs", [1, 8])
@pytest.mark.parametrize(
    "said", [OUTAGES[name] for name in ("LM Studio, crashed", "gateway", "memory", "cut")]
)
def test_so_it_is_with_a_fixed_number_at_once(said, jobs):
    see_an_outage_waited_for(said, jobs)


def see_an_outage_waited_for(said, jobs):
    with Night(after(10, 0.25, said), delay=0.01) as server:  # more than are sent before the first answer
        assert tagged(run(server, jobs=jobs)) == 40
        assert server.refused <= 50, "one asks whether it is back, not all"


@pytest.mark.parametrize(
    "said", [OUTAGES[name] for name in ("no model", "LM Studio, cannot load", "loading", "no words")]
)
def test_so_is_a_model_that_is_loaded_when_the_run_begins(said):
    with Night(after(0, 0.4, said), delay=0.01) as server:
        assert tagged(run(server, photos=12)) == 12


@pytest.mark.parametrize(
    "said", [OUTAGES[name] for name in ("strange words", "gateway", "memory", "loading")]
)
def test_what_does_not_come_back_ends_the_run_when_patience_is_over(said):
    with Night(after(6, 60, said), delay=0.01) as server:
        outcomes = run(server, outage=0.5)
        assert tagged(outcomes) == 6
        assert any(isinstance(outcome, ServerError) for outcome in outcomes)


@pytest.mark.parametrize("jobs", [1, None])
@pytest.mark.parametrize("place", [3, 19], ids=["early", "last"])
@pytest.mark.parametrize("said", first_quick(
    {str(status): error(status, "ill") for status in (400, 422, 429, 500, 502, 503, 504)}
    | {"cut": Says(cut="before")}
))  # fmt: skip
@pytest.mark.usefixtures("hurried")
def test_one_bad_photo_costs_one_photo(said, place, jobs):
    with Night(lambda _, number: said if number == place else None, delay=0.01) as server:
        outcomes = run(server, photos=20, jobs=jobs)
        assert tagged(outcomes) == 19
        assert isinstance(outcomes[place], str)
        assert server.asked[place] <= 9


@pytest.mark.parametrize("status", [401, 403, 404])
@pytest.mark.usefixtures("hurried")
def test_so_does_one_that_a_guard_stops(status):
    with Night(lambda _, number: error(status, "ill") if number == 19 else None, delay=0.01) as server:
        outcomes = run(server, photos=20)
        assert tagged(outcomes) == 19
        assert isinstance(outcomes[19], str)


def test_two_bad_photos_beside_each_other_are_no_outage():
    with Night(lambda _, number: error(500, "ill") if number in {4, 5} else None, delay=0.01) as server:
        outcomes = run(server, photos=20)
        assert [number for number, outcome in enumerate(outcomes) if outcome != "tagged"] == [4, 5]


@pytest.mark.parametrize("every", [5, 7])
@pytest.mark.parametrize("cut", ["before", "within"])
def test_a_connection_that_is_cut_now_and_then_is_no_outage(cut, every):
    def habit(server, _number):
        return Says(cut=cut) if server.chats % every == 0 else None

    with Night(habit, delay=0.01) as server:
        assert tagged(run(server, probe=1.0)) == 40
        assert server.chats < 40 * every / (every - 1) + 4


@pytest.mark.slow
@pytest.mark.parametrize(("jobs", "slow"), [(None, 0), (None, 0.02), (8, 0.02)])
@pytest.mark.parametrize("most", [1, 2, 5])
@pytest.mark.parametrize(
    "said",
    [
        error(500, "CUDA out of memory"),
        error(503, "server busy, please try again"),
        error(429, "too many requests"),
    ],
    ids=["memory", "503", "429"],
)
def test_too_many_at_once_is_learned(said, most, jobs, slow):
    said = replace(said, delay=slow)
    with Night(lambda server, _: said if server.at_once > most else None, delay=0.02) as server:
        outcomes = run(server, photos=60, jobs=jobs)
        assert tagged(outcomes) == 60
        assert server.refused <= 30


SLOW = pytest.mark.slow


@pytest.mark.parametrize("most", [pytest.param(1, marks=SLOW), pytest.param(2, marks=SLOW), 5])
@pytest.mark.parametrize("said", first_quick({
    "500": error(500, "boom"), "no words": error(500, ""), "400": error(400, "no"), "502": error(502, ""),
    "cut": Says(cut="before"), "cut later": Says(cut="within", delay=0.02),
}))  # fmt: skip
def test_too_many_at_once_is_learned_without_a_word_about_it(said, most):
    with Night(lambda server, _: said if server.at_once > most else None, delay=0.04) as server:
        assert tagged(run(server, photos=60)) == 60
        assert server.refused <= 30


@pytest.mark.parametrize("said", [error(500, "boom"), error(422, "no"), error(503, ""), Says(cut="before")])
@pytest.mark.usefixtures("hurried")
def test_a_photo_is_asked_alone_before_it_is_blamed(said):
    """One photo is too much for the server unless it is alone."""

    def habit(server, number):
        server.alone = getattr(server, "alone", 0) + (number == 7 and server.at_once == 1)
        return said if number == 7 and server.at_once > 1 else None

    with Night(habit, delay=0.05) as server:
        assert tagged(run(server, photos=40, jobs=4)) == 40
        assert server.alone == 1
        assert server.asked[7] <= 13


@pytest.mark.usefixtures("hurried")
def test_bad_photos_do_not_bring_the_limit_down():
    with Night(lambda _, number: error(500, "ill") if number % 9 == 4 else None, delay=0.05) as server:
        describer = ServerDescriber(server.url, "stub-vlm", limits=Limits(**QUICK))
        with ThreadPoolExecutor(20) as pool:
            waits = [pool.submit(describer.describe, picture(number), PROMPT) for number in range(60)]
            failed = [number for number, wait in enumerate(waits) if wait.exception(60)]
        assert failed == [number for number in range(60) if number % 9 == 4]
        assert describer._chat.channel.gate.ceiling >= 4
        describer.close()


@pytest.mark.parametrize("photos", [3, 20])
@pytest.mark.parametrize("said", [error(500, "boom"), error(500, ""), error(501, "no"), Says(cut="before")])
@pytest.mark.usefixtures("hurried")
def test_a_server_that_never_answered_and_says_one_thing_is_not_waited_for(said, photos):
    with Night(lambda *_: said) as server:
        outcomes = run(server, photos=photos, outage=600)
        assert tagged(outcomes) == 0
        assert any(isinstance(outcome, ServerError) for outcome in outcomes) or photos < 8
        assert server.chats <= 45


@pytest.mark.parametrize("said", [OUTAGES["loading"], OUTAGES["gateway"], OUTAGES["LM Studio, cannot load"]])
def test_but_one_that_speaks_of_what_passes_is(said):
    with Night(after(0, 0.8, said), delay=0.01) as server:
        assert tagged(run(server, photos=12)) == 12


@pytest.mark.parametrize(
    ("who", "slots", "took", "least", "most"),
    [
        ("llama.cpp", 32, None, 16, 32),
        *(
            pytest.param(*case, marks=pytest.mark.slow)
            for case in [
                ("llama.cpp", 1, None, 1, 1), ("llama.cpp", 32, 3, 3, 3), ("vLLM", 1, None, 8, 16),
                (None, 1, 16, 8, 16), (None, 1, None, 4, 4),
            ]
        ),
    ],
)  # fmt: skip
def test_a_run_begins_with_what_the_server_took_or_says(who, slots, took, least, most):
    """With half of that, and the rest soon after."""
    waves = []

    def habit(server, _number):
        waves.append(server.chats == server.at_once)  # nothing was answered yet

    with Night(habit, delay=1.0, pages=tells(who, slots) if who else None) as server:
        known = {json.dumps([server.url, "stub-vlm"]): took} if took else {}
        assert tagged(run(server, photos=most + 1, took=known)) == most + 1
        assert least <= sum(waves) <= most


@pytest.mark.parametrize("said", [error(429, "busy"), error(500, "CUDA out of memory"), error(500, "")])
@pytest.mark.parametrize("who", ["llama.cpp", "vLLM"])
def test_a_server_that_takes_fewer_than_it_says(said, who):
    too_many = lambda server, _: said if server.at_once > 2 else None  # noqa: E731
    with Night(too_many, delay=0.02, pages=tells(who, 32)) as server:
        assert tagged(run(server, photos=60)) == 60
        assert server.refused <= 30


def test_what_a_server_took_is_told_after_enough_answers():
    with Night(lambda server, _: error(429, "") if server.at_once > 2 else None, delay=0.02) as server:
        describer = ServerDescriber(server.url, "stub-vlm", limits=Limits(**QUICK))
        with ThreadPoolExecutor(20) as pool:
            list(pool.map(lambda number: describer.describe(picture(number), PROMPT), range(8)))
            assert describer.took == {}
            list(pool.map(lambda number: describer.describe(picture(number), PROMPT), range(8, 40)))
        ((place, at_once),) = describer.took.items()
        assert json.loads(place) == [server.url, "stub-vlm"]
        assert at_once <= 3
        describer.close()


def test_what_a_server_took_is_there_for_the_next_run(tmp_path):
    with Night(lambda server, _: error(429, "") if server.at_once > 2 else None, delay=0.02) as server:
        settings = Settings(
            api_urls=(server.url,), model="stub-vlm", backend="server", catalog=tmp_path / "c.sqlite"
        )
        for _ in range(2):
            with Workspace.open(settings) as space, ThreadPoolExecutor(20) as pool:
                ask = space.model(defer=True).describer.describe
                list(pool.map(ask, map(picture, range(40)), [PROMPT] * 40))
        with Catalog(settings.catalog) as catalog:
            (took,) = catalog.servers.limits().values()
        assert took <= 3
        assert server.refused <= 12


def test_retry_after_holds_all_threads():
    windows = Counter()

    def habit(server, _number):
        window, into = divmod(server.seconds, 0.4)
        windows[window] += 1
        return error(429, "slow down", {"Retry-After": f"{0.4 - into:.3f}"}) if windows[window] > 10 else None

    with Night(habit, delay=0.01) as server:
        assert tagged(run(server, photos=60)) == 60
        assert server.refused <= 30


def test_a_time_out_lowers_the_limit_and_lengthens_the_next():
    """One slot, 0.3 s a photo, and a proxy that does not notice that a client has gone: all queue."""
    with Night(lambda *_: None, delay=0.3, slots=1) as server:
        assert tagged(run(server, photos=6, first_answer=0.35, answer=0.35, outage=0.1)) == 6


SICK = {
    "500": error(500, "boom"),
    "503": error(503, "boom"),
    "429": error(429, "boom"),
    "400": error(400, "boom"),
    "cut": Says(cut="before"),
    "hangs": replace(keywords("late", "lake", "sky", "boat"), delay=30),
}


@pytest.mark.parametrize("said", SICK.values(), ids=SICK)
def test_a_server_that_falls_ill_holds_up_nobody(said):
    with Night(lambda *_: None, delay=0.02) as well, Night(after(5, 60, said), delay=0.02) as ill:
        # Only who hangs needs so short a time: where all answer, a busy machine may take it, too.
        hurry = {"elsewhere": 0.3} if said is SICK["hangs"] else {}
        assert tagged(run(well, ill, photos=60, **hurry)) == 60
        assert ill.chats <= 40


@pytest.mark.parametrize("said", [SICK["500"], SICK["cut"]])
def test_a_server_that_was_ill_is_asked_again(said):
    habit = lambda server, _: said if 5 < server.chats <= 10 else None  # noqa: E731
    with Night(lambda *_: None, delay=0.05, slots=2) as well, Night(habit, delay=0.01) as ill:
        assert tagged(run(well, ill, photos=90, probe=0.02)) == 90
        assert ill.chats > 10


@pytest.mark.parametrize("said", [SICK["500"], SICK["503"], SICK["400"]])
def test_when_all_servers_are_ill_they_are_waited_for(said):
    with Night(after(5, 0.4, said), delay=0.02) as one, Night(after(5, 0.3, said), delay=0.02) as other:
        assert tagged(run(one, other, photos=60)) == 60


@pytest.mark.parametrize("said", [SICK["500"], SICK["503"], SICK["400"]])
def test_a_photo_that_one_server_cannot_stand_is_given_to_the_other(said):
    habit = lambda _, number: said if number == 7 else None  # noqa: E731
    with Night(lambda *_: None, delay=0.02) as well, Night(habit, delay=0.02) as picky:
        assert tagged(run(well, picky, photos=30)) == 30
    with Night(habit, delay=0.02) as one, Night(habit, delay=0.02) as other:
        outcomes = run(one, other, photos=30)
        assert tagged(outcomes) == 29
        assert isinstance(outcomes[7], str)
        assert one.asked[7] + other.asked[7] <= 8
        assert one.asked[7]
        assert other.asked[7]


# ---------------------------------------------------------------- several of different speed, each photo once


def test_a_slow_server_does_not_hold_up_the_end():
    with Night(lambda *_: None, delay=0.05) as fast, Night(lambda *_: None, delay=2.0) as slow:
        assert tagged(run(slow, fast, photos=60)) == 60
        assert slow.chats <= 4, "no more than were sent before it was known to be slow"
        assert set((fast.asked + slow.asked).values()) == {1}


def test_each_server_gets_what_it_can_take():
    speeds = {"quick": (1, 0.1), "wide": (4, 0.1), "slow": (8, 0.4)}
    with ExitStack() as running:
        servers = [
            running.enter_context(
                Night(lambda *_: None, slots=slots, delay=delay, pages=tells("llama.cpp", slots))
            )
            for slots, delay in speeds.values()
        ]
        assert tagged(run(*servers, photos=140)) == 140
        assert [server.most_at_once for server in servers] == pytest.approx([1, 4, 8], abs=4)
        quick, wide, slow = (server.chats for server in servers)
        assert quick < slow < wide  # 10, 20 and 40 a second
        assert set(sum((server.asked for server in servers), Counter()).values()) == {1}


def test_of_a_server_that_dies_only_what_was_on_its_way_is_asked_again():
    def dies(server, _number):
        if server.chats == 12:
            server.lost = server.at_once
            threading.Thread(target=server.kill).start()
            threading.Timer(0.5, server.restart).start()

    with Night(dies, delay=0.1, slots=4) as dying, Night(lambda *_: None, delay=0.1, slots=4) as well:
        assert tagged(run(dying, well, photos=100)) == 100
        assert (dying.asked + well.asked).total() <= 100 + dying.lost
        assert dying.chats > 12, "it is tried again"


def test_a_server_that_is_not_there_at_first_gets_photos_when_it_is(monkeypatch):
    monkeypatch.setattr("tagroll.models.server.several.RETURN_SECONDS", 0.3)
    with Night(lambda *_: None, delay=0.1, slots=4) as well, Night(lambda *_: None, delay=0.1) as late:
        late.kill()
        threading.Timer(0.5, late.restart).start()
        assert tagged(run(well, late, photos=120)) == 120
        assert late.chats
        assert set((well.asked + late.asked).values()) == {1}


def test_who_waits_for_room_is_let_go_when_the_run_is_stopped():
    with Night(lambda *_: None, delay=1.0) as one, Night(lambda *_: None, delay=1.0) as other:
        members = [ServerDescriber(server.url, "stub-vlm", limits=Limits(jobs=1)) for server in (one, other)]
        many = ManyDescriber(members)
        many.discover()
        with ThreadPoolExecutor(5) as pool:
            waits = [pool.submit(many.describe, picture(number), PROMPT) for number in range(5)]
            while one.chats + other.chats < 2:
                time.sleep(0.01)
            many.stop()
            ended = [type(wait.exception(10)) for wait in waits]
        assert Counter(ended) == {StoppedError: 3, type(None): 2}
        many.close()


def several(*models_of_servers, models=()):
    """A describer of servers that have these models, and what it says of them."""
    with ExitStack() as running:
        pages = [{"/v1/models": listed(name, **SEES)} for name in models_of_servers]
        urls = [running.enter_context(Stub(pages=page)).url for page in pages]
        names = models or ("",) * len(urls)
        members = [
            ServerDescriber(url, name, explicit_model=bool(models))
            for url, name in zip(urls, names, strict=True)
        ]
        many = ManyDescriber(members, models=models)
        try:
            many.discover()
            return many, many.describe(picture(1), PROMPT)
        finally:
            many.close()


def test_different_models_are_refused_unless_each_is_named():
    with pytest.raises(ServerError, match=r"different models: gemma-3-4b at .*, qwen3-vl at ") as caught:
        several("gemma-3-4b", "qwen3-vl")
    assert "--model" in caught.value.hint
    many, said = several("gemma-3-4b", "qwen3-vl", models=("gemma-3-4b", "qwen3-vl"))
    assert said.model in ("gemma-3-4b", "qwen3-vl")
    assert many.kept_name(said) == many.cache_name == "gemma-3-4b + qwen3-vl"


def test_one_model_under_two_names_is_one():
    many, said = several("google/gemma-3-4b", "gemma-3-4b")
    assert many.kept_name(said) == many.cache_name == "google/gemma-3-4b"
    assert many.kept_name(replace(said, model="mistral-7b")) == "mistral-7b"


# ---------------------------------------------------------------- one of several says nothing usable

USELESS = {
    "a refusal": chat("I'm sorry, I can't help with identifying this."),
    "a refusal in its field": chat(None, refusal="I can't assist with that."),
    "no image": chat("I see no image. Please upload one."),
    "nothing": chat(""),
    "nonsense": chat("GGGGGGGGGGGGGGGG"),
    "an empty list": keywords(),
    "prose": chat("The image shows a calm evening at the sea, and somebody who walks there."),
    "no end of thinking": chat("", finish="length", reasoning_content="Let me see. It could be"),
    "no completion": Says({"hello": "world"}),
    "a filter": error(400, "Your input was flagged by our content policy"),
    "a small context": error(400, "the request exceeds the available context size, 512 tokens"),
    "a small proxy": Says(b"<html><title>413 Request Entity Too Large</title></html>", 413),
}


@pytest.mark.parametrize("said", USELESS.values(), ids=USELESS)
def test_a_server_that_says_nothing_usable_costs_no_photo(said):
    with Night(lambda *_: None, delay=0.02) as well, Night(lambda *_: said) as useless:
        assert tagged(run(well, useless, photos=40)) == 40
        assert useless.chats <= 80, "it is asked about a photo once, or twice where the answer was cut"


@pytest.mark.parametrize("said", [USELESS[name] for name in ("a refusal", "nothing", "a filter")])
def test_so_does_one_of_three(said):
    with (
        Night(lambda *_: None, delay=0.02) as well,
        Night(lambda *_: said) as one,
        Night(lambda *_: said) as two,
    ):
        assert tagged(run(one, well, two, photos=40)) == 40


@pytest.mark.parametrize("said", [USELESS[name] for name in ("a refusal", "nothing", "prose", "a filter")])
def test_a_photo_of_which_nobody_says_anything_usable_fails_alone(said):
    habit = lambda _, number: said if number == 7 else None  # noqa: E731
    with Night(habit, delay=0.02) as one, Night(habit, delay=0.02) as other:
        outcomes = run(one, other, photos=30)
        assert [number for number, outcome in enumerate(outcomes) if outcome != "tagged"] == [7]
        assert isinstance(outcomes[7], str)
        assert min(one.asked[7], other.asked[7]) == 1
        assert one.asked[7] + other.asked[7] <= 3


def test_that_a_server_gets_no_more_photos_is_told_once():
    with Night(lambda *_: None) as well, Night(lambda *_: chat("I see no image.")) as useless:
        limits = Limits(**QUICK, jobs=2)
        many = ManyDescriber(
            [ServerDescriber(url, "stub-vlm", limits=limits) for url in (useless.url, well.url)]
        )
        many.discover()
        assert all(many.describe(picture(number), PROMPT).keywords for number in range(15))
        (news,) = many.news()
        assert useless.url in news
        assert "nothing usable" in news
        assert many.news() == ()
        assert useless.chats == 10
        many.close()


# ---------------------------------------------------------------- stuck, blind, another


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (keywords("beach", "sunset", "palm", "sea"), "says the same of 10 different photos"),
        (chat("I'm sorry, I cannot see any image."), "nothing usable of 10 photos"),
        (chat("Please upload an image first."), "nothing usable of 10 photos"),
    ],
)
def test_a_model_that_is_stuck_or_blind_ends_the_run_unless_forced(said, words):
    with Night(lambda *_: said) as server:
        outcomes = run(server, photos=40, jobs=2)
        assert any(isinstance(outcome, ServerError) and words in outcome.message for outcome in outcomes)
        assert server.chats < 2 * 40
    with Night(lambda *_: said) as server:
        outcomes = run(server, photos=20, jobs=2, repeats=None)
        assert not any(isinstance(outcome, ServerError) for outcome in outcomes)


def test_the_model_that_really_answers_is_said_once_and_kept():
    said = replace(keywords("Cat"), body=keywords("Cat").body | {"model": "mistral-7b"})
    with Night(lambda *_: said) as server:
        describer = ServerDescriber(server.url, "stub-vlm", limits=Limits())
        answers = [describer.describe(picture(number), PROMPT) for number in range(3)]
        assert {answer.model for answer in answers} == {describer.model} == {"mistral-7b"}
        assert {body["model"] for body in server.bodies} == {"stub-vlm"}
        (news,) = describer.news()
        assert "stub-vlm" in news
        assert "mistral-7b" in news
        assert describer.news() == ()
        describer.close()


# ---------------------------------------------------------------- waiting and stopping

WAITS = {
    "loading": error(503, "Loading model"),
    "busy": error(429, "slow down", {"Retry-After": "30"}),
    "crashed": error(400, {"error": "Model has unloaded or crashed.."}),
    "hangs": replace(keywords("late"), delay=60),
}


@pytest.fixture
def waiting(monkeypatch):
    """Many threads wait for a server; and it is told after a moment."""
    monkeypatch.setattr("tagroll.models.server.retry.NOTICED", 0.1)

    def start(server, pool, **limits):
        describer = ServerDescriber(
            server.url, "stub-vlm", limits=Limits(**{**QUICK, "first_answer": 60, **limits})
        )
        assert describer.describe(picture(0), PROMPT).keywords
        waits = [pool.submit(describer.describe, picture(number), PROMPT) for number in range(1, 12)]
        return describer, waits

    return start


@pytest.mark.parametrize("said", WAITS.values(), ids=WAITS)
def test_what_is_waited_for_is_told_and_stopping_ends_all_waiting(waiting, said):
    with (
        Night(lambda server, _: said if server.chats > 1 else None) as server,
        ThreadPoolExecutor(12) as pool,
    ):
        describer, waits = waiting(server, pool, outage=60, stopping=0.5)
        while not (told := describer.waiting):
            time.sleep(0.02)
        assert server.url in told.reason
        assert told.seconds > 0
        describer.stop()
        for wait in waits:
            assert isinstance(wait.exception(20), StoppedError)
        asked = server.chats
        with pytest.raises(StoppedError):
            describer.describe(picture(50), PROMPT)
        assert server.chats == asked <= 12
        describer.close()


def test_answers_on_their_way_are_finished(waiting):
    with Night(lambda *_: None, delay=0.5) as server, ThreadPoolExecutor(12) as pool:
        describer, waits = waiting(server, pool, jobs=3)
        while server.at_once < 3:
            time.sleep(0.01)
        describer.stop()
        time.sleep(0.05)
        assert "on the way" in describer.waiting.reason
        done = [wait for wait in waits if wait.exception(20) is None]
        assert len(done) == 3
        assert describer.waiting is None
        describer.close()
