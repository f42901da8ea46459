"""What commands share that change words across a library: reading it, showing a mapping, rewriting the photos."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tagroll.cli.options import typed, undo_command
from tagroll.cli.progress import Report, no_photos, stop_on_interrupt
from tagroll.cli.scanning import passing, scanned
from tagroll.cli.terminal import say
from tagroll.domain import Outcome, Photo, Status
from tagroll.settings import Settings, SidecarPolicy

if TYPE_CHECKING:
    from tagroll.catalog import Catalog
    from tagroll.exiftool.pool import ExifTool
    from tagroll.metadata.store import MetadataStore
    from tagroll.runs.rewrite import Library

THREADS = 8


@dataclass(slots=True)
class Session:
    """A library that was read and can be rewritten.

    Attributes:
        settings: What all commands share.
        paths: Where the photos are, absolute.
        catalog: Remembers.
        store: Writes.
        stop: Set by the first Ctrl-C.
        library: Which photos carry which tags.
        sidecar: Where the store writes.
        exiftool: What it has, or None.
        failures: Photos that could not be read.
        folders: Folders that could not be read, and why.
        read: How many photos were.
        after: The tags of photos that were, or would be, rewritten.
    """

    settings: Settings
    paths: Sequence[Path]
    catalog: "Catalog"
    store: "MetadataStore"
    stop: threading.Event
    library: "Library"
    sidecar: SidecarPolicy
    exiftool: "ExifTool | None"
    failures: list[Outcome] = field(default_factory=list)
    folders: list[tuple[Path, OSError]] = field(default_factory=list)
    read: int = 0
    after: dict[Path, tuple[str, ...]] = field(default_factory=dict)

    def read_tags(self, exclude: Sequence[str]) -> None:
        """Read the tags of every photo."""
        from tagroll.runs.read import Reader

        reader = Reader(self.store, self.catalog)
        with Report(replace(self.settings, json=False, verbose=False), "Reading", {}) as report:
            for outcome in reader.read(self.library.passing(scanned(self.paths, exclude, self._pass_over))):
                self.check_stop()
                report.add(outcome)
                if outcome.status is Status.FAILED:
                    self.failures.append(outcome)
                else:
                    self.library.add(outcome)
                    self.read += 1

    def check_stop(self) -> None:
        """End here when the user wants it; nothing is written yet."""
        if self.stop.is_set():
            raise click.exceptions.Exit(130)

    def preview(self, mapping: Mapping[str, str], *, written: bool = False) -> Report:
        """Report which photos would change; opens none. `written`: there is none, and no more to say."""
        from tagroll.domain import Metadata
        from tagroll.metadata.fields import tags_after
        from tagroll.runs.rewrite import change_for

        with self._report("rewritten" if written else "would be rewritten", mapping) as report:
            for path, (_, tags) in self.library.changing(mapping).items():
                self._add(
                    report,
                    Outcome(path, Status.TAGGED, tags_after(Metadata(tags), change_for(tags, mapping))),
                )
        return report

    def _pass_over(self, folder: Path, error: OSError) -> None:
        self.folders.append((folder, error))

    def _add(self, report: Report, outcome: Outcome) -> None:
        if outcome.status is Status.TAGGED:
            self.after[outcome.path] = outcome.tags
        report.add(outcome)

    def rewrite(self, mapping: Mapping[str, str], run: int) -> Report:
        """Rewrite the photos that change, and only these; journalled under a run."""
        from tagroll.parallel import map_unordered
        from tagroll.runs.recover import leftover_cleaner
        from tagroll.runs.rewrite import Rewriter

        rewriter = Rewriter(self.store, self.catalog, mapping, run)
        clean = leftover_cleaner(self.store)
        changing = [photo for photo, _ in self.library.changing(mapping).values()]
        photos = passing(changing, self.exiftool, self.sidecar, self.settings)

        def one(photo: Photo) -> Outcome:
            clean(photo.path)
            return rewriter.rewrite(photo)

        with self._report("rewritten", mapping) as report:
            try:
                for outcome in map_unordered(one, photos, threads=THREADS, stop=self.stop):
                    self._add(report, outcome)
            finally:
                self.catalog.finish_run(run, report.summary())
        return report

    def exit_code(self, report: Report) -> int:
        """0, 3 when photos failed, 130 when it was interrupted."""
        return 130 if self.stop.is_set() else report.exit_code()

    def _report(self, done: str, mapping: Mapping[str, str]) -> Report:
        changing = len(self.library.changing(mapping))
        report = Report(self.settings, "Rewriting", {Status.TAGGED: done}, lambda: changing)
        for folder, error in self.folders:
            report.pass_over(folder, error)
        for failure in self.failures:
            report.add(failure)
        report.counts[Status.UNCHANGED] += self.read - changing
        return report


@contextmanager
def session(
    settings: Settings, paths: Sequence[Path], *, sidecar: SidecarPolicy = "auto", touch: bool = False
) -> Iterator[Session]:
    """Open the catalog and the store, and settle what an earlier run was cut off from."""
    from tagroll.catalog import Catalog
    from tagroll.exiftool.pool import available_exiftool
    from tagroll.metadata.store import MetadataStore
    from tagroll.photos.scan import absolute
    from tagroll.runs.recover import recover
    from tagroll.runs.rewrite import Library

    exiftool = available_exiftool()
    with (
        Catalog(settings.catalog) as catalog,
        MetadataStore(sidecar=sidecar, mtime="now" if touch else "keep", exiftool=exiftool) as store,
        stop_on_interrupt() as stop,
    ):
        recover(catalog, store)
        places = [absolute(path) for path in paths]
        yield Session(settings, places, catalog, store, stop, Library(), sidecar, exiftool)


def advise(report: Report | None, opened: Session, *, stopped: bool = True) -> None:
    """Say what can be done next: how to go on where it was cut off, or how to take it back."""
    if opened.settings.quiet:
        return
    if stopped:
        say(f"Stopped; nothing is half-written. Go on with: {typed()}")
    elif not opened.read and not opened.failures:
        say(no_photos(opened.paths))
    elif report is not None and report.counts[Status.TAGGED]:
        say(f"Take it back: {undo_command()}")
