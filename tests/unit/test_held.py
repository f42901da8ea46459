"""Names of people and places in a model's answer, and what is struck out of it."""

import subprocess
import sys
from array import array
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

from tagroll.domain import Description
from tagroll.runs.held import hold
from tagroll.runs.proper_names import names_in

ROOT = Path(__file__).parents[2]


def held(
    *keywords: str,
    title: str = "",
    description: str = "",
    filename: str = "",
    said: str = "",
    english: bool = True,
):
    answer = Description(keywords, "m", title, description, filename)
    return hold(answer, lambda: frozenset(said.casefold().split()), english=english)


@pytest.mark.parametrize(
    "word",
    """Paris|paris|Malcesine|Lake Garda|New York City|Bavaria|France|Anna|Giulia|Emma|Venice canal|Rhine|Mount Fuji
    Anna's cake|Barack Obama|Central Park|Tuscany""".replace("\n    ", "|").split("|"),
)  # fmt: skip
def test_a_name_that_no_field_says_is_struck_out(word):
    found = held("beach", word, "wooden bench", "dog")
    assert found.answer.keywords == ("beach", "wooden bench", "dog")
    assert found.struck == (word,)


@pytest.mark.parametrize(
    "word",
    """beach|golden hour|wooden bench|christmas tree|german shepherd|labrador|boston terrier|french fries|turkey|orange
    rose|robin|champagne|old town|t-shirt|BMW|Halloween|eiffel tower|buddha statue|skatepark|Japanese garden|reading|china
    milky way|street art|boeing 747|siamese cat|santa claus|ramen|kayaking|savannah|the hill|black and white"""
    .replace("\n    ", "|").split("|"),
)  # fmt: skip
def test_a_word_for_a_thing_stays(word):
    assert held("beach", word, "wooden bench", "dog").answer.keywords == (
        "beach",
        word,
        "wooden bench",
        "dog",
    )


@pytest.mark.parametrize("word", ["Rose", "Tom", "Nice", "Orange", "Bath"])
def test_a_word_that_is_both_is_a_name_where_it_alone_begins_large(word):
    assert held("beach", word, "sea", "dog").struck == (word,)
    assert held("Beach", word, "Sea", "Dog").struck == ()


def test_what_a_field_says_may_be_named():
    found = held("Malcesine", "Anna", "Paris", "lake", said="malcesine anna italy")
    assert found.answer.keywords == ("Malcesine", "Anna", "lake")
    assert found.struck == ("Paris",)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Boats in the harbour of Malcesine at dusk.", "Boats in the harbour at dusk."),
        ("Anna plays on the beach. The sky is grey.", "The sky is grey."),
        ("A dog in Nice, France.", "A dog."),
        ("A dog with Anna and Tom on a lawn.", "A dog on a lawn."),
        ("A Paris cafe with two chairs.", ""),
        ("A dog on a wooden bench.", "A dog on a wooden bench."),
    ],
)
def test_a_sentence_loses_what_leads_to_a_name_or_goes_whole(text, left):
    assert held("dog", description=text).answer.description == left


def test_a_title_and_a_file_name_are_held_too():
    found = held("dog", title="Dog on a beach in Paris", filename="dog-on-a-beach-in-paris")
    assert (found.answer.title, found.answer.filename) == ("Dog on a beach", "dog-on-a-beach")
    assert held("dog", title="A Dog On The Beach").answer.title == "A Dog On The Beach"


def test_nothing_is_looked_up_where_there_is_no_name():
    def never() -> frozenset[str]:
        raise AssertionError

    answer = Description(("beach", "dog"), "m", "Dog on a beach", "A dog runs.")
    assert hold(answer, never).answer is answer


def test_in_another_language_large_letters_tell_nothing():
    found = held(
        "Hund", "Strand", "Brücke", "rosa Blume", "Paris", description="Ein Hund am Strand.", english=False
    )
    assert found.answer.keywords == ("Hund", "Strand", "Brücke", "rosa Blume")
    assert found.answer.description == "Ein Hund am Strand."


def test_a_place_of_several_words_is_one_name():
    assert [*names_in("a view of New York City from the river", capitals=True)] == ["New York City"]


def test_the_lists_of_names_stay_packed_where_no_word_is_one():
    code = (
        "from tagroll.runs import proper_names as names; from tagroll.tags import lexicon;"
        "names.lexicon = lexicon.lexicon = lambda: 1 / 0;"
        "print(*names.names_in('golden retriever on a sandy beach', capitals=True), 'packed')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "packed\n"
    with pytest.raises(subprocess.CalledProcessError):
        subprocess.run(
            [sys.executable, "-c", code.replace("sandy", "paris")], capture_output=True, check=True
        )


@pytest.mark.slow
def test_the_index_knows_every_name():
    spec = spec_from_file_location("make_name_index", ROOT / "tools" / "make_name_index.py")
    tool = module_from_spec(spec)
    spec.loader.exec_module(tool)
    numbers = tool.numbers()
    assert len(numbers) > 100_000
    assert array("I", tool.INDEX.read_bytes()) == numbers, "run tools/make_name_index.py"
