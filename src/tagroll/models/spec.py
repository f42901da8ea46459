"""Which model looks at photos, as any process or machine can find it by itself."""

from dataclasses import dataclass, field

from tagroll.models.choose import Model, choose_model
from tagroll.models.server.retry import Limits
from tagroll.settings import Settings


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """What is needed to open a model. It can be pickled; what is opened cannot.

    Attributes:
        settings: Say which backend, servers and model.
        limits: How many requests to a server at once, and how long to wait for it.
    """

    settings: Settings
    limits: Limits = field(default_factory=Limits)

    def open(self) -> Model:
        """Find the model here, and make it ready; close it after use, it is a context manager.

        Raises:
            ServerError: It cannot be used here.
            UsageError: What was named as a model file is none.
        """
        return choose_model(self.settings, self.limits)
