"""What a model server has done so far."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Stats:
    """What the answers have cost so far.

    Attributes:
        answers: How many there were, second tries included.
        seconds: What they took, from sending to receiving, added up over all threads.
        prompt_tokens: As the server counted.
        completion_tokens: Likewise.
    """

    answers: int = 0
    seconds: float = 0.0
    prompt_tokens: int = 0
    completion_tokens: int = 0

    def __add__(self, other: "Stats") -> "Stats":
        return Stats(
            self.answers + other.answers,
            self.seconds + other.seconds,
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
        )

    @property
    def seconds_per_answer(self) -> float:
        """Mean time of an answer."""
        return self.seconds / self.answers if self.answers else 0.0
