"""What a model is asked."""

import pytest

from tagroll.models.prompt import ENUM_LIMIT, VOCABULARY_CHARACTERS, Wordlist, build_prompt


def items(prompt):
    return prompt.schema["properties"]["keywords"]["items"]


def test_keywords_are_plain_strings_and_their_number_is_said():
    prompt = build_prompt("tags", max_tags=12)
    assert items(prompt) == {"type": "string"}
    assert "up to 12 keywords" in prompt.text
    assert "one keyword" in build_prompt("tags", max_tags=1).text
    assert prompt.schema["properties"]["keywords"]["maxItems"] == 12
    assert "English" in prompt.text


def test_no_more_is_asked_for_than_one_thing_that_is_surely_there():
    for task in ("tags", "classify"):
        assert build_prompt(task).schema["properties"]["keywords"]["minItems"] == 1


@pytest.mark.parametrize(
    ("asked", "key"),
    [
        (build_prompt("tags"), "83c0836b04161aaf"),
        (build_prompt("classify"), "8e2662ec23f8ccdb"),
        (build_prompt("tags", language="de"), "32cde025b68f7e39"),
        (build_prompt("tags", max_tags=7, wordlist=Wordlist(("Cat", "Dog"))), "b5cc3cd0c09ea39e"),
        (build_prompt("tags", prompt_file_text="Birds"), "0ad219424db2c61d"),
    ],
)
def test_an_answer_to_the_first_wording_still_counts(asked, key):
    """The keys are those of version 0.9, which asked for 20 keywords where nobody said how many."""
    assert key in asked.earlier
    assert key != asked.key


@pytest.mark.parametrize("max_tags", [1, 2, 3, 50])
@pytest.mark.parametrize("task", ["tags", "classify"])
def test_the_bounds_fit_each_other(task, max_tags):
    bounds = build_prompt(task, max_tags=max_tags).schema["properties"]["keywords"]
    assert 1 <= bounds["minItems"] <= bounds["maxItems"] == max_tags


def test_classify_wants_four_fields_and_no_others():
    schema = build_prompt("classify").schema
    assert (
        set(schema["required"])
        == {"title", "description", "keywords", "filename"}
        == set(schema["properties"])
    )
    assert schema["additionalProperties"] is False


@pytest.mark.parametrize(
    ("given", "said"), [("de", "German"), ("DE", "German"), ("Swiss German", "Swiss German")]
)
def test_the_language_is_said_by_name(given, said):
    assert f"Write in {said}." in build_prompt("tags", language=given).text


def test_a_small_vocabulary_binds_and_none_of_it_need_fit():
    prompt = build_prompt("tags", wordlist=Wordlist(("Cat", "Dog", "Cat", " ")))
    assert items(prompt)["enum"] == ["Cat", "Dog"]
    assert prompt.schema["properties"]["keywords"]["minItems"] == 0
    assert "Cat, Dog" in prompt.text


def test_a_list_that_is_not_strict_is_told_and_binds_nothing():
    prompt = build_prompt("tags", wordlist=Wordlist(("Cat", "Dog"), strict=False))
    assert items(prompt) == {"type": "string"}
    assert prompt.schema["properties"]["keywords"]["minItems"] == 1
    assert "Cat, Dog" in prompt.text
    assert "Use only" not in prompt.text


def test_a_large_vocabulary_is_told_as_far_as_it_fits():
    vocabulary = [f"word{number}" for number in range(3000)]
    prompt = build_prompt("tags", wordlist=Wordlist(tuple(vocabulary)))
    assert "enum" not in items(prompt)
    assert "word0, word1" in prompt.text
    assert len(prompt.text) < VOCABULARY_CHARACTERS + 2500
    assert "enum" not in items(build_prompt("tags", wordlist=Wordlist(tuple(vocabulary[: ENUM_LIMIT + 1]))))
    assert "enum" in items(build_prompt("tags", wordlist=Wordlist(tuple(vocabulary[:ENUM_LIMIT]))))


def test_the_users_own_words_replace_ours_but_not_the_form():
    prompt = build_prompt("tags", prompt_file_text="Only birds {please}!\n")
    assert prompt.text.startswith("Only birds {please}!")
    assert "photo library" not in prompt.text
    assert '{"keywords":' in prompt.text
    assert "English" not in prompt.text


def test_the_key_changes_with_all_that_shapes_the_answer_and_with_nothing_else():
    variants = [
        build_prompt("tags"),
        build_prompt("classify"),
        build_prompt("tags", max_tags=3),
        build_prompt("tags", language="de"),
        build_prompt("tags", wordlist=Wordlist(("Cat",))),
        build_prompt("tags", wordlist=Wordlist(("Dog",))),
        build_prompt("tags", wordlist=Wordlist(("Dog",), strict=False)),
        build_prompt("tags", prompt_file_text="Birds"),
    ]
    assert len({prompt.key for prompt in variants}) == len(variants)
    assert build_prompt("tags").key == build_prompt("tags", wordlist=Wordlist(), language=None).key
