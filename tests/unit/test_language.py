"""Whether a model answers in the language that was asked for, and how often a server is asked."""

import unicodedata

import pytest

from support.stub import Stub, chat, keywords
from tagroll.domain import Description
from tagroll.errors import UsageError
from tagroll.models.builtin.describer import BuiltinDescriber
from tagroll.models.builtin.rules import RULED
from tagroll.models.builtin.text.words import STOP_SIGN, TEXT_TAG
from tagroll.models.builtin.vision.classes import read_class_words
from tagroll.models.builtin.vision.head import read_vocabulary
from tagroll.models.prompt import LANGUAGES, Wordlist, build_prompt
from tagroll.models.server.describer import ServerDescriber
from tagroll.models.server.language import SCRIPTS, is_in
from tagroll.models.server.votes import counted
from tagroll.runs.language import check_language
from tagroll.tags.identity import identity
from tagroll.tags.normalize import normalize
from tagroll.tags.translations import languages, words_in


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
    assert build_prompt("tags", language="de", wordlist=Wordlist(("Dog", "Cat"))).listed
    assert build_prompt("tags", prompt_file_text="Vögel!").language == ""


def test_the_builtin_model_refuses_a_language_that_it_does_not_speak():
    for language in (None, "en", "English", "de", "de-AT", "german", "nb", "pt_BR", "zh-Hans"):
        check_language(BuiltinDescriber(), language)
    for language in ("eo", "Klingon"):
        with pytest.raises(UsageError, match=r"it knows English, German, .* and Chinese"):
            check_language(BuiltinDescriber(), language)


def own_words():
    """Every word that the built-in model can say."""
    tags = read_vocabulary()
    general = {word for entry in tags.values() for word in entry.get("general", ())}
    return (
        {word for words in read_class_words() for word in words}
        | set(tags)
        | general
        | RULED
        | {STOP_SIGN, TEXT_TAG}
    )


def test_the_builtin_model_has_every_word_in_every_language_and_no_two_are_the_same():
    assert len(languages()) == 17
    assert set(languages()) <= set(LANGUAGES.values())
    for language in languages()[1:]:
        words = words_in(language)
        assert own_words() - set(words) == set(), language
        assert len(set(map(identity, words.values()))) == len(words), language
        assert normalize(words.values(), case="keep") == tuple(words.values()), (
            language
        )  # each is a tag as it is
        # homographs apart (ham, ara), none was left in English
        same = [word for word, other in words.items() if word == identity(other)]
        assert len(same) < 110, (language, same)


def test_a_word_of_a_language_is_written_in_its_letters():
    for language, letters in SCRIPTS.items():
        for word in words_in(language).values():
            said = {
                unicodedata.name(letter).replace("-", " ").partition(" ")[0]
                for letter in word
                if letter.isalpha()
            }
            assert said <= {*letters, "LATIN"}, (language, word)
            assert said & letters or word == "ATM", (language, word)


def test_the_builtin_model_answers_in_german_and_its_kept_answer_is_judged_anew():
    prompt = build_prompt("classify", language="de")
    model = BuiltinDescriber()
    said = model.judge({"dog": 0.95, "wine glass": 0.9, "fly": 0.4, "seat belt buckle": 0.99}, prompt)
    assert said.keywords == ("seat belt buckle", "Hund", "Weinglas", "Tier")
    assert (said.title, said.description) == ("Seat belt buckle, Hund, Weinglas", "")
    assert said.filename == "seat_belt_buckle_Hund_Weinglas"
    assert said.confidences["Fliege"] == 0.4
    assert said.language == "German"
    assert model.news() == (
        "The built-in model has no German word for seat belt buckle: it stands there in English",
    )
    assert model.news() == ()
    surer = BuiltinDescriber(0.92)
    assert surer.reread(said, prompt) == surer.judge(
        {"dog": 0.95, "seat belt buckle": 0.99, "wine glass": 0.9, "fly": 0.4}, prompt
    )
    assert "Weinglas" not in surer.reread(said, prompt).keywords


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
