"""What goes wrong between us and a server before it has answered."""

from typing import Literal


class WireError(Exception):
    """No answer.

    Attributes:
        kind: "down" nobody listens, "cut" the connection broke, "late" the time was up.
        hint: What the user can do about it, "" if nothing better is known than to start the server.
    """

    def __init__(self, kind: Literal["down", "cut", "late"], message: str, hint: str = "") -> None:
        super().__init__(message)
        self.kind, self.hint = kind, hint
