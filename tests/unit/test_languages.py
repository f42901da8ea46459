"""Tags of libraries in other languages than English."""

import pytest

from tagroll.tags.languages import languages_of
from tagroll.tags.merge import plan_merges
from tagroll.tags.synonyms import correction
from tagroll.tags.term import term
from tagroll.tags.verdict import Evidence, judge

GERMAN = [
    "Kirche",
    "Wiese",
    "Sonnenuntergang",
    "Spaziergang",
    "Geburtstag",
    "Frühstück",
    "Wanderung",
    "Urlaub",
]
SPANISH = ["Iglesia", "Pueblo", "Cumpleaños", "Desayuno", "Verano", "Otoño", "Lluvia", "Nieve"]
FRENCH = ["Église", "Plage", "Anniversaire", "Printemps", "Neige", "Montagne", "Oiseau", "Voyage"]


def merged(tags: list[str]) -> dict[str, str]:
    return plan_merges(dict.fromkeys(tags, 1)).mapping


@pytest.mark.slow
@pytest.mark.parametrize(
    ("library", "code", "same", "apart"),
    [
        (GERMAN, "de", "Kuh Kühe; Wolke Wolken; Fluß Fluss; Brücke Bruecke", "Maße Masse; Bär Bar; Arm Arms; Orange Oranges"),
        (SPANISH, "es", "perro perros; luz luces; camión camiones; Jardín Jardin", "Año Ano; gato gata; papa papá"),
        (FRENCH, "fr", "bateau bateaux; journal journaux; fleur fleurs; Fenêtre Fenetre", "cote côte; marche marché"),
    ],
)  # fmt: skip
def test_plurals_and_spellings_of_the_library_s_language(
    library: list[str], code: str, same: str, apart: str
) -> None:
    assert languages_of(library).codes == (code,)
    for pair in same.split("; "):
        tags = pair.split()
        assert len({merged(library + tags).get(tag, tag) for tag in tags}) == 1, pair
    for pair in apart.split("; "):
        assert merged(library + pair.split()) == {}, pair


@pytest.mark.parametrize(
    "tags", ["Sommer 2019; Sommer 2020", "Haus 1; Häuser", "Kurs C; Kurs C++", "Tiere Katze; Tiere|Katze"]
)
def test_numbers_levels_and_the_ends_of_names_count_in_every_language(tags: str) -> None:
    assert merged([*GERMAN, *tags.split("; ")]) == {}


def test_beside_english_a_word_of_both_languages_may_be_the_english_one() -> None:
    assert merged([*FRENCH, "Animal", "Animaux"]) == {"Animaux": "Animal"}
    english = ["Sunset", "Beach", "Lighthouse", "Snow", "Bird", "Spring", "Church", "Birthday", "Journey"]
    assert merged([*FRENCH, *english, "Animal", "Animaux", "Chien", "Chiens"]) == {"Chiens": "Chien"}


def test_an_english_library_has_no_other_language() -> None:
    assert languages_of(["Beach", "Sunset", "Dog", "Zorbling", "Oslo", "Wine Glass"]).codes == ()
    assert merged(["Katze", "Beach", "Sunset", "Oslo", "Xyzzy", "Plugh", "Quux"]) == {}


@pytest.mark.parametrize("word", ["natur", "familie", "rivier", "chocolat", "musik"])
def test_a_word_of_another_language_is_no_typo(word: str) -> None:
    assert correction(word) == ""
    assert correction("moutain") == "mountain"


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        ("いぬ", "イヌ", True),
        ("コンピュータ", "コンピューター", True),
        ("バイオリン", "ヴァイオリン", True),
        ("ビル", "ビール", False),
        ("コピ", "コピー", False),
        ("犬", "猫", False),
    ],
)
def test_kana(a: str, b: str, same: bool) -> None:
    assert (judge(term(a), term(b)).evidence is Evidence.SPELLING) is same
