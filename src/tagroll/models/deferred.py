"""A model that is looked for when the first question is due: a run that has nothing to ask needs none."""

import threading
from collections.abc import Callable, Mapping

from tagroll.domain import Describer, Description, Preview, Prompt, Stats, Waiting

Found = Callable[[tuple[str, ...]], None]
"""Is told what the user should know about the choice."""


class DeferredDescriber(Describer):
    """Stands for a model until it has to be there. Safe to call from many threads.

    Args:
        name: What the model is called, as far as is known: kept answers are found under it.
        find: Finds the model, and what the user should know about the choice; called once.
        pending: What is asked first while it is found, and can be waited for and stopped.
    """

    def __init__(
        self, name: str, find: Callable[[], tuple[Describer, tuple[str, ...]]], pending: Describer
    ) -> None:
        self._name, self._find, self.pending = name, find, pending
        self._finding = threading.Lock()
        self._error: BaseException | None = None
        self._found: Describer | None = None
        self._notes: tuple[str, ...] = ()
        self._listeners: list[Found] = []

    @property
    def model(self) -> str:
        """The name of the model."""
        return self._found.model if self._found else self._name

    def when_found(self, do: Found) -> None:
        """Call something before the model is asked for the first time; at once where it was found already."""
        with self._finding:
            self._listeners.append(do)
            found = self._found
        if found:
            do(self._notes)

    @property
    def cache_name(self) -> str:
        """See Describer."""
        return self._found.cache_name if self._found else self._name

    @property
    def served_as(self) -> str:
        """See Describer."""
        return self._found.served_as if self._found else self._name

    @property
    def languages(self) -> tuple[str, ...]:
        """See Describer."""
        return self._found.languages if self._found else ()

    @property
    def names_only(self) -> bool:
        """See Describer."""
        return bool(self._found and self._found.names_only)

    @property
    def capacity(self) -> int:
        """See Describer."""
        return self.pending.capacity

    @property
    def stats(self) -> Stats:
        """See Describer."""
        return self._found.stats if self._found else Stats()

    @property
    def took(self) -> Mapping[str, int]:
        """See Describer."""
        return self.pending.took

    @property
    def waiting(self) -> Waiting | None:
        """See Describer."""
        return self.pending.waiting

    def news(self) -> tuple[str, ...]:
        """See Describer."""
        return self.pending.news()

    def turns_out_another(self, name: str) -> bool:
        """See Describer."""
        return self._get().cache_name != name

    def kept_name(self, answer: Description) -> str:
        """See Describer."""
        return self._get().kept_name(answer)

    def reread(self, kept: Description, prompt: Prompt) -> Description | None:
        """See Describer."""
        return self._found.reread(kept, prompt) if self._found else kept

    def stop(self) -> None:
        """See Describer."""
        self.pending.stop()

    def close(self) -> None:
        """See Describer."""
        self.pending.close()

    def describe(self, preview: Preview, prompt: Prompt) -> Description:
        """Describe one picture; see Describer."""
        return self._get().describe(preview, prompt)

    def _get(self) -> Describer:
        with self._finding:
            if self._error:
                raise self._error
            if self._found is None:
                try:
                    found, self._notes = self._find()
                except BaseException as error:
                    self._error = error
                    raise
                self._found = found
                for do in self._listeners:
                    do(self._notes)
            return self._found
