"""What a server means by its words: rules, tried on what servers say and on siblings of it."""

import pytest

from tagroll.models.server.http import Answer
from tagroll.models.server.refusal import (
    SWITCHES,
    Refusal,
    fewer_switches,
    no_switches,
    refusal_of,
    refused_switches,
    why_refused,
)
from tagroll.models.server.retry import is_too_much


def sorted_as(why, *cases):
    return [pytest.param(status, words, why, id=f"{why.name}-{words[:40]}") for status, words in cases]


@pytest.mark.parametrize(
    ("status", "words", "why"),
    [
        *sorted_as(
            Refusal.BROKEN,
            (500, "rpc error: code = Canceled desc = context canceled"),
            (500, "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"),
            (500, "timed out waiting for llama runner to start: context canceled"),
            (500, "HIP error: invalid device context"),
            (500, "CUDA error: context is destroyed"),
            (503, "no execution context"),
            (500, "could not create a Vulkan context"),
            (500, ""),
            (409, "conflict"),
        ),
        *sorted_as(
            Refusal.OTHER,
            (400, "Request took too long to process"),
            (400, "failed to decode image"),
            (400, ""),
            (404, "No provider can handle the requested parameters"),
            (501, "not implemented"),
            (422, "seed: extra fields not permitted"),
        ),
        *sorted_as(
            Refusal.CONTEXT,
            (400, "request (4165 tokens) exceeds the available context size (4096 tokens), try increasing it"),
            (500, "rpc error: code = Internal desc = request (20652 tokens) exceeds the available context size"),
            (400, "prompt too long; exceeded max context length by 437000 tokens"),
            (400, "This model's maximum context length is 3744 tokens. However, you requested 254457 tokens"),
            (400, "The number of tokens to keep from the initial prompt is greater than the context length"),
            (400, "Trying to keep the first 4231 tokens when context the overflows."),
            (400, "prompt is too long: 5000 tokens > 4096 maximum"),
            (400, "The decoder prompt (length 5042) is longer than the maximum model length of 4096"),
            (400, "input length 9000 exceeds n_ctx"),
            (400, "input length 5000 exceeds maximum 4096"),
            (500, "the context is full"),
            (400, "num_ctx too small"),
            (500, "KV cache is full, 5000 tokens"),
        ),
        *sorted_as(
            Refusal.BLIND,
            (500, "image input is not supported - hint: you may need to provide the mmproj"),
            (500, 'Failed to parse messages: Unsupported content part type: "image_url"; messages = [...]'),
            (400, "Model does not support images. Please use a model that does."),
            (404, "No endpoints found that support image input"),
            (422, "messages.0.content.0.type: Input should be 'text'"),
            (400, "message[0].content must be a string"),
            (422, "messages[0]: unknown variant `image_url`, expected `text` at line 1 column 6754"),
            (404, "Only 'text' content type is supported."),
            (422, "messages.0.content: Input should be a valid string"),
            (400, "At most 0 image(s) may be provided in one prompt."),
            (400, "gemma-3-1b-it is not a multimodal model"),
            (400, "invalid type: sequence, expected a string"),
            (400, "this deployment is text-only"),
            (400, "This model only supports text input"),
            (400, "model does not have vision capability"),
            (400, "Cannot process images"),
            (400, "Unrecognized content type 'image_url'"),
            (422, "content: str type expected"),
            (500, "no mmproj loaded"),
            (404, "No models available that accept pictures"),
        ),
        *sorted_as(
            Refusal.FLAGGED,
            (403, 'Your chosen model requires moderation and your input was flagged for "sexual"'),
            (400, "DataInspectionFailed"),
            (400, "sensitive content detected"),
            (403, "Request blocked by guardrail"),
            (400, "The response was filtered due to the prompt triggering content management policy"),
            (400, "finish_reason: content_filter"),
            (451, "blocked: inappropriate content"),
            (400, "ResponsibleAIPolicyViolation"),
            (400, "prohibited content"),
        ),
        *sorted_as(
            Refusal.KEY,
            (401, "Authentication Error, key not allowed to access model. Tried to access m"),
            (403, "this origin is not allowed"),
            (403, ""),
        ),
        *sorted_as(
            Refusal.PAYMENT, (402, ""), (403, "Insufficient credits"), (400, "insufficient balance"),
            (400, "Your credit balance is too low"), (429, "billing")
        ),
        *sorted_as(
            Refusal.ADDRESS,
            (404, ""),
            (405, "Method Not Allowed"),
            (404, "404 page not found"),
            (400, "Unexpected endpoint or method. (POST /chat/completions)"),
            (308, "it redirects to https://other"),
        ),
        *sorted_as(
            Refusal.MODEL,
            (404, 'model "qwen" not found, try pulling it first'),
            (400, "No models loaded. Please load a model in the developer page"),
            (404, "the-model: no such thing"),
            (400, "unknown model"),
            (400, "Invalid model name"),
        ),
        *sorted_as(
            Refusal.SIZE,
            (413, ""),
            (400, "request entity too large"),
            (400, "Payload too large"),
            (500, "body exceeds the limit of 1048576 bytes"),
        ),
    ],
)  # fmt: skip
def test_refusals_are_told_apart(status, words, why):
    assert why_refused(status, words, "the-model") is why
    assert why_refused(status, words.upper(), "the-model") is why


def test_a_page_for_people_is_no_api():
    page = b"\n<!doctype html><title>My cloud</title>"
    assert refusal_of(Answer(200, page)) is Refusal.ADDRESS
    assert refusal_of(Answer(200, b"{}", error="model not loaded")) is Refusal.MODEL


ALL = frozenset(SWITCHES)


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ("guided decoding (json_schema) is not supported for multimodal models", {"schema"}),
        ("response_format is not supported for multimodal requests", {"schema"}),
        ("Structured output (json_schema) is not supported together with image input", {"schema"}),
        ("reasoning_effort is not supported for vision models", {"effort"}),
        ("chat_template_kwargs without multimodal processor", {"template"}),
        ("Input validation error: `temperature` must be strictly positive", {"temperature"}),
        (
            "'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
            {"max_tokens"},
        ),
        ("Unrecognized field: max_new_tokens", {"max_tokens"}),
        ("image input is not supported", set()),
    ],
)
def test_a_switch_that_is_named_is_known(words, named):
    assert refused_switches(words, ALL) == named


def test_the_newer_name_of_the_room_is_named_only_when_it_was_sent():
    assert refused_switches("unknown field max_completion_tokens", ALL - {"max_tokens"}) == {
        "completion_tokens"
    }


def test_the_plainest_question_and_those_between():
    assert no_switches(ALL) == {"max_tokens", "completion_tokens"}
    forms = list(fewer_switches(ALL))
    assert forms[:3] == [ALL - {name} for name in ("effort", "template", "schema")]
    assert forms[-1] == ALL - {"effort", "template", "schema"}
    assert all(set(form) < ALL for form in forms)


@pytest.mark.parametrize(
    "words",
    [
        "CUDA out of memory",
        "hipErrorOutOfMemory",
        "vk::Device::allocateMemory: ErrorOutOfDeviceMemory",
        "model requires more system memory (9.9 GiB) than is available",
        "unable to allocate CUDA0 buffer",
        "std::bad_alloc",
        "VRAM exhausted",
        "MemoryError",
        "Model loading was stopped due to insufficient system resources.",
    ],
)
def test_words_of_too_little_memory(words):
    assert is_too_much(words)


@pytest.mark.parametrize("words", ["failed to find a memory slot", "a broom and a room", "memory map failed"])
def test_other_words_about_memory(words):
    assert not is_too_much(words)
