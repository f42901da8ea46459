"""How a run over photos is shown: a progress line for people, JSON lines for programs, a summary for both."""

import contextlib
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any, Self

import click

from tagroll.cli.scanning import report_skipped
from tagroll.cli.terminal import print_json, print_line, say, show, tell
from tagroll.domain import Outcome, Status, Waiting, plural
from tagroll.errors import ServerError
from tagroll.runs.beside import sidecar_lines
from tagroll.settings import Settings

if TYPE_CHECKING:
    from tagroll.runs.run import Tally, Workspace

TALLY = "tagroll.tally"
"""Where a command's context has the counts of what it shows."""
PLAIN_EVERY_S = 10.0
SHOWN_FAILURES = 20
WORDS = {Status.BESIDE: "in sidecars"}
"""What a status is called in every summary, where the command has no other word."""
UNSURE = "no confident tags"
"""What is shown where a model was asked and says nothing."""
MARKS = dict.fromkeys(Status, "✓") | {
    Status.UNCHANGED: "=",
    Status.SKIPPED: "-",
    Status.FAILED: "✗",
}


@dataclass(slots=True)
class Report:
    """Shows outcomes as they come, and at the end how many there were of each kind.

    Attributes:
        settings: Decide between JSON, progress and silence.
        verb: What is going on, for the progress line ("Tagging").
        tally: Counts them.
        words: What a status is called in the summary of this command; those in it are always named.
        count: How many photos there will be; called in a thread of its own, only when somebody watches.
        noun: What is counted.
        nothing: What is shown where a photo has no tags.
        space: Tells what is waited for, and news of the model.
    """

    settings: Settings
    verb: str
    tally: "Tally"
    words: Mapping[Status, str]
    count: Callable[[], int] | None = None
    noun: str = "photo"
    nothing: str = "no tags"
    space: "Workspace | None" = None
    _started: float = field(default_factory=time.monotonic)
    _line: "ProgressLine | PlainLine | None" = None
    _watch: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def __enter__(self) -> Self:
        """Start to show progress."""
        if ctx := click.get_current_context(silent=True):
            ctx.meta[TALLY] = self.tally
        if not self.settings.quiet:
            self._line = ProgressLine(self) if sys.stderr.isatty() else PlainLine(self)
        bar = self._line if isinstance(self._line, ProgressLine) else None
        self._watch.enter_context(watched(self.settings, self.waiting, bar))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take the progress line away."""
        self._watch.close()
        if self._line is not None:
            self._line.close()

    def show(self, outcome: Outcome) -> None:
        """Show one outcome, as JSON or with `--verbose`, and how far it is."""
        if self.settings.json:
            print_json(outcome.row())
        elif self.settings.verbose:
            self.print(outcome)
        if self.space:
            tell(self.settings, *self.space.news())
        if self._line is not None:
            self._line.update()

    def waiting(self) -> Waiting | None:
        """What is waited for."""
        return self.space.waiting if self.space else None

    @property
    def is_due(self) -> bool:
        """Whether there is something to sum up: a run that found no model has not begun."""
        return bool(self.tally.total) or not isinstance(sys.exception(), ServerError)

    def pass_over(self, folder: Path, error: OSError) -> None:
        """Count and show a folder that cannot be read: there may be photos in it."""
        self.tally.folders += 1
        if self.settings.json:
            print_json({"type": "folder", "path": str(folder), "error": error.strerror})
        report_skipped(folder, error)

    def print(self, outcome: Outcome) -> None:
        """One line about one photo on stdout."""
        if outcome.target:
            print_line(f"{show(outcome.path)} -> {show(outcome.target)}")
            return
        sure = outcome.confidences if self.settings.verbose else {}
        tags = ", ".join(f"{tag} {sure[tag]:.2f}" if tag in sure else tag for tag in outcome.tags)
        nothing = self.nothing
        if outcome.withheld:
            nothing = f"no tags, as a person took away what the model says ({', '.join(outcome.withheld)})"
        print_line(f"{MARKS[outcome.status]} {show(outcome.path)}: {outcome.error or tags or nothing}")
        if self.settings.verbose and outcome.same_as:
            print_line(f"    as {show(outcome.same_as.name)}, a frame of the same burst")
        if self.settings.verbose and outcome.proposals:
            unsure = ", ".join(f"{tag} {how:.2f}" for tag, how in outcome.proposals.items())
            print_line(f"    not sure enough: {unsure}")

    @property
    def seconds(self) -> float:
        """Since the start."""
        return time.monotonic() - self._started

    def finish(self) -> None:
        """Print the summary: one JSON line, or a line for a person; and the failures, which are errors, even if quiet."""
        failures = self.tally.failures
        if self.settings.json:
            print_json({"type": "summary", **self.tally.summary(), "seconds": round(self.seconds, 3)})
        if not self.settings.quiet:
            self._say_counts()
        for failure in failures[:SHOWN_FAILURES]:
            say(f"{show(failure.path)}  {failure.error}", mark="  ✗")
            if failure.hint:
                say(f"      {failure.hint}")
        if len(failures) > SHOWN_FAILURES:
            say(f"  ... and {len(failures) - SHOWN_FAILURES:,} more failures; --json lists all")
        again = [failure.path for failure in failures if failure.path in self.tally.failed_before]
        if again:
            names = ", ".join(show(path.name) for path in again[:5]) + (", ..." if len(again) > 5 else "")
            say(f"{plural(len(again), self.noun)} failed last time too: {names}")

    def _say_counts(self) -> None:
        counts = self.tally.counts
        parts = [
            f"{counts[s]:,} {self.words.get(s, WORDS.get(s, str(s)))}"
            for s in Status
            if counts[s] or s in self.words
        ]
        say(f"{plural(self.tally.total, self.noun)}: {', '.join(parts)} in {duration(self.seconds)}")
        for line in sidecar_lines(self.tally):
            say(line)


class ProgressLine:
    """A live line on a terminal."""

    def __init__(self, report: Report) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        self._report = report
        self._progress: Progress = Progress(
            TextColumn("{task.description}", markup=False), BarColumn(bar_width=24),
            TextColumn("{task.fields[text]}", markup=False),
            console=Console(stderr=True), transient=True, refresh_per_second=4,
            redirect_stdout=sys.stdout.isatty(),  # data that goes into a file or pipe must get there
        )  # fmt: skip
        self._task = self._progress.add_task(show(report.verb), total=None, text="")
        self._progress.start()
        if report.count is not None:
            threading.Thread(target=self._find_total, args=(report.count,), daemon=True).start()

    def _find_total(self, count: Callable[[], int]) -> None:
        self._progress.update(self._task, total=count())

    def update(self) -> None:
        """Show the counts as they are now."""
        total = self._progress.tasks[0].total
        text = progress_text(self._report, None if total is None else int(total))
        self._progress.update(self._task, completed=self._report.tally.total, text=text)

    def close(self) -> None:
        """Remove the line."""
        self._progress.stop()


class PlainLine:
    """A plain line every ten seconds where nobody can see an animation."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._next = time.monotonic() + PLAIN_EVERY_S

    def update(self) -> None:
        """Print when it is time."""
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + PLAIN_EVERY_S
            say(f"{self._report.verb} {progress_text(self._report, None)}")

    def close(self) -> None:
        """Nothing to take away."""


