"""The form of a question that a server takes: learned from what it refuses, while it has answered nothing yet."""

import threading
from collections.abc import Callable

from tagroll.models.server.refusal import fewer_switches, no_switches

TRIALS = 3
"""So many photos at most for finding out whether a server that says nothing dislikes a part of the question."""


class Forms:
    """The optional parts of a question that go with it. For many threads.

    Args:
        now: Those that the server may take.

    Attributes:
        now: Those that the server is thought to take.
        is_known: Whether a question with them was answered.
    """

    def __init__(self, now: frozenset[str]) -> None:
        self.now, self.is_known = now, False
        self._trials = 0
        self._trying = threading.Lock()

    def answered(self, switches: frozenset[str]) -> None:
        """A question with these was answered: what was left away stays away."""
        with self._trying:
            self.now &= switches
            self.is_known = True

    def find(
        self, switches: frozenset[str], answers: Callable[[frozenset[str]], bool]
    ) -> frozenset[str] | None:
        """A form that the server answers, after it refused a question or fell over it without a word of why.

        The plainest question comes first: if it is not answered either, it is not for the form. One thread tries,
        the others take what it finds.

        Args:
            switches: Those of the question that was refused.
            answers: Asks with other ones, and says whether there was an answer.

        Returns:
            None if there is none, or enough was tried.
        """
        with self._trying:
            if not switches <= self.now:
                return self.now & switches
            if self._trials >= TRIALS:
                return None
            self._trials += 1
            plain = no_switches(switches)
            if plain == switches or not answers(plain) or answers(switches):  # or it was a passing trouble
                return None
            self.now &= next((form for form in fewer_switches(switches) if answers(form)), plain)
            return self.now
