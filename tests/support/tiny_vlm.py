"""A vision-language model small enough to be written by a test: real structure, hand-made weights.

`write_model(folder)` writes two files that llama.cpp's server loads: a text model (architecture "llama") and
an image projector (architecture "clip"). Nothing is trained. The model answers like a tagger, and what it
answers depends on the picture: the first word of every string is the colour of the picture.

How the weights do it:

* A token's embedding is one-hot, so the output matrix is simply a table "after this token, that one" of log
  probabilities. A few dozen photo words and JSON's punctuation are enough for answers like a tagger's.
* The vision tower averages red, green and blue over each patch and hands the three numbers to service
  dimensions of the text model that no token uses, with a flag "I am a picture".
* The only attention head that does anything looks for that flag and adds the mean colour to every later
  position, where the output matrix turns it into a push towards the word for the colour.

Profiles: `projector="gemma3"` takes a fixed number of tokens for a picture, `"pixtral"` more for a larger one
(so that a picture can overflow the context); `thinking=True` gives a chat template that starts with <think>.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import gguf
import numpy as np

COLOURS = {
    "red": (1, -1, -1),
    "green": (-1, 1, -1),
    "blue": (-1, -1, 1),
    "yellow": (1, 1, -1),
    "magenta": (1, -1, 1),
    "cyan": (-1, 1, 1),
    "white": (1, 1, 1),
    "black": (-1, -1, -1),
}
# fmt: off
THINGS = [
    "beach", "sunset", "mountain", "lake", "forest", "dog", "cat", "child", "family", "friends",
    "portrait", "street", "city", "night", "car", "bicycle", "food", "cake", "birthday", "wedding",
    "garden", "flower", "tree", "snow", "winter", "summer", "sky", "cloud", "river", "bridge",
    "boat", "house", "kitchen", "table", "window", "document", "receipt", "football", "concert",
    "museum", "train", "airport", "sea", "sand", "rock", "bird", "horse",
]
# fmt: on
LOOKS = ["old", "small", "large", "bright", "dark", "sunny", "rainy", "quiet", "busy"]
JOINTS = ["of", "a", "the", "on", "in", "with", "and", "near", "photo"]
MUSINGS = ["hmm", "wait", "maybe", "okay"]
KEYS = ["title", "description", "tags", "keywords", "filename", "people", "scene"]
MARKS = ["true", "false", "null", "\n\n", "A photo", '":', '":"', '","', '"]', '"}', '["', '{"']
CONTROLS = [
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<start_of_image>",
    "<end_of_image>",
    "[IMG_BREAK]",
    "[IMG_END]",
]

FIRST = [*COLOURS, *THINGS, *LOOKS]
LATER = [" " + word for word in [*FIRST, *JOINTS]]

NEVER, HARDLY, SELDOM = -16.0, -9.0, -6.0
HEAD, HIDDEN_FF = 64, 128
VISION_WIDTH, VISION_HEADS, VISION_FF, VISION_LEVEL = 32, 2, 64, 8.0
COLOUR_GAIN, COLOUR_PUSH = 0.10, 2.2


def byte_alphabet() -> list[str]:
    """GPT-2's printable stand-in for each byte value: byte-level vocabularies are written with it."""
    printable = {*range(33, 127), *range(161, 173), *range(174, 256)}
    spare = iter(range(256, 512))
    return [chr(byte if byte in printable else next(spare)) for byte in range(256)]


class Vocabulary:
    """Tokens in order, their kinds, and the way from a text to the number of its token."""

    def __init__(self) -> None:
        self.alphabet = byte_alphabet()
        self.tokens = list(self.alphabet)
        self.kinds = [gguf.TokenType.NORMAL] * 256
        self.number = {chr(byte): byte for byte in range(128)}
        for text in [*FIRST, *LATER, *(" " + word for word in MUSINGS), *KEYS, *MARKS]:
            self._add(text, self.spelled(text), gguf.TokenType.NORMAL)
        for text in CONTROLS:
            self._add(text, text, gguf.TokenType.CONTROL)
        for text in ("<think>", "</think>"):
            self._add(text, text, gguf.TokenType.USER_DEFINED)

    def spelled(self, text: str) -> str:
        return "".join(self.alphabet[byte] for byte in text.encode())

    def _add(self, text: str, token: str, kind: gguf.TokenType) -> None:
        self.number[text] = len(self.tokens)
        self.tokens.append(token)
        self.kinds.append(kind)

    def __len__(self) -> int:
        return len(self.tokens)


