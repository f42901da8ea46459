"""Plots as SVG inside the page. Their text takes the page's colours, so they are right in the dark too."""

import math
from collections.abc import Sequence

from tagroll.runs.evaluate.markup import element, text
from tagroll.runs.evaluate.reliability import Bin
from tagroll.runs.evaluate.results import Result

WIDTH, HEIGHT = 440, 300
LEFT, RIGHT, TOP, BOTTOM = 46, 14, 14, 46
LONGEST_NAME = 30
LINE = 17
"""Height of a line of text."""
_STEPS = (1, 2, 5)


def quality_and_speed(results: Sequence[Result]) -> str:
    """Quality upwards, seconds a photo to the right (logarithmic): the best is at the top left."""
    known = [r for r in results if r.measure and r.seconds_per_photo]
    if not known:
        return ""
    seconds = [r.seconds_per_photo or 1.0 for r in known]
    ticks = _log_ticks(min(seconds), max(seconds))
    top = max(0.1, math.ceil(max(r.measure.quality_ci95[1] for r in known if r.measure) * 10) / 10)
    low, high = math.log(ticks[0]), math.log(ticks[-1])

    def x(value: float) -> float:
        return LEFT + (math.log(value) - low) / (high - low) * (WIDTH - LEFT - RIGHT)

    def y(value: float) -> float:
        return HEIGHT - BOTTOM - value / top * (HEIGHT - TOP - BOTTOM)

    marks = [_upright(x(tick), f"{tick:g}") for tick in ticks]
    marks += [_level(y(n * top / 5), f"{n * top / 5:.2f}") for n in range(6)]
    marks.append(_words(WIDTH / 2, HEIGHT - 8, "seconds a photo", "middle"))
    free = -math.inf
    for result in sorted(known, key=lambda r: -(r.measure.quality if r.measure else 0)):
        point = x(result.seconds_per_photo or 1.0), y(result.measure.quality if result.measure else 0)
        free = max(point[1], free + LINE)  # names that would cover each other move down
        marks.append(_point(result, point, (y(0), y(top)), top, free))
    return _figure("Quality against speed: the higher and the further to the left, the better", HEIGHT, marks)


def right_and_wrong(results: Sequence[Result]) -> str:
    """Two bars a model: what it finds of the labels, and which share of its checkable tags is wrong."""
    known = [r for r in results if r.measure]
    marks = []
    for number, result in enumerate(known):
        top = 10 + number * (3 * LINE + 10)
        marks.append(_words(4, top + 12, _name(result.model), "start"))
        for line, (share, kind) in enumerate(_shares(result), start=1):
            at = top + line * LINE + 2
            width = share * (WIDTH - 150)
            marks.append(
                element("rect", x="4", y=f"{at}", width=f"{width:.1f}", height=f"{LINE - 4}", class_=kind)
            )
            marks.append(
                _words(10 + width, at + 11, f"{share:.0%} {'found' if kind == 'good' else 'wrong'}", "start")
            )
    if not marks:
        return ""
    return _figure("Labels found, and tags that are wrong", 10 + len(known) * (3 * LINE + 10), marks)


def reliability_curve(result: Result) -> str:
    """How often words of a given probability are right, against that probability: best along the diagonal."""
    if not result.reliability:
        return ""

    def x(value: float) -> float:
        return LEFT + value * (WIDTH - LEFT - RIGHT)

    def y(value: float) -> float:
        return HEIGHT - BOTTOM - value * (HEIGHT - TOP - BOTTOM)

    steps = [n / 5 for n in range(6)]
    marks = [_upright(x(step), f"{step:.1f}") for step in steps]
    marks += [_level(y(step), f"{step:.1f}") for step in steps]
    marks.append(_line((x(0), y(0)), (x(1), y(1)), "ideal"))
    marks.append(_words(x(0.5), HEIGHT - 8, "probability that it gives", "middle"))
    for one in result.reliability:
        low, high = one.true_ci95
        marks.append(_line((x(one.said), y(low)), (x(one.said), y(high)), "whisker"))
        tip = element("title", text(f"{one.said:.2f} given, {one.true:.2f} not wrong, {one.count} words"))
        marks.append(
            element("circle", tip, cx=f"{x(one.said):.1f}", cy=f"{y(one.true):.1f}", r="5", class_="point")
        )
    caption = (
        f"How often {result.model} is not wrong, against how sure it is. On the dashed line it knows itself; "
        "above it, it is better than it thinks."
    )
    return _figure(caption, HEIGHT, marks, _numbers(result.reliability))


