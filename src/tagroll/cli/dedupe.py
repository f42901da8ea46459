"""`tagroll dedupe DIR`."""

import sys
from contextlib import closing, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tagroll.cli.dedupe_output import (
    ask,
    show_hierarchy,
    show_plan,
    warn_of_threshold,
)
from tagroll.cli.grouped import GroupedCommand
from tagroll.cli.options import key_goes_with, scan_options, shared_options, store_options
from tagroll.cli.progress import Report, watched
from tagroll.cli.rewrite import Session, advise, session
from tagroll.cli.scanning import Scope
from tagroll.cli.terminal import show, tell
from tagroll.cli.typed import typed
from tagroll.cli.words import VocabularyFile
from tagroll.domain import Status, Waiting, plural
from tagroll.errors import StoppedError, UsageError
from tagroll.settings import Mtime, Placing, Settings, without_password

if TYPE_CHECKING:
    from tagroll.runs.merge import EditedPlan, Embedder, MergeOptions, MergeProposal, Plan
    from tagroll.runs.words import Vocabulary

EVIDENCE = ("spelling", "synonym", "phrasing", "semantic")


@dataclass(frozen=True, slots=True)
class DedupeOptions:
    """The options of this command, as click gives them."""

    directory: Path
    dry_run: bool
    similarity_threshold: float
    min_cluster_size: int
    batch_size: int
    embedding_url: str
    embedding_model: str
    evidence: tuple[str, ...]
    plain: bool
    plan: Path | None
    apply: bool
    vocabulary: Path | str | None
    hierarchy: bool
    interactive: bool
    scope: Scope
    placing: Placing
    mtime: Mtime

    def check(self) -> None:
        """See that what is asked for goes together.

        Raises:
            UsageError: It does not.
        """
        if self.apply and self.plan is None:
            raise UsageError(
                "--apply needs the plan", "Write one with --plan FILE, edit it, then --plan FILE --apply"
            )
        if self.interactive and (self.apply or self.dry_run or self.plan):
            raise UsageError(
                "--interactive asks and merges at once", "Leave out --plan, --apply and --dry-run"
            )

    @property
    def embeds(self) -> bool:
        """Whether meaning is asked about at all."""
        return self.plain or "semantic" in self.evidence

    @property
    def writes(self) -> bool:
        """Whether photos are to be changed."""
        return not self.dry_run and (self.plan is None or self.apply)

    def merging(self) -> "MergeOptions":
        """How to merge."""
        from tagroll.runs.merge import MergeOptions, evidence_of

        evidence = evidence_of(self.evidence)
        return MergeOptions(self.similarity_threshold, self.min_cluster_size, evidence, self.plain)

    def configuration(self, model: str) -> dict[str, object]:
        """What the report says about how it was made, as the older script does."""
        return {
            "embedding_model": model, "similarity_threshold": self.similarity_threshold,
            "min_cluster_size": self.min_cluster_size, "batch_size": self.batch_size,
        }  # fmt: skip

    @property
    def more_configuration(self) -> dict[str, object]:
        """What the older script's report has no place for."""
        return {
            "directory": str(self.directory), "embedding_url": without_password(self.embedding_url), "dry_run": not self.writes,
            "evidence": list(self.evidence), "plain": self.plain, "hierarchy": self.hierarchy,
        }  # fmt: skip


def _evidence(_ctx: click.Context, _parameter: click.Parameter, value: str) -> tuple[str, ...]:
    kinds = tuple(kind.strip() for kind in value.split(",") if kind.strip())
    if not kinds or not set(kinds) <= set(EVIDENCE):
        raise click.BadParameter(f"{value!r} is not made of {', '.join(EVIDENCE)}")
    return kinds


