"""Lists of models in the forms that servers give them, and the places where they are."""

import pytest

from support.stub import SEES, Says, Stub, error, models
from tagroll.models.server.discovery import ServedModel, ServerInfo, choose, look
from tagroll.models.server.http import Wire

PAGE = Says(b"<!doctype html><title>Open WebUI</title>")
ABSENT = {"/v1/models": Says(b"404 page not found", 404)}


def seen(url):
    wire = Wire(url)
    try:
        return look(wire, 5), wire.address.api.removeprefix(wire.address.root)
    finally:
        wire.close()


def listed(said):
    with Stub(pages={"/v1/models": Says(said)}) as server:
        info, _ = seen(server.url)
    return {model.name: model.sees for model in info.models}


@pytest.mark.parametrize(
    ("pages", "given", "base"),
    [
        ({**ABSENT, "/api/v1/models": models("m")}, "/api/v1", "/api/v1"),
        ({**ABSENT, "/api/v1/models": models("m")}, "", "/api/v1"),
        (
            {"/v1/models": PAGE, "/api/models": models("m"), "/api/v1/models": error(401, "no")},
            "/api/v1",
            "/api",
        ),
        ({"/v1/models": PAGE, "/api/models": models("m"), "/api/v1/models": error(401, "no")}, "", "/api"),
        ({"/v1/models": PAGE, "/api/models": models("m")}, "/api/models", "/api"),
        ({"/v1/models": models("m"), "/api/v1/models": Says({"models": [{"key": "m"}]})}, "/api/v1", "/v1"),
        ({"/v1/models": models("m")}, "/api/v1", "/v1"),
        ({"/v1/models": models("m")}, "/api/chat", "/v1"),
        ({**ABSENT, "/lm/models": models("m")}, "/lm", ""),
        ({**ABSENT, "/lm/v1/models": models("m")}, "/lm", "/v1"),
        ({**ABSENT, "/v1beta/openai/models": models("m")}, "/v1beta/openai/chat/completions", ""),
        ({**ABSENT, "/models": models("m")}, "/chat/completions", ""),
    ],
)
def test_the_endpoints_are_found_where_they_are(pages, given, base):
    with Stub(pages=pages) as server:
        info, found = seen(server.url + given)
    assert found == base
    assert [model.name for model in info.models] == ["m"]


@pytest.mark.parametrize("base", ["/v1", "/api/v1"])
def test_a_server_that_loads_or_is_locked_is_known_at_every_place(base):
    with Stub(pages={**ABSENT, f"{base}/models": error(503, "Loading model")}) as server:
        assert seen(server.url)[0].state == "loading"
        server.pages[f"{base}/models"] = error(401, "give me a key")
        info = seen(server.url)[0]
    assert info.state == "locked"
    assert info.refusal.error == "give me a key"


@pytest.mark.parametrize(
    "said",
    [
        {"data": [{"id": "m"}]},
        {"data": [{"name": "m"}]},
        {"models": [{"name": "m"}]},
        {"models": [{"model": "m"}]},
        {"models": ["m"]},
        [{"id": "m"}],
    ],
)
def test_a_list_is_read_in_every_form(said):
    assert listed(said) == {"m": None}


@pytest.mark.parametrize("said", [{"object": "list", "data": None}, {"data": []}])
def test_an_empty_list_is_a_list(said):
    assert listed(said) == {}


@pytest.mark.parametrize("names", [["*"], ["openai/*", "ollama/*"]])
def test_a_gateway_that_takes_any_name_lists_nothing(names):
    with Stub(pages={"/v1/models": models(*names)}) as server:
        assert seen(server.url)[0].state == "mute"


@pytest.mark.parametrize(
    ("about", "sees"),
    [
        ({"labels": ["hot", "vision"]}, True),
        ({"labels": ["reasoning"]}, False),
        ({"capabilities": ["completion", "vision"]}, True),
        ({"capabilities": {"vision": False}}, False),
        ({"input_modalities": ["text", "image"]}, True),
        ({}, None),
        ({"labels": []}, None),
        ({"labels": 5, "type": ["vlm"]}, None),
    ],
)
def test_what_a_model_takes_is_read(about, sees):
    assert listed({"data": [{"id": "m", **about}]}) == {"m": sees}


