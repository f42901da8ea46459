"""What is said of photos whose tags went beside them: how many, why, and who does not look there."""

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from tagroll.domain import plural

if TYPE_CHECKING:
    from tagroll.domain import Beside
    from tagroll.runs.tally import Tally

SIGNED_HINT = "--embed-signed writes into signed photos, too; their signature becomes invalid."
_SHOWN_REASONS = 5


def sidecar_lines(tally: "Tally") -> Iterator[str]:
    """The lines for the end of a run; none where all tags went, or would go, into the photos and no signature broke."""
    if tally.beside:
        yield from _why(tally.beside)
        yield _who(tally.beside)
        yield from _what_to_do(tally.beside)
    if tally.broken_seals:
        yield (
            f"{plural(tally.broken_seals, 'photo')} signed with C2PA: written into, the signature is invalid. "
            "Undoing makes it valid again."
        )


def _why(beside: "Counter[Beside]") -> Iterator[str]:
    total, reasons = beside.total(), Counter[str]()
    for one, number in beside.items():
        reasons[one.reason] += number
    if len(reasons) == 1:
        yield f"{plural(total, 'photo')}: the tags go into a sidecar, because {next(iter(reasons))}."
    else:
        yield f"{plural(total, 'photo')}: the tags go into a sidecar:"
        for reason, number in reasons.most_common(_SHOWN_REASONS):
            yield f"  {number:,} because {reason}"
        if rest := sum(number for _, number in reasons.most_common()[_SHOWN_REASONS:]):
            yield f"  {rest:,} for other reasons; `tagroll doctor PHOTO` tells them"
    if keeping := sum(number for one, number in beside.items() if one.keeps_old):
        yield f"{plural(keeping, 'photo')} {'keeps' if keeping == 1 else 'keep'} the old tags inside."


def _who(beside: "Counter[Beside]") -> str:
    from tagroll.metadata.apps import blind_to_sidecars

    blind = [
        blind_to_sidecars(kind, is_base=is_base) for kind, is_base in {(b.kind, b.is_base) for b in beside}
    ]
    names = list(dict.fromkeys(name for some in sorted(blind, key=len, reverse=True) for name in some))
    everywhere = all(set(some) == set(names) for some in blind)
    return f"{', '.join(names[:-1])} and {names[-1]} do not look {'there' if everywhere else 'into all of them'}."


def _what_to_do(beside: "Counter[Beside]") -> Iterator[str]:
    from tagroll.metadata.store import SIGNED

    if any(one.reason == SIGNED for one in beside):
        yield SIGNED_HINT
    if any(one.kind == "raw" and not one.is_base for one in beside):
        yield "Lightroom reads a RAW's name.xmp: --sidecar-name stem makes such ones."
