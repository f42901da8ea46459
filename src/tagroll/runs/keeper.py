"""The queue of what people want changed, by photo, and who works it off.

The catalog's lock is taken while there is something to write and let go a little later, so that other runs get their
turn; while one of them has it, edits wait. One thread, the keeper, holds the lock, begins and ends the runs and hands
photos to a few others. What waits for one photo is written together, in the run of the action that came last.
"""

import logging
import math
import threading
import time
from bisect import insort
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from itertools import takewhile
from pathlib import Path
from typing import Final

from tagroll.domain import Outcome, Status
from tagroll.errors import CatalogLockedError, TagrollError, plainly
from tagroll.runs.action import Action, Failure, PhotoEdit
from tagroll.runs.executors import WRITERS
from tagroll.runs.gallery import Gallery
from tagroll.runs.guard import guard
from tagroll.runs.run import Run, Workspace
from tagroll.runs.write_parts import effects_of, taking_back_values, taking_back_writes, write

log = logging.getLogger(__name__)

AHEAD: Final = 4 * WRITERS
"""Photos that are handed out at most: the writers have work while this thread tells how far it is."""
LINGER: Final = 2.0
"""Seconds for which the lock is held though there is nothing to write."""
RETRY: Final = 0.5
"""Seconds until the lock is tried again that another run has."""
TOLD_EVERY: Final = 0.1
"""Seconds between two reports of how far an action is."""
MOST_REMEMBERED: Final = 1000
"""Actions that can be undone by their number; older ones stand in the history."""
MOST_PHOTOS: Final = 250_000
"""Photos of all these actions together: of each it is remembered what it said before and after."""

Tell = Callable[[str, Mapping[str, object]], None]
"""Called with the name of an event and what there is to tell."""


