"""What a person and a program see while a run waits."""

import json
import threading
import time
from pathlib import Path

import pytest

from support.runs import wait_for
from tagroll.catalog import Catalog
from tagroll.cli import progress
from tagroll.cli.progress import Report, progress_text, stop_on_interrupt, waiting_text, watched
from tagroll.domain import Outcome, Status, Waiting
from tagroll.runs.run import Tally
from tagroll.settings import Settings


class Space:
    """What a report asks a workspace for."""

    def __init__(self, waiting=None, news=()):
        self.waiting, self.told = waiting, list(news)

    def news(self):
        told, self.told = tuple(self.told), []
        return told


GONE = Waiting("the model server at http://a is gone: nobody answers there", 12.3, 60)
NO_ANSWER = Waiting("no answer yet from the model server at http://a", 200)


@pytest.mark.parametrize(
    ("wait", "text"),
    [
        (GONE, "waiting 12 s, at most 60 s: the model server at http://a is gone: nobody answers there"),
        (NO_ANSWER, "waiting 3 min: no answer yet from the model server at http://a"),
    ],
)
def test_while_a_run_waits_it_says_for_what_and_tells_no_time_left(wait, text):
    report = Report(Settings(), "Tagging", Tally(), {}, space=Space(wait))
    assert waiting_text(wait) == text
    assert progress_text(report, 60) == f"0/60  0%  {text}"
    report.space = Space()
    assert "left" in progress_text(report, 60)


@pytest.mark.slow
@pytest.mark.parametrize(("as_json", "quiet"), [(True, False), (False, False), (True, True), (False, True)])
def test_waiting_is_told_at_once_and_again_after_a_while(monkeypatch, capsys, as_json, quiet):
    monkeypatch.setattr(progress, "PLAIN_EVERY_S", 0.1)
    said, asked = ["", ""], []

    def told_twice() -> bool:
        said[:] = (old + new for old, new in zip(said, capsys.readouterr(), strict=True))
        return (
            len(asked) > 3 and said[0].count("\n") >= 2 * as_json and said[1].count("\n") >= 2 * (not quiet)
        )

    with watched(Settings(json=as_json, quiet=quiet), lambda: asked.append(1) or GONE):
        wait_for(told_twice)
    told_twice()  # what came after
    out, err = (text.splitlines() for text in said)
    row = {"type": "waiting", "reason": GONE.reason, "seconds": 12.3, "most": 60}
    assert [json.loads(line) for line in out] == [row] * len(out)
    assert bool(out) is as_json
    assert all("waiting 12 s" in line for line in err)
    assert bool(err) is not quiet


def test_who_does_not_wait_says_nothing(capsys):
    with watched(Settings(json=True), lambda: None):
        time.sleep(0.7)
    assert capsys.readouterr() == ("", "")


def test_photos_that_failed_last_time_too_are_named_once(tmp_path, capsys):
    ill, well = tmp_path / "ill.jpg", tmp_path / "well.jpg"
    with Catalog(tmp_path / "catalog.sqlite") as catalog:
        first = catalog.runs.start("tag", ["photos"])
        catalog.runs.finish(first, {"failed": 1, "total": 2}, [ill])
        other = catalog.runs.start("tag", ["elsewhere"])
        catalog.runs.finish(other, {"total": 2}, [well])
        again = catalog.runs.start("tag", ["photos"])
        assert catalog.runs.failures_before(first) == frozenset()
        assert catalog.runs.failures_before(again) == {ill}
        assert dict(catalog.runs.all()[-1].summary) == {"failed": 1, "total": 2}
        tally = Tally(failed_before=catalog.runs.failures_before(again))
    for path in (ill, well):
        tally.add(Outcome(path, Status.FAILED, error="no"))
    Report(Settings(), "Tagging", tally, {}).finish()
    assert capsys.readouterr().err.count("1 photo failed last time too: ill.jpg") == 1


def test_news_of_the_model_are_told_once(capsys):
    report = Report(Settings(), "Tagging", Tally(), {}, space=Space(news=["another model answers"]))
    for _ in range(3):
        report.show(Outcome(Path("a.jpg"), Status.TAGGED))
    assert capsys.readouterr().err.count("another model answers") == 1


def test_the_first_signal_stops_and_ends_all_waiting():
    import os
    import signal

    stop, halted = threading.Event(), threading.Event()
    with stop_on_interrupt(stop, halted.set):
        os.kill(os.getpid(), signal.SIGTERM)
        assert halted.wait(60)
    assert stop.is_set()
