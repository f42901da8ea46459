"""The plan as a file that a person edits: TOML, one merge a line."""

import json
import tomllib
from collections.abc import Iterable, Mapping, Sequence

from tagroll.errors import UsageError
from tagroll.tags.merge import Merge

_HEAD = """\
# What becomes of the tags, one merge a line: the tag on the left becomes the word on the right.
# Delete a line to keep the two apart for good. Change the word on the right to prefer another one.
# Then: tagroll dedupe DIR --plan THIS_FILE --apply

[merge]
"""
_TAIL = """
# What was proposed, to know which lines were deleted. Leave this part as it is.
[proposed]
"""


def why(merge: Merge) -> str:
    """What speaks for a merge, in a few words."""
    via = f" through {merge.via}" if merge.via else ""
    cosine = "" if merge.cosine is None else f", cosine {merge.cosine:.2f}"
    share = merge.unusual
    rare = (
        ""
        if share is None
        else f" (as close: {share:.2%} of random pairs)"
        if share
        else " (no random pair is as close)"
    )
    return f"{merge.evidence}{via}{cosine}{rare if merge.cosine is not None else ''}"


def plan_text(merges: Iterable[Merge], paths: Mapping[str, str]) -> str:
    """The file for these merges, and for words that are to be written as paths."""
    lines, proposed = [], []
    for merge in merges:
        word = paths.get(merge.tag, merge.into)
        photos = f"{merge.photos:,} photo{'' if merge.photos == 1 else 's'}"
        note = " ".join(f"{photos}; {why(merge)}".split())
        lines.append(f"{_quoted(merge.tag)} = {_quoted(word)}  # {note}")
        proposed.append(f"{_quoted(merge.tag)} = {_quoted(word)}")
    merged = {merge.tag for merge in merges}
    for tag, path in paths.items():
        if tag not in merged:
            lines.append(f"{_quoted(tag)} = {_quoted(path)}  # hierarchy")
            proposed.append(f"{_quoted(tag)} = {_quoted(path)}")
    return _HEAD + "\n".join(lines) + "\n" + _TAIL + "\n".join(proposed) + "\n"


def read_plan(text: str) -> tuple[dict[str, str], frozenset[frozenset[str]]]:
    """What an edited plan says.

    Returns:
        Tag -> the word it becomes, chains followed to their end; and the pairs whose merge was deleted.

    Raises:
        UsageError: It is no TOML, or no plan, or goes in a circle.
    """
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(
            f"the plan cannot be read: {error}", "Mend that line, or write the plan anew."
        ) from error
    merges, proposed = (_words(raw, name) for name in ("merge", "proposed"))
    into = {tag: _end(tag, merges) for tag in merges}
    deleted = {tag: word for tag, word in proposed.items() if tag not in merges}
    groups: dict[str, set[str]] = {}
    for tag, word in proposed.items():
        groups.setdefault(word, {word}).add(tag)
    pairs = {
        frozenset((tag, other)) for tag, word in deleted.items() for other in groups[word] - set(deleted)
    }
    return {tag: word for tag, word in into.items() if tag != word}, frozenset(pairs)


def _words(raw: Mapping[str, object], name: str) -> dict[str, str]:
    table = raw.get(name, {})
    if not isinstance(table, dict) or not all(isinstance(word, str) for word in table.values()):
        raise UsageError(
            f'the plan\'s part [{name}] is not made of lines like "Dslr" = "DSLR"',
            "Mend it, or write the plan anew.",
        )
    return {str(tag): str(word) for tag, word in table.items()}


def _end(tag: str, merges: Mapping[str, str]) -> str:
    seen: Sequence[str] = [tag]
    word = merges[tag]
    while word in merges and merges[word] != word:
        if word in seen:
            raise UsageError(
                f"the plan goes in a circle: {' = '.join([*seen, word])}", "Delete one of these lines."
            )
        seen = [*seen, word]
        word = merges[word]
    return word


def _quoted(text: str) -> str:
    """A TOML basic string."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
