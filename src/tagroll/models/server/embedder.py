"""Embeddings from an OpenAI-compatible server: POST /v1/embeddings.

As with pictures, the best form is asked for, and what a server refuses is left away from then on.
"""

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from tagroll.errors import PhotoError, ServerError
from tagroll.models.server.http import VECTORS_BYTES, Answer, Wire
from tagroll.models.server.outage import Tries, Trouble
from tagroll.models.server.refusal import Refusal, may_pass, refusal_of
from tagroll.models.server.retry import NOT_RUNNING, SLOW, Channel, Limits, is_too_much
from tagroll.models.server.vectors import SHAPE_HINT, read_vectors

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from tagroll.domain import Waiting

    Vectors = np.ndarray[tuple[int, int], np.dtype[np.float32]]

_NOMIC_PREFIX = "clustering: "
"""nomic-embed-text was trained with a task before each text; this is the one for grouping (its model card)."""
_WITHOUT = "or leave --embedding-url away for the built-in embedder"
_HINT = f"Start the server and load an embedding model, {_WITHOUT}"
_FORMS = ((True, True), (False, True), (False, False))
"""Whether the number format is named, and whether texts go as a list: what is tried, one after the other."""
_ABOUT_THE_FORM = {Refusal.OTHER, Refusal.BROKEN, Refusal.CONTEXT, Refusal.SIZE, Refusal.BLIND}
"""Refusals that another form or fewer texts may mend."""
_TOO_MANY = re.compile(r"\b(batch|too (large|big|long|many)|max\w*|exceed\w*|at most|larger|limit\w*)\b")
_AT_MOST = re.compile(
    r"(?:\bmax\w*|\blimit\w*|larger than|more than|greater than|at most|up to|exceed\w*)\D{0,40}?(\d+)"
)