class Keeper:
    """Works off what people want changed. Safe to use from many threads.

    Args:
        space: Opened without the lock.
        gallery: Which photos there are.
        tell: Called from other threads.
        changed: Called with photos that were written.

    Attributes:
        waiting: Why edits wait, or "".
    """

    def __init__(
        self, space: Workspace, gallery: Gallery, tell: Tell, changed: Callable[[Collection[Path]], None]
    ) -> None:
        self._space, self._gallery, self._tell, self._show = space, gallery, tell, changed
        self.waiting = ""
        self._news = threading.Condition()
        self._queue: dict[Path, list[PhotoEdit]] = {}
        self._busy: set[Path] = set()
        self._undos: list[Action] = []
        self._actions: dict[int, Action] = {}
        self._ended: list[Action] = []
        self._untold: dict[int, Action] = {}
        self._changed: set[Path] = set()
        self._told = 0.0
        self._recovered = False
        self._closing = False
        self._thread = threading.Thread(target=self._keep, name="tagroll-edits", daemon=True)
        self._thread.start()

    def action(self, number: int) -> Action:
        """The action of this number.

        Raises:
            KeyError: There is none, or it is long ago.
        """
        return self._actions[number]

    def actions(self) -> list[Action]:
        """All that are remembered, the oldest first."""
        with self._news:
            return list(self._actions.values())

    def put(self, action: Action, parts: Sequence[PhotoEdit]) -> int:
        """Queue an action; gives its number."""
        with self._news:
            self._remember(action)
            self._add(action, parts)
            self._news.notify_all()
        return action.number

    def undo(self, action: Action) -> int:
        """Queue an action that takes back another one, or the run that its first argument names; gives its number.

        What of the other one still waits is not done at all.
        """
        with self._news:
            if action.undoes:
                self._drop([action.undoes])
            self._remember(action)
            self._undos.append(action)
            self._news.notify_all()
        return action.number

    def close(self) -> int:
        """Finish all that is queued, and end; gives how many photos are left as another run has the catalog."""
        with self._news:
            self._closing = True
            self._news.notify_all()
        self._thread.join()
        return sum(map(len, self._queue.values()))

    def abandon(self) -> None:
        """Leave what nobody has begun to write."""
        with self._news:
            self._drop(list(self._actions.values()))
            self._undos.clear()
            self._news.notify_all()

    # the queue; whoever calls holds `_news` ---------------------------------------------------------------

    def _remember(self, action: Action) -> None:
        self._actions[action.number] = self._untold[action.number] = action
        photos = sum(len(one.effects) for one in self._actions.values())
        while len(self._actions) > 1 and (len(self._actions) > MOST_REMEMBERED or photos > MOST_PHOTOS):
            oldest = next(iter(self._actions.values()))
            if not oldest.finished:
                return
            photos -= len(oldest.effects)
            del self._actions[oldest.number]

    def _add(self, action: Action, parts: Sequence[PhotoEdit]) -> None:
        action.total = action.left = len(parts)
        for part in parts:
            insort(self._queue.setdefault(part.path, []), part, key=lambda part: part.action.number)
        if not parts:
            self._ended.append(action)

    def _drop(self, actions: Sequence[Action]) -> None:
        """Take out of the queue what of some actions still waits."""
        for path, parts in list(self._queue.items()):
            stay = [part for part in parts if part.action not in actions]
            for part in parts:
                if part.action in actions:
                    self._end(part, Outcome(path, Status.SKIPPED))
            if stay:
                self._queue[path] = stay
            else:
                del self._queue[path]

    def _end(self, part: PhotoEdit, outcome: Outcome) -> None:
        part.action.ended(part, outcome)
        self._untold[part.action.number] = part.action
        if not part.action.left:
            self._ended.append(part.action)

    # the keeper ------------------------------------------------------------------------------------------

    @property
    def _has_work(self) -> bool:
        return bool(self._queue or self._busy or self._undos or self._ended or self._untold)

    def _keep(self) -> None:
        """Work off the queue until the end; settle at once what an earlier server was cut off from."""
        while True:
            with self._news:
                self._news.wait_for(lambda: self._has_work or self._closing or not self._recovered)
                if self._closing and not self._has_work:
                    return
            try:
                with self._space.held():
                    self._say_waiting("")
                    self._work()
            except CatalogLockedError as error:
                if self._closing:
                    return
                self._say_waiting(error.message if self._has_work else "")
                self._finish_ended()
                self._report()
                time.sleep(RETRY)
            except TagrollError as error:
                log.exception("edits cannot be written")
                self._fail_all(error)
            except Exception as error:  # a mistake of ours; who edits next must not wait in vain
                log.exception("unexpected error while edits were written")
                self._fail_all(TagrollError(f"unexpected error in tagroll: {plainly(error)}"))
            self._recovered = True

    def _work(self) -> None:
        """Hand out photos until there was nothing to do for a while."""
        until = time.monotonic() + LINGER
        with ThreadPoolExecutor(WRITERS, thread_name_prefix="tagroll-write") as pool:
            while True:
                self._prepare_undos()
                while following := self._next():
                    if self._begun(*following):
                        pool.submit(self._do, *following)
                self._finish_ended()
                self._report()
                with self._news:
                    now = time.monotonic()
                    if self._has_work:
                        until = now + LINGER
                        self._news.wait(TOLD_EVERY)
                    elif self._closing or now >= until:
                        return
                    else:
                        self._news.wait(until - now)

    def _next(self) -> tuple[Path, list[PhotoEdit]] | None:
        """What is to be written next: all that can be written together for the first photo that nobody is at.

        What came after an undo waits until the parts of that are queued, too: else it would be taken back with the rest.
        """
        with self._news:
            before = min((undo.number for undo in self._undos), default=math.inf)
            free = ((path, parts[0]) for path, parts in self._queue.items() if path not in self._busy)
            path = next((path for path, first in free if first.action.number < before), None)
            if path is None or len(self._busy) >= AHEAD:
                return None
            self._busy.add(path)
            parts = self._queue.pop(path)
            together = list(takewhile(partial(parts[0].goes_with, before), parts)) or parts[:1]
            if rest := parts[len(together) :]:
                self._queue[path] = rest
            return path, together

    def _begun(self, path: Path, parts: Sequence[PhotoEdit]) -> bool:
        """See that the run is begun in which something is written; if that fails, so do its parts."""
        try:
            self._begin(parts[-1].action)
        except TagrollError as error:
            self._ended_with(path, parts, Outcome(path, Status.FAILED, error=error.message, hint=error.hint))
            return False
        return True

    def _begin(self, action: Action) -> Run:
        if action.run is None:
            action.run = action.resources.enter_context(
                self._space.begin(action.command, action.arguments, done=action.done_status)
            )
            if action.decides:
                action.run.decide(action.decides)
        return action.run

    def _finish_ended(self) -> None:
        """End the runs of actions that are done; one that came to nothing leaves no run behind."""
        with self._news:
            ended, self._ended = self._ended, []
        if ended:
            self._show_changed()
        for action in ended:
            try:
                self._end_run(action)
            except TagrollError as error:
                # what was written is written, and the next start settles the journal
                log.exception("the end of an action cannot be noted")
                action.failures.append(Failure.of(error))
            action.finished = True
            self._untold.pop(action.number, None)
            self._tell("edit", action.row())

    def _end_run(self, action: Action) -> None:
        if action.said:
            # without it, while another run has the catalog, what was said can only be taken back as long as we run
            with suppress(CatalogLockedError):
                self._space.catalog.verdicts.keep_said(self._begin(action).number, action.said)
        run = action.run
        action.resources.close()
        if run and not (run.tally.changed or action.failures or action.decides or action.said):
            self._space.catalog.runs.forget(run.number)
            action.run = None

    def _report(self) -> None:
        if time.monotonic() < self._told + TOLD_EVERY:
            return
        with self._news:
            untold, self._untold = self._untold, {}
        for action in untold.values():
            if not action.finished:
                self._tell("edit", action.row())
        self._show_changed()
        self._told = time.monotonic()

    def _show_changed(self) -> None:
        with self._news:
            changed, self._changed = self._changed, set()
        if changed:
            try:
                self._show(changed)
            except Exception:  # whatever it is: it is written, and the next look at the folders shows it
                log.exception("what was written cannot be shown")
            self._tell("library", {"generation": self._gallery.generation})

    def _say_waiting(self, reason: str) -> None:
        if reason != self.waiting:
            self.waiting = reason
            self._tell("waiting", {"reason": reason})

    def _fail_all(self, error: TagrollError) -> None:
        """Nothing can be written: all that waits has failed."""
        with self._news:
            for path, parts in self._queue.items():
                for part in parts:
                    self._end(part, Outcome(path, Status.FAILED, error=error.message, hint=error.hint))
            self._queue.clear()
            for action in self._undos:
                self._fail(action, error)
            self._undos.clear()
        self._finish_ended()

    def _fail(self, action: Action, error: TagrollError) -> None:
        action.failures.append(Failure.of(error))
        self._ended.append(action)

    # taking back -----------------------------------------------------------------------------------------

    def _prepare_undos(self) -> None:
        """Queue what takes back actions that have come to their end, in their order."""
        while True:
            with self._news:
                if not self._undos or not self._can_undo(self._undos[0]):
                    return
                action = self._undos.pop(0)
            try:
                parts = self._undo_parts(action)
            except TagrollError as error:
                with self._news:
                    self._fail(action, error)
                continue
            with self._news:
                self._add(action, parts)

    def _can_undo(self, undo: Action) -> bool:
        """Whether all that was wanted of its photos before it is written. The caller holds `_news`."""
        target = undo.undoes
        if target is None:
            return True
        waiting = (path for path, parts in self._queue.items() if parts[0].action.number < undo.number)
        return target.finished and target.effects.keys().isdisjoint({*self._busy, *waiting})

    def _undo_parts(self, action: Action) -> list[PhotoEdit]:
        """What takes an action or a run back: exactly, where its writes are the last of theirs; else by values.

        Raises:
            UsageError: There is nothing to take back.
        """
        target, roots = action.undoes, self._gallery.roots
        if target and target.shared:
            return taking_back_values(action, target.effects, roots)
        if target and target.run is None:
            return []
        run = target.run.number if target and target.run else int(action.arguments[0])
        catalog = self._space.catalog
        catalog.photos.settled()
        past = catalog.runs.at(run)
        if action.said and not catalog.journal.left(run):
            return []  # all that it did was to say something
        if past and past.command != "classify" and not catalog.journal.is_last(run):
            return taking_back_values(action, effects_of(self._space, action, run), roots)
        return taking_back_writes(self._space, action, self._begin)

    # writing ---------------------------------------------------------------------------------------------

    def _do(self, path: Path, parts: Sequence[PhotoEdit]) -> None:
        """Do what waits for one photo; in a thread."""
        run = parts[-1].action.run
        assert run  # noqa: S101 - see `_work`
        try:
            outcome = (
                parts[0].undo() if parts[0].undo else guard(path, partial(write, run, self._gallery, parts))
            )
        except TagrollError as error:  # the disk is full, or the catalog cannot be written
            outcome = Outcome(path, Status.FAILED, error=error.message, hint=error.hint)
        except Exception as error:
            log.exception("unexpected error with %s", path)
            outcome = Outcome(path, Status.FAILED, error=f"unexpected error in tagroll: {error}")
        self._ended_with(path, parts, outcome)

    def _ended_with(self, path: Path, parts: Sequence[PhotoEdit], outcome: Outcome) -> None:
        with self._news:
            self._busy.discard(path)
            if run := parts[-1].action.run:
                run.tally.add(outcome)
            if outcome.status.changed:
                self._changed.update((path, outcome.path))
            for part in parts:
                self._end(part, outcome)
            self._news.notify_all()
