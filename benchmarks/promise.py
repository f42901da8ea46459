"""Whether what is promised of a model holds: `tagroll eval --check-tags` against a scripted server that errs at known rates.

    python benchmarks/promise.py [--draws 100] [--photos 60]

Each draw has its own labelled photos, about which the client asks a server over HTTP, with a check; the promise is found of
these answers, and tried on 1,000 photos that it was not found on. The rates are those of tests/support/errs.py: of three things
in a photo the model says nearly all, and about as many wrong ones as --false says.
"""

import argparse
import itertools
import random
import sys
from contextlib import closing
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from support.errs import SYNONYMS, Erring, answer_of, right_and_wrong
from support.stub import Request, Says, Stub, checked, is_check, keywords
from tagroll.domain import Description, Preview
from tagroll.models.prompt import build_prompt
from tagroll.models.server.describer import ServerDescriber
from tagroll.models.server.retry import Limits
from tagroll.runs.bars import Bars
from tagroll.runs.evaluate.examining import Cost
from tagroll.runs.evaluate.labels import LabelSet
from tagroll.runs.evaluate.promising import Promiser
from tagroll.runs.evaluate.results import EvaluationAnswers

FRESH = 1000


def asked(erring: Erring, photos: int) -> dict[Path, Description]:
    """What the client makes of a server's answers about labelled photos."""
    drawn = [erring.photo(number) for number in range(photos)]
    turn = (sure for _, sure in drawn for _ in range(2))

    def says(request: Request) -> Says:
        sure = next(turn)
        return checked(request, sure) if is_check(request) else keywords(*sure)

    with (
        Stub(says) as server,
        closing(ServerDescriber(server.url, "stub-vlm", limits=Limits(repeats=None))) as model,
    ):
        model.discover()
        prompt, preview = build_prompt("tags", check=True), Preview(b"photo", 1, 1)
        return {path: model.describe(preview, prompt) for path, _ in drawn}


def main() -> None:
    """Print how often the promise was made and held, and what it kept."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=100)
    parser.add_argument("--photos", type=int, default=60)
    parser.add_argument("--false", type=float, nargs="+", default=[0.5, 1.0, 1.5])
    parser.add_argument("--knows", type=float, nargs="+", default=[1.0, 0.8, 0.0])
    options = parser.parse_args()
    print("wrong said  knows  promised  held of 100  wrong then  right kept")
    for false, knows in itertools.product(options.false, options.knows):
        made = held = 0
        before, wrong_rates, kept = [], [], []
        for draw in range(options.draws):
            erring = Erring(random.Random(f"{draw} {false} {knows}"), false, knows)  # noqa: S311 - no secret
            said = asked(erring, options.photos)
            evaluated = EvaluationAnswers("stub-vlm", {}, {}, {}, Cost(), "", {}, said)
            found = Promiser(evaluated, LabelSet(dict(erring.photos), SYNONYMS)).promise(0.1)
            fresh = {path: answer_of(sure) for path, sure in (erring.photo(10_000 + n) for n in range(FRESH))}
            right, wrong = right_and_wrong(fresh, erring.photos)
            before.append(wrong / (right + wrong))
            if found:
                bars = Bars(found.usual, found.own)
                given = {path: bars.judged(answer) for path, answer in fresh.items()}
                right_then, wrong_then = right_and_wrong(given, erring.photos)
                made += 1
                wrong_rates.append(wrong_then / max(right_then + wrong_then, 1))
                held += wrong_rates[-1] <= 0.1
                kept.append(right_then / right)
        holds = options.draws - made + held
        was, now, right = (
            sum(some) / len(some) if some else float("nan") for some in (before, wrong_rates, kept)
        )
        print(
            f"{was:10.2f} {knows:6.1f} {made:9} {100 * holds / options.draws:12.0f} {now:11.3f} {right:11.3f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