_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command("dedupe", cls=GroupedCommand)
@click.argument("directory", metavar="DIR", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--dry-run", is_flag=True, help="Print the plan and write its report; write nothing into photos."
)
@click.option(
    "--similarity-threshold",
    type=click.FloatRange(0, 1),
    default=0.85,
    show_default=True,
    metavar="COSINE",
    help="Cosine from which on meaning alone merges.",
)
@click.option(
    "--min-cluster-size",
    type=click.IntRange(min=2),
    default=2,
    show_default=True,
    metavar="N",
    help="Merge only where at least N tags become one.",
)
@click.option(
    "--batch-size",
    type=click.IntRange(min=1),
    default=100,
    show_default=True,
    metavar="N",
    help="Tags in one request to the embedding server.",
)
@click.option(
    "--embedding-url",
    metavar="URL",
    default="http://localhost:1234",
    show_default=True,
    envvar="TAGROLL_EMBEDDING_URL",
    help="OpenAI-compatible server with an embedding model.",
)
@click.option(
    "--embedding-model",
    metavar="NAME",
    default="text-embedding-nomic-embed-text-v1.5",
    show_default=True,
    envvar="TAGROLL_EMBEDDING_MODEL",
    help="Embedding model on that server.",
)
@click.option(
    "--evidence",
    metavar="KINDS",
    default=",".join(EVIDENCE),
    show_default=True,
    callback=_evidence,
    help="What may merge tags, with commas between.",
)
@click.option("--plain", is_flag=True, help="Merge by cosine alone, without rules, as the older script did.")
@click.option(
    "--plan",
    type=_FILE,
    metavar="FILE",
    help="Write the plan into FILE, to edit it; write nothing into photos.",
)
@click.option("--apply", is_flag=True, help="Do what the edited --plan FILE says.")
@click.option(
    "--vocabulary",
    type=VocabularyFile(),
    metavar="FILE",
    envvar="TAGROLL_VOCABULARY",
    help="Your own terms, one a line, synonyms in {braces}, hierarchy by indentation; they win over everything.",
)
@click.option("--hierarchy", is_flag=True, help="Write tags that lie under others as paths (Nature|Forest).")
@click.option("--interactive", is_flag=True, help="Ask about each merge, one key each.")
@scan_options
@store_options
@shared_options(model=True)
def command(settings: Settings, **values: Any) -> None:
    """Find tags in the photos of DIR that mean the same, and make them one word everywhere.

    The word is the one on most photos. Spelling and synonyms are judged by rules and dictionaries, the rest by
    embeddings: of a server, or built in. What was decided is remembered, also by `tagroll tag`. `tagroll undo`
    takes it back. A report is written into DIR.
    """  # fmt: skip
    options = DedupeOptions(**values)
    options.check()
    sys.exit(_run(settings, options))


for _option in command.params:
    if isinstance(_option, click.Option) and _option.name in ("api_urls", "model", "model_file", "mmproj"):
        _option.hidden = True  # taken, as always, and of no use here: no photo is shown to a model


def _run(settings: Settings, options: DedupeOptions) -> int:
    from tagroll.runs.merge import check_plan, read_edited_plan
    from tagroll.runs.words import Vocabulary, read_vocabulary_file

    # `library` is what all tags are compared with anyway
    listed = options.vocabulary
    vocabulary = read_vocabulary_file(listed) if isinstance(listed, Path) else Vocabulary()
    edited = read_edited_plan(options.plan) if options.apply and options.plan else None
    if options.plan and not options.apply:
        check_plan(options.plan)
    embedder = None if edited or not options.embeds else _embedder(settings, options)
    halt = embedder.stop if embedder else lambda: None
    with (
        closing(embedder) if embedder else nullcontext(),
        session(
            settings, [options.directory], placing=options.placing, mtime=options.mtime, halt=halt
        ) as opened,
    ):
        opened.read_tags(options.scope)
        job = Job(opened, options, embedder)
        return job.apply(edited) if edited else job.merge(vocabulary)


def _embedder(settings: Settings, options: DedupeOptions) -> "Embedder":
    """What compares meanings; it is there before anything is scanned."""
    from tagroll.runs.merge import EmbeddingServer, choose_embedder

    ctx = click.get_current_context()
    source = ctx.get_parameter_source
    by_default = click.core.ParameterSource.DEFAULT
    explicit = any(source(name) is not by_default for name in ("embedding_url", "embedding_model"))
    embedder, notes = choose_embedder(
        replace(settings, key_goes_out=key_goes_with(ctx, "embedding_url")),
        EmbeddingServer(options.embedding_url, options.embedding_model, options.batch_size, explicit),
        partial(watched, settings),
    )
    tell(settings, *notes)
    return embedder


