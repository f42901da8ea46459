"""What a model is asked, in words and as a JSON schema.

Written for small local vision models (gemma-3-4b, qwen3-vl-4b). PhotoPrism measured on the latter: a number
of keywords in the prompt raises their coverage from 75% to 97%, and keywords asked for as objects instead of
strings come to nothing. Hence plain strings, numbers, short rules, and no examples that could be echoed.
"""

import json
from dataclasses import dataclass
from hashlib import blake2b
from typing import Literal

from tagroll.domain import Prompt

DEFAULT_MAX_TAGS = 15
ENUM_LIMIT = 300
"""A longer vocabulary is only told in words: servers refuse such a grammar or take seconds to compile it."""
VOCABULARY_CHARACTERS = 6000
"""What of a vocabulary is told in words: about 2,000 tokens, half of Ollama's smallest context."""

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

_TAGS = """Look closely at this photo and give {number} with which its owner could find it again.

Rules:
- Only what can clearly be seen. Leave out whatever you are not sure of; better too few than wrong ones.
- The main subject first, then the other people, animals and things, then scene or kind of place, what is \
being done, season, weather, time of day and light, and striking colours.
- A keyword is one common noun, adjective or activity, or two or three words that belong together. Singular, \
no sentence, no number signs.
- No names of persons or towns, no dates and no feelings, unless they are written in the photo.
- Every keyword once; no two that say the same."""

_CLASSIFY = """Look closely at this photo and describe it for a photo library.

- "title": three to eight words that tell this photo from similar ones.
- "description": one or two plain sentences about what can be seen.
- "keywords": {number}, the main subject first, then other people, animals and things, scene, activity, \
season, weather and light. One to three words each, singular, every keyword once.
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


def build_prompt(
    task: Literal["tags", "classify"],
    *,
    max_tags: int = DEFAULT_MAX_TAGS,
    language: str | None = None,
    wordlist: Wordlist = Wordlist(),
    prompt_file_text: str | None = None,
) -> Prompt:
    """Say what is wanted of a model.

    Args:
        task: "tags" for keywords alone, "classify" for title, description, keywords and file name.
        max_tags: How many keywords at the most, 1 or more.
        language: Language of the answer, by name or by ISO 639-1 code; English when None.
        wordlist: Which keywords may, or had better, be used.
        prompt_file_text: The user's own words in place of ours; language, wordlist and form are added.

    Returns:
        The prompt; its key changes with everything that shapes the answer.
    """
    wordlist = Wordlist(tuple(dict.fromkeys(w for w in wordlist.words if w.strip())), wordlist.strict)
    wording = prompt_file_text.strip() if prompt_file_text else ""
    if not wording:
        template = _TAGS if task == "tags" else _CLASSIFY
        number = f"{max_tags // 2} to {max_tags} keywords" if max_tags > 1 else "one keyword"
        wording = template.format(number=number)
    parts = [
        wording,
        _told(wordlist),
        f"Write in {_language(language)}." if language or not prompt_file_text else "",
        f"Answer with JSON only, in this form: {_SHAPES[task]}",
    ]
    text = "\n\n".join(part for part in parts if part)
    schema = _schema(task, max_tags, wordlist)
    shape = json.dumps([task, text, schema, max_tags], sort_keys=True, ensure_ascii=False)
    return Prompt(task, text, schema, max_tags, blake2b(shape.encode(), digest_size=8).hexdigest())


def _language(language: str | None) -> str:
    """The language by name."""
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


def _schema(task: str, max_tags: int, wordlist: Wordlist) -> dict[str, object]:
    """The JSON schema, of what all servers know: no maxLength and no uniqueItems, which some refuse."""
    words = wordlist.words if wordlist.strict else ()
    bound = bool(words) and len(words) <= ENUM_LIMIT
    keyword: dict[str, object] = {"type": "string", "enum": list(words)} if bound else {"type": "string"}
    # With a fixed list the honest answer may be "none"; fewer than the prompt says leaves room for doubt.
    least = 0 if words else min(3, max_tags)
    keywords = {"type": "array", "items": keyword, "minItems": least, "maxItems": max_tags}
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
