"""The language of tags and texts: a model that cannot speak it says so before the first photo."""

from tagroll.domain import Describer
from tagroll.errors import UsageError
from tagroll.models.prompt import is_english, language_name
from tagroll.settings import Case


def check_language(describer: Describer, language: str | None) -> None:
    """See that a model can answer in a language.

    Raises:
        UsageError: It cannot.
    """
    known = describer.languages
    if known and language_name(language) not in known:
        raise UsageError(
            f"the built-in model has no words in --language {language}; it knows {', '.join(known[:-1])} and {known[-1]}",
            "Name one of these (or its code: de, fr, ja), or use a model on a server or a GGUF file",
        )


def usual_case(language: str | None) -> Case:
    """Letter case of tags in a language: only English headlines have capitals for every word."""
    return "title" if is_english(language) else "sentence"
