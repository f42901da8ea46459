"""What `tagroll dedupe` does with a library that was read."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from tagroll.cli.dedupe_output import (
    ask,
    say_judged,
    say_suggested,
    show_hierarchy,
    show_plan,
    warn_of_threshold,
)
from tagroll.cli.progress import Report, watched
from tagroll.cli.rewrite import Session, advise
from tagroll.cli.terminal import show, tell
from tagroll.cli.typed import typed
from tagroll.domain import Status, Waiting, plural
from tagroll.errors import StoppedError

if TYPE_CHECKING:
    from tagroll.cli.dedupe import DedupeOptions
    from tagroll.runs.judging import Judged, Model
    from tagroll.runs.merge import EditedPlan, Embedder, MergeProposal, Plan, Questions
    from tagroll.runs.words import Vocabulary


@dataclass(frozen=True, slots=True)
class Job:
    """A library that was read, and what to do with it.

    Attributes:
        session: The library.
        options: What the user wants.
        embedder: Compares meanings; None where an edited plan says it all, or only spelling and synonyms count.
        model: Is asked about pairs; None where it is not.
    """

    session: Session
    options: "DedupeOptions"
    embedder: "Embedder | None"
    model: "Model | None" = None

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
                judge = self._judge if self.model else None
                plan, judged = propose(
                    opened, decisions, options.merging(), self.embedder, self._compared, judge
                )
                self.session.check_stop()
            except StoppedError:
                raise click.exceptions.Exit(130) from None
        warn_of_threshold(plan, settings)
        if judged:
            say_judged(judged, settings)
        into, apart = ask(plan, counts) if options.interactive else (plan.mapping, frozenset())
        under = () if options.writes else plan.hierarchy
        paths = (
            as_paths(into, counts, vocabulary, decisions.apart | apart, under) if options.hierarchy else {}
        )
        if not options.writes:
            show_plan(plan, counts, settings)
            show_hierarchy(plan, paths, settings)
            self._write_plan(plan, paths)
        elif not options.interactive:
            say_suggested(plan, settings)
        return self._end(MergeProposal(plan, into | paths, into, apart))

    def _judge(self, questions: "Questions") -> "Judged":
        from tagroll.runs.judging import Judge

        assert self.model  # noqa: S101 - see `merge`
        space, describer = self.session.space, self.model.describer
        judge = Judge(describer, space.catalog, self.options.max_questions, space.stop, self._judged)
        return judge.judge(questions)

    def _judged(self, number: int, total: int) -> None:
        assert self.model  # noqa: S101 - see `merge`
        tell(self.session.settings, *self.model.describer.news())
        tell(self.session.settings, f"Judged {number:,} of {total:,} pairs of tags")

    def _waiting(self) -> Waiting | None:
        asked = (self.embedder, self.model and self.model.describer)
        return next((wait for one in asked if one and (wait := one.waiting)), None)

    def _compared(self, number: int, total: int) -> None:
        self.session.check_stop()
        if number < total:
            tell(self.session.settings, f"Comparing {number:,} of {total:,} tags")

    def _write_plan(self, plan: "Plan", paths: dict[str, str]) -> None:
        from tagroll.runs.merge import write_plan

        if self.options.plan is None:
            return
        write_plan(self.session.space.catalog, self.options.plan, plan, paths)
        then = typed("--apply", without=("--dry-run", "--ask-model"))
        tell(self.session.settings, f"The plan is in {show(self.options.plan)}. Edit it, then: {then}")

    def _end(self, proposal: "MergeProposal") -> int:
        """Rewrite the photos, or say which would be; write the report where one is wanted."""
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
        if options.report:
            told = self._told(proposal, report if options.writes and before else None)
            place = session.opened.paths[0] / (REPORT if options.writes else DRY_REPORT)
            write_report(place, told, len(before))
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
