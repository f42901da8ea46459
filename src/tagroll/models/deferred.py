"""A model that is looked for when the first question is due: a run that has nothing to ask needs none."""

import threading
from collections.abc import Callable

from tagroll.domain import Describer, Description, Preview, Prompt

Found = Callable[[tuple[str, ...]], None]
"""Is told what the user should know about the choice."""


class DeferredDescriber:
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
    def actual(self) -> Describer:
        """The model that was found, or this one until then."""
        return self._found or self

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

    def ready(self) -> bool:
        """See that the model is there; whether it turns out to be another one than was thought before this call.

        Raises:
            ServerError: There is none, for every thread that asks.
        """
        before = self.model
        self._get()
        return self.model != before

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
