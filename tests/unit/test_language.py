"""Whether a server answers in the language that was asked for, and how often it is asked."""

import pytest

from support.stub import Stub, chat, keywords
from tagroll.domain import Description
from tagroll.errors import UsageError
from tagroll.models.builtin.describer import BuiltinDescriber
from tagroll.models.prompt import Wordlist, build_prompt
from tagroll.models.server.describer import ServerDescriber
from tagroll.models.server.language import is_in
from tagroll.models.server.votes import counted
from tagroll.runs.language import check_language


@pytest.mark.parametrize(
    ("language", "words", "right"),
    [
        ("German", ("Hund", "Strand", "Sonnenuntergang", "Meer"), True),
        ("German", ("dog", "beach", "sunset", "sea"), False),
        ("French", ("chien", "plage", "coucher de soleil", "table"), True),
        ("French", ("dog", "beach", "wooden table"), False),
        ("Spanish", ("perro", "playa", "animal"), True),
        ("Japanese", ("犬", "海辺", "夕焼け"), True),
        ("Japanese", ("dog", "beach"), False),
        ("Russian", ("собака", "пляж"), True),
        ("Russian", ("dog", "пляж", "sunset"), False),
        ("English", ("dog", "beach"), True),
        ("English", ("собака", "пляж"), False),
        ("Klingon", ("dog", "beach", "sunset"), True),  # nobody can tell
        ("German", ("Hund", "sand"), True),  # too few to tell
        ("", ("dog", "пляж"), True),
    ],
)
def test_an_answer_is_told_by_its_letters_and_its_words(language, words, right):
    assert is_in(Description(words, "m"), language) is right


def test_a_sentence_in_english_is_english_whatever_the_keywords_are():
    words, text = ("Hund", "Strand", "Meer"), "A dog is running on the beach with a ball."
    assert not is_in(Description(words, "m", description=text), "German")
    assert is_in(
        Description(words, "m", description="Ein Hund rennt mit einem Ball am Strand entlang."), "German"
    )


def test_what_is_in_another_language_is_asked_for_once_more(preview):
    prompt = build_prompt("tags", language="de")
    with Stub([keywords("dog", "beach", "sunset"), keywords("Hund", "Strand", "Meer")]) as server:
        model = ServerDescriber(server.url, "stub-vlm")
        assert model.describe(preview((1, 2, 3)), prompt).keywords == ("Hund", "Strand", "Meer")
        first, second = (body["messages"][0]["content"][0]["text"] for body in server.bodies)
        assert second.startswith(first)
        assert "Every word of the answer has to be German." in second
        assert model.news() == ()
        model.close()


def test_a_model_that_does_not_speak_it_is_told_of_once_and_its_answer_kept(preview):
    with Stub(usual=keywords("dog", "beach", "sunset")) as server:
        model = ServerDescriber(server.url, "stub-vlm")
        for colour in ((1, 2, 3), (200, 2, 3)):
            found = model.describe(preview(colour), build_prompt("tags", language="de"))
            assert found.keywords == ("dog", "beach", "sunset")
        assert server.chats == 4
        (news,) = model.news()
        assert "does not answer in German" in news
        model.close()


def test_words_of_a_vocabulary_are_in_whatever_language_they_are():
    assert build_prompt("tags", language="de", wordlist=Wordlist(("Dog", "Cat"))).language == ""
    assert build_prompt("tags", prompt_file_text="Vögel!").language == ""


def test_the_builtin_model_refuses_a_language_that_it_does_not_speak():
    for language in (None, "en", "English"):
        check_language(BuiltinDescriber(), language)
    with pytest.raises(UsageError, match="English words alone"):
        check_language(BuiltinDescriber(), "de")


def test_what_more_than_half_of_the_answers_say_is_kept():
    found = counted(
        Description(("Dog", "ball", "cat"), "m", title="A dog"), [("dog", "ball"), ("dog", "grass"), ()]
    )
    assert found.keywords == ("Dog",)
    assert found.confidences == {"Dog": 0.75, "ball": 0.5, "cat": 0.25, "grass": 0.25}
    assert found.title == "A dog"


def test_a_server_is_asked_as_often_as_is_wanted(preview):
    answers = [
        keywords("dog", "cat", "grass"),
        keywords("dog", "grass"),
        chat("I cannot."),
        keywords("dog", "tree"),
    ]
    with Stub(answers) as server:
        model = ServerDescriber(server.url, "stub-vlm")
        found = model.describe(preview((1, 2, 3)), build_prompt("tags", votes=4))
        assert found.keywords == ("dog",)
        assert [body["temperature"] for body in server.bodies] == [0, 0.7, 0.7, 0.7]
        model.close()


def test_votes_are_another_question():
    assert build_prompt("tags", votes=3).key != build_prompt("tags").key == build_prompt("tags", votes=1).key
    assert build_prompt("tags", votes=3).earlier == ()
