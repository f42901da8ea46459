"""The gate finds how many requests at once a server can take: simulated servers, on a clock of their own."""

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from types import SimpleNamespace

import pytest

from tagroll.errors import StoppedError
from tagroll.models.server.concurrency import Gate
from tagroll.models.server.controller import BATCHING_START, LIMITS, START, ConcurrencyController


class Fixed:
    """What the controller is measured against: always the same limit."""

    def __init__(self, limit):
        self.limit = limit

    def answered(self, at_once, seconds, load):
        pass


SECONDS = 0.2  # an answer of the simulated servers


def slots(count):
    """A server that works on so many at a time and lets the others wait."""
    return lambda at_once: [1.0] * min(at_once, count)


def together(pace):
    """A server that works on all at once, at a pace that depends on how many they are."""
    return lambda at_once: [pace(at_once)] * at_once


def spills(most, slower):
    """A graphics card whose memory spills over: more than so many at once slow each other down."""
    return together(lambda at_once: 1.0 if at_once <= most else most / at_once / slower)


def simulate(controller, paces, photos=400, spread=0.0, *, seed=1):
    """Send photos to a server; `paces` says how quickly it works on the first, second ... of those under way.

    Returns the time of every answer, and the limit and the number under way at that time.
    """
    chance = random.Random(seed)  # noqa: S311 - a simulation
    under_way, history = [], []  # seconds of work left, when it was sent, as the how manieth, all work before
    now, work, left = 0.0, 0.0, photos
    while left or under_way:
        while left and len(under_way) < controller.limit:
            left -= 1
            under_way.append([SECONDS * chance.lognormvariate(0, spread), now, len(under_way) + 1, work])
        served = list(zip(under_way, paces(len(under_way)), strict=False))
        passed, first = min((one[0] / pace, place) for place, (one, pace) in enumerate(served))
        now, work = now + passed, work + passed * len(under_way)
        for one, pace in served:
            one[0] -= passed * pace
        _, sent, at_once, before = under_way.pop(first)
        controller.answered(at_once, now - sent, (work - before) / (now - sent))
        history.append((now, controller.limit, len(under_way) + 1))
    return history


def duration(history):
    return history[-1][0]


def best(paces, photos, spread, seed):
    return min(
        duration(simulate(Fixed(limit), paces, photos, spread, seed=seed))
        for limit in (1, 2, 4, 6, 8, 16, 32)
    )


@pytest.mark.parametrize("count", [1, 2, 4, 8, 16])
def test_the_limit_settles_near_the_slots(count):
    history = simulate(ConcurrencyController(), slots(count), photos=600)
    settled = [limit for _, limit, _ in history[100:-50]]
    assert sum(count <= limit <= max(2 * count, 4) for limit in settled) > 0.9 * len(settled)


@pytest.mark.parametrize("count", [1, 2, 4, 8, 16])
@pytest.mark.parametrize("spread", [0.0, 0.3])
def test_a_run_takes_hardly_longer_than_with_the_best_limit(count, spread):
    ratios = []
    for seed in range(10):
        fixed = duration(simulate(Fixed(32), slots(count), 600, spread, seed=seed))
        ratios.append(
            fixed / duration(simulate(ConcurrencyController(), slots(count), 600, spread, seed=seed))
        )
    assert min(ratios) >= 0.95


@pytest.mark.parametrize(
    ("start", "seconds", "photos", "share"),
    [
        (START, 0.2, 60, 0.55), (START, 0.2, 100, 0.65), (START, 0.2, 300, 0.84), (START, 0.2, 600, 0.9),
        (BATCHING_START, 0.2, 100, 0.8), (BATCHING_START, 0.2, 300, 0.92), (BATCHING_START, 4.0, 300, 0.92),
    ],
)  # fmt: skip
def test_many_slots_are_filled_after_two_rounds(start, seconds, photos, share, monkeypatch):
    """Of 10 rounds of 32, a first of 4 and a second of 12 cost more than one; no more than that is lost."""
    monkeypatch.setitem(globals(), "SECONDS", seconds)
    ratios = [
        duration(simulate(Fixed(32), slots(32), photos, 0.3, seed=seed))
        / duration(simulate(ConcurrencyController(start=start), slots(32), photos, 0.3, seed=seed))
        for seed in range(10)
    ]
    assert sorted(ratios)[1] >= share


