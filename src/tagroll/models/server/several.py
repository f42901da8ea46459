"""Several servers as one describer."""

import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from tagroll.domain import Describer, Description, Preview, Prompt, Stats, Waiting
from tagroll.errors import ServerError
from tagroll.models.server.concurrency import ElsewhereError
from tagroll.models.server.describer import ServerDescriber
from tagroll.models.server.outage import Tries

R = TypeVar("R")


class ManyDescriber(Describer):
    """Sends each picture to the server with the most room, and goes on without those that die.

    A picture that a server fails, or says nothing usable of, goes to another one first; a server in trouble gets one
    now and then, to see whether it is well again.

    Args:
        servers: One describer a server, at least one.
    """

    def __init__(self, servers: Sequence[ServerDescriber]) -> None:
        self._servers = tuple(servers)
        self._lock = threading.Lock()
        self._busy = dict.fromkeys(self._servers, 0)  # pictures at each server that is alive
        self._news: list[str] = []

    @property
    def model(self) -> str:
        """The model of the first server that is alive."""
        return next(iter(self._busy), self._servers[0]).model

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
        for server in self._servers:
            server.close()

    def stop(self) -> None:
        """The user stops the run; see ServerDescriber."""
        for server in self._servers:
            server.stop()

    def discover(self, *, sees: bool = True) -> tuple[str, ...]:
        """Find the servers and their models; one that has none is left out, and said so.

        Args:
            sees: See ServerDescriber.

        Raises:
            ServerError: No server can be used.
        """
        notes: list[str] = []
        for server in tuple(self._busy):
            try:
                notes += server.discover(sees=sees)
            except ServerError as error:
                self._drop_server(server, error)
                notes.append(error.message)
        return tuple(notes)

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
            server = self._take(failures)

            def elsewhere(server: ServerDescriber = server) -> bool:
                others = (other for other in tuple(self._busy) if other is not server)
                return any(other.is_well and failures[other] <= failures[server] for other in others)

            tries.elsewhere = elsewhere
            try:
                return ask(server, tries)
            except ElsewhereError:
                failures[server] += 1
            except ServerError as error:
                if self._drop_server(server, error):
                    self._news.append(f"{server.url} gets no more photos: {error.message}")
            finally:
                with self._lock:
                    if server in self._busy:
                        self._busy[server] -= 1

    def _take(self, failures: Counter[ServerDescriber]) -> ServerDescriber:
        """The server for a picture that these have failed: one that answers, then fewest failures, then most room."""
        with self._lock:
            server = max(
                self._busy, key=lambda one: (one.is_ready, -failures[one], one.at_once - self._busy[one])
            )
            self._busy[server] += 1
            return server

    def _drop_server(self, server: ServerDescriber, error: ServerError) -> bool:
        """Go on without a server; the last one stays, and says why it cannot go on. Whether this is the first to do so."""
        with self._lock:
            if self._busy.keys() <= {server}:
                raise error
            return self._busy.pop(server, None) is not None
