"""What a server has: its models, which of them see pictures, and which one is meant."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from tagroll.errors import ServerError
from tagroll.models.server.http import Answer, Wire
from tagroll.models.server.wire_error import WireError


@dataclass(frozen=True, slots=True)
class ServedModel:
    """One model of a server.

    Attributes:
        name: What to ask for.
        sees: Whether it takes pictures; None if the server does not say.
        loaded: Whether it is in memory; None if the server does not say.
        listed: Whether the server lists it.
    """

    name: str
    sees: bool | None = None
    loaded: bool | None = None
    listed: bool = True


@dataclass(frozen=True, slots=True)
class ServerInfo:
    """What a server says about itself.

    Attributes:
        url: Where it is.
        kind: What it seems to be.
        state: "ready"; "loading" its model; "locked" without the right API key; "mute": lists no models.
        models: What it has, without those that only embed text, listen, speak or paint.
        refusal: The answer that says that it is locked.
        slots: How many requests it works on at once; None if it does not say.
        batches: Whether it takes as many at once as it has memory for, and lets the others wait.
    """

    url: str
    kind: Literal["llama.cpp", "LM Studio", "Ollama", ""] = ""
    state: Literal["ready", "loading", "locked", "mute"] = "ready"
    models: tuple[ServedModel, ...] = ()
    refusal: Answer | None = None
    slots: int | None = None
    batches: bool = False

    @property
    def sees(self) -> bool:
        """Whether some model takes pictures, or may."""
        return any(model.sees is not False for model in self.models)


@dataclass(frozen=True, slots=True)
class Choice:
    """The model to use.

    Attributes:
        model: Which.
        note: A word to the user if it is not simply the one that was asked for.
        others: Models that will do as well, if this one turns out not to see.
    """

    model: ServedModel
    note: str = ""
    others: tuple[ServedModel, ...] = ()


def probe(api_url: str, *, api_key: str | None = None, seconds: float = 2.0) -> ServerInfo | None:
    """Ask quickly whether there is a model server.

    Args:
        api_url: Its URL, in any form.
        api_key: Its key, if it has one.
        seconds: How long to wait for each answer.

    Returns:
        What it is, or None if nothing answers there or something that is no model server.

    Raises:
        UsageError: The URL or the key cannot be one.
    """
    wire = Wire(api_url, api_key)
    try:
        info = look(wire, seconds)
    except WireError:
        return None
    finally:
        wire.close()
    return None if info.state == "mute" else info


def look(wire: Wire, seconds: float) -> ServerInfo:
    """Ask a server what it has, at each place where its endpoints may be.

    From then on the wire asks where there is a list of models; OpenAI's form of it comes before other ones.

    Raises:
        WireError: It does not answer.
    """
    url, found = wire.address.root, ServerInfo(wire.address.root, state="mute")
    second: tuple[str, Any] | None = None
    for base in wire.address.bases:
        answer = wire.get(f"{base}/models", seconds)
        if answer.status == 503:
            return ServerInfo(url, state="loading")
        if answer.status in {401, 403, 407} and found.state == "mute":
            found = ServerInfo(url, state="locked", refusal=answer)
        listed = answer.json() if answer.is_ok else None
        if isinstance(listed, dict) and isinstance(listed.get("data", ""), list | None):
            wire.settle(base)
            return _about(wire, listed, seconds)
        if second is None and _is_list(listed):
            second = (base, listed)
    if second:
        wire.settle(second[0])
        return _about(wire, second[1], seconds)
    return found


_BATCHING = frozenset({"vllm", "sglang"})
"""Who owns the models of servers that batch, by their own word."""


def _about(wire: Wire, listed: Any, seconds: float) -> ServerInfo:
    """What the list of models tells, and the server's own endpoints where it says too little."""
    url, entries = wire.address.root, list(_entries(listed))
    models = _models(entries)
    if entries and all("*" in _name(entry) for entry in entries):  # a gateway that takes any name
        return ServerInfo(url, state="mute")
    owners = {str(entry.get("owned_by")) for entry in entries}
    if "llamacpp" in owners:
        return ServerInfo(url, "llama.cpp", models=models, slots=_slots(wire, min(seconds, 2.0)))
    batches = not owners.isdisjoint(_BATCHING)
    if batches or (models and all(model.sees is not None for model in models)):
        return ServerInfo(url, models=models, batches=batches)
    if native := list(_entries(_ask(wire, "/api/v0/models", seconds))):
        return ServerInfo(url, "LM Studio", models=_models(native))
    if _is_list(_ask(wire, "/api/tags", seconds)):
        return ServerInfo(url, "Ollama", models=tuple(_ollama(wire, models, seconds)))
    return ServerInfo(url, models=models)


def _slots(wire: Wire, seconds: float) -> int | None:
    """How many slots llama.cpp has: as its properties say, or as it lists them."""
    properties = _ask(wire, "/props", seconds)
    said = properties.get("total_slots") if isinstance(properties, dict) else None
    if said is None and isinstance(listed := _ask(wire, "/slots", seconds), list):
        said = len(listed)
    return said if isinstance(said, int) and said > 0 else None


