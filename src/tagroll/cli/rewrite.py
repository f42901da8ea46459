"""How commands that change tags across a library show it: the reading, the rewriting, and what can be done next."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tagroll.cli.progress import Report, no_photos, stop_on_interrupt
from tagroll.cli.scanning import Scope, opened, scanned
from tagroll.cli.terminal import say, tell
from tagroll.cli.typed import typed, undo_command
from tagroll.domain import Decide, Status
from tagroll.settings import WHERE_SAFE, Mtime, Placing, Settings

if TYPE_CHECKING:
    from tagroll.runs.rewrite import OpenLibrary
    from tagroll.runs.run import Run, Workspace


@dataclass(slots=True)
class Session:
    """A library that is read and rewritten, and shown.

    Attributes:
        settings: What all commands share.
        opened: The library.
        folders: Folders that could not be read, and why.
        after: The tags of photos that were, or would be, rewritten.
    """

    settings: Settings
    opened: "OpenLibrary"
    folders: list[tuple[Path, OSError]] = field(default_factory=list)
    after: dict[Path, tuple[str, ...]] = field(default_factory=dict)

    @property
    def space(self) -> "Workspace":
        """What it is read and written with."""
        return self.opened.space

    def read_tags(self, scope: Scope, *, authors: bool = False) -> None:
        """Read the tags of every photo; with `authors`, also which of them tagroll wrote."""
        quietly = replace(self.settings, json=False, verbose=False)
        with Report(quietly, "Reading", self.opened.tally, {}) as report:
            found = scanned(self.opened.paths, scope, self._pass_over)
            for outcome in self.opened.read(found, authors=authors):
                self.check_stop()
                report.show(outcome)

    def check_stop(self) -> None:
        """End here when the user wants it; nothing is written yet."""
        if self.space.stop.is_set():
            raise click.exceptions.Exit(130)

    def rewrite(
        self, decide: Decide, run: "Run | None" = None, *, written: bool = True, by_person: bool = False
    ) -> Report:
        """Rewrite the photos that change; without a run tell which would be. `written`: there is no more to say."""
        from tagroll.runs.run import Tally

        changing = self.opened.library.changing(decide)
        if run:
            tell(self.settings, *self.space.sidecar_notes(photo for photo, _ in changing.values()))
        tally = run.tally if run else Tally(Status.REWRITTEN)
        words = {Status.REWRITTEN: "rewritten" if written else "would be rewritten"}
        report = Report(self.settings, "Rewriting", tally, words, lambda: len(changing))
        for folder, error in self.folders:
            report.pass_over(folder, error)
        with report:
            for outcome in self.opened.rewritten(decide, tally, run, by_person=by_person):
                if outcome.status.changed:
                    self.after[outcome.path] = outcome.tags
                report.show(outcome)
        return report

    def exit_code(self, report: Report) -> int:
        """0, 3 when photos failed, 130 when it was interrupted."""
        return 130 if self.space.stop.is_set() else report.tally.exit_code

    def _pass_over(self, folder: Path, error: OSError) -> None:
        self.folders.append((folder, error))


@contextmanager
def session(
    settings: Settings,
    paths: Sequence[Path],
    *,
    placing: Placing = WHERE_SAFE,
    mtime: Mtime = "nudge",
    halt: Callable[[], None] = lambda: None,
) -> Iterator[Session]:
    """Open the library of these paths; Ctrl-C ends what is done with it, and what `halt` ends."""
    from tagroll.runs.rewrite import OpenLibrary

    with (
        opened(settings, placing=placing, mtime=mtime) as space,
        stop_on_interrupt(space.stop, halt),
    ):
        yield Session(settings, OpenLibrary.of(space, paths))


def advise(session: Session, report: Report | None, *, stopped: bool = True) -> None:
    """Say what can be done next: how to go on where it was cut off, or how to take it back."""
    if session.settings.quiet:
        return
    if stopped:
        say(f"Stopped before the end; no file is half-written. Resume with: {typed()}")
    elif not session.opened.tally.total:
        say(no_photos(session.opened.paths))
    elif report is not None and report.tally.changed:
        say(f"Take it back: {undo_command()}")