def test_eight_slots_are_filled_after_a_few_answers():
    history = simulate(ConcurrencyController(), slots(8))
    assert next(number for number, (_, limit, _) in enumerate(history) if limit >= 8) <= 8
    assert duration(history) <= 400 * SECONDS / 8 / 0.95


@pytest.mark.parametrize("most", [2, 4, 6])
@pytest.mark.parametrize("slower", [3, 6, 12])
def test_where_more_at_once_slow_each_other_down_it_steps_down_early(most, slower):
    history = simulate(ConcurrencyController(), spills(most, slower), photos=200)
    settled = [limit for _, limit, _ in history[50:]]
    assert sum(limit <= most for limit in settled) > 0.9 * len(settled)
    assert max(limit for _, limit, _ in history) <= 12


SPREAD = 0.3


@pytest.mark.parametrize(
    ("paces", "share"),
    [
        (spills(2, 3), 0.7), (spills(2, 6), 0.5), (spills(4, 3), 0.8), (spills(4, 6), 0.6), (spills(6, 3), 0.65),
        (together(lambda at_once: 1 / at_once), 0.97),
        (together(lambda at_once: 1 / at_once / (1.5 if at_once > 1 else 1)), 0.8),
        (together(lambda at_once: at_once**-0.5), 0.85),
        (together(lambda at_once: min(1, 8 / at_once)), 0.95),
    ],
)  # fmt: skip
def test_answers_of_uneven_length_do_not_mislead(paces, share):
    ratios = [
        best(paces, 300, SPREAD, seed)
        / duration(simulate(ConcurrencyController(), paces, 300, SPREAD, seed=seed))
        for seed in range(5)
    ]
    assert sum(ratios) / len(ratios) >= share


@pytest.mark.parametrize("loss", [1.0, 1.3, 1.5, 2.0])
def test_where_more_at_once_bring_nothing_it_ends_with_few(loss):
    paces = together(lambda at_once: 1 / at_once / (loss if at_once > 1 else 1.0))
    history = simulate(ConcurrencyController(), paces, photos=200)
    settled = [limit for _, limit, _ in history[50:]]
    assert sum(limit <= (2 if loss > 1 else 4) for limit in settled) > 0.8 * len(settled)
    assert max(limit for _, limit, _ in history) <= 12
    assert 200 * SECONDS / duration(history) >= 0.75


@pytest.mark.parametrize(("count", "share"), [(8, 0.95), (16, 0.95), (32, 0.93)])
def test_a_limit_of_the_last_time_saves_the_climb(count, share):
    first = ConcurrencyController()
    simulate(first, slots(count), 600)
    again = simulate(ConcurrencyController(first.found), slots(count), 300)
    assert 300 * SECONDS / count / duration(again) >= share


@pytest.mark.parametrize("photos", range(20, 300, 20))
@pytest.mark.parametrize("count", [1, 2, 4, 8])
def test_what_is_remembered_is_near_the_slots_whenever_the_run_ends(count, photos):
    controller = ConcurrencyController()
    simulate(controller, slots(count), photos)
    assert controller.found is None or count <= controller.found <= 3 * count


@pytest.mark.parametrize("count", [1, 2, 4])
def test_a_limit_of_the_last_time_that_is_too_high_or_too_low_now_is_left(count):
    limits = [limit for _, limit, _ in simulate(ConcurrencyController(16), slots(count), 600)]
    assert limits[-1] <= 2 * count + 1
    limits = [limit for _, limit, _ in simulate(ConcurrencyController(2), slots(4 * count), 600)]
    assert limits[-1] >= 4 * count


@pytest.mark.parametrize("seed", range(5))
def test_a_server_of_one_slot_is_not_flooded(seed):
    history = simulate(ConcurrencyController(), slots(1), spread=0.2, seed=seed)
    assert max(under_way for _, _, under_way in history) <= 16
    assert sum(under_way for _, _, under_way in history) / len(history) < 8


