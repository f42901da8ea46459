"""The gate finds how many requests at once a server can take: simulated servers, on a clock of their own."""

import heapq
import random
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tagroll.models.server.concurrency import RUNGS, START, Gate, Ladder


class Fixed:
    """What the ladder is measured against: always the same limit."""

    def __init__(self, limit):
        self.limit = limit

    def answered(self, at_once, seconds):
        pass


SECONDS = 0.2  # an answer of the simulated servers


def simulate(ladder, slots, photos=400, spread=0.0, *, seed=1):
    """Send photos to a server that queues what its slots cannot take.

    Returns the time of every answer, and the limit and the number under way at that time.
    """
    chance = random.Random(seed)  # noqa: S311 - a simulation
    free = [0.0] * slots
    under_way, history = [], []
    now, left = 0.0, photos
    while left or under_way:
        while left and len(under_way) < ladder.limit:
            left -= 1
            begin = max(heapq.heappop(free), now)
            end = begin + SECONDS * chance.lognormvariate(0, spread)
            heapq.heappush(free, end)
            heapq.heappush(under_way, (end, left, now, len(under_way) + 1))
        now, _, sent, at_once = heapq.heappop(under_way)
        ladder.answered(at_once, now - sent)
        history.append((now, ladder.limit, len(under_way) + 1))
    return history


def duration(history):
    return history[-1][0]


@pytest.mark.parametrize("slots", [1, 2, 4, 8, 16])
def test_the_limit_settles_near_the_slots(slots):
    history = simulate(Ladder(), slots, photos=600)
    settled = [limit for _, limit, _ in history[100:-50]]
    assert sum(slots <= limit <= max(2 * slots, 4) for limit in settled) > 0.9 * len(settled)


@pytest.mark.parametrize("slots", [1, 2, 4, 8, 16])
@pytest.mark.parametrize("spread", [0.0, 0.3])
def test_a_run_takes_hardly_longer_than_with_the_best_limit(slots, spread):
    ratios = []
    for seed in range(20):
        best = duration(simulate(Fixed(32), slots, 1000, spread, seed=seed))
        ratios.append(best / duration(simulate(Ladder(), slots, 1000, spread, seed=seed)))
    assert sorted(ratios)[2] >= 0.95
    assert min(ratios) >= 0.8


def test_eight_slots_are_filled_after_a_few_answers():
    history = simulate(Ladder(), 8)
    assert next(number for number, (_, limit, _) in enumerate(history) if limit >= 8) <= 8
    assert duration(simulate(Ladder(), 8)) <= 400 * SECONDS / 8 / 0.95


@pytest.mark.parametrize("seed", range(5))
def test_a_server_of_one_slot_is_not_flooded(seed):
    history = simulate(Ladder(), 1, spread=0.2, seed=seed)
    assert max(under_way for _, _, under_way in history) <= 16
    assert sum(under_way for _, _, under_way in history) / len(history) < 8


def test_a_first_answer_that_waits_for_the_model_to_load_does_not_mislead_for_long():
    class Loading(Ladder):
        def answered(self, at_once, seconds, first=[20.0]):  # noqa: B006 - once for the run
            super().answered(at_once, seconds + (first.pop() if first else 0))

    for slots in (1, 8):
        limits = [limit for _, limit, _ in simulate(Loading(), slots)]
        assert sum(limits[-100:]) / 100 <= max(3 * slots, 8)


def test_it_follows_a_server_that_gets_more_slots():
    ladder = Ladder()
    simulate(ladder, 2, 200)
    assert ladder.limit <= 4
    simulate(ladder, 16, 1500)
    assert ladder.limit >= 16


def test_refusals_bring_the_limit_down_to_one_and_no_further():
    ladder = Ladder()
    for at_once in (5, 4, 3, 2, 1, 1):
        ladder.refused(at_once)
        assert 1 <= ladder.limit < max(at_once, 2)


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
    assert most <= (limit or RUNGS[-1])
    assert inside == 0


def test_an_error_inside_gives_the_turn_back():
    gate = Gate(1)
    for _ in range(3):
        with pytest.raises(ValueError, match="x"), gate.turn():
            raise ValueError("x")
    assert Gate().limit == START
