"""The report of an evaluation as one page that needs nothing else: numbers, plots, and every photo's tags."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from tagroll.domain import Status
from tagroll.runs.evaluate.markup import data_uri, element, joined, text
from tagroll.runs.evaluate.plots import quality_and_speed, reliability_curve, right_and_wrong
from tagroll.runs.evaluate.results import EvaluationAnswers, Result
from tagroll.runs.evaluate.rows import Row, rows
from tagroll.runs.evaluate.scoring import Labelled, PhotoScore

GENERATOR = "tagroll eval"
MARK = f'<meta name="generator" content="{GENERATOR}" />'
"""In the head of every page of ours: no other page is replaced."""
MARKS = {"good": ("✓", "right"), "wrong": ("✗", "wrong"), "open": ("", "")}


@dataclass(frozen=True, slots=True)
class PageContent:
    """What the page is made of.

    Attributes:
        title: What was evaluated.
        subtitle: When, with what.
        results: The numbers, a model each.
        answers: What they are made from, in the same order.
        labels: Photo -> what people say is in it; empty without labels.
        names: Photo -> what to call it.
        pictures: Photo -> a small JPEG of it.
    """

    title: str
    subtitle: str
    results: Sequence[Result]
    answers: Sequence[EvaluationAnswers]
    labels: Mapping[Path, Labelled]
    names: Mapping[Path, str]
    pictures: Mapping[Path, bytes]


def page(report: PageContent) -> str:
    """The whole page: well-formed XML and HTML at once, so that a test can read it strictly."""
    main = [_numbers(report), _plots(report.results), _photos(report)]
    return document(f"{report.title}: tagroll eval", "page.css", [
        element("header", element("h1", text(report.title)), element("p", text(report.subtitle))),
        element("main", *main),
        element("footer", element("p", text("Made by tagroll eval. Nothing was written into any photo."))),
    ])  # fmt: skip


def document(title: str, css: str, body: Sequence[str], script: str = "") -> str:
    """A page that loads nothing from anywhere: not even a hostile name of a photo could make it."""
    policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    if script:
        policy += "; script-src 'unsafe-inline'"
    style = files("tagroll.runs.evaluate").joinpath(css).read_text("utf-8")
    head = element("head",
        element("meta", charset="utf-8"),
        element("meta", name="generator", content=GENERATOR),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("title", text(title)),
        element("style", style),
    )  # fmt: skip
    code = element("script", script) if script else ""
    return f"<!DOCTYPE html>\n{element('html', head, element('body', *body, code), lang='en')}\n"


def _numbers(report: PageContent) -> str:
    breakable = [re.sub("(?<=/)|(?=[@:])", "<wbr />", text(result.model)) for result in report.results]
    columns = [element("th", name, scope="col") for name in breakable]
    head = element("tr", element("td"), *columns)
    table = element("table", element("thead", head), element("tbody", *map(_row, rows(report.results))))
    scroll = element("div", table, class_="scroll", tabindex="0", role="region", aria_labelledby="numbers")
    return element("section", element("h2", text("Numbers"), id="numbers"), scroll)


def _row(row: Row) -> str:
    name = element("th", text(row.name), element("small", text(row.meaning)), scope="row")
    cells = [
        element(
            "td",
            element("b", text(value)) if place in row.best else text(value),
            element("small", text(detail)),
        )
        for place, (value, detail) in enumerate(zip(row.values, row.details, strict=True))
    ]
    return element("tr", name, *cells)


def _plots(results: Sequence[Result]) -> str:
    plots = (quality_and_speed(results), right_and_wrong(results), *map(reliability_curve, results))
    if not any(plots):
        return ""
    return element("section", element("h2", text("Plots")), element("div", *plots, class_="plots"))


def _photos(report: PageContent) -> str:
    shown = sorted(report.names, key=lambda path: (-_trouble(report, path), report.names[path]))
    choices = {"all": "All"}
    if report.labels:
        choices |= {"wrong": "With a wrong tag", "missed": "With something missed"}
    if any(outcome.status is Status.FAILED for one in report.answers for outcome in one.outcomes.values()):
        choices["failed"] = "Without an answer"
    picks = [
        element(
            "label",
            element("input", type="radio", name="show", id=f"show-{key}", **_checked(key == "all")),
            text(word),
        )
        for key, word in choices.items()
    ]
    filters = element("fieldset", element("legend", text("Show photos")), *picks) if len(choices) > 1 else ""
    cards = element("div", *(_card(report, path) for path in shown), class_="cards")
    key = "✓ the labels or captions say so, ✗ wrong; the others cannot be checked" if report.labels else ""
    return element(
        "section", element("h2", text("Photos")), element("p", text(key)) if key else "", filters, cards
    )


def _checked(on: bool) -> dict[str, str]:
    return {"checked": "checked"} if on else {}


def _trouble(report: PageContent, path: Path) -> int:
    """Wrong tags of all models: the photos worth a look come first."""
    return sum(result.scores[path].wrong for result in report.results if path in result.scores)


def _card(report: PageContent, path: Path) -> str:
    scores = [result.scores[path] for result in report.results if path in result.scores]
    failed = any(one.outcomes[path].status is Status.FAILED for one in report.answers if path in one.outcomes)
    states = {
        "wrong": any(s.wrong for s in scores),
        "missed": any(s.missed for s in scores),
        "failed": failed,
    }
    name, picture = report.names[path], report.pictures.get(path)
    image = (
        element("img", src=data_uri(picture), alt=name, loading="lazy")
        if picture
        else element("p", text("no picture"))
    )
    labels = report.labels.get(path)
    said = [
        element("dt", text(one.model)) + element("dd", *_answer(one, path, result.scores.get(path)))
        for one, result in zip(report.answers, report.results, strict=True)
    ]
    words = (
        element("p", element("span", text("Labels: ")), text(", ".join(labels.labels)), class_="labels")
        if labels
        else ""
    )
    state = joined("card", *(key for key, is_so in states.items() if is_so))
    return element("article", image, element("h3", text(name)), words, element("dl", *said), class_=state)


def _answer(answers: EvaluationAnswers, path: Path, score: PhotoScore | None) -> Iterator[str]:
    outcome = answers.outcomes.get(path)
    if outcome is None or outcome.status is Status.FAILED:
        yield element("p", text(f"No answer: {outcome.error if outcome else 'not asked'}"), class_="none")
        return
    verdicts = score.verdicts if score else dict.fromkeys(outcome.tags, "open")
    if not verdicts:
        yield element("p", text("no tags"), class_="none")
    yield (
        element("ul", *(_tag(tag, verdict) for tag, verdict in verdicts.items()), class_="tags")
        if verdicts
        else ""
    )
    if score and score.missed:
        yield element("p", text(f"missed: {', '.join(score.missed)}"), class_="missing")


def _tag(tag: str, verdict: str) -> str:
    sign, word = MARKS[verdict]
    mark = element("span", text(sign), role="img", aria_label=word) + " " if sign else ""
    return element("li", mark + text(tag), class_=verdict)
