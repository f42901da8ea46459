"""Model files that other programs have downloaded already."""

import json
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tagroll.models.gguf.server import ModelFiles, projectors


@dataclass(frozen=True, slots=True)
class Downloaded:
    """A model on this machine.

    Attributes:
        name: What its program calls it.
        program: The program that has downloaded it.
        files: The model and its image projector.
    """

    name: str
    program: str
    files: ModelFiles


def find_downloads(home: Path, environment: Mapping[str, str] = os.environ) -> list[Downloaded]:
    """Models with an image projector that LM Studio, Ollama, llama.cpp and the Hugging Face tools keep.

    Args:
        home: The user's home folder.
        environment: Variables by which these programs are told of other folders.
    """
    caches = [home / ".cache", *([home / "Library" / "Caches"] if sys.platform == "darwin" else [])]
    hub = environment.get("HF_HUB_CACHE") or str(
        Path(environment.get("HF_HOME") or caches[0] / "huggingface") / "hub"
    )
    found: list[Downloaded] = []
    for folder in (home / ".lmstudio" / "models", home / ".cache" / "lm-studio" / "models"):
        found += _below(folder, "LM Studio")
    for cache in (
        [Path(environment["LLAMA_CACHE"])]
        if environment.get("LLAMA_CACHE")
        else [c / "llama.cpp" for c in caches]
    ):
        found += _below(cache, "llama.cpp")
    found += _below(Path(hub), "Hugging Face")
    own = environment.get("OLLAMA_MODELS")
    for folder in (
        [Path(own)] if own else [home / ".ollama" / "models", Path("/usr/share/ollama/.ollama/models")]
    ):
        found += _ollama(folder)
    return found


def _below(top: Path, program: str) -> Iterator[Downloaded]:
    """Pairs of files: a model and the projector beside it, in one folder."""
    for folder in sorted({path.parent for path in top.rglob("*mmproj*.gguf")}):
        eyes = projectors(folder)
        for model in sorted(set(folder.glob("*.gguf")) - set(eyes)):
            mmproj = _matching(model, eyes)
            first_part = "-of-" not in model.stem or "-00001-of-" in model.stem
            if mmproj and first_part and model.exists() and mmproj.exists():
                yield Downloaded(model.stem, program, ModelFiles(model, mmproj))


def _matching(model: Path, eyes: list[Path]) -> Path | None:
    """The projector of a model: llama.cpp puts all its files into one folder, each with its repository before it."""
    related = [path for path in eyes if model.name.startswith(path.name[: path.name.lower().index("mmproj")])]
    return max(related, key=lambda path: path.name.lower().index("mmproj"), default=None)


def _ollama(top: Path) -> Iterator[Downloaded]:
    """Ollama keeps a manifest for each model and its files under their hashes."""
    for manifest in sorted(path for path in (top / "manifests").rglob("*") if path.is_file()):
        try:
            layers = json.loads(manifest.read_text("utf-8"))["layers"]
            kinds = {str(layer["mediaType"]).rpartition(".")[2]: str(layer["digest"]) for layer in layers}
        except (OSError, ValueError, KeyError, TypeError):
            continue  # some other file: this only looks around
        paths = [top / "blobs" / kinds.get(kind, "none").replace(":", "-") for kind in ("model", "projector")]
        if all(path.is_file() for path in paths):
            yield Downloaded(f"{manifest.parent.name}:{manifest.name}", "Ollama", ModelFiles(*paths))
