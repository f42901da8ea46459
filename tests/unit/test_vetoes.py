import pytest

from tagroll.tags.term import term
from tagroll.tags.verdict import Evidence, judge
from tagroll.tags.vetoes import lies_under, related, veto

NEVER = """
red car / blue car; Red / Blue; 35mm / 50mm; ISO 100 / ISO 1600; 2019 / 2020; 10 km / 10 mi; Class of 2020 / Class of 2021
Monday / Tuesday; June / July; summer flowers / winter flowers; North Korea / South Korea; left hand / right hand
open door / closed door; indoor pool / outdoor pool; happy / unhappy; tidy / untidy; hot water / cold water
man / woman; lion / lioness; waiter / waitress; Mr Smith / Mrs Smith; mother / father; uncle / aunt; nephew / niece
Paris / Prague; New York / New Jersey; Austria / Australia; Iran / Iraq; Anna / Anne; John / Jon; Erik / Eric
Canon / Nikon; desert / dessert; angel / angle; glass / glasses; wood / woods; arm / arms; fall / falls
cat / dog; rose / flower; hand / finger; car / vehicle; red wine / white wine; wine / wine glass; forest / tree
green house / greenhouse; black bird / blackbird; house boat / boat house; old house / ancient house
Kaylee / Kayleigh; Blume / plume
seahorse / walrus; Jan / February; km / mile; bride / bridegroom; chair / chair seat; ice / ice crystal
guinea pig cage / hamster cage; frog / toad; Lake Michigan / Michigan
"""
SAME = """
DSLR / Digital SLR; Forest / Woodland; Forest / Woods; Sofa / Couch; car / automobile; bike / bicycle; b&w / Black and White
car door / automobile door; Jan / January; bridegroom / groom; mallard / mallard duck; night photo / night photography
wildlife photograph / wildlife photography; 5 km / 5 kilometers; brook / creek
TV / television; autumn leaves / fall leaves; cougar / puma; kid / children
"""
MISSPELT = "beatiful / beautiful; moutain / mountain; restuarant / restaurant; brocolli / broccoli; haloween / halloween"


def pairs(text: str) -> list[tuple[str, str]]:
    found = [pair.split(" / ") for line in text.splitlines() for pair in line.split(";") if pair.strip()]
    return [(a.strip(), b.strip()) for a, b in found]


@pytest.mark.parametrize(("a", "b"), pairs(NEVER))
def test_no_rule_merges_and_none_leaves_it_to_the_embedder(a: str, b: str) -> None:
    for verdict in (judge(term(a), term(b)), judge(term(b), term(a))):
        assert verdict.evidence is None
        assert not verdict.open


@pytest.mark.parametrize(("a", "b"), pairs(SAME))
def test_synonyms(a: str, b: str) -> None:
    assert judge(term(a), term(b)).evidence is Evidence.SYNONYM


@pytest.mark.parametrize(("a", "b"), pairs(MISSPELT))
def test_typos(a: str, b: str) -> None:
    assert judge(term(a), term(b)).evidence is Evidence.SPELLING


@pytest.mark.parametrize(
    ("a", "b", "why"),
    [
        ("red car", "blue car", "color"),
        ("35mm", "50mm", "number"),
        ("June", "July", "month"),
        ("Paris", "London", "name"),
        ("north wall", "south wall", "direction"),
        ("North Korea", "South Korea", "name"),
        ("mother", "father", "family"),
        ("lion", "lioness", "gender"),
        ("visible", "invisible", "antonym"),
        ("Places|Paris", "Paris", "hierarchy"),
    ],
)
def test_a_veto_says_why(a: str, b: str, why: str) -> None:
    assert veto(term(a), term(b)) == veto(term(b), term(a)) == why


def test_accents_that_differ_are_different_words() -> None:
    assert judge(term("pêche"), term("péché")).evidence is None
    assert judge(term("peche"), term("péché")).evidence is Evidence.SPELLING


@pytest.mark.parametrize(
    ("child", "parent"), [("poodle", "dog"), ("red car", "car"), ("Paris", "city"), ("oak", "tree")]
)
def test_children_lie_under_their_parents(child: str, parent: str) -> None:
    assert lies_under(term(child), term(parent))
    assert not lies_under(term(parent), term(child))
    assert related(term(child), term(parent)) == "parent and child"
