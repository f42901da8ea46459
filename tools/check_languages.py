"""Hold the built-in model's words in other languages against the names that Unicode's CLDR has for emoji.

    npm pack cldr-annotations-full && tar -xzf cldr-annotations-full-*.tgz
    python tools/check_languages.py package/annotations

A word of ours that is the English name of an emoji is looked up in each language. What is neither the name of the
emoji there nor one of its keywords is printed, to be judged by a person: a name often means another thing (an emoji's
boot is a lady's boot).
Unicode's data is used for the check alone.
"""

import argparse
import json
from pathlib import Path

from tagroll.models.prompt import LANGUAGES
from tagroll.tags.translations import languages, words_in

CODES = {name: code for code, name in LANGUAGES.items()}


def names(folder: Path, code: str) -> dict[str, tuple[str, set[str]]]:
    """Emoji -> its name in a language, and its keywords there, in small letters."""
    found = json.loads((folder / code / "annotations.json").read_text("utf-8"))["annotations"]["annotations"]
    return {
        emoji: (said["tts"][0].lower(), {word.lower() for word in said.get("default", ())})
        for emoji, said in found.items()
        if "tts" in said
    }


def main() -> None:
    """Print what differs, and how much does not."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("annotations", type=Path, help="the folder with a folder for each language")
    folder = parser.parse_args().annotations
    english = {name: emoji for emoji, (name, _) in reversed(names(folder, "en").items())}
    looked_at, as_name, as_keyword = 0, 0, 0
    for language in languages()[1:]:
        there = names(folder, CODES[language])
        for word, ours in words_in(language).items():
            if (emoji := english.get(word)) and emoji in there:
                name, keywords = there[emoji]
                looked_at += 1
                as_name += ours.lower() == name
                as_keyword += ours.lower() != name and ours.lower() in keywords
                if ours.lower() not in {name, *keywords}:
                    print(f"{language}\t{word}\t{ours}\t{name}")
    print(f"{looked_at} looked at: {as_name} are the emoji's name, {as_keyword} one of its keywords")
    print(f"{len(english.keys() & words_in(languages()[1]).keys())} words are in both")


if __name__ == "__main__":
    main()
