"""Build src/tagroll/tags/data/lexicon.txt.zst from Debian's WordNet and word lists.

    apt-get download wordnet-base wordnet-sense-index wamerican wamerican-large wbritish
    for deb in *.deb; do dpkg-deb -x "$deb" root; done
    python tools/make_lexicon.py root/usr/share

The file is UTF-8 text, compressed with zstandard, in sections (see `tagroll.tags.lexicon`), each made to be read
by one split:

    [synsets]    one noun synset a line: kind, hypernyms, instance of, parts (line numbers), word;word...
    [nouns]      words, small letters, spaces, sorted
    [meanings]   of each line of [nouns]: line number of a synset=percent of the word's uses, ...
    [antonyms]   word TAB word, of nouns, adjectives and verbs
    [adjectives] adjectives, hyphens as spaces, sorted
    [mainly]     those of them that are mostly used as one (sweet, marine), not as a noun (animal, model)
    [plurals]    irregular plural TAB singular
    [british]    British spelling TAB American spelling
    [common]     known words in everyday use, sorted
    [rare]       other known words
    [names]      words known only as names
"""

import argparse
import re
from collections import defaultdict
from pathlib import Path

from tagroll.zstd import compress

OUT = Path(__file__).parents[1] / "src/tagroll/tags/data/lexicon.txt.zst"
ABSTRACT_GROUPS = (
    "genus_",
    "family_",
    "order_",
    "class_",
    "subfamily_",
    "suborder_",
    "superfamily_",
    "phylum_",
)
BRITISH_RULES = (
    (r"our", "or"), (r"re(s?)$", r"er\1"), (r"is(e|es|ed|ing|er|ers|able|ation|ations|ational)$", r"iz\1"),
    (r"([aeiou][^aeiou]+[aeou])ll(ed|ing|or|ors|er|ers|ation|ations)$", r"\1l\2"), (r"tred$", "tered"),
    (r"ys(e|es|ed|ing|er|ers)$", r"yz\1"), (r"ogue(s?)$", r"og\1"), (r"ll", "l"), (r"l(ment|ful|fully)$",
    r"ll\1"), (r"pp(ed|ing|er|ers)$", r"p\1"), (r"ae(?!$)", "e"), (r"oe(?!s?$|d$)", "e"), (r"ence$", "ense"),
    (r"gramme(s?)$", r"gram\1"), (r"ough$", "ow"), (r"aer", "air"), (r"mould", "mold"), (r"sulph", "sulf"),
)  # fmt: skip
SAFE_RULES = (r"ae(?!$)", r"([aeiou][^aeiou]+[aeou])ll(ed|ing|or|ors|er|ers|ation|ations)$")
"""Rules that need no shared sense: what they make, if it is a word at all, is the same word."""
NOT_BRITISH = {
    "louvre",
    "louvres",
    "eagre",
    "enrollment",
    "fulfillment",
    "skullduggery",
    "thralldom",
    "willfulness",
}
MIN_SHARE = 0.3
Synset = tuple[str, list[int], list[int], list[int], list[str]]
"""Kind, hypernyms, classes it is an instance of, parts, words."""


def senses(folder: Path) -> dict[tuple[str, int], float]:
    """The share of each noun sense in a word's use: tagged counts, with a prior for the order of senses.

    The prior is flat enough that a word with several senses and no counts has no dominant one (seahorse:
    the walrus).
    """
    found: dict[str, list[tuple[int, int, int]]] = defaultdict(list)
    for line in (folder / "index.sense").read_text("ascii").splitlines():
        sense, offset, number, count = line.split()
        word, _, rest = sense.partition("%")
        if rest.startswith("1:"):
            found[word].append((int(number), int(offset), int(count)))
    shares = {}
    for word, rows in found.items():
        weights = {offset: count + 1 / number for number, offset, count in rows}
        total = sum(weights.values())
        shares |= {(word, offset): weight / total for offset, weight in weights.items()}
    return shares


def read_synsets(folder: Path) -> dict[int, Synset]:
    """Every noun synset but the scientific groups."""
    synsets: dict[int, Synset] = {}
    for line in (folder / "data.noun").read_text("ascii").splitlines():
        if line.startswith(" "):
            continue
        fields = line.split("|")[0].split()
        count = int(fields[3], 16)
        words = fields[4 : 4 + 2 * count : 2]
        if words[0].startswith(ABSTRACT_GROUPS):
            continue
        pointers = fields[4 + 2 * count + 1 :]
        related: dict[str, list[int]] = defaultdict(list)
        for kind, target in zip(pointers[::4], pointers[1::4], strict=True):
            related[kind].append(int(target))
        parts = related["%p"] + related["%m"] + related["%s"]
        synsets[int(fields[0])] = (fields[1], related["@"], related["@i"], parts, words)
    return synsets


def synset_lines(folder: Path) -> dict[str, list[str]]:
    """The sections [synsets], [nouns] and [meanings]."""
    shares = senses(folder)
    synsets = read_synsets(folder)
    number = {offset: i for i, offset in enumerate(synsets)}
    plain = str.maketrans("_-", "  ", "'.")
    meanings: dict[str, dict[int, int]] = defaultdict(dict)

    def ids(offsets: list[int]) -> str:
        return " ".join(str(number[o]) for o in offsets if o in number)

    lines = []
    for offset, (kind, up, instance_of, parts, words) in synsets.items():
        names = [word.lower().translate(plain) for word in words]
        for word, name in zip(words, names, strict=True):
            meanings[name][number[offset]] = round(100 * shares.get((word.lower(), offset), 0))
        lines.append("\t".join((kind, ids(up), ids(instance_of), ids(parts), ";".join(names))))
    nouns = sorted(meanings)
    rows = [" ".join(f"{s}={percent}" for s, percent in meanings[noun].items()) for noun in nouns]
    return {"synsets": lines, "nouns": nouns, "meanings": rows}


