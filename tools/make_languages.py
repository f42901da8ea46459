"""Build languages.txt.zst and no_typos.txt.zst in src/tagroll/tags/data from the dictionaries of simplemma (MIT).

    pip install simplemma
    python tools/make_languages.py

UTF-8 text, compressed with zstandard: a section `[code]` for each language, a line for each word that is no form of a verb:
the word, then its plurals (in German and Dutch its cases, too), small letters, with spaces between; sorted. Forms that are
another thing (gata of gato, gatito) have lines of their own. no_typos has a line for each of their words that would be taken
for a slip in an English one.
"""

import re
import unicodedata
from collections import defaultdict
from pathlib import Path

from simplemma.strategies.dictionaries.dictionary_factory import DEFAULT_DICTIONARY_FACTORY

from tagroll.tags import synonyms
from tagroll.tags.lexicon import lexicon
from tagroll.tags.synonyms import correction
from tagroll.zstd import compress

DATA = Path(__file__).parents[1] / "src/tagroll/tags/data"
VERBS = {
    "de": None,
    "es": r"(ar|er|ir|ír|arse|erse|irse)$",
    "fr": r"(er|ir|re|ïr)$",
    "it": r"(are|ere|ire|rre|rsi)$",
    "nl": r"en$",
    "pt": r"(ar|er|ir|or|ôr)$",
}
"""What an infinitive ends in; None: nouns have capitals there, and only they are kept."""
WORD = re.compile(r"[^\W\d_]{3,15}")
"""Longer ones are mostly compounds, German by the hundred thousand."""
PLURALS = {
    "es": r"(.*[aeo]) \1s|(.*)z \2ces|(.*[^aeoz]) \3e?s",
    "pt": r"(.*[aeo]) \1s|(.*)ão \2(ões|ães|ãos)|(.*)m \4ns|(.*)l \5is|(.*[^aeolm]) \6e?s",
    "fr": r"(.*) \1[sx]|(.*)a[il]l? \2aux|(.*)œil \3yeux|œil yeux",
    "it": r"(.*)[oea] \1h?i|(.*)i[oa] \2[ie]|(.*)a \3h?e",
    "nl": r"(.*)(.) \1\2?\2?(en|s)|(.*)(.)\5(.) \4\5\6en|(.*)f \7ven|(.*)s \8zen",
}
"""What a word and its plural look like, without accents; the rest of its forms are feminine, small, or something else."""


def lines(code: str, verbs: str | None) -> list[str]:
    """The section of one language."""
    forms: dict[str, set[str]] = defaultdict(set)
    for form, lemma in DEFAULT_DICTIONARY_FACTORY.get_dictionary(code).items():
        if not (WORD.fullmatch(form) and WORD.fullmatch(lemma)):
            continue
        if verbs is None:
            keep = lemma[0].isupper() and form[0].isupper()
        else:
            plural = form in (lemma + "s", lemma + "es", lemma)
            keep = plural or not re.search(verbs, lemma)
        if keep and not (form[0].isupper() and verbs is not None):
            word = lemma if is_plural(code, lemma.lower(), form.lower()) else form
            forms[word.lower()].add(form.lower())
    for word in [word for word, found in forms.items() if word.replace("ß", "ss") in found - {word}]:
        forms[word.replace("ß", "ss")] |= forms.pop(word) | {word}  # as it is spelled since 1996
    return [" ".join((lemma, *sorted(found - {lemma}))) for lemma, found in sorted(forms.items())]


def no_typos(sections: dict[str, list[str]]) -> list[str]:
    """Words of these languages that would be taken for a slip in an English word."""
    common = lexicon().common
    near = common.union(word[:i] + word[i + 1 :] for word in common for i in range(len(word)))
    words = {word for found in sections.values() for line in found for word in line.split() if word.isascii()}
    close = (w for w in words if w in near or any(w[:i] + w[i + 1 :] in near for i in range(len(w))))
    found = []
    for word in close:
        if correction(word):
            found.append(word)
        synonyms._one_edit_away.cache_clear()  # noqa: SLF001 - a gigabyte otherwise
    return sorted(found)


def is_plural(code: str, lemma: str, form: str) -> bool:
    """Whether a form is one of number (and case), and no other thing."""
    plain = unicodedata.normalize("NFD", f"{lemma} {form}")
    plain = "".join(c for c in plain if not unicodedata.combining(c) or c == "\u0303")
    return code not in PLURALS or re.fullmatch(PLURALS[code], unicodedata.normalize("NFC", plain)) is not None


def main() -> None:
    """Write the file."""
    sections = {code: lines(code, verbs) for code, verbs in VERBS.items()}
    write("no_typos.txt.zst", "\n".join(no_typos(sections)))
    text = "".join(f"[{code}]\n" + "\n".join(found) + "\n" for code, found in sections.items())
    write("languages.txt.zst", text)
    for code, found in sections.items():
        print(f"{code}: {len(found)} words, {sum(line.count(' ') for line in found)} forms")


def write(name: str, text: str) -> None:
    """Write one file of data."""
    packed = compress(text.encode(), level=19)
    (DATA / name).write_bytes(packed)
    print(f"{name}: {len(packed):,} bytes")


if __name__ == "__main__":
    main()
