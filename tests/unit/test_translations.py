"""Words of different languages that say one thing become one where a person asks for it, and only there."""

import pytest

from tagroll.errors import UsageError
from tagroll.runs.merge import evidence_of, language_to_translate_into
from tagroll.tags.decisions import Decisions
from tagroll.tags.library import MergeOptions
from tagroll.tags.merge import Plan, plan_merges
from tagroll.tags.translations import words_in
from tagroll.tags.verdict import Evidence

ENGLISH = ["Dog", "Bridge", "Horse", "Sunset", "Family", "Portrait", "Architecture", "Garden"]
GERMAN = ["Hund", "Brücke", "Pferd", "Sonnenuntergang", "Familie", "Frühstück", "Wanderung", "Blume"]
FRENCH = ["Chien", "Pont", "Cheval", "Printemps", "Anniversaire", "Neige", "Oiseau", "Église"]
LIBRARY = [*ENGLISH, *GERMAN, *FRENCH]


def plan(tags: list[str], translate: str | None = "", decisions: Decisions | None = None) -> Plan:
    """The plan for tags of which the first are on most photos."""
    counts = {tag: len(tags) - place for place, tag in enumerate(tags)}
    return plan_merges(counts, options=MergeOptions(translate=translate), decisions=decisions)


def test_the_words_of_the_most_used_language_win_or_those_of_the_one_that_is_named():
    found = plan(LIBRARY)
    assert found.mapping == {
        "Hund": "Dog", "Chien": "Dog", "Brücke": "Bridge", "Pont": "Bridge", "Pferd": "Horse", "Cheval": "Horse",
    }  # fmt: skip
    assert {merge.evidence for merge in found.merges} == {Evidence.TRANSLATION}
    assert plan([*GERMAN, *FRENCH, *ENGLISH]).mapping["Chien"] == "Hund"
    assert plan(LIBRARY, "French").mapping["Dog"] == "Chien"
    assert plan(LIBRARY, "Finnish").mapping == found.mapping  # no word of it is there


def test_nothing_is_translated_unless_a_person_asks():
    assert plan(LIBRARY, None).mapping == {}
    without = MergeOptions(evidence=evidence_of(["spelling", "synonym"]), translate="")
    assert plan_merges(dict.fromkeys(LIBRARY, 1), options=without).mapping == {}


def test_a_word_for_more_than_one_thing_stays_apart():
    several = [
        *("Kind", "Child"),  # kind, in English
        *("Schloss", "Lock"),  # a castle, too
        *("Meer", "Lake", "Ocean"),  # a sea in German, a lake in Dutch
        *("Crane", "Kran"),  # a bird, too
        *("Box", "Schachtel"),  # a loudspeaker in German
        *("Eis", "Ice Cream"),
        *("Berg", "Mountain"),  # of ice; a name
        *("Hahn", "Rooster"),  # a tap, too
        *("Animals|Cow", "Tiere|Kuh"),
    ]
    dutch = ["Oog", "Fiets", "Vliegtuig", "Vlinder", "Kerk"]
    assert plan([*several, *dutch, *LIBRARY]).mapping == plan(LIBRARY).mapping | {"Église": "Kerk"}


def test_names_and_a_few_words_make_no_language():
    # Abe is a monkey in Danish, Stan a tent in Czech, Lori a bird in German; Top a ball in Turkish
    assert plan([*ENGLISH, "Abe", "Monkey", "Stan", "Tent", "Lori", "Lorikeet", "Top", "Ball"]).mapping == {}
    # two words are no language yet
    assert plan([*ENGLISH, "Hund", "Pferd"]).mapping == {}
    # a room, where all is Italian
    italian = ["Chiesa", "Compleanno", "Colazione", "Estate", "Autunno", "Pioggia", "Cavallo", "Albero"]
    assert plan([*italian, "Camera", "Fotocamera"]).mapping == {}


def test_plurals_find_their_translation():
    assert plan([*ENGLISH, *GERMAN, "Birds", "Vögel"]).mapping["Vögel"] == "Birds"
    assert plan([*ENGLISH, *FRENCH[:-2], "Birds", "Oiseaux"]).mapping["Oiseaux"] == "Birds"


def test_what_a_person_keeps_apart_or_prefers_counts_first():
    apart = Decisions(apart=frozenset({frozenset({"Dog", "Hund"})}))
    assert "Hund" not in plan(LIBRARY, decisions=apart).mapping
    preferred = Decisions(into={"Dog": "Chien"})
    into = plan(LIBRARY, decisions=preferred).mapping
    assert (into["Dog"], into["Hund"]) == ("Chien", "Chien")


def test_a_word_with_accents_takes_no_place_of_one_in_the_language_that_wins():
    words = ["Bébé", "Éléphant", "Giraffe", "Girafe", "Zebra", "Zèbre", "Elephant", "Baby"]
    assert plan([*ENGLISH, *words, *FRENCH], "English").mapping.items() >= {
        ("Éléphant", "Elephant"),
        ("Zèbre", "Zebra"),
    }


def test_all_languages_of_the_table_can_be_asked_for_by_name_or_code():
    for said, name in (("de", "German"), ("german", "German"), ("pt-BR", "Portuguese"), ("ja", "Japanese")):
        assert language_to_translate_into(said) == name
    with pytest.raises(UsageError, match="no words are known in 'Latin'"):
        language_to_translate_into("Latin")


@pytest.mark.slow
@pytest.mark.parametrize(("language", "least"), [("German", 500), ("Polish", 550), ("Chinese", 600)])
def test_beside_all_of_english_a_word_only_goes_to_its_own_translation(language: str, least: int):
    english = {word: one for one, word in words_in(language).items()}
    counts = dict.fromkeys(english, 1) | dict.fromkeys(words_in(language), 2)
    merges = plan_merges(counts, options=MergeOptions(translate="English")).merges
    translated = [merge for merge in merges if merge.evidence is Evidence.TRANSLATION]
    assert [merge for merge in translated if english[merge.tag] != merge.into] == []
    assert len(translated) >= least