@dataclass(frozen=True, slots=True)
class Job:
    """A library that was read, and what to do with it.

    Attributes:
        session: The library.
        options: What the user wants.
        embedder: Compares meanings; None where an edited plan says it all, or only spelling and synonyms count.
    """

    session: Session
    options: DedupeOptions
    embedder: "Embedder | None"

    def apply(self, edited: "EditedPlan") -> int:
        """Do what an edited plan says."""
        from tagroll.runs.merge import proposal_of

        assert self.options.plan is not None  # noqa: S101 - it was read
        proposal = proposal_of(self.session.space.catalog, edited, self.options.plan)
        if not (edited.proposal or edited.proposed):
            tell(self.session.settings, "The plan does not tell what was proposed: it keeps no tags apart.")
        return self._end(proposal)

    def merge(self, vocabulary: "Vocabulary") -> int:
        """Make a plan; show it, write it down, ask about it, or do it."""
        from tagroll.runs.merge import MergeProposal, as_paths, decisions_for, propose

        opened, options, settings = self.session.opened, self.options, self.session.settings
        counts, decisions = opened.library.counts, decisions_for(opened.space.catalog, vocabulary)
        with watched(settings, self._waiting):
            try:
                plan = propose(opened, decisions, options.merging(), self.embedder, self._compared)
            except StoppedError:
                raise click.exceptions.Exit(130) from None
        warn_of_threshold(plan, settings)
        into, apart = ask(plan, counts) if options.interactive else (plan.mapping, frozenset())
        paths = as_paths(into, counts, vocabulary, decisions.apart | apart) if options.hierarchy else {}
        if not options.writes:
            show_plan(plan, counts, settings)
            show_hierarchy(plan, paths, settings)
            self._write_plan(plan, paths)
        return self._end(MergeProposal(plan, into | paths, into, apart))

    def _waiting(self) -> Waiting | None:
        return self.embedder.waiting if self.embedder else None

    def _compared(self, number: int, total: int) -> None:
        self.session.check_stop()
        if number < total:
            tell(self.session.settings, f"Comparing {number:,} of {total:,} tags")

    def _write_plan(self, plan: "Plan", paths: dict[str, str]) -> None:
        from tagroll.runs.merge import write_plan

        if self.options.plan is None:
            return
        write_plan(self.session.space.catalog, self.options.plan, plan, paths)
        tell(
            self.session.settings,
            f"The plan is in {show(self.options.plan)}. Edit it, then: {typed('--apply', without='--dry-run')}",
        )

    def _end(self, proposal: "MergeProposal") -> int:
        """Rewrite the photos, or say which would be; write the report."""
        from tagroll.runs.merge import write_report
        from tagroll.runs.merge_report import DRY_REPORT, REPORT

        session, options = self.session, self.options
        counts, mapping = session.opened.library.counts, proposal.mapping
        before = session.opened.library.changing(proposal.decide)
        try:
            report = self._rewritten(proposal, begin=options.writes and bool(before))
        except BaseException:
            advise(session, None)
            raise
        told = self._told(proposal, report if options.writes and before else None)
        write_report(session.opened.paths[0] / (REPORT if options.writes else DRY_REPORT), told)
        report.finish()
        merged = sum(tag != word for tag, word in mapping.items())
        tell(
            session.settings,
            f"{merged:,} of {plural(len(counts), 'tag')} {'were' if options.writes else 'would be'} merged",
        )
        advise(session, report if options.writes else None, stopped=session.space.stop.is_set())
        return session.exit_code(report)

    def _rewritten(self, proposal: "MergeProposal", *, begin: bool) -> "Report":
        session, writes = self.session, self.options.writes
        if begin:
            arguments = [str(path) for path in session.opened.paths]
            with session.space.begin("dedupe", arguments, model=self._model, done=Status.REWRITTEN) as run:
                run.decide(proposal.remembered, proposal.apart)
                return session.rewrite(proposal.decide, run)
        if writes:
            session.space.catalog.decisions.decide(proposal.remembered, proposal.apart)
        return session.rewrite(proposal.decide, written=writes)

    def _told(self, proposal: "MergeProposal", written: Report | None) -> dict[str, Any]:
        """The report: the older script's keys, and ours beside them."""
        from tagroll.runs.merge_report import older_report, plan_report

        opened, options, mapping = self.session.opened, self.options, proposal.mapping
        counts, changing = opened.library.counts, opened.library.changing(proposal.decide)
        not_read = len(opened.tally.failures)
        results = {"files_updated": 0, "files_failed": 0, "total_files_processed": 0}
        if written is not None:
            results = {
                "files_updated": written.tally.changed, "files_failed": len(written.tally.failures) - not_read,
                "total_files_processed": len(changing),
            }  # fmt: skip
        embedded = len(counts) if self.embedder else 0
        older = older_report(options.configuration(self._model), mapping, counts, results, embedded)
        after = self.session.after
        files = [
            {
                "file": str(path),
                "original_tags": list(said.tags),
                "new_tags": list(after.get(path, said.tags)),
            }
            for path, (_, said) in changing.items()
        ]
        more = {"configuration": options.more_configuration, "files_not_read": not_read}
        return older | {"tagroll": more | plan_report(proposal.plan, mapping, counts) | {"files": files}}

    @property
    def _model(self) -> str:
        return self.embedder.model if self.embedder else ""