@pytest.mark.parametrize(
    "entry",
    [
        {"id": "bge-m3"},
        {"id": "whisper-1"},
        {"id": "voice-en-us"},
        {"id": "bge-reranker-v2-m3"},
        {"id": "all-MiniLM-L6-v2"},
        {"id": "mxbai-embed-large"},
        {"id": "Qwen3-Reranker-4B"},
        {"id": "nomic_embed_text"},
        {"id": "kokoro-82m"},
        {"id": "SD-Turbo", "labels": ["image"]},
        {"id": "ears", "labels": ["audio", "transcription"]},
        {"id": "words", "labels": ["embeddings"]},
        {"id": "order", "type": "rerank"},
        {"id": "numbers", "type": "embeddings"},
        {"id": "stable-diffusion-3"},
    ],
)
def test_what_only_embeds_sorts_listens_speaks_or_paints_is_never_chosen(entry):
    assert listed({"data": [entry, {"id": "llava"}]}) == {"llava": None}
    info = ServerInfo("http://s", models=(ServedModel("llava"),))
    assert choose(info, "google/gemma-3-4b", explicit=False).model.name == "llava"


@pytest.mark.parametrize(
    "name",
    [
        "gemma-3n-e4b",
        "qwen2.5vl:7b",
        "frank-vl",
        "sdk-model",
        "phi-4-multimodal",
        "minicpm-v",
        "granite-vision",
    ],
)
def test_what_has_a_similar_name_is_kept(name):
    assert listed({"data": [{"id": name}]}) == {name: None}
    info = ServerInfo("http://s", models=(ServedModel("mystery"), ServedModel(name)))
    if name != "sdk-model":
        assert choose(info, "x", explicit=False).others in ((ServedModel("mystery"),), (ServedModel(name),))


def test_among_models_of_which_nothing_is_said_one_with_eyes_in_its_name_comes_first():
    info = ServerInfo(
        "http://s", models=tuple(map(ServedModel, ("phi4", "llama3", "qwen2.5-vl-7b", "LLaVA-1.6")))
    )
    choice = choose(info, "google/gemma-3-4b", explicit=False)
    assert [choice.model.name, *(model.name for model in choice.others)][:2] == ["qwen2.5-vl-7b", "LLaVA-1.6"]


def test_the_list_of_a_server_that_sees_needs_no_other_question():
    with Stub(pages={"/v1/models": models("m", **SEES)}) as server:
        seen(server.url)
        assert [request.path for request in server.requests] == ["/v1/models"]


@pytest.mark.parametrize(
    ("pages", "slots"),
    [
        ({"/props": Says({"total_slots": 7})}, 7),
        ({"/props": Says({"total_slots": 7}), "/slots": Says([{"id": 0}])}, 7),
        ({"/props": Says({"role": "router"}), "/slots": Says([{"id": 0}, {"id": 1}])}, 2),
        ({"/props": error(401, "no"), "/slots": error(501, "start me with --slots")}, None),
        ({"/props": Says({"total_slots": "many"}), "/slots": Says([])}, None),
        ({"/props": Says([]), "/slots": Says({"slots": 3})}, None),
        ({"/props": Says({"total_slots": 0})}, None),
    ],
)
def test_llama_cpp_says_how_many_slots_it_has(pages, slots):
    with Stub(pages={"/v1/models": models("m", owned_by="llamacpp"), **pages}) as server:
        assert seen(server.url)[0].slots == slots


@pytest.mark.parametrize(("owner", "batches"), [("vllm", True), ("sglang", True), ("me", False), ([], False)])
def test_who_batches_is_told_by_its_list(owner, batches):
    with Stub(pages={"/v1/models": models("m", owned_by=owner)}) as server:
        info = seen(server.url)[0]
        assert info.batches == batches
        assert info.slots is None
