import pytest

from tagroll.tags.term import term
from tagroll.tags.verdict import Evidence, Verdict, judge
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


@pytest.mark.parametrize(
    "pair",
    [
        "Bär Bar", "Año Ano", "Papá Papa", "Fähre Fahre", "Schön Schon", "Käse Kase", "Péché Peche", "pêche péché",
        "fenék fenek", "marché Marche", "côte cote", "Río Rio", "Rosé Rose", "Résumé Resume", "Réunion Reunion",
        "Tür Tur", "Øl Ol", "Maße Masse", "Buße Busse", "STRASSE Straße", "Alter_Bär Alter_Bar",
        "Käse_Fähre Kase_Fahre", "Places|Bär Places|Bar", "BärenFest BarenFest",
    ],
)  # fmt: skip
def test_accents_make_other_words(pair: str) -> None:
    a, b = map(term, pair.split())
    for found in (judge(a, b), judge(b, a)):
        assert found == Verdict(never="accents")


@pytest.mark.parametrize(
    "pair",
    [
        "Café Cafe", "cafes Cafés", "Naïve Naive", "façade Facades", "Piñata_Party pinata_party", "Crème_Brûlée CremeBrulee",
        "Châteaux chateau", "Zürich zurich", "São_Paulo SaoPaulo", "Kraków Krakow", "œuf oeuf", "CaféBar Café-Bar",
        "Cafe\u0301 Café", "CAFÉ cafe", "Mädchen MÄDCHEN", "BärenFest Bären-fest", "Noël Noel",
    ],
)  # fmt: skip
def test_accents_that_english_writes_or_not_are_spelling(pair: str) -> None:
    a, b = map(term, pair.split())
    assert judge(a, b).evidence is judge(b, a).evidence is Evidence.SPELLING


def test_what_dictionaries_say_of_a_word_is_not_said_of_one_with_accents() -> None:
    assert judge(term("Sofa"), term("Couch")).evidence is Evidence.SYNONYM
    assert judge(term("Sofá"), term("Couch")).evidence is None
    assert lies_under(term("Poodle"), term("Dog"))
    assert not lies_under(term("Poödle"), term("Dog"))


@pytest.mark.parametrize(
    "pair", ["C# C", "C++ C", "C# C++", "F# F", "J# J", "VB# VB", "C#_Code C_Code", "A# A", ".NET NET",
    ".Net_Code Net_Code", "9/11 911", "24/7 247", "1/2 12", "1.5 15"]
)  # fmt: skip
def test_what_belongs_to_a_name_is_no_punctuation(pair: str) -> None:
    a, b = map(term, pair.split())
    for found in (judge(a, b), judge(b, a)):
        assert found.evidence is None
        assert not found.open


def test_a_hashtag_is_the_word() -> None:
    for tag in ("#Street", "street", "##street", "Street #"):
        assert term(tag).key == "street"
    assert term("#C").key == term("c").key
    assert term("#F#").key == "f#"


@pytest.mark.parametrize(
    ("child", "parent"), [("poodle", "dog"), ("red car", "car"), ("Paris", "city"), ("oak", "tree")]
)
def test_children_lie_under_their_parents(child: str, parent: str) -> None:
    assert lies_under(term(child), term(parent))
    assert not lies_under(term(parent), term(child))
    assert related(term(child), term(parent)) == "parent and child"
