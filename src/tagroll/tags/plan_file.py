"""The plan as a file that a person edits: TOML, one merge a line."""

import json
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from tagroll.domain import plural
from tagroll.errors import UsageError, plainly
from tagroll.tags.merge import Merge

MARK = "# What becomes of the tags, one merge a line: the tag on the left becomes the word on the right."
"""The first line of every plan of ours: no other file is replaced by one."""
_HEAD = f"""\
{MARK}
# Delete a line to keep the two apart for good. Change the word on the right to prefer another one.
# Then: tagroll dedupe DIR --plan THIS_FILE --apply

# Under this name the catalog keeps what was proposed, to know which lines were deleted. Leave it as it is.
proposal = {{proposal}}

[merge]
"""


@dataclass(frozen=True, slots=True)
class EditedPlan:
    """What a person left of a plan, or wrote themselves.

    Attributes:
        merges: Tag -> the word it becomes, as the lines say.
        proposal: The name under which the catalog keeps what was proposed; "" where the file names none.
        proposed: Tag -> word, where the file itself still says what was proposed, as older ones do.
    """

    merges: Mapping[str, str]
    proposal: str = ""
    proposed: Mapping[str, str] = field(default_factory=dict)

    @property
    def into(self) -> dict[str, str]:
        """Tag -> the word it becomes, chains followed to their end, only for those that change.

        Raises:
            UsageError: The lines go in a circle.
        """
        ends = {tag: _end(tag, self.merges) for tag in self.merges}
        return {tag: word for tag, word in ends.items() if tag != word}

    def apart(self, proposed: Mapping[str, str]) -> frozenset[frozenset[str]]:
        """The pairs whose merge a person deleted.

        Args:
            proposed: Tag -> word, as the plan was before it was edited.
        """
        into = self.into
        deleted = set(proposed) - set(self.merges)
        groups: dict[str, set[str]] = {}
        for tag, word in proposed.items():
            groups.setdefault(word, {word}).add(tag)
        return frozenset(
            frozenset((tag, other))
            for tag in deleted
            for member in groups[proposed[tag]] - deleted
            for other in (member, into.get(member, member))
            if into.get(tag, tag) != into.get(other, other)
        )


def why(merge: Merge) -> str:
    """What speaks for a merge, in a few words."""
    via = f" through {merge.via}" if merge.via else ""
    cosine = "" if merge.cosine is None else f", cosine {merge.cosine:.2f}"
    share = merge.background_share
    rare = (
        ""
        if share is None
        else f" (as close: {share:.2%} of random pairs)"
        if share
        else " (no random pair is as close)"
    )
    return f"{merge.evidence}{via}{cosine}{rare if merge.cosine is not None else ''}"


def proposed_by(merges: Iterable[Merge], paths: Mapping[str, str]) -> dict[str, str]:
    """Tag -> the word or path that is proposed for it."""
    return {merge.tag: merge.into for merge in merges} | dict(paths)


def plan_text(merges: Sequence[Merge], paths: Mapping[str, str], proposal: str) -> str:
    """The file for these merges, and for words that are to be written as paths.

    Args:
        merges: What is proposed.
        paths: Tag -> the path that it, or the word it becomes, is to be written as.
        proposal: The name under which the catalog keeps what `proposed_by` says of these.
    """
    notes = {merge.tag: f"{plural(merge.photos, 'photo')}; {why(merge)}" for merge in merges}
    lines = (
        f"{_quoted(tag)} = {_quoted(word)}  # {' '.join(notes.get(tag, 'hierarchy').split())}\n"
        for tag, word in proposed_by(merges, paths).items()
    )
    return _HEAD.format(proposal=_quoted(proposal)) + "".join(lines)


def read_plan(text: str) -> EditedPlan:
    """What an edited plan says.

    Raises:
        UsageError: It is no TOML, or no plan, or goes in a circle.
    """
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(
            f"the plan cannot be read: {plainly(error)}", "Mend that line, or write the plan anew"
        ) from error
    plan = EditedPlan(_words(raw, "merge"), str(raw.get("proposal", "")), _words(raw, "proposed"))
    _ = plan.into  # a circle is said at once
    return plan


def _words(raw: Mapping[str, object], name: str) -> dict[str, str]:
    table = raw.get(name, {})
    if not isinstance(table, dict) or not all(isinstance(word, str) for word in table.values()):
        raise UsageError(
            f'the plan\'s part [{name}] is not made of lines like "Dslr" = "DSLR"',
            "Mend it, or write the plan anew",
        )
    return {str(tag): str(word) for tag, word in table.items()}


def _end(tag: str, merges: Mapping[str, str]) -> str:
    seen: Sequence[str] = [tag]
    word = merges[tag]
    while word in merges and merges[word] != word:
        if word in seen:
            raise UsageError(
                f"the plan goes in a circle: {' = '.join([*seen, word])}", "Delete one of these lines"
            )
        seen = [*seen, word]
        word = merges[word]
    return word


def _quoted(text: str) -> str:
    """A TOML basic string."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
