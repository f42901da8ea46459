"""How many questions to a model at once, and how long to wait: for the faces, which know no models."""

from tagroll.models.server.retry import Limits

__all__ = ["Limits"]
