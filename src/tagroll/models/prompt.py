"""What a model is asked, in words and as a JSON schema.

Written for small local vision models (gemma-3-4b, qwen3-vl-4b). PhotoPrism measured on the latter: a number
of keywords in the prompt raises their coverage from 75% to 97%, and keywords asked for as objects instead of
strings come to nothing. Hence plain strings, numbers, short rules, and no examples that could be echoed.
"""

from dataclasses import dataclass, replace
from typing import Literal

from tagroll.domain import Prompt
from tagroll.models.earlier import LEAST_1, first_wording, key_of
from tagroll.settings import DEFAULT_MAX_TAGS, EARLIER_MAX_TAGS

LEAST = 1
"""What the schema asks for: a picture shows something. A server that is held to more fills up with what is not there."""
ENUM_LIMIT = 300
"""A longer vocabulary is only told in words: servers refuse such a grammar or take seconds to compile it."""
VOCABULARY_CHARACTERS = 6000
"""What of a vocabulary is told in words: about 2,000 tokens, half of Ollama's smallest context."""

CHECKED = "y1"
"""At the end of the key of a question with a check; another number for another wording of the check."""

LANGUAGES = {
    "ar": "Arabic",
    "cs": "Czech",
    "da": "Danish",
    "de": "German",
    "el": "Greek",
    "en": "English",
    "es": "Spanish",
    "fi": "Finnish",
    "fr": "French",
    "he": "Hebrew",
    "hi": "Hindi",
    "it": "Italian",
    "ja": "Japanese",
    "ko": "Korean",
    "nl": "Dutch",
    "no": "Norwegian",
    "pl": "Polish",
    "pt": "Portuguese",
    "ru": "Russian",
    "sv": "Swedish",
    "tr": "Turkish",
    "uk": "Ukrainian",
    "zh": "Chinese",
}
"""Small models know a language better by its name than by its code."""
_MORE_CODES = {"nb": "Norwegian", "nn": "Norwegian"}

_TAGS = """Look closely at this photo and give {number} with which its owner could find it again.

Rules:
- Only what is surely there. Leave out whatever you are not sure of; better too few than wrong ones.
- The main subject first, then the other people, animals and things, then scene or kind of place, what is \
being done, season, weather, time of day and light, and striking colours.
- A keyword is one common noun, adjective or activity, or two or three words that belong together. Singular, \
no sentence, no number signs.
- No names of persons or towns, no dates and no feelings, unless they are written in the photo.
- Every keyword once; no two that say the same."""

_CLASSIFY = """Look closely at this photo and describe it for a photo library.

- "title": three to eight words that tell this photo from similar ones.
- "description": one or two plain sentences about what can be seen.
- "keywords": {number} of what is surely there, the main subject first, then other people, animals and things, \
scene, activity, season, weather and light. One to three words each, singular, every keyword once.
- "filename": two to six lower-case words with hyphens between them, without an ending.

Only what can clearly be seen. No names of persons or towns, no dates, unless written in the photo."""

_SHAPES = {
    "tags": '{"keywords": ["...", "..."]}',
    "classify": '{"title": "...", "description": "...", "keywords": ["...", "..."], "filename": "..."}',
}


@dataclass(frozen=True, slots=True)
class Wordlist:
    """Keywords that a person would like.

    Attributes:
        words: They; a blank one says nothing.
        strict: No others may be used. Up to ENUM_LIMIT of them bind the answer through the schema, more are told in words
            as far as they fit.
    """

    words: tuple[str, ...] = ()
    strict: bool = True


