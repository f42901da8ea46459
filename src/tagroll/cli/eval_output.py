"""The results of `tagroll eval` on stdout: a table for people, JSON lines for programs."""

import dataclasses
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tagroll.cli.terminal import print_json, print_line, show, tell
from tagroll.domain import Status, plural
from tagroll.settings import Settings

if TYPE_CHECKING:
    from tagroll.runs.evaluate.promising import Promise
    from tagroll.runs.evaluate.results import EvaluationAnswers, Result


def print_results(results: "Sequence[Result]") -> None:
    """The table: with colours and lines on a terminal, else plain and aligned."""
    from tagroll.runs.evaluate.rows import rows

    table = rows(results)
    if sys.stdout.isatty():
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        drawn = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
        drawn.add_column("")
        for result in results:
            drawn.add_column(Text(show(result.model)), justify="right", overflow="fold")
        for row in table:
            values = [Text(v, "bold green" if n in row.best else "") for n, v in enumerate(row.cells)]
            drawn.add_row(Text(row.name), *values)
        Console().print(drawn)
        return
    lines = [("", *(show(result.model) for result in results)), *((row.name, *row.cells) for row in table)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for first, *others in lines:
        cells = [
            first.ljust(widths[0]),
            *(cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)),
        ]
        print_line("  ".join(cells).rstrip())


def print_rows(answers: "Sequence[EvaluationAnswers]", results: "Sequence[Result]", seconds: float) -> None:
    """A line for every photo and model, one for every model, one for all."""
    for one, result in zip(answers, results, strict=True):
        for path, outcome in one.outcomes.items():
            score = result.scores.get(path)
            print_json({
                "type": "photo", "model": one.model, "path": str(path),
                "status": "failed" if outcome.status is Status.FAILED else "answered",
                "tags": list(outcome.tags), "error": outcome.error or None,
                "found": list(score.found) if score else None, "missed": list(score.missed) if score else None,
                "wrong": [tag for tag, verdict in score.verdicts.items() if verdict == "wrong"] if score else None,
                "confidences": one.confidences.get(path),
            })  # fmt: skip
    for result in results:
        row = {
            f.name: getattr(result, f.name)
            for f in dataclasses.fields(result)
            if f.name not in ("measure", "scores", "reliability")
        }
        row["reliability"] = [dataclasses.asdict(one) for one in result.reliability] or None
        print_json({"type": "model", **row, **(dataclasses.asdict(result.measure) if result.measure else {})})
    failed = sum(result.failures for result in results)
    total = max((result.photos for result in results), default=0)
    print_json(
        {
            "type": "summary",
            "total": total,
            "models": len(results),
            "failed": failed,
            "seconds": round(seconds, 3),
        }
    )


def print_promise(settings: Settings, model: str, found: "Promise | None", most: int) -> None:
    """What can be promised of a model's checked tags: on stderr, and with --json as a line."""
    if settings.json:
        row = dataclasses.asdict(found) if found else {"most_wrong": most / 100, "usual": None}
        print_json({"type": "promise", "model": model, **row})
    if found is None:
        tell(
            settings,
            f"{show(model)}: that at most {most} of 100 tags are wrong cannot be promised on these labels, however sure it is.",
            "  Label more photos, or allow more: --promise N",
        )
        return
    tell(
        settings,
        f"{show(model)}: surely at most {most} of 100 tags are wrong where it is {found.usual:.2f} sure or more "
        f"({found.wrong} of {plural(found.tags, 'tag')} on {plural(found.photos, 'photo')}).",
        "  tagroll tag --check-tags keeps to that.",
    )
    for word, bar in sorted(found.own.items()):
        tell(settings, f"  {show(word)}: {'never' if bar > 1 else f'from {bar:.2f} on'}")