@dataclass(frozen=True)
class Space:
    """The dimensions of the text model: one for each token, then the service dimensions."""

    tokens: int

    @property
    def is_text(self) -> int:
        return self.tokens

    @property
    def is_picture(self) -> int:
        return self.tokens + 1

    @property
    def colour_in(self) -> slice:
        return slice(self.tokens + 2, self.tokens + 5)

    @property
    def colour_out(self) -> slice:
        return slice(self.tokens + 5, self.tokens + 8)

    @property
    def width(self) -> int:
        return -(-(self.tokens + 8) // HEAD) * HEAD

    @property
    def text_scale(self) -> float:
        """What RMS normalisation makes of a text token's two ones."""
        return float(np.sqrt(self.width / 2))


def next_token_table(vocabulary: Vocabulary, rng: np.random.Generator, *, thinking: bool) -> np.ndarray:
    """Log probabilities: row = the token that was said, column = the token that may follow."""
    number = vocabulary.number
    table = np.full((len(vocabulary), len(vocabulary)), HARDLY, np.float32)
    table[:, [number[word] for word in LATER]] = SELDOM
    table[:, [number[word] for word in COLOURS]] = (
        NEVER  # the picture's push must not start a string by itself
    )

    def after(texts: list[str], *choices: tuple[list[str], float]) -> None:
        for text in texts:
            for words, probability in choices:
                shares = rng.dirichlet(np.full(len(words), 2.0)) * probability
                table[number[text], [number[word] for word in words]] = np.log(shares + 1e-4)

    digits, ends = list("0123456789"), ([['","'], ['"'], ['"]']], (0.30, 0.14, 0.08))
    after(['"'], (FIRST, 0.94), ([","], 0.01), ([":"], 0.02), (["]"], 0.01), (["}"], 0.01))
    after(['","', '["', '":"'], (FIRST, 0.98))
    after(
        ['":', ":"],
        (['"'], 0.4),
        (['["'], 0.25),
        (["["], 0.05),
        (digits, 0.2),
        (["true"], 0.05),
        (["false"], 0.03),
    )
    after(['{"'], (["keywords"], 0.9))
    after(FIRST, *zip(*ends, strict=True), (LATER, 0.45))
    after(LATER, *zip(*ends, strict=True), (LATER, 0.40), (["."], 0.06))
    after([" " + word for word in JOINTS], ([" " + word for word in THINGS], 0.9))
    after([",", "[", "{"], (['"'], 0.95))
    after(["]", '"]'], ([","], 0.5), (["}"], 0.45))
    after(["}", '"}'], (["<|im_end|>"], 0.97))
    after([*digits, "true", "false", "null"], ([","], 0.55), (["}"], 0.38))
    after(["\n", "\n\n"], (['{"'], 0.55), (["A photo"], 0.4))
    after(["A photo"], ([" of"], 0.95))
    after(["."], (["<|im_end|>"], 0.75), (LATER, 0.2))
    after(KEYS, (['":'], 0.57), (['":"'], 0.4))
    after(["<think>"], ([" " + word for word in MUSINGS], 0.9))
    after([" " + word for word in MUSINGS], ([" " + word for word in MUSINGS], 0.8), (["</think>"], 0.18))
    after(["</think>"], (["\n\n"], 0.97))
    if thinking:  # the first thing after "assistant\n" is a thought
        table[number["\n"]] = HARDLY
        after(["\n"], (["<think>"], 0.95))
    return table


def chat_template(*, thinking: bool) -> str:
    """ChatML; a thinking model gets an empty thought when thinking is switched off."""
    no_thought = (
        "{% if enable_thinking is defined and not enable_thinking %}"
        r"<think>{{ '\n\n' }}</think>{{ '\n\n' }}{% endif %}"
    )
    kept_thought = (
        "{% if m['reasoning_content'] %}<think>\n{{ m['reasoning_content'] }}\n</think>\n\n{% endif %}"
    )
    return (
        "{% for m in messages %}<|im_start|>{{ m['role'] }}\n"
        + (kept_thought if thinking else "")
        + "{% if m['content'] is string %}{{ m['content'] }}"
        + "{% else %}{% for part in m['content'] %}{{ part['text'] }}{% endfor %}{% endif %}"
        + "<|im_end|>\n{% endfor %}"
        + "{% if add_generation_prompt %}<|im_start|>assistant\n"
        + (no_thought if thinking else "")
        + "{% endif %}"
    )


def write_text_model(path: Path, vocabulary: Vocabulary, *, thinking: bool, seed: int) -> None:
    """Write the language model: one layer, a table of next tokens, one head that looks at the picture."""
    rng = np.random.default_rng(seed)
    space, number = Space(len(vocabulary)), vocabulary.number
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_name("tiny-vlm, a hand-wired model for tests")
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    writer.add_context_length(32768)
    writer.add_embedding_length(space.width)
    writer.add_block_count(1)
    writer.add_feed_forward_length(HIDDEN_FF)
    writer.add_head_count(space.width // HEAD)
    writer.add_head_count_kv(1)
    for dimensions in (writer.add_key_length, writer.add_value_length, writer.add_rope_dimension_count):
        dimensions(HEAD)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_rope_freq_base(1e12)  # so slow that the head's last pair of dimensions does not turn
    writer.add_vocab_size(len(vocabulary))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("llama-bpe")  # takes whole words that are in the vocabulary without merges
    writer.add_token_list(vocabulary.tokens)
    writer.add_token_types(vocabulary.kinds)
    writer.add_token_merges([f"{vocabulary.spelled('t')} {vocabulary.spelled('h')}"])  # one is compulsory
    writer.add_bos_token_id(number["<|endoftext|>"])
    writer.add_eos_token_id(number["<|im_end|>"])
    writer.add_pad_token_id(number["<|endoftext|>"])
    writer.add_add_bos_token(False)
    writer.add_chat_template(chat_template(thinking=thinking))
    for name, weights in text_weights(space, vocabulary, rng, thinking=thinking).items():
        writer.add_tensor(name, weights)
    finish(writer)


def text_weights(
    space: Space, vocabulary: Vocabulary, rng: np.random.Generator, *, thinking: bool
) -> dict[str, np.ndarray]:
    """All tensors of the language model by name."""
    tokens, width = len(vocabulary), space.width
    embedding = np.eye(tokens, width)
    embedding[:, space.is_text] = 1
    output = np.zeros((tokens, width))
    output[:, :tokens] = next_token_table(vocabulary, rng, thinking=thinking).T / space.text_scale
    for word, colour in COLOURS.items():
        push = COLOUR_PUSH / (space.text_scale * COLOUR_GAIN * np.sqrt(width) / 8)
        output[vocabulary.number[word], space.colour_out] = np.array(colour) * push
    query, key, value = np.zeros((width, width)), np.zeros((HEAD, width)), np.zeros((HEAD, width))
    query[HEAD - 2, space.is_text] = 1
    key[HEAD - 2, space.is_picture] = 1
    value[:3, space.colour_in] = np.eye(3)
    back = np.zeros((width, width))
    back[space.colour_out, :3] = np.eye(3) * COLOUR_GAIN
    half = {
        "token_embd": embedding,
        "output": output,
        "blk.0.attn_q": query,
        "blk.0.attn_k": key,
        "blk.0.attn_v": value,
        "blk.0.attn_output": back,
        "blk.0.ffn_gate": np.zeros((HIDDEN_FF, width)),
        "blk.0.ffn_up": np.zeros((HIDDEN_FF, width)),
        "blk.0.ffn_down": np.zeros((width, HIDDEN_FF)),
    }
    norms = dict.fromkeys(("output_norm", "blk.0.attn_norm", "blk.0.ffn_norm"), np.ones(width, np.float32))
    return {f"{name}.weight": weights.astype(np.float16) for name, weights in half.items()} | {
        f"{name}.weight": weights for name, weights in norms.items()
    }


def write_projector(
    path: Path, vocabulary: Vocabulary, *, projector: str, image_size: int = 64, patch: int = 8
) -> None:
    """Write the vision tower: the mean colour of each patch, and its way into the text model."""
    space = Space(len(vocabulary))
    writer = gguf.GGUFWriter(str(path), "clip")
    writer.add_type(gguf.GGUFType.MMPROJ)
    writer.add_name("tiny-vlm, the eyes")
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    writer.add_bool("clip.has_vision_encoder", True)
    writer.add_string("clip.projector_type", projector)
    writer.add_bool("clip.use_gelu", True)
    sizes = {
        "embedding_length": VISION_WIDTH,
        "feed_forward_length": VISION_FF,
        "block_count": 1,
        "projection_dim": space.width,
        "attention.head_count": VISION_HEADS,
        "image_size": image_size,
        "patch_size": patch,
    }
    for name, size in sizes.items():
        writer.add_uint32(f"clip.vision.{name}", size)
    writer.add_float32("clip.vision.attention.layer_norm_epsilon", 1e-6)
    writer.add_array("clip.vision.image_mean", [0.5, 0.5, 0.5])
    writer.add_array("clip.vision.image_std", [0.5, 0.5, 0.5])
    for name, weights in tower_weights(patch).items():
        writer.add_tensor(name, weights)
    into_text = np.zeros((space.width, VISION_WIDTH))
    into_text[space.colour_in, :3] = np.eye(3)
    into_text[space.is_picture, 3] = 1
    if projector == "gemma3":
        add_gemma3(writer, into_text, patches=(image_size // patch) ** 2)
    else:
        image_break = np.zeros(space.width, np.float32)
        image_break[[vocabulary.number["[IMG_BREAK]"], space.is_text]] = 1
        add_pixtral(writer, into_text, image_break)
    finish(writer)


def tower_weights(patch: int) -> dict[str, np.ndarray]:
    """The patch averages, and a transformer layer that adds nothing to them."""
    averages = np.zeros((VISION_WIDTH, 3, patch, patch))
    averages[[0, 1, 2], [0, 1, 2]] = 1 / patch**2
    level = np.zeros(VISION_WIDTH, np.float32)
    level[3] = VISION_LEVEL  # constant, so that the flag "picture" does not depend on the picture
    weights = {"v.patch_embd.weight": averages.astype(np.float16), "v.patch_embd.bias": level}
    square, wide = (VISION_WIDTH, VISION_WIDTH), (VISION_FF, VISION_WIDTH)
    shapes = {"attn_q": square, "attn_k": square, "attn_v": square, "attn_out": square, "ffn_up": wide}
    for name, shape in (shapes | {"ffn_down": wide[::-1]}).items():
        weights[f"v.blk.0.{name}.weight"] = np.zeros(shape, np.float16)
        weights[f"v.blk.0.{name}.bias"] = np.zeros(shape[0], np.float32)
    for name in ("ln1", "ln2"):
        weights[f"v.blk.0.{name}.weight"] = np.ones(VISION_WIDTH, np.float32)
        weights[f"v.blk.0.{name}.bias"] = np.zeros(VISION_WIDTH, np.float32)
    return weights


def add_gemma3(writer: gguf.GGUFWriter, into_text: np.ndarray, *, patches: int) -> None:
    """A picture is four tokens, whatever its size."""
    writer.add_uint32("clip.vision.projector.scale_factor", 4)
    shift = np.zeros(VISION_WIDTH, np.float32)  # layer norm takes the mean away; give it back to the colours
    shift[:3] = 1 / (VISION_WIDTH * np.sqrt(1 / VISION_WIDTH - 1 / VISION_WIDTH**2))
    writer.add_tensor("v.post_ln.weight", np.ones(VISION_WIDTH, np.float32))
    writer.add_tensor("v.post_ln.bias", shift)
    writer.add_tensor("v.position_embd.weight", np.zeros((patches, VISION_WIDTH), np.float32))
    writer.add_tensor("mm.soft_emb_norm.weight", np.full(VISION_WIDTH, VISION_WIDTH**-0.5, np.float32))
    writer.add_tensor("mm.input_projection.weight", np.ascontiguousarray(into_text.T, np.float16))


def add_pixtral(writer: gguf.GGUFWriter, into_text: np.ndarray, image_break: np.ndarray) -> None:
    """A picture is one token for each patch. The lift by 20 keeps the GELU in between linear."""
    writer.add_uint32("clip.vision.spatial_merge_size", 1)
    writer.add_tensor("mm.1.weight", np.eye(VISION_WIDTH, dtype=np.float16))
    writer.add_tensor("mm.1.bias", np.full(VISION_WIDTH, 20, np.float32))
    writer.add_tensor("mm.2.weight", (into_text / 8).astype(np.float16))
    writer.add_tensor("mm.2.bias", (-20 / 8 * into_text.sum(axis=1)).astype(np.float32))
    writer.add_tensor("v.token_embd.img_break", image_break)


def finish(writer: gguf.GGUFWriter) -> None:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def write_model(
    folder: Path, *, projector: Literal["gemma3", "pixtral"] = "gemma3", thinking: bool = False, seed: int = 7
) -> tuple[Path, Path]:
    """Write model and projector into the folder (2 MB and 70 KB); returns both paths."""
    folder.mkdir(parents=True, exist_ok=True)
    model, eyes = folder / "tiny-vlm.gguf", folder / "mmproj-tiny-vlm.gguf"
    vocabulary = Vocabulary()
    write_text_model(model, vocabulary, thinking=thinking, seed=seed)
    write_projector(eyes, vocabulary, projector=projector, patch=8 if projector == "gemma3" else 16)
    return model, eyes
