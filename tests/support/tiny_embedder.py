"""A text embedder small enough to be written by a test: llama.cpp's architecture "bert", random weights, letters as tokens.

Words of the same letters in the same places get the same vector, words that share letters similar ones; nothing is
trained. `write_embedder(folder, seed=...)` with another seed is another model.
"""

import string
from pathlib import Path

import gguf
import numpy as np

WIDTH, HEADS, INNER, CONTEXT = 64, 4, 128, 256
CONTROLS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
SIGNS = string.ascii_lowercase + string.digits + "|-&'.:/"


def write_embedder(folder: Path, *, seed: int = 1) -> Path:
    """Write the model and return its file."""
    path = folder / f"embedder-{seed}.gguf"
    writer = gguf.GGUFWriter(path, "bert")
    writer.add_name("tiny-embedder")
    writer.add_block_count(1)
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_layer_norm_eps(1e-12)
    writer.add_causal_attention(False)
    writer.add_pooling_type(gguf.PoolingType.MEAN)
    writer.add_token_type_count(2)
    tokens = _write_vocabulary(writer)
    for name, array in _weights(tokens, np.random.default_rng(seed)).items():
        writer.add_tensor(name, array.astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _write_vocabulary(writer: gguf.GGUFWriter) -> int:
    """WordPiece with one piece a letter; gives the number of tokens."""
    first = ["\u2581" + sign for sign in SIGNS]  # how llama.cpp marks a piece that begins a word
    tokens = [*CONTROLS, *first, *SIGNS]
    types = [gguf.TokenType.CONTROL] * len(CONTROLS) + [gguf.TokenType.NORMAL] * (2 * len(SIGNS))
    types[1] = gguf.TokenType.UNKNOWN
    writer.add_tokenizer_model("bert")
    writer.add_tokenizer_pre("jina-v2-en")
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    for number, add in enumerate(
        (writer.add_pad_token_id, writer.add_unk_token_id, writer.add_bos_token_id, writer.add_eos_token_id)
    ):
        add(number)
    writer.add_sep_token_id(3)
    writer.add_mask_token_id(4)
    writer.add_add_bos_token(True)
    writer.add_add_eos_token(True)
    return len(tokens)


def _weights(tokens: int, draw: np.random.Generator) -> dict[str, np.ndarray]:
    """Pieces all in different directions; attention and the inner layer stir them a little."""
    zero, one = np.zeros(WIDTH), np.ones(WIDTH)
    weights = {
        "token_embd.weight": draw.normal(size=(tokens, WIDTH)),
        "position_embd.weight": 0.1 * draw.normal(size=(CONTEXT, WIDTH)),
        "token_types.weight": np.zeros((2, WIDTH)),
        "blk.0.ffn_up.weight": 0.05 * draw.normal(size=(INNER, WIDTH)),
        "blk.0.ffn_up.bias": np.zeros(INNER),
        "blk.0.ffn_down.weight": 0.05 * draw.normal(size=(WIDTH, INNER)),
        "blk.0.ffn_down.bias": zero,
    }
    for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
        weights[f"blk.0.{name}.weight"] = 0.05 * draw.normal(size=(WIDTH, WIDTH))
        weights[f"blk.0.{name}.bias"] = zero
    for name in ("token_embd_norm", "blk.0.attn_output_norm", "blk.0.layer_output_norm"):
        weights |= {f"{name}.weight": one, f"{name}.bias": zero}
    return weights