def test_a_first_answer_that_waits_for_the_model_to_load_does_not_mislead_for_long():
    class Loading(ConcurrencyController):
        def answered(self, at_once, seconds, load, first=[20.0]):  # noqa: B006 - once for the run
            super().answered(at_once, seconds + (first.pop() if first else 0), load)

    for count in (1, 8):
        limits = [limit for _, limit, _ in simulate(Loading(), slots(count))]
        assert sum(limits[-100:]) / 100 <= max(3 * count, 8)


def test_it_follows_a_server_that_gets_more_slots():
    controller = ConcurrencyController()
    simulate(controller, slots(2), 200)
    assert controller.limit <= 4
    simulate(controller, slots(16), 1500)
    assert controller.limit >= 16


def ask(gate, *, refused=False, late=False, beside=0):
    """One request while so many others are under way."""
    with ExitStack() as others:
        for _ in range(beside):
            others.enter_context(gate.turn()).answered()
        with gate.turn() as turn:
            turn.refused, turn.said, turn.late = refused, refused, late
            if not (refused or late):
                turn.answered()


def test_who_is_answered_was_under_way_whatever_was_refused_meanwhile(monkeypatch):
    loads, now = [], 0.0
    monkeypatch.setattr(
        ConcurrencyController, "answered", lambda _self, _at_once, _seconds, load: loads.append(load)
    )
    monkeypatch.setattr("tagroll.models.server.concurrency.time", SimpleNamespace(monotonic=lambda: now))
    gate = Gate()
    with ExitStack() as first, ExitStack() as second:
        early = first.enter_context(gate.turn())
        now = 100.0
        late = second.enter_context(gate.turn())
        now, early.refused = 101.0, True
        first.close()
        now = 102.0
        late.answered()
    assert gate.under_way == 0
    assert loads == [1.0]


@pytest.mark.parametrize("fixed", [None, 8, 3])
def test_refusals_bring_the_limit_down_to_one_and_no_further(fixed):
    gate = Gate(fixed)
    for _ in range(12):
        before = gate.limit
        ask(gate, refused=True, beside=gate.limit - 1)
        assert gate.limit == 1 if before == 1 else 1 <= gate.limit < before
    assert gate.limit == 1


def test_a_time_out_halves_the_limit():
    gate = Gate(8)
    ask(gate, late=True, beside=7)
    assert gate.limit == 4


def test_a_limit_that_was_learned_is_tried_again_more_and_more_rarely():
    gate, answers = Gate(4), []
    for _ in range(3):
        ask(gate, refused=True, beside=2)
        answers.append(0)
        while gate.limit == 2:
            ask(gate, beside=1)
            answers[-1] += 1
    assert answers[0] < answers[1] < answers[2]


def test_an_outage_lets_one_through_and_the_answer_all():
    gate = Gate(4)
    gate.outage = True
    with gate.turn() as first, ThreadPoolExecutor(3) as pool:
        waiting = [pool.submit(ask, gate) for _ in range(3)]
        assert first.probe
        assert gate.under_way == 1
        first.answered()
        gate.outage = False
        for future in waiting:
            future.result(5)


def test_who_waits_at_a_gate_that_is_closed_goes_home():
    gate = Gate(1)
    with gate.turn(), ThreadPoolExecutor(3) as pool:
        waiting = [pool.submit(ask, gate), pool.submit(gate.pause, 60)]
        gate.stop()
        for future in waiting:
            with pytest.raises(StoppedError):
                future.result(5)


@pytest.mark.parametrize("limit", [1, 3, None])
def test_never_more_than_the_limit_pass(limit):
    gate, lock = Gate(limit), threading.Lock()
    inside, most = 0, 0

    def work(_):
        nonlocal inside, most
        with gate.turn() as turn:
            with lock:
                inside += 1
                most = max(most, inside)
                assert inside <= gate.widest
            turn.answered()
            with lock:
                inside -= 1

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(work, range(300)))
    assert most <= (limit or LIMITS[-1])
    assert inside == 0


def test_an_error_inside_gives_the_turn_back():
    gate = Gate(1)
    for _ in range(3):
        with pytest.raises(ValueError, match="x"), gate.turn():
            raise ValueError("x")
    assert Gate().limit == START
