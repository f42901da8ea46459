"""The language of tags and texts: a model that cannot speak it says so before the first photo."""

from tagroll.domain import Describer
from tagroll.errors import UsageError
from tagroll.models.prompt import is_english


def check_language(describer: Describer, language: str | None) -> None:
    """See that a model can answer in a language.

    Raises:
        UsageError: It knows English words alone.
    """
    if describer.names_only and not is_english(language):
        raise UsageError(
            f"the built-in model knows English words alone, and --language {language} is asked for",
            "Use a model on a server or a GGUF file, or leave --language out",
        )