def progress_text(report: Report, total: int | None) -> str:
    """Counts, rate, time left and how it went, in one line."""
    so_far, counts = report.tally.total, report.tally.counts
    rate = so_far / max(report.seconds, 0.001)
    parts = [f"{so_far:,}" + (f"/{total:,}  {so_far / max(total, 1):.0%}" if total else "")]
    if wait := report.waiting():  # a rate would tell nothing now
        return f"{parts[0]}  {waiting_text(wait)}"
    parts.append(f"{rate:.1f} photos/s")
    if total:
        parts.append(f"{duration(max(total - so_far, 0) / max(rate, 0.001))} left")
    parts += [f"{MARKS[status]} {counts[status]:,}" for status in Status if counts[status]]
    return "  ".join(parts)


def waiting_text(wait: Waiting) -> str:
    """What is waited for, in one line."""
    most = "" if wait.most is None else f", at most {duration(wait.most)}"
    return f"waiting {duration(wait.seconds)}{most}: {wait.reason}"


@contextlib.contextmanager
def watched(
    settings: Settings, waiting: Callable[[], Waiting | None], bar: "ProgressLine | None" = None
) -> Iterator[None]:
    """For as long as this lasts, tell what is waited for: in the bar, or else in a line now and every ten seconds.

    With `--json` as rows, too.
    """
    over = threading.Event()

    def tick() -> None:
        due = 0.0
        while not over.wait(0.5):
            wait = waiting()
            if bar is not None:
                bar.update()
            if wait is None:
                due = 0.0
            elif time.monotonic() >= due:
                due = time.monotonic() + PLAIN_EVERY_S
                if settings.json:
                    row = {"reason": wait.reason, "seconds": round(wait.seconds, 1), "most": wait.most}
                    print_json({"type": "waiting", **row})
                if bar is None and not settings.quiet:
                    say(waiting_text(wait))

    ticker = threading.Thread(target=tick, name="tagroll-watch", daemon=True)
    ticker.start()
    try:
        yield
    finally:
        over.set()
        ticker.join()


def no_photos(paths: Iterable[Path]) -> str:
    """What is said where there was nothing to do."""
    return f"No photos in {', '.join(map(show, paths))}"


def duration(seconds: float) -> str:
    """`0.4 s`, `12 s`, `53 min`, `2 h 05 min`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60:02d} min"


@contextlib.contextmanager
def stop_on_interrupt(stop: threading.Event, halt: Callable[[], None] = lambda: None) -> Iterator[None]:
    """The first Ctrl-C (or SIGTERM) sets the event and ends all waiting; the second ends the program at once.

    Ending at once is safe: nothing is ever half-written, and the journal knows how far it came.
    """
    import os

    def handle(_number: int, _frame: FrameType | None) -> None:
        if stop.is_set():
            os._exit(130)
        stop.set()
        threading.Thread(target=halt, daemon=True).start()  # not here: what is interrupted may hold its locks
        say("")  # below the ^C
        say("Stopping: finishing what is in flight. Ctrl-C again stops at once.")

    signals = [signal.SIGINT, signal.SIGTERM]
    before: list[Any] = [signal.signal(number, handle) for number in signals]
    try:
        yield
    finally:
        for number, handler in zip(signals, before, strict=True):
            signal.signal(number, handler)