def _numbers(bins: Sequence[Bin]) -> str:
    """What a curve shows, as a table."""
    head = element(
        "tr", *(element("th", text(name), scope="col") for name in ("probability", "not wrong", "words"))
    )
    rows = [
        element(
            "tr",
            element("th", text(f"{one.said:.2f}"), scope="row"),
            element("td", text(f"{one.true:.2f} ({one.true_ci95[0]:.2f}-{one.true_ci95[1]:.2f})")),
            element("td", text(f"{one.count:,}")),
        )
        for one in bins
    ]
    table = element("table", element("thead", head), element("tbody", *rows))
    return element("details", element("summary", text("The numbers")), table)


def _shares(result: Result) -> list[tuple[float, str]]:
    return [(result.measure.hit_rate, "good"), (result.measure.wrong_rate, "wrong")] if result.measure else []


def _point(
    result: Result, at: tuple[float, float], span: tuple[float, float], top: float, name_y: float
) -> str:
    (x, y), (bottom, ceiling) = at, span
    low, high = result.measure.quality_ci95 if result.measure else (0.0, 0.0)
    ends = [bottom - value / top * (bottom - ceiling) for value in (low, high)]
    left = x > WIDTH * 0.55
    name_x = x - 10 if left else x + 10
    return "".join((
        _line((x, y), (name_x, name_y), "leader"),
        _line((x, ends[0]), (x, ends[1]), "whisker"),
        element("circle", cx=f"{x:.1f}", cy=f"{y:.1f}", r="5", class_="point"),
        _words(name_x, name_y + 4, _name(result.model), "end" if left else "start"),
    ))  # fmt: skip


def _upright(x: float, label: str) -> str:
    return _line((x, TOP), (x, HEIGHT - BOTTOM), "grid") + _words(x, HEIGHT - BOTTOM + 16, label, "middle")


def _level(y: float, label: str) -> str:
    return _line((LEFT, y), (WIDTH - RIGHT, y), "grid") + _words(LEFT - 6, y + 4, label, "end")


def _line(start: tuple[float, float], end: tuple[float, float], kind: str) -> str:
    (x1, y1), (x2, y2) = start, end
    return element("line", x1=f"{x1:.1f}", x2=f"{x2:.1f}", y1=f"{y1:.1f}", y2=f"{y2:.1f}", class_=kind)


def _words(x: float, y: float, words: str, anchor: str) -> str:
    return element("text", text(words), x=f"{x:.1f}", y=f"{y:.1f}", text_anchor=anchor)


def _name(model: str) -> str:
    return model if len(model) <= LONGEST_NAME else f"{model[: LONGEST_NAME - 1]}…"


def _figure(caption: str, height: float, marks: Sequence[str], below: str = "") -> str:
    svg = element("svg", element("title", text(caption)), *marks, viewBox=f"0 0 {WIDTH} {height}", role="img")
    return element("figure", svg, element("figcaption", text(caption)), below)


def _log_ticks(low: float, high: float) -> list[float]:
    """Round numbers (1, 2, 5, 10 ...) around all values, at least two; not more than six are kept."""
    exponents = range(math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 2)
    ticks = [step * 10.0**exponent for exponent in exponents for step in _STEPS]
    first = max(n for n, tick in enumerate(ticks) if tick < low)
    last = min(n for n, tick in enumerate(ticks) if tick > high)
    chosen = ticks[first : last + 1]
    return (
        chosen
        if len(chosen) <= 6
        else [chosen[0], *chosen[1:-1][:: math.ceil(len(chosen) / 6)][1:], chosen[-1]]
    )
