"""The map over threads: lazy, bounded, stoppable, and loud."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tagroll.parallel import map_unordered, once


def test_it_takes_no_more_items_than_there_are_threads():
    taken = []

    def items():
        for number in range(100):
            taken.append(number)
            yield number

    for done, _ in enumerate(map_unordered(lambda n: n, items(), threads=4, stop=threading.Event()), start=1):
        assert len(taken) <= done + 4
    assert sorted(taken) == list(range(100))


def test_a_stop_finishes_what_is_in_flight():
    stop, started = threading.Event(), []

    def work(number: int) -> int:
        started.append(number)
        time.sleep(0.05)
        return number

    done = []
    for number in map_unordered(work, range(1000), threads=4, stop=stop):
        done.append(number)
        stop.set()
    assert sorted(done) == sorted(started)
    assert len(done) <= 8


def test_an_error_ends_it_after_what_is_in_flight():
    done = []

    def work(number: int) -> int:
        if number == 3:
            raise ValueError(number)
        done.append(number)
        return number

    with pytest.raises(ValueError, match="3"):
        list(map_unordered(work, range(1000), threads=2, stop=threading.Event()))
    assert {0, 1, 2} <= set(done)
    assert len(done) < 20


def test_what_many_threads_ask_for_at_once_is_made_once() -> None:
    made, begin = [], threading.Barrier(8)

    @once
    def large() -> list[int]:
        made.append(1)
        time.sleep(0.05)  # so that the others come while it is being made
        return [1, 2, 3]

    def ask(_: int) -> list[int]:
        begin.wait()
        return large()

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(8)))
    assert made == [1]
    assert all(answer is answers[0] for answer in answers)