def build_prompt(  # noqa: PLR0913 - by name, and each with what most want
    task: Literal["tags", "classify"],
    *,
    max_tags: int = DEFAULT_MAX_TAGS,
    language: str | None = None,
    wordlist: Wordlist = Wordlist(),
    prompt_file_text: str | None = None,
    votes: int = 1,
    check: bool = False,
) -> Prompt:
    """Say what is wanted of a model.

    Args:
        task: "tags" for keywords alone, "classify" for title, description, keywords and file name.
        max_tags: How many keywords at the most, 1 or more.
        language: Language of the answer, by name or by ISO 639-1 code; English when None.
        wordlist: Which keywords may, or had better, be used.
        prompt_file_text: The user's own words in place of ours; language, wordlist and form are added.
        votes: How many answers are compared, 1 or more.
        check: Whether the model is asked again of each of its words.

    Returns:
        The prompt; its key changes with everything that shapes the answer.
    """
    wordlist = Wordlist(tuple(dict.fromkeys(w for w in wordlist.words if w.strip())), wordlist.strict)
    own = prompt_file_text.strip() if prompt_file_text else ""
    rest = [
        _told(wordlist),
        f"Write in {_language(language)}." if language or not prompt_file_text else "",
        f"Answer with JSON only, in this form: {_SHAPES[task]}",
    ]

    def text_of(wording: str) -> str:
        return "\n\n".join(part for part in (own or wording, *rest) if part)

    number = f"up to {max_tags} keywords" if max_tags > 1 else "one keyword"
    text = text_of((_TAGS if task == "tags" else _CLASSIFY).format(number=number))
    schema = _schema(task, max_tags, wordlist, LEAST)
    earlier = tuple(
        key_of(task, text_of(first_wording(task, most)), _schema(task, most, wordlist, LEAST_1), most)
        for most in dict.fromkeys((max_tags, EARLIER_MAX_TAGS if max_tags == DEFAULT_MAX_TAGS else max_tags))
    )
    key = key_of(task, text, schema, max_tags)
    asked = Prompt(
        task, text, schema, max_tags, key,
        language=language_name(language) if language or not own else "", listed=bool(wordlist.words),
    )  # fmt: skip
    if votes > 1:
        asked = replace(asked, key=f"{key}x{votes}", votes=votes)
    if check:
        return replace(asked, key=f"{asked.key}{CHECKED}", check=True)
    return asked if votes > 1 else replace(asked, earlier=earlier)


def is_english(language: str | None) -> bool:
    """Whether answers are to be in English."""
    return language_name(language) == "English"


def language_name(language: str | None) -> str:
    """A language by its English name: of a name in any case, or a code (de, de-AT); any other text as it is.

    Args:
        language: As a person says it; English when None.
    """
    said = (language or "English").strip()
    code = said.casefold().replace("_", "-").partition("-")[0]
    names = {name.casefold(): name for name in LANGUAGES.values()}
    return LANGUAGES.get(code) or _MORE_CODES.get(code) or names.get(said.casefold(), said)


def _language(language: str | None) -> str:
    """The language as a model is told it."""
    return LANGUAGES.get((language or "en").strip().casefold(), language or "English").strip()


def _told(wordlist: Wordlist) -> str:
    """The list in words, as much of it as a small context can hold."""
    fitting, room = [], VOCABULARY_CHARACTERS
    for word in wordlist.words:
        room -= len(word) + 2
        if room < 0:
            break
        fitting.append(word)
    if not fitting:
        return ""
    rule = (
        "Use only keywords from this list, spelled exactly so, and only those that fit (none, if none fits)"
    )
    if not wordlist.strict:
        rule = "Where one of these keywords fits, use it, spelled exactly so, and no other word for it"
    elif len(wordlist.words) > len(fitting):
        rule = "Use keywords from a fixed list. It is long; it begins like this, so choose words of this kind"
    return f"{rule}: {', '.join(fitting)}."


def _schema(task: str, max_tags: int, wordlist: Wordlist, least: int) -> dict[str, object]:
    """The JSON schema, of what all servers know: no maxLength and no uniqueItems, which some refuse."""
    words = wordlist.words if wordlist.strict else ()
    bound = bool(words) and len(words) <= ENUM_LIMIT
    keyword: dict[str, object] = {"type": "string", "enum": list(words)} if bound else {"type": "string"}
    # with a fixed list the honest answer may be "none"
    fewest = 0 if words else min(least, max_tags)
    keywords = {"type": "array", "items": keyword, "minItems": fewest, "maxItems": max_tags}
    string = {"type": "string"}
    properties: dict[str, object] = {"keywords": keywords}
    if task == "classify":
        properties = {"title": string, "description": string, "keywords": keywords, "filename": string}
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
