"""What a server means by its words: rules, tried on what servers say and on siblings of it."""

import pytest

from tagroll.models.server.http import Answer
from tagroll.models.server.refusal import (
    CHANCES,
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


SIBLINGS = {
    Refusal.BROKEN: [
        (500, "rpc error: code = DeadlineExceeded desc = context deadline exceeded"),
        (500, "write tcp: context canceled while writing"),
        (500, "CUDA error: an illegal memory access was encountered"),
        (500, "hipErrorInvalidContext: invalid device context"),
        (500, "request took too long"),
        (500, "EGL context lost"),
        (500, "Vulkan: device lost"),
        (500, "failed to create context with model"),
        (500, "llama_context: graph reserve failed"),
        (500, "the operation was canceled: request context done"),
        (500, "Internal Server Error"),
        (502, "Bad Gateway"),
        (504, "Gateway Time-out"),
        (408, "Request Timeout"),
        (409, "Conflict"),
        (500, "model runner has unexpectedly stopped"),
        (500, "llama runner process has terminated: exit status 2"),
        (524, "A timeout occurred"),
        (529, "Overloaded"),
        (520, "Web server is returning an unknown error"),
        (599, ""),
        (500, "'NoneType' object has no attribute 'shape'"),
        (500, "list index out of range"),
        (500, "unexpected EOF"),
    ],
    Refusal.CONTEXT: [
        (400, "prompt is too long: 9000 tokens > 4096 maximum"),
        (400, "This model's maximum context length is 4096 tokens"),
        (400, "Requested token count exceeds the model's maximum context length"),
        (400, "input length and max_tokens exceed context limit: 4000 + 900 > 4096"),
        (400, "the input token count (5000) exceeds the maximum number of tokens allowed (4096)"),
        (400, "n_ctx is too small for this image"),
        (500, "failed to process image: not enough space in the context"),
        (400, "image tokens (3000) do not fit in context window"),
        (400, "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096"),
    ],
    Refusal.BLIND: [
        (400, "This model does not support image inputs"),
        (
            400,
            "image input is not supported - hint: if this is unexpected, you may need to provide the mmproj",
        ),
        (404, "No providers support multimodal content"),
        (422, "messages.0.content: invalid type: sequence, expected a string"),
        (422, "unknown variant `image_url`, expected `text`"),
        (400, "Invalid content type. image_url is only supported by certain models."),
        (400, "content parts of type image_url are not allowed for this model"),
        (400, "This is a text-only model"),
        (500, "model does not have vision capabilities"),
        (400, "At most 0 image(s) may be provided in one request"),
        (400, "Unsupported content type: image_url"),
        (400, "Cannot handle image input: no vision encoder"),
        (400, "unrecognized message part type: image_url"),
    ],
    Refusal.FLAGGED: [
        (403, "Your input was flagged by moderation"),
        (400, "Image violates our safety policy"),
        (400, "DataInspectionFailed: input data may contain inappropriate content"),
        (451, "Unavailable For Legal Reasons"),
        (400, "Prompt blocked by guardrails"),
        (400, "NSFW content detected"),
        (403, "Content blocked: sensitive material"),
        (400, "SAFETY"),
        (400, "PROHIBITED_CONTENT"),
    ],
    Refusal.KEY: [
        (401, "Incorrect API key provided"),
        (401, "key not allowed to access model. This key can only access models=['x']"),
        (403, "origin not allowed"),
        (407, "Proxy Authentication Required"),
        (401, "token expired"),
        (403, "Access denied by network policy"),
        (403, "Just a moment... Cloudflare"),
    ],
    Refusal.PAYMENT: [
        (400, "You exceeded your current quota, please check your plan and billing details"),
        (429, "You exceeded your current quota, please check your plan and billing details"),
        (403, "Your credit balance is too low to access the API"),
        (429, "insufficient_quota"),
        (403, "Arrearage: account in arrears, access denied"),
        (400, "Insufficient Balance"),
    ],
    Refusal.MODEL: [
        (404, "model 'the-model' not found, try pulling it first"),
        (404, "The model `the-model` does not exist."),
        (400, "Invalid model name passed in model=the-model"),
        (404, "No models loaded. Please load a model"),
        (400, "the-model is not a valid model ID"),
        (400, "model the-model is not available in your region"),
        (400, "unknown model: the-model"),
        (404, "no such model"),
        (500, "could not find model the-model"),
        (503, "model the-model is not loaded"),
    ],
    Refusal.ADDRESS: [
        (404, "Cannot POST /v1/chat/completions"),
        (404, "Unexpected endpoint or method. (POST /v1/chat/completions)"),
        (404, "Not Found"),
        (404, "no Route matched with those values"),
        (400, "Unknown endpoint"),
        (404, "The requested URL was not found on this server"),
        (301, "it redirects to https://x"),
    ],
    Refusal.SIZE: [
        (413, "Request Entity Too Large"),
        (400, "Payload Too Large"),
        (400, "request body is too large"),
        (400, "Request size limit exceeded"),
        (413, "FST_ERR_CTP_BODY_TOO_LARGE: Request body is too large"),
        (400, "body exceeded 1mb limit"),
    ],
    Refusal.OTHER: [
        (400, "invalid base64 image"),
        (501, "Not implemented"),
        (400, "bad request"),
        (400, "invalid image url: base64 data is truncated"),
    ],
}


@pytest.mark.parametrize(("why", "said"), [(why, said) for why, cases in SIBLINGS.items() for said in cases])
def test_siblings_are_told_apart_too(why, said):
    assert why_refused(*said, "the-model") is why


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ("structured outputs are not supported for multimodal inputs", "schema"),
        ("`response_format` cannot be used together with images", "schema"),
        ("json_schema is not supported with vision models", "schema"),
        ("Extra inputs are not permitted: chat_template_kwargs", "template"),
        ("unknown field 'reasoning_effort' for this multimodal model", "effort"),
        ("Grammar is not supported with mmproj loaded", "schema"),
        ("`temperature` must be > 0", "temperature"),
        (
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
            "max_tokens",
        ),
        ("thinking budget is not supported for this model", "effort"),
        ("enable_thinking must be set to true for vision", "template"),
    ],
)
def test_of_what_is_said_of_pictures_and_a_switch_the_switch_counts(words, named):
    assert named in refused_switches(words, frozenset(SWITCHES))


def test_a_page_for_people_is_no_api():
    page = b"\n<!doctype html><title>My cloud</title>"
    assert refusal_of(Answer(200, page)) is Refusal.ADDRESS
    assert refusal_of(Answer(200, b"{}", error="model not loaded")) is Refusal.MODEL


ALL = frozenset(SWITCHES) - {CHANCES}


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
        ("logprobs are not supported by this backend", {CHANCES}),
        ("top_logprobs must be at most 0", {CHANCES}),
    ],
)
def test_a_switch_that_is_named_is_known(words, named):
    assert refused_switches(words, ALL | {CHANCES}) == named


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
