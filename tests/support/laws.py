"""How many examples a law is tried on."""

from typing import Any

from hypothesis import settings


def examples(of_hundred: int, **more: Any) -> settings:
    """So many where the profile has a hundred: fewer for a law that is dear to try, more for one that fails rarely."""
    return settings(max_examples=settings().max_examples * of_hundred // 100, **more)
