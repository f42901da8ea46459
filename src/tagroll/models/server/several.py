"""Several servers as one describer."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from typing import TypeVar

from tagroll.domain import Describer, Description, Preview, Prompt, Stats, Waiting
from tagroll.errors import ServerError, StoppedError
from tagroll.models.server.concurrency import ElsewhereError
from tagroll.models.server.describer import ServerDescriber
from tagroll.models.server.discovery import is_same_model
from tagroll.models.server.outage import Tries

R = TypeVar("R")
RETURN_SECONDS = 60.0
"""So often it is looked whether a server that could not be used at the start can be now."""
ENDING = 0.85
"""With less than this share of the pictures that were here at once before, the run comes to its end."""
RECENT = 0.2
"""What the last answer counts for in how long a server takes."""


MIXED_HINT = "Give --model for each of them, in the order of --api-url, or one that all of them have"


def are_one_model(names: Sequence[str]) -> bool:
    """Whether these names of models are, or may well be, of one and the same."""
    return all(is_same_model(name, names[0]) for name in names)


class ManyDescriber(Describer):
    """Sends each picture to the quickest server that has room, and goes on without those that die.

    Pictures wait here until a server has room; the last ones are left to the quicker servers, if these are done with
    all that wait before a slower one would be with one. A picture that a server fails, or says nothing usable of, goes
    to another one first; a server in trouble gets one now and then, to see whether it is well again.

    Args:
        servers: One describer a server, at least one.
        models: What was named for each, so that they may differ; none where all have the same.
    """

    def __init__(self, servers: Sequence[ServerDescriber], models: Sequence[str] = ()) -> None:
        self._servers = tuple(servers)
        self._mixed = " + ".join(dict.fromkeys(models))
        self._lock = threading.Lock()
        self._room = threading.Condition(self._lock)
        self._busy = dict.fromkeys(self._servers, 0)  # pictures at each server that is alive
        # that a picture takes there; 0 while that is not known
        self._seconds = dict.fromkeys(self._servers, 0.0)
        self._queue = 0  # pictures that wait for room
        self._most = 0  # pictures that were here at once
        self._stopped = False
        self._away: dict[ServerDescriber, float] = {}  # could not be used at the start; when to look again
        self._news: list[str] = []

    @property
    def model(self) -> str:
        """The model of the first server that is alive; all that were named, where they differ."""
        return self._mixed or next(iter(self._busy), self._servers[0]).model

    def kept_name(self, answer: Description) -> str:
        """See Describer: one name, or what one server said would be asked of another the next time."""
        is_ours = self._mixed or is_same_model(answer.model, self.model)
        return self.model if is_ours else answer.model

    @property
    def served_as(self) -> str:
        """See Describer."""
        return self.model

    @property
    def stats(self) -> Stats:
        """What the answers of all servers have cost so far."""
        total = Stats()
        for server in self._servers:
            total += server.stats
        return total

    @property
    def capacity(self) -> int:
        """How many threads can be of use."""
        return sum(server.capacity for server in self._servers)

    @property
    def took(self) -> Mapping[str, int]:
        """See Describer."""
        return {place: at_once for server in self._servers for place, at_once in server.took.items()}

    @property
    def waiting(self) -> Waiting | None:
        """What is waited for, if no server answers."""
        waits = [server.waiting for server in tuple(self._busy)]
        told = [wait for wait in waits if wait]
        return max(told, key=lambda wait: wait.seconds) if told and len(told) == len(waits) else None

    def news(self) -> tuple[str, ...]:
        """What the user should know since this was asked last, a sentence each."""
        with self._lock:
            own, self._news = self._news, []
        return (*own, *(news for server in self._servers for news in server.news()))

    def close(self) -> None:
        """Stop all."""
        self._end()
        for server in self._servers:
            server.close()

    def stop(self) -> None:
        """The user stops the run; see ServerDescriber."""
        self._end()
        for server in self._servers:
            server.stop()

    def _end(self) -> None:
        with self._lock:
            self._stopped = True
            self._room.notify_all()

    def discover(self, *, sees: bool = True) -> tuple[str, ...]:
        """Find the servers and their models; one that has none is left out, and said so.

        Args:
            sees: See ServerDescriber.

        Raises:
            ServerError: No server can be used, or they have different models, and it was not said which to take.
        """
        notes: list[str] = []
        for server in tuple(self._busy):
            try:
                notes += server.discover(sees=sees)
            except ServerError as error:
                self._drop_server(server, error)
                self._away[server] = time.monotonic() + RETURN_SECONDS
                notes.append(f"{error.message}; the others go on, and it is looked for again")
        if not (self._mixed or are_one_model([server.model for server in self._busy])):
            found = ", ".join(f"{server.model} at {server.url}" for server in self._busy)
            raise ServerError(f"the servers have different models: {found}", MIXED_HINT)
        return tuple(notes)

    def _look_again(self) -> None:
        """See whether a server that could not be used can be now; one thread does."""
        now = time.monotonic()
        with self._lock:
            server = next((one for one, due in self._away.items() if now >= due), None)
            if server:
                self._away[server] = now + RETURN_SECONDS
        if server:
            with suppress(ServerError):
                server.discover()
                self._join(server)

    def _join(self, server: ServerDescriber) -> None:
        """Give a server photos that is there now."""
        with self._lock:
            if self._away.pop(server, None) and (self._mixed or are_one_model((server.model, self.model))):
                self._busy[server] = 0
                self._news.append(f"{server.url} is there now, and gets photos too")
                self._room.notify_all()

    def describe(self, preview: Preview, prompt: Prompt) -> Description:
        """Describe one picture; see ServerDescriber.

        Raises:
            ServerError: No server can be used any more.
        """
        return self._asked(lambda server, tries: server.describe(preview, prompt, tries))

    def answer(self, prompt: Prompt) -> str:
        """Get an answer to words alone; see ServerDescriber.

        Raises:
            ServerError: No server can be used any more.
        """
        return self._asked(lambda server, tries: server.answer(prompt, tries))

    def _asked(self, ask: Callable[[ServerDescriber, Tries], R]) -> R:
        """What the first server says that can say something."""
        tries, failures = Tries(), Counter[ServerDescriber]()
        while True:
            if self._away:
                self._look_again()
            server, began = self._take(failures), time.monotonic()

            def elsewhere(server: ServerDescriber = server) -> bool:
                others = (other for other in tuple(self._busy) if other is not server)
                return any(other.is_well and failures[other] <= failures[server] for other in others)

            tries.elsewhere = elsewhere
            try:
                said = ask(server, tries)
            except ElsewhereError:
                failures[server] += 1
            except ServerError as error:
                if self._drop_server(server, error):
                    self._news.append(f"{server.url} gets no more photos: {error.message}")
            else:
                self._note_seconds(server, time.monotonic() - began)
                return said
            finally:
                with self._lock:
                    if server in self._busy:
                        self._busy[server] -= 1
                        self._room.notify(max(server.at_once - self._busy[server], 1))

    def _note_seconds(self, server: ServerDescriber, seconds: float) -> None:
        before = self._seconds[server] or seconds
        self._seconds[server] = before + RECENT * (seconds - before)

    @property
    def _here(self) -> int:
        """Pictures that wait, or are at a server."""
        return self._queue + sum(self._busy.values())

    def _take(self, failures: Counter[ServerDescriber]) -> ServerDescriber:
        """Wait for the server that had better get a picture which these have failed.

        Raises:
            StoppedError: The run is being stopped.
        """
        with self._lock:
            self._queue += 1
            self._most = max(self._most, self._here)
            try:
                while (server := self._chosen(failures)) is None:
                    self._room.wait(1.0)  # by then one may be ready to be tried again
            finally:
                self._queue -= 1
            self._busy[server] += 1
            return server

    def _chosen(self, failures: Counter[ServerDescriber]) -> ServerDescriber | None:
        """Of those that answer the ones that failed it least, of these the quickest with room; None: wait for it."""
        if self._stopped:
            raise StoppedError("the run was stopped")
        ready = [server for server in self._busy if server.is_ready]
        if not ready:  # whom it waits for, and how long, is a server's own affair
            return min(self._busy, key=lambda one: (failures[one], self._busy[one] - one.at_once))
        least = min(failures[server] for server in ready)
        ready = [server for server in ready if failures[server] == least]
        free = [server for server in ready if self._busy[server] < server.at_once]
        best = min(free, key=self._seconds.__getitem__, default=None)
        return None if best and self._is_quicker_without(best, ready) else best

    def _is_quicker_without(self, slow: ServerDescriber, ready: Collection[ServerDescriber]) -> bool:
        """Whether quicker servers, which are all busy, are done with all that wait before a slow one is with one."""
        if self._here > ENDING * self._most:
            return False  # as many as there are threads: more will come
        quicker = [server for server in ready if self._seconds[server] < self._seconds[slow]]
        rate = sum(server.at_once / max(self._seconds[server], 0.001) for server in quicker)
        least = min(map(self._seconds.__getitem__, quicker), default=0.0)
        return bool(quicker) and self._queue / rate + least < self._seconds[slow]

    def _drop_server(self, server: ServerDescriber, error: ServerError) -> bool:
        """Go on without a server; the last one stays, and says why it cannot go on. Whether this is the first to do so."""
        with self._lock:
            if self._busy.keys() <= {server}:
                raise error
            self._room.notify_all()
            return self._busy.pop(server, None) is not None