def _ask(wire: Wire, path: str, seconds: float, body: object = None) -> Any:
    """JSON from an endpoint beside the OpenAI ones, None if the server has none there."""
    try:
        url = wire.address.root + path
        answer = wire.post(url, json.dumps(body).encode(), seconds) if body else wire.get(url, seconds)
    except WireError:
        return None  # it answered a moment ago: it only dislikes the question
    return answer.json() if answer.status == 200 else None


def _is_list(said: Any) -> bool:
    return isinstance(said, list) or (
        isinstance(said, dict) and any(isinstance(said.get(key), list) for key in ("data", "models"))
    )


def _entries(said: Any) -> Iterator[dict[str, Any]]:
    """The entries of a list of models, whichever way it is wrapped."""
    listed = (said.get("data") or said.get("models")) if isinstance(said, dict) else said
    for entry in listed if isinstance(listed, list) else ():
        found = {"id": entry} if isinstance(entry, str) else entry
        if isinstance(found, dict) and _name(found):
            yield found


def _name(entry: dict[str, Any]) -> str:
    """What to ask for."""
    return next((entry[key] for key in ("id", "name", "model", "key") if isinstance(entry.get(key), str)), "")


def _models(entries: Sequence[dict[str, Any]]) -> tuple[ServedModel, ...]:
    """The models that can talk."""
    return tuple(
        ServedModel(_name(entry), _sees(entry), entry["state"] == "loaded" if "state" in entry else None)
        for entry in entries
        if _talks(entry)
    )


_EYES = frozenset({"vision", "multimodal", "image", "images", "image-text-to-text", "image_input", "vlm"})
_OTHER_WORK = re.compile(
    r"(?<![a-z0-9])(embed\w*|(re)?rank\w*|whisper|tts|stt|asr|speech|audio|voices?|transcri\w*|kokoro|piper|parakeet|moderation|"
    r"bge|gte|e5|minilm|mpnet|colbert|splade|stable.?diffusion|diffusion|sd(xl|[-_. ]?turbo|\d)|flux|dall.?e|musicgen)(?![a-z])"
)
"""Names and labels of models that embed, sort, listen, speak or paint."""


def _talks(entry: dict[str, Any]) -> bool:
    """Whether a model answers questions: by its type, its labels or, where the server says nothing, its name."""
    kind = str(entry.get("type") or entry.get("task") or entry.get("mode") or "").lower()
    labelled = entry.get("labels")
    labels = {str(label).lower() for label in labelled} if isinstance(labelled, list) else set()
    if kind in {"vlm", "llm", "chat", "completion"} or _EYES - {"image"} & labels:
        return True
    if "image" in labels or any(_OTHER_WORK.search(word) for word in {kind, *labels}):
        return False  # "image" is Lemonade's label of models that paint
    return bool(_sees(entry)) or not _OTHER_WORK.search(_name(entry).lower())


def _sees(entry: dict[str, Any]) -> bool | None:
    """Whether a model takes pictures: LM Studio's type, modalities, capabilities, Lemonade's labels."""
    if (kind := entry.get("type")) in ("vlm", "llm"):  # no set: it may be a list, which has no hash
        return bool(kind == "vlm")
    architecture, capabilities = entry.get("architecture"), entry.get("capabilities")
    for place in (architecture, entry):
        modalities = place.get("input_modalities") if isinstance(place, dict) else None
        if isinstance(modalities, list):
            return "image" in modalities
    if isinstance(capabilities, dict) and "vision" in capabilities:
        return bool(capabilities["vision"])
    for names in (capabilities, entry.get("labels")):
        if isinstance(names, list) and names:
            return bool(_EYES & {str(name).lower() for name in names})
    return None


def _ollama(wire: Wire, models: Sequence[ServedModel], seconds: float) -> Iterator[ServedModel]:
    """Ollama tells what a model can do one by one."""
    for model in models:
        about = _ask(wire, "/api/show", seconds, {"model": model.name})
        capabilities = about.get("capabilities") if isinstance(about, dict) else None
        if not isinstance(capabilities, list):
            yield model
        elif "completion" in capabilities:
            yield replace(model, sees="vision" in capabilities)


