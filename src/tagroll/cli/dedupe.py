"""`tagroll dedupe DIR`."""

import gc
import sys
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tagroll.cli.asking import WaitingOptions, waiting_options
from tagroll.cli.dedupe_job import Job
from tagroll.cli.grouped import GroupedCommand
from tagroll.cli.options import key_goes_with, scan_options, shared_options, store_options
from tagroll.cli.progress import watched
from tagroll.cli.rewrite import session
from tagroll.cli.scanning import Scope
from tagroll.cli.terminal import tell
from tagroll.cli.then import then_option
from tagroll.cli.words import VocabularyFile
from tagroll.errors import UsageError
from tagroll.settings import Mtime, Placing, Settings, without_password

if TYPE_CHECKING:
    from tagroll.runs.judging import Model
    from tagroll.runs.merge import Embedder, MergeOptions

EVIDENCE = ("spelling", "synonym", "phrasing", "translation", "semantic", "model")


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
    translate: str | None
    plain: bool
    report: bool
    plan: Path | None
    apply: bool
    vocabulary: Path | str | None
    hierarchy: bool
    interactive: bool
    ask_model: bool
    max_questions: int
    waiting: WaitingOptions
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
        if self.ask_model and (self.apply or self.plain or "model" not in self.evidence):
            raise UsageError(
                "--ask-model makes a plan by rules and by what a model says",
                "Leave out --apply and --plain, and name model with --evidence",
            )
        if self.translate is not None and (self.plain or "translation" not in self.evidence):
            raise UsageError(
                "--translate merges by a rule of its own",
                "Leave out --plain, and name translation with --evidence",
            )

    @property
    def embeds(self) -> bool:
        """Whether meaning is asked about at all."""
        return self.plain or self.ask_model or "semantic" in self.evidence

    @property
    def writes(self) -> bool:
        """Whether photos are to be changed."""
        return not self.dry_run and (self.plan is None or self.apply)

    def merging(self) -> "MergeOptions":
        """How to merge."""
        from tagroll.runs.merge import MergeOptions, evidence_of

        return MergeOptions(
            self.similarity_threshold,
            self.min_cluster_size,
            evidence_of(self.evidence),
            self.plain,
            self.ask_model,
            self.translate,
        )

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
            "evidence": list(self.evidence), "translate": self.translate, "plain": self.plain,
            "hierarchy": self.hierarchy,
        }  # fmt: skip


def _evidence(_ctx: click.Context, _parameter: click.Parameter, value: str) -> tuple[str, ...]:
    kinds = tuple(kind.strip() for kind in value.split(",") if kind.strip())
    if not kinds or not set(kinds) <= set(EVIDENCE):
        raise click.BadParameter(f"{value!r} is not made of {', '.join(EVIDENCE)}")
    return kinds


def _language(_ctx: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    from tagroll.runs.merge import language_to_translate_into

    return language_to_translate_into(value) if value else value


_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command("dedupe", cls=GroupedCommand)
@click.argument("directory", metavar="DIR", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Print the plan; write nothing into photos.")
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
    hidden=True,
    type=click.IntRange(min=2),
    default=2,
    show_default=True,
    metavar="N",
    help="Merge only where at least N tags become one.",
)
@click.option(
    "--batch-size",
    hidden=True,
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
@click.option(
    "--translate",
    is_flag=False,
    flag_value="",
    metavar="[LANGUAGE]",
    callback=_language,
    help="Make common words of several languages one: the word of LANGUAGE (German, de), or else of the language on most photos.",
)
@click.option(
    "--plain",
    is_flag=True,
    hidden=True,
    help="Merge by cosine alone, without rules, as the older script did.",
)
@click.option("--report", is_flag=True, hidden=True, help="Write a report into DIR, as the older script did.")
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
@click.option(
    "--ask-model",
    is_flag=True,
    help="Ask the model on the server about pairs that the rules leave open; what it calls the same is only proposed.",
)
@click.option(
    "--max-questions",
    type=click.IntRange(min=1),
    default=2000,
    show_default=True,
    metavar="N",
    help="Pairs of tags that --ask-model asks about.",
)
@then_option
@waiting_options
@scan_options
@store_options
@shared_options(model=True)
def command(settings: Settings, **values: Any) -> None:
    """Find tags in the photos of DIR that mean the same, and make them one word everywhere.

    The word is the one on most photos. Spelling and synonyms are judged by rules and dictionaries, the rest by
    embeddings: of a server, or built in. What was decided is remembered, also by `tagroll tag`. `tagroll undo`
    takes it back.
    """  # fmt: skip
    options = DedupeOptions(**values)
    options.check()
    sys.exit(_run(settings, options))


def _run(settings: Settings, options: DedupeOptions) -> int:
    from tagroll.runs.merge import check_plan, read_edited_plan
    from tagroll.runs.words import Vocabulary, read_vocabulary_file

    gc.set_threshold(100_000)  # next to nothing here makes cycles; looking for some took a sixth of the time
    # `library` is what all tags are compared with anyway
    listed = options.vocabulary
    vocabulary = read_vocabulary_file(listed) if isinstance(listed, Path) else Vocabulary()
    edited = read_edited_plan(options.plan) if options.apply and options.plan else None
    if options.plan and not options.apply:
        check_plan(options.plan)
    with ExitStack() as held:
        embedder = None if edited or not options.embeds else _embedder(settings, options)
        if embedder:
            held.callback(embedder.close)
        model = held.enter_context(_judge(settings, options)) if options.ask_model else None

        def halt() -> None:
            for one in (embedder, model and model.describer):
                if one:
                    one.stop()

        opened = held.enter_context(
            session(settings, [options.directory], placing=options.placing, mtime=options.mtime, halt=halt)
        )
        opened.read_tags(options.scope)
        job = Job(opened, options, embedder, model)
        return job.apply(edited) if edited else job.merge(vocabulary)


def _judge(settings: Settings, options: DedupeOptions) -> "Model":
    """The model that is asked about pairs; it is there before anything is scanned.

    Raises:
        UsageError: The built-in model is wanted, which cannot be asked.
        ServerError: There is none.
    """
    from tagroll.runs.judging import choose_judge

    if settings.backend == "builtin" and settings.model_file is None:
        raise UsageError(
            "--ask-model needs a model on a server: the built-in one cannot be asked",
            "Leave out --backend builtin, or --ask-model",
        )
    model = choose_judge(settings, options.waiting.limits(), partial(watched, settings))
    tell(settings, *model.notes)
    return model


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