def antonym_lines(folder: Path) -> list[str]:
    """The section [antonyms]: direct ones, and those of the head an adjective is similar to."""
    pairs = set()
    for name in ("noun", "adj", "verb"):
        words, links = {}, []
        for line in (folder / f"data.{name}").read_text("ascii").splitlines():
            if line.startswith(" "):
                continue
            fields = line.split("|")[0].split()
            count = int(fields[3], base=16)
            words[int(fields[0])] = [re.sub(r"\(.*", "", w) for w in fields[4 : 4 + 2 * count : 2]]
            pointers = fields[4 + 2 * count + 1 : 4 + 2 * count + 1 + 4 * int(fields[4 + 2 * count])]
            links += [
                (int(fields[0]), int(target), *divmod(int(which, base=16), 256))
                for kind, target, which in zip(pointers[::4], pointers[1::4], pointers[3::4], strict=True)
                if kind == "!"
            ]
        for source, target, i, j in links:
            both = sorted((words[source][i - 1].lower(), words[target][j - 1].lower()))
            pairs.add("\t".join(both).replace("_", " "))
    return sorted(pairs)


def adjective_lines(folder: Path) -> dict[str, list[str]]:
    """The sections [adjectives] and [mainly], by how often each word was counted as which."""
    counts: dict[str, dict[str, int]] = defaultdict(lambda: {"noun": 0, "adjective": 0})
    adjectives = set()
    for line in (folder / "index.sense").read_text("ascii").splitlines():
        sense, _, _, count = line.split()
        word, _, rest = sense.replace("-", " ").partition("%")
        if rest[0] in "135":
            counts[word]["noun" if rest[0] == "1" else "adjective"] += int(count)
        if rest[0] in "35" and "_" not in word:
            adjectives.add(word)
    mainly = (word for word in adjectives if counts[word]["adjective"] > counts[word]["noun"])
    return {"adjectives": sorted(adjectives), "mainly": sorted(mainly)}


def word_list(path: Path) -> set[str]:
    """The words of a list, without possessives."""
    return {w for w in path.read_text("utf-8").split() if "'" not in w}


def british_lines(lists: Path, folder: Path) -> list[str]:
    """The section [british]: what a regular change turns into an American word.

    Only for words the American list has not, or that share a main sense with the changed word (theatre).
    """
    american, large, british = (
        word_list(lists / name) for name in ("american-english", "american-english-large", "british-english")
    )
    meanings: dict[str, set[int]] = defaultdict(set)
    for (word, offset), share in senses(folder).items():
        if share >= MIN_SHARE:
            meanings[word].add(offset)
    pairs: dict[str, str] = {}
    for word in sorted(w for w in british | large if w.islower() and w not in NOT_BRITISH):
        for pattern, replacement in BRITISH_RULES:
            changed = re.sub(pattern, replacement, word)
            british_only = word in british and word not in american and changed in american | large
            same = changed in american and (pattern in SAFE_RULES or meanings[word] & meanings[changed])
            if changed != word and (british_only or same):
                pairs[word] = changed
                break
    return [f"{word}\t{changed}" for word, changed in pairs.items() if changed not in pairs]


def known_words(small: set[str], everything: set[str], possessive: set[str]) -> dict[str, list[str]]:
    """The sections [common], [rare] and [names]. A name has a possessive and is no word in small letters."""
    found: dict[str, list[str]] = {"common": [], "rare": [], "names": []}
    for word in sorted({w.lower() for w in everything}):
        is_name = word not in everything and word.capitalize() in possessive
        is_common = word in everything and word in small
        found["common" if is_common else "names" if is_name else "rare"].append(word)
    return found


def main() -> None:
    """Write the file."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("share", type=Path, help="the usr/share of the unpacked packages")
    share = parser.parse_args().share
    wordnet, lists = share / "wordnet", share / "dict"
    american, large, british = (
        word_list(lists / name) for name in ("american-english", "american-english-large", "british-english")
    )
    possessive = {
        w.removesuffix("'s")
        for w in (lists / "american-english-large").read_text("utf-8").split()
        if w.endswith("'s")
    }
    plurals = [line.split()[:2] for line in (wordnet / "noun.exc").read_text("ascii").splitlines()]
    sections = {
        **synset_lines(wordnet),
        "antonyms": antonym_lines(wordnet),
        **adjective_lines(wordnet),
        "plurals": ["\t".join(p) for p in plurals if not {"-", "_"} & set("".join(p))],
        "british": british_lines(lists, wordnet),
        **known_words(american | british, american | large | british, possessive),
    }
    text = "".join(f"[{name}]\n" + "".join(f"{line}\n" for line in lines) for name, lines in sections.items())
    OUT.write_bytes(compress(text.encode(), level=22))
    for name, lines in sections.items():
        print(f"{name}: {len(lines)}")
    print(f"{OUT.name}: {OUT.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
