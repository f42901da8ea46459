"""The vectors in an answer to POST /embeddings, in the shapes that servers give them."""

import base64
import binascii
from typing import TYPE_CHECKING, Any

from tagroll.errors import ServerError

if TYPE_CHECKING:
    import numpy as np

    Vectors = np.ndarray[tuple[int, int], np.dtype[np.float64]]

_LISTS = ("data", "embeddings", "vectors", "results", "result", "output", "float", "embedding", "vector")
"""Keys under which there is a list of vectors: OpenAI's, Ollama's and Cohere's, then those of other programs."""
_ONE = ("embedding", "vector", "values", "float", "data")
"""Keys under which there is one vector."""
SHAPE_HINT = (
    "Look whether the model is one for embeddings, or leave --embedding-url away for the built-in embedder"
)


def read_vectors(answer: Any, count: int) -> "Vectors":
    """Read the vectors of an answer.

    Args:
        answer: The body as JSON, whatever that is.
        count: How many texts were sent.

    Returns:
        Rows in the order of the texts, as the server sent them; NaN for what is no number.

    Raises:
        ServerError: There are none, too few or too many; they are of different lengths; or their numbers do not say
            which is which.
    """
    import numpy as np

    items = _items(answer, count)
    if items is None:
        raise ServerError("the answer of the embedding server has no list of vectors", SHAPE_HINT)
    if len(items) != count:
        raise ServerError(f"the embedding server sent {len(items)} vectors for {count} texts", SHAPE_HINT)
    try:
        rows = np.array([_numbers(item) for item in _in_order(items)], np.float64)
    except (ValueError, TypeError) as error:
        raise ServerError(
            "the embedding server sent vectors of different lengths or no numbers", SHAPE_HINT
        ) from error
    if rows.ndim != 2 or not rows.shape[1]:
        raise ServerError("the embedding server sent no vectors", SHAPE_HINT)
    return rows


def _items(said: Any, count: int) -> list[Any] | None:
    """The list of vectors, or of objects with one each."""
    if isinstance(said, dict):
        listed = next((said[key] for key in _LISTS if isinstance(said.get(key), list | dict | str)), None)
        return (
            _items(listed, count) if isinstance(listed, list | dict) else None if listed is None else [said]
        )
    if not isinstance(said, list):
        return None
    is_flat = bool(said) and all(isinstance(one, int | float) for one in said)
    return [said] if is_flat and count == 1 else said


def _in_order(items: list[Any]) -> list[Any]:
    """The vectors in the order of their texts: by the numbers that they carry, from 0 or from 1."""
    numbers = [item.get("index") if isinstance(item, dict) else None for item in items]
    if all(number is None for number in numbers):
        return items
    for first in (0, 1):
        places = [number - first if isinstance(number, int) else -1 for number in numbers]
        if sorted(places) == list(range(len(items))):
            return [item for _, item in sorted(zip(places, items, strict=True), key=lambda pair: pair[0])]
    raise ServerError("the embedding server numbers its vectors wrongly", SHAPE_HINT)


def _numbers(item: Any) -> Any:
    """One vector's numbers: in an object, packed (base64 of 32-bit floats), or alone in a list."""
    import numpy as np

    if isinstance(item, dict):
        return _numbers(next((item[key] for key in _ONE if item.get(key) is not None), None))
    if isinstance(item, str):
        try:
            packed = base64.b64decode(item, validate=True)
        except binascii.Error:
            return None
        return np.frombuffer(packed, "<f4") if packed and len(packed) % 4 == 0 else None
    if isinstance(item, list) and len(item) == 1 and isinstance(item[0], list):
        return _numbers(item[0])
    return item
