"""What people want changed while a face is open: each thing they do is an action, and can be undone."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path

from tagroll.catalog import TagVerdict
from tagroll.domain import Decide, Outcome, Status
from tagroll.errors import PhotoError, UsageError
from tagroll.runs.action import CAPTIONS, Action, Failure, PhotoEdit, edited, label_of
from tagroll.runs.gallery import Gallery
from tagroll.runs.keeper import Keeper, Tell
from tagroll.runs.review import Review
from tagroll.runs.rewrite import REMOVED, change_for, check_words
from tagroll.runs.run import Workspace
from tagroll.runs.undo import choose_run
from tagroll.tags.identity import word_of


class Editing:
    """Changes photos for people. Safe to use from many threads.

    Args:
        space: Opened without the lock.
        gallery: Which photos there are; it is told what has changed.
        review: Likewise.
        tell: Called from other threads with what there is to tell: events "edit", "library" and "waiting".
    """

    def __init__(self, space: Workspace, gallery: Gallery, review: Review, tell: Tell) -> None:
        self._space, self._gallery, self._review = space, gallery, review
        self._keeper = Keeper(space, gallery, tell, self._changed)

    @property
    def waiting(self) -> str:
        """Why edits wait, or ""."""
        return self._keeper.waiting

    def edit(
        self,
        numbers: Sequence[int],
        add: Sequence[str] = (),
        remove: Sequence[str] = (),
        captions: Mapping[str, str] | None = None,
    ) -> int:
        """Give photos tags, take some away, set captions; gives the number of the action.

        Raises:
            UsageError: There is nothing to do, or a text cannot be a tag.
        """
        captions = captions or {}
        check_words(add)
        if unknown := captions.keys() - CAPTIONS:
            raise UsageError(
                f"there is no {min(unknown)} to set", f"These can be set: {', '.join(sorted(CAPTIONS))}"
            )
        label = label_of(add, remove, captions)
        if not numbers or not label:
            raise UsageError("there is nothing to do", "Name photos, and tags to add or remove")
        action = self._action(label)
        decide = edited(tuple(add), tuple(remove), dict(captions))
        return self._keeper.put(action, self._parts(action, dict.fromkeys(numbers, decide)))

    def judge(self, verdicts: Sequence[tuple[int, str, bool]]) -> int:
        """Say yes or no to proposals: photo, tag, yes. A yes gives the tag; gives the number of the action."""
        for _, tag, _ in verdicts:
            check_words([tag])
        if not verdicts:
            raise UsageError("there is nothing to do", "Name photos and tags")
        tags = dict.fromkeys(("+" if yes else "no ") + tag for _, tag, yes in verdicts)
        action = self._action(", ".join(tags))
        wanted: dict[int, list[str]] = {}
        for number, tag, yes in verdicts:
            if yes:
                wanted.setdefault(number, []).append(tag)
        parts = self._parts(action, {number: edited(tags, (), {}) for number, tags in wanted.items()})
        self._reject(action, [(number, tag) for number, tag, yes in verdicts if not yes])
        return self._keeper.put(action, parts)

    def retag(self, numbers: Sequence[int], mapping: Mapping[str, str], label: str) -> int:
        """Make tags other ones in these photos, or take them away (REMOVED); gives the number of the action.

        Raises:
            UsageError: A text cannot be a tag, or there is no photo.
        """
        check_words(word for word in mapping.values() if word)
        if not numbers:
            raise UsageError("no photo has the tag", "Look at the list of tags: letter case matters")
        becomes = {tag: word for tag, word in mapping.items() if word != REMOVED}
        action = self._action(label, by_person=not becomes, decides=becomes)
        decides = dict.fromkeys(numbers, lambda metadata: change_for(metadata, mapping))
        return self._keeper.put(action, self._parts(action, decides))

    def merge(self, tag: str, into: str) -> int:
        """Make a tag another one in all photos, and for good; gives the number of the action.

        Raises:
            UsageError: A text cannot be a tag, or no photo has it.
        """
        word = self._space.catalog.decisions.merges().get(
            into, into
        )  # it may have gone itself since it was proposed
        if word == tag:
            raise UsageError(f"{into} has become {tag} already", "Load the page again")
        return self.retag(self._gallery.carrying([tag]), {tag: word}, f"{tag} → {word}")

    def keep_apart(self, tags: Collection[str], *, apart: bool) -> None:
        """Keep two tags apart for good, or no longer. Returns when that is on disk.

        Raises:
            UsageError: A text cannot be a tag, or these are not two.
        """
        check_words(tags)
        if len(set(tags)) != 2:
            raise UsageError("two tags are needed")
        decisions = self._space.catalog.decisions
        if apart:
            decisions.decide({}, [tags])
        else:
            decisions.forget_apart(tags)

    def undo(self, number: int) -> int:
        """Take an action back, what of it still waits as well; gives the number of the action that does it.

        Raises:
            KeyError: There is no such action.
        """
        target = self._keeper.action(number)
        undo = Action(target.label, (), command="undo", undoes=target, done_status=Status.RESTORED)
        said, target.said = target.said, {}
        self._unsay(undo, said, target.run.number if target.run else None)
        return self._keeper.undo(undo)

    def undo_run(self, run: int) -> int:
        """Take a run of the history back; gives the number of the action that does it.

        Raises:
            UsageError: There is no such run, or nothing of it to take back.
        """
        for action in self._keeper.actions():
            if action.run and action.run.number == run and action.command != "undo":
                return self.undo(action.number)
        chosen = choose_run(self._space.catalog, run)
        label = chosen.arguments[-1] if chosen.command == "serve" else f"{chosen.command} ({run})"
        undo = Action(label, (str(run),), command="undo", done_status=Status.RESTORED)
        self._unsay(undo, self._space.catalog.verdicts.said_by(run), run)
        return self._keeper.undo(undo)

    def state(self, number: int) -> dict[str, object] | None:
        """How far an action is; None for none."""
        try:
            return self._keeper.action(number).row()
        except KeyError:
            return None

    def under_way(self) -> list[dict[str, object]]:
        """The actions that are not finished."""
        return [action.row() for action in self._keeper.actions() if not action.finished]

    def close(self) -> int:
        """Finish what is on its way and end; gives how many photos are left because another run has the catalog."""
        return self._keeper.close()

    def abandon(self) -> None:
        """Leave what nobody has begun to write."""
        self._keeper.abandon()

    def _action(
        self, label: str, *, by_person: bool = True, decides: Mapping[str, str] | None = None
    ) -> Action:
        arguments = (*map(str, self._gallery.roots), label)
        return Action(label, arguments, by_person=by_person, decides=decides or {})

    def _parts(self, action: Action, wanted: Mapping[int, Decide]) -> list[PhotoEdit]:
        """What is wanted of each photo; one that is not there any more fails alone.

        Raises:
            UsageError: None of them is there.
        """
        found = {number: self._gallery.path(number) for number in wanted}
        if found and not any(found.values()):
            raise UsageError("there is no such photo", "Load the page again")
        action.failures += [_gone(number) for number, path in found.items() if path is None]
        return [PhotoEdit(action, path, number, wanted[number]) for number, path in found.items() if path]

    def _reject(self, action: Action, pairs: Sequence[tuple[int, str]]) -> None:
        """Keep that tags are wrong for pictures, and in the action what was said of these before."""
        verdicts: list[TagVerdict] = []
        for number, tag in pairs:
            shown = self._gallery.shown(number)
            try:
                picture = (shown and shown.picture_hash) or self._space.picture_now(
                    self._gallery.photo(number)
                )
            except PhotoError as error:
                path = shown.path if shown else Path(f"photo {number}")
                action.failures.append(
                    Failure(number, Outcome(path, Status.FAILED, error=error.message, hint=error.hint))
                )
                continue
            verdicts.append(TagVerdict(picture, word_of(tag), yes=False))
        action.said = self._said((one.picture, one.word) for one in verdicts)
        self._space.catalog.verdicts.say(verdicts)
        self._review.judged([number for number, _ in pairs])

    def _said(self, keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], TagVerdict | None]:
        """What is only said of words of pictures now."""
        of = cache(self._space.catalog.verdicts.of)
        return {
            (picture, word): next((one for one in of(picture) if one.word == word and one.run is None), None)
            for picture, word in keys
        }

    def _unsay(
        self, undo: Action, before: Mapping[tuple[str, str], TagVerdict | None], run: int | None
    ) -> None:
        """Take back what was only said, and keep in the action that does it what is said now."""
        if before:
            undo.said = self._said(before)
            self._space.catalog.verdicts.unsay(before, run)
            index = self._space.catalog.photos
            paths = [
                row.path for picture in {key[0] for key in before} for row in index.with_picture(picture)
            ]
            self._review.judged([row.id for row in index.shown_at(paths)])

    def _changed(self, paths: Collection[Path]) -> None:
        """Show what was written."""
        self._gallery.changed(paths)
        self._review.judged([row.id for row in self._space.catalog.photos.shown_at(list(paths))])


def _gone(number: int) -> Failure:
    path = Path(f"photo {number}")  # nobody knows its name any more
    return Failure(
        number,
        Outcome(path, Status.FAILED, error="is not there any more", hint="Load the page again"),
    )
