"""Embeddings from an OpenAI-compatible server: POST /v1/embeddings."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tagroll.errors import ServerError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import httpx2
    import numpy as np

    Vectors = np.ndarray[tuple[int, int], np.dtype[np.float32]]

_LOAD_SECONDS = 300.0
"""The first answer may have to wait until the model is loaded."""
_SECONDS = 60.0
_CONNECT_SECONDS = 10.0
_ATTEMPTS = 5
_BUSY = frozenset({408, 409, 425, 429})
_NOMIC_PREFIX = "clustering: "
"""nomic-embed-text was trained with a task before each text; this is the one for grouping (its model card)."""
_HINT = (
    "Start the server and load an embedding model, or leave --embedding-url away for the built-in embedder"
)


class _AgainError(Exception):
    """Something that may pass: no connection, too many requests, a server error."""


def _api(url: str) -> str:
    """The base of the OpenAI endpoints, from a URL with or without scheme, /v1 or the endpoint."""
    text = url.strip().rstrip("/")
    text = text if "://" in text else f"http://{text}"
    if not re.fullmatch(r"https?://[^\s/]+(/\S*)?", text):
        raise UsageError("The embedding server's address is not a URL", "Use one like http://localhost:1234")
    text = re.sub(r"/(embeddings|models)$", "", text)
    return text if re.search(r"/v\d+\w*$", text) else f"{text}/v1"


class ServerEmbedder:
    """Embeds texts with a model server.

    Args:
        url: Where it is, with or without /v1.
        model: The model's name there.
        api_key: Its key, if it has one; appears in no message.
        batch_size: Texts a request.
        wait_s: Seconds before the first repetition; they double.

    Attributes:
        model: The model's name, as it goes into the catalog.
        unusable: Texts the model has no vector for (NaN or zero); their rows are zero, similar to nothing.

    Raises:
        UsageError: The URL cannot be one.
    """

    def __init__(
        self, url: str, model: str, *, api_key: str | None = None, batch_size: int = 100, wait_s: float = 0.5
    ) -> None:
        import httpx2

        self.model = model
        self.unusable: list[str] = []
        self._api = _api(url)
        self._prefix = _NOMIC_PREFIX if "nomic" in model.lower() else ""
        self._batch_size, self._wait_s = batch_size, wait_s
        self._seconds = _LOAD_SECONDS
        self._sample: Vectors | None = None
        self._client = httpx2.Client(headers={"Authorization": f"Bearer {api_key}"} if api_key else None)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def check(self) -> Vectors:
        """See whether the server gives vectors at all, before anything else is done; asks once.

        Returns:
            The vector of one text, always the same, shape (1, d).

        Raises:
            ServerError: It does not.
        """
        if self._sample is None:
            self._sample = self._vectors(["photo"], attempts=2)
        return self._sample

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Embed texts.

        Returns:
            Float32 rows of length 1 (or 0, see `unusable`) in the order of the texts, shape (len(texts), d).

        Raises:
            ServerError: The server is gone, or its answers cannot be used.
        """
        import numpy as np

        batches = [texts[i : i + self._batch_size] for i in range(0, len(texts), self._batch_size)]
        rows: list[Vectors] = []
        for batch in batches:
            rows.append(self._vectors(batch))
            if rows[-1].shape[1] != rows[0].shape[1]:
                raise ServerError(f"{self.model} changed the length of its vectors", _HINT)
        return np.concatenate(rows) if rows else np.empty((0, 0), np.float32)

    def _vectors(self, texts: Sequence[str], attempts: int = _ATTEMPTS) -> Vectors:
        import stamina

        body = {
            "model": self.model,
            "input": [self._prefix + text for text in texts],
            "encoding_format": "float",
        }
        retries = stamina.retry_context(
            on=_AgainError,
            attempts=attempts,
            timeout=None,
            wait_initial=self._wait_s,
            wait_max=60 * self._wait_s,
            wait_jitter=self._wait_s,
        )
        try:
            for attempt in retries:
                with attempt:
                    answer = self._post(body)
        except _AgainError as error:
            raise ServerError(f"No embeddings from {self._api}: {error}", _HINT) from error
        self._seconds = _SECONDS
        return self._unit_rows(texts, _in_order(answer, len(texts)))

    def _post(self, body: dict[str, Any]) -> Any:
        import httpx2

        timeout = httpx2.Timeout(self._seconds, connect=_CONNECT_SECONDS)
        try:
            response = self._client.post(f"{self._api}/embeddings", json=body, timeout=timeout)
        except httpx2.ConnectError as error:
            raise _AgainError("nobody answers there") from error
        except httpx2.TransportError as error:
            raise _AgainError(str(error) or "the connection broke off") from error
        if response.status_code in _BUSY or response.status_code >= 500:
            raise _AgainError(_reason(response))
        if response.status_code != 200:
            raise ServerError(f"{self._api} refuses embeddings: {_reason(response)}", _HINT)
        try:
            return response.json()
        except ValueError as error:
            raise ServerError(f"{self._api} does not answer with JSON", _HINT) from error

    def _unit_rows(self, texts: Sequence[str], vectors: list[Any]) -> Vectors:
        """Check and scale the vectors of one batch."""
        import numpy as np

        try:
            rows = np.array(vectors, np.float64)
        except (ValueError, TypeError) as error:
            raise ServerError(
                f"{self.model} sent vectors of different lengths or no numbers", _HINT
            ) from error
        if rows.ndim != 2 or not rows.shape[1]:
            raise ServerError(f"{self.model} sent no vectors", _HINT)
        with np.errstate(invalid="ignore"):
            lengths = np.linalg.norm(rows, axis=1)
        good = np.isfinite(lengths) & (lengths > 0)
        if not good.any():
            raise ServerError(f"{self.model} sent only empty vectors", _HINT)
        self.unusable += [text for text, fine in zip(texts, good, strict=True) if not fine]
        rows[~good] = 0.0
        rows[good] /= lengths[good, None]
        return rows.astype(np.float32)


def _in_order(answer: Any, count: int) -> list[Any]:
    """The vectors of an answer in the order of the texts.

    Raises:
        ServerError: There are too few or too many, or their numbers do not say which is which.
    """
    items = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise ServerError("The answer of the embedding server has no list of vectors", _HINT)
    if len(items) != count:
        raise ServerError(f"The embedding server sent {len(items)} vectors for {count} texts", _HINT)
    numbers = [item.get("index") for item in items]
    if all(number is None for number in numbers):
        numbers = list(range(count))
    if set(numbers) != set(range(count)):
        raise ServerError("The embedding server numbers its vectors wrongly", _HINT)
    by_number = {item_number: item.get("embedding") for item_number, item in zip(numbers, items, strict=True)}
    return [by_number[i] for i in range(count)]


def _reason(response: httpx2.Response) -> str:
    """What an error answer says, on one line; `error` comes as string or as object."""
    try:
        said: Any = response.json()
    except ValueError:
        said = response.text
    for name in ("error", "message", "detail"):
        said = said.get(name, said) if isinstance(said, dict) else said
    return f"{response.status_code} {' '.join(str(said).split())[:200]}"