class ServerEmbedder:
    """Embeds texts with a model server.

    Args:
        url: Where it is, with or without /v1.
        model: The model's name there.
        api_key: Its key, if it has one; appears in no message.
        batch_size: Texts a request, at most; fewer where the server takes fewer.
        patience: Seconds to wait for a server that has gone to come back.

    Attributes:
        model: The model's name, as it goes into the catalog.
        unusable: Texts the model has no vector for (NaN or zero); their rows are zero, similar to nothing.

    Raises:
        UsageError: The URL or the key cannot be one.
    """

    def __init__(
        self,
        url: str,
        model: str,
        *,
        api_key: str | None = None,
        batch_size: int = 100,
        patience: float = 60.0,
    ) -> None:
        self.model = model
        self.unusable: list[str] = []
        self._prefix = _NOMIC_PREFIX if "nomic" in model.lower() else ""
        self._wire = Wire(url, api_key)
        self._limits = Limits(jobs=1, outage=patience)
        # A server that is not there is not waited for, one that loads its model is.
        self._channel = self._opened(replace(self._limits, outage=0))
        self._batch_size = batch_size
        self._form = _FORMS[0]
        self._sample: Vectors | None = None

    def _opened(self, limits: Limits) -> Channel:
        return Channel(self._wire, limits, "embeddings", most=VECTORS_BYTES)

    @property
    def waiting(self) -> "Waiting | None":
        """What is waited for longer than usual, or None."""
        return self._channel.waiting()

    def stop(self) -> None:
        """The user stops the run: who waits gets a StoppedError, an answer on its way gets a little time."""
        self._channel.stop()

    def close(self) -> None:
        """Close the connections."""
        self._wire.close()

    def check(self) -> "Vectors":
        """See whether the server gives vectors at all, before anything else is done; asks once.

        Finds out where the endpoint is and which form of question the server takes.

        Returns:
            The vector of one text, always the same, shape (1, d).

        Raises:
            ServerError: It does not.
        """
        if self._sample is None:
            self._sample = self._unit_rows(["photo"], self._first(["photo"]))
            if not self._form[1]:
                self._batch_size = 1
            self._channel.limits = self._limits
        return self._sample

    def embed(self, texts: "Sequence[str]") -> "Vectors":
        """Embed texts.

        Returns:
            Float32 rows of length 1 (or 0, see `unusable`) in the order of the texts, shape (len(texts), d).

        Raises:
            ServerError: The server is gone, or its answers cannot be used.
            StoppedError: The run is being stopped.
        """
        import numpy as np

        if texts:
            self.check()
        rows: list[Vectors] = []
        done = 0
        while done < len(texts):
            batch = texts[done : done + self._batch_size]
            answer = self._ask(batch)
            if answer.is_refusal:
                self._batch_size = self._fewer(answer, len(batch))
                continue
            rows.append(self._unit_rows(batch, answer))
            done += len(batch)
            if rows[-1].shape[1] != rows[0].shape[1]:
                raise ServerError(f"{self.model} changed the length of its vectors", SHAPE_HINT)
        return np.concatenate(rows) if rows else np.empty((0, 0), np.float32)

    def _first(self, texts: "Sequence[str]") -> Answer:
        """Ask for the first time, at each place where the endpoint may be, then in each form, until one works."""
        answer = first = self._found(texts)
        for form in _FORMS[1:]:
            if not answer.is_refusal or refusal_of(answer, self.model) not in _ABOUT_THE_FORM:
                break
            self._form = form
            answer = self._ask(texts)
        if answer.is_refusal or answer.is_page:
            about_form = refusal_of(answer, self.model) in _ABOUT_THE_FORM
            raise self._refusal(first if about_form else answer)
        return answer

    def _found(self, texts: "Sequence[str]") -> Answer:
        """The answer from where the endpoint is."""
        bases = self._wire.address.bases
        answers: list[Answer] = []
        for base in bases:
            self._wire.settle(base)
            answer = self._ask(texts)
            is_here = not answer.is_refusal and not answer.is_page
            if is_here or refusal_of(answer, self.model) is not Refusal.ADDRESS:
                return answer
            answers.append(answer)
        self._wire.settle(bases[0])
        return answers[0]

    def _ask(self, texts: "Sequence[str]") -> Answer:
        """Send texts; what may pass is waited for, but not what a smaller batch may mend.

        Raises:
            ServerError: The server does not answer, or not for longer than may be waited for.
        """
        named, listed = self._form
        fed = [self._prefix + text for text in texts]
        fields = {"model": self.model, "input": fed if listed else fed[0]}
        body = json.dumps(fields | ({"encoding_format": "float"} if named else {})).encode()
        tries, refused, trouble = Tries(), Answer(500, b""), None
        while True:
            try:
                answer = self._channel.chat(body, tries)
                trouble = self._passing(answer, len(texts)) if answer.is_refusal else None
                if trouble is None:
                    return answer
                refused = answer
                self._channel.failed(tries, trouble)
            except PhotoError as error:  # it fails with this very request
                return refused if refused.error else Answer(500, b"", error=error.message)
            except ServerError as error:
                self._channel = self._opened(self._channel.limits)  # who asks again, asks the server again
                if trouble and error.message == trouble.server.message:
                    raise
                hint = _HINT if error.hint in {NOT_RUNNING, SLOW} else error.hint
                raise ServerError(f"no embeddings: {error.message}", hint) from error

    def _passing(self, answer: Answer, count: int) -> Trouble | None:
        """What is to be waited for after a refusal; None if that mends nothing."""
        words = answer.error.lower()
        if count > 1 and (_TOO_MANY.search(words) or is_too_much(words)):
            return None
        passing = may_pass(words) or answer.retry_after is not None
        if not passing and refusal_of(answer, self.model) is not Refusal.BROKEN:
            return None
        refusal, allowed = self._refusal(answer), self._limits.outage
        return Trouble(
            refusal, PhotoError(refusal.message), allowed, passing=passing, retry_after=answer.retry_after
        )

    def _fewer(self, answer: Answer, count: int) -> int:
        """How many texts to send when so many were refused: what the server says it takes, or half.

        Raises:
            ServerError: It is not the number of texts.
        """
        if count == 1 or refusal_of(answer, self.model) not in _ABOUT_THE_FORM:
            raise self._refusal(answer)
        named = [int(number) for number in _AT_MOST.findall(answer.error.lower())]
        return next((number for number in named if 0 < number < count), count // 2)

    def _refusal(self, answer: Answer) -> ServerError:
        """The error for a refusal, with what to do about it."""
        api = self._wire.address.api
        words = f"{answer.status} {answer.error}".rstrip()
        match refusal_of(answer, self.model):
            case Refusal.KEY:
                hint = "Give the server's key with --api-key or in the environment as TAGROLL_API_KEY"
            case Refusal.MODEL:
                hint = f"Load {self.model} there, or name a model for embeddings with --embedding-model"
            case Refusal.ADDRESS:
                return ServerError(
                    f"there are no embeddings at {answer.url} ({words})",
                    f"Give the server's base URL with --embedding-url, such as http://127.0.0.1:1234/v1, {_WITHOUT}",
                )
            case Refusal.PAYMENT:
                hint = f"Pay there, {_WITHOUT}"
            case _ if "embedding" in answer.error.lower():
                hint = f"Name a model for embeddings with --embedding-model (llama-server: --embeddings), {_WITHOUT}"
            case _:
                hint = f"See the server's log; name another model with --embedding-model, {_WITHOUT}"
        return ServerError(f"{api} refuses embeddings: {words}", hint)

    def _unit_rows(self, texts: "Sequence[str]", answer: Answer) -> "Vectors":
        """Check and scale the vectors of one batch."""
        import numpy as np

        rows = read_vectors(answer.json(), len(texts))
        with np.errstate(invalid="ignore"):
            lengths = np.linalg.norm(rows, axis=1)
        good = np.isfinite(lengths) & (lengths > 0)
        if not good.any():
            raise ServerError(f"{self.model} sent only empty vectors", SHAPE_HINT)
        self.unusable += [text for text, fine in zip(texts, good, strict=True) if not fine]
        rows[~good] = 0.0
        rows[good] /= lengths[good, None]
        return rows.astype(np.float32)