def choose(info: ServerInfo, wanted: str, *, explicit: bool) -> Choice:
    """Decide which model is used.

    Args:
        info: What the server has.
        wanted: The model's name, perhaps without publisher, tag or quantisation.
        explicit: Whether the user gave the name. If not, another model that sees pictures will do.

    Raises:
        ServerError: The server has no such model, or none that sees pictures.
    """
    if info.state == "mute":
        return Choice(ServedModel(wanted))
    found = _match(info.models, wanted)
    if len(found) == 1 or (found and not explicit):
        return _found(info, found, wanted, explicit=explicit)
    if found:
        raise ServerError(
            f'"{wanted}" may mean several models of {info.url}', _choices("Give one with --model", found)
        )
    if info.kind == "llama.cpp" and len(info.models) == 1:
        only = info.models[0]
        if only.sees is False and not explicit:
            raise blind_error(info, only.name)
        return Choice(only, f"{info.url} has only the model {only.name}, which is used")
    if explicit:
        # servers have more than they list: aliases, other cached models, all that a gateway passes on
        return Choice(
            ServedModel(wanted, listed=False), f"{info.url} does not list the model {wanted}, but has it"
        )
    if seeing := _seeing(info.models):
        return in_place_of(info, wanted, seeing)
    if not info.models:
        raise ServerError(f"the model server at {info.url} has no model loaded", f"Load {wanted} there")
    raise blind_error(info, info.models[0].name)


def _found(info: ServerInfo, found: Sequence[ServedModel], wanted: str, *, explicit: bool) -> Choice:
    """Take the model that was found, if it sees; in place of the default model any other that does."""
    others = _seeing(info.models)
    if not explicit and not _seeing(found) and others:
        note = f"{wanted} on {info.url} does not see images; {others[0].name} is used"
        return Choice(others[0], note, tuple(others[1:]))
    model = found[0] if explicit else (_seeing(found) or found)[0]
    if model.sees is False and not explicit:
        raise blind_error(info, model.name)
    if model.sees is False:
        note = f"{info.url} lists {model.name} as a model that does not see, but it does"
    else:
        note = "" if model.name == wanted else f"{wanted} is the model {model.name} on {info.url}"
    return Choice(model, note)


def in_place_of(info: ServerInfo, wanted: str, models: Sequence[ServedModel]) -> Choice:
    """Another model in the place of one that the server does not have, and those that come after it."""
    note = f"{info.url} has no {wanted}; its model {models[0].name} is used"
    return Choice(models[0], note, tuple(models[1:]))


def unknown_error(info: ServerInfo, name: str, words: str = "") -> ServerError:
    """The server has no such model: say which it has."""
    said = f': "{words}"' if words else ""
    hint = _choices("It has", info.models) if info.models else f"Load {name} there"
    return ServerError(f'the model server at {info.url} has no model "{name}"{said}', hint)


def blind_error(info: ServerInfo, name: str, said: str = "") -> ServerError:
    """The model takes no pictures: say which do."""
    seeing = [model for model in _seeing(info.models) if model.name != name]
    hint = "Load a vision model, such as google/gemma-3-4b or qwen3-vl-4b"
    if info.kind == "llama.cpp":
        hint = "Give llama-server the model's image projector too: --mmproj FILE, or -hf with a vision model"
    words = f': "{said}"' if said else ""
    return ServerError(
        f"the model {name} at {info.url} does not see images{words}",
        _choices("Give one that does with --model", seeing) if seeing else hint,
    )


_LOOKS = re.compile(
    r"(?<![a-z])(vlm|vl|vision|visual|multimodal|omni|llava|bakllava|moondream|pixtral|minicpm.?[vo]|gemma.?[34]|internvl|"
    r"paligemma|florence|idefics|smolvlm|molmo|cogvlm|glm.?4\w*v|qwen\w*vl|llama.?4|mistral.?small.?3)"
)
"""Names of models that see, where the server says nothing: those are tried first."""


def _seeing(models: Sequence[ServedModel]) -> list[ServedModel]:
    """Those that may see, best first: known to see, then loaded, then those whose name says so, then as listed."""
    usable = [model for model in models if model.sees is not False]
    return sorted(
        usable,
        key=lambda model: (model.sees is None, not model.loaded, not _LOOKS.search(model.name.lower())),
    )


def _choices(say: str, models: Sequence[ServedModel]) -> str:
    names = [model.name for model in models]
    return f"{say}: {', '.join(names[:8])}{', ...' if len(names) > 8 else ''}"


def _match(models: Sequence[ServedModel], wanted: str) -> list[ServedModel]:
    """The models a name may mean, by the first rule that finds any."""
    key = _key(wanted)
    rules = (
        lambda name: name == wanted,
        lambda name: name.casefold() == wanted.casefold(),
        lambda name: _key(name) == key,
        lambda name: bool(key) and (_key(name).startswith(key) or _key(name).endswith(key)),
    )
    for rule in rules:
        if found := [model for model in models if rule(model.name)]:
            return found
    return []


def is_same_model(one: str, other: str) -> bool:
    """Whether two names are, or may well be, of one model: with a date, a quantisation, a publisher more or less."""
    first, second = sorted((_key(one), _key(other)), key=len)
    return first in second


def _key(name: str) -> str:
    """A name without publisher, suffix and punctuation: "google/gemma-3-4b" is the same as "gemma3:4b"."""
    last = re.split(r"[/\\]", name.casefold())[-1]
    return re.sub(r"[^a-z0-9]", "", re.sub(r"(\.gguf|:latest)$", "", last))
