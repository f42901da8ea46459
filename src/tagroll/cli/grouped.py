"""Help with the options under headings: a command has up to forty, and nobody reads a list of forty."""

import copy
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

HEADINGS = {
    "Your words": ("vocabulary", "strict", "ban", "require"),
    "What the model is asked": (
        "max_tags", "language", "context", "no_people", "hint", "prompt_file", "case", "threshold", "thresholds", "votes",
        "bursts",
    ),
    "Which photos": ("exclude", "follow_links"),
    "How files are written": ("sidecar", "sidecar_name", "embed_signed", "mtime", "touch"),
    "Which model": (
        "api_urls", "model", "models", "api_key", "backend", "model_file", "mmproj",
        "jobs", "patience", "timeout", "force", "cluster", "folders",
    ),
    "In every command": ("catalog", "json", "quiet", "verbose", "config", "help", "_click_default_help"),
}  # fmt: skip
"""Heading -> the parameters below it; what a command has for itself stands above them all."""
OWN = "Options"
EXAMPLES = {
    "tag": (
        ("tagroll tag Pictures --dry-run --limit 10", "see first what it would write"),
        ("tagroll tag Pictures --vocabulary words.txt --strict", "in your words, and no others"),
        ("tagroll tag Pictures --backend builtin --language de", "in German, without a server"),
        ("tagroll tag Pictures --then 'echo $TAGROLL_TAGGED tagged'", "say so at the end"),
    ),
    "classify": (
        ("tagroll classify Pictures --dry-run", "only the names"),
        ("tagroll classify Pictures -o Named --recursive", "copies in another folder"),
    ),
    "dedupe": (
        ("tagroll dedupe Pictures --dry-run", "which tags would become one"),
        ("tagroll dedupe Pictures --vocabulary words.txt", "your words are the ones that stay"),
    ),
    "watch": (
        ("tagroll watch Pictures", "until Ctrl-C"),
        ("tagroll watch Pictures --between 22:00-06:00", "only at night"),
    ),
    "tags": (
        ("tagroll tags Pictures", "which tags there are, and how many of each"),
        ("tagroll tags Pictures --ours", "those that tagroll wrote"),
    ),
    "learn": (("tagroll learn Pictures", "the tags that you gave yourself"),),
    "serve": (
        ("tagroll serve Pictures", "in the browser of this machine"),
        ("tagroll serve Pictures --lan --read-only", "for a phone, to look only"),
    ),
    "history": (
        ("tagroll history", "the runs, the last one first"),
        ("tagroll history 12", "each photo of run 12"),
    ),
    "undo": (
        ("tagroll undo --dry-run", "what would become of the last run's photos"),
        ("tagroll undo 12 Pictures", "run 12, in this folder only"),
    ),
    "check": (("tagroll check Pictures", "whether every picture is what it was"),),
    "doctor": (
        ("tagroll doctor", "is a model there, and all else"),
        ("tagroll doctor photo.jpg", "who sees its tags"),
    ),
    "completion": (
        ("tagroll completion bash >> ~/.bashrc", "for bash"),
        ("tagroll completion zsh >> ~/.zshrc", "for zsh, below compinit"),
        ("tagroll completion fish > ~/.config/fish/completions/tagroll.fish", "for fish"),
    ),
    "eval": (("tagroll eval labels.json --backend builtin", "how good is it on photos that you labelled"),),
    "find": (
        ("tagroll find beach Pictures", "photos with this in their tags and texts"),
        ("tagroll find 'tag:dog year:2019..' Pictures", "dogs, from 2019 on"),
    ),
}
"""Command -> what people type, and what for."""


def _of_older_script(ctx: click.Context) -> bool:
    return (ctx.find_root().info_name or "").endswith(".py")


def _offered(option: click.Option) -> click.Option:
    shown = copy.copy(option)
    shown.hidden = False
    return shown


class CalledAs(click.Context):
    """Knows that the older scripts are one command each: they are called without its name."""

    @property
    def command_path(self) -> str:
        """What a person types to call the command."""
        return (self.find_root().info_name or "") if _of_older_script(self) else super().command_path


class GroupedCommand(click.Command):
    """A command whose help has headings."""

    context_class = CalledAs
    actions: ClassVar[Mapping[str, click.Command]] = {}
    """Commands below this one, by their names: `tagroll tags rename`."""

    def shell_complete(self, ctx: click.Context, incomplete: str) -> "list[CompletionItem]":
        """What the Tab key offers, actions too."""
        from tagroll.cli.completing import matching

        return [*matching(self.actions, incomplete), *super().shell_complete(ctx, incomplete)]

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, a section for each heading that has some."""
        for heading, options in self.sections(ctx).items():
            with formatter.section(heading):
                formatter.write_dl([record for one in options if (record := one.get_help_record(ctx))])

    def sections(self, ctx: click.Context) -> dict[str, list[click.Option]]:
        """The options that are offered, below their headings; the older scripts offer what is hidden elsewhere, too."""
        under = {name: heading for heading, names in HEADINGS.items() for name in names}
        sections: dict[str, list[click.Option]] = {heading: [] for heading in (OWN, *HEADINGS)}
        for option in self.get_params(ctx):
            if isinstance(option, click.Option) and not (option.hidden and not _of_older_script(ctx)):
                sections[under.get(option.name or "", OWN)].append(_offered(option))
        return {heading: options for heading, options in sections.items() if options}

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples, each below what it is for."""
        super().format_epilog(ctx, formatter)
        if examples := EXAMPLES.get(self.name or ""):
            with formatter.section("Examples"):
                for line, why in examples:
                    formatter.write(
                        f"{'':{formatter.current_indent}}# {why}\n{'':{formatter.current_indent}}{line}\n"
                    )


class Actions(GroupedCommand):
    """Help; an action where the first word is the name of one."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Hand over to the action."""
        if args and args[0] in self.actions:
            return self.actions[args[0]].make_context(f"{info_name} {args[0]}", args[1:], parent, **extra)
        return super().make_context(info_name, args or ["--help"], parent, **extra)
