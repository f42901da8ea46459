"""Where servers put an answer, and what is none."""

import json

import pytest

from support.stub import chat
from tagroll.models.reply.parse import parse_reply
from tagroll.models.server.bodies import read_json, stated_error
from tagroll.models.server.completion import breaks_off, read_completion

WORDS = ["beach", "sunset"]
ANSWER = json.dumps({"keywords": WORDS})
MESSAGE = {"role": "assistant", "content": ANSWER}


def called(arguments):
    return [{"type": "function", "function": {"name": "tag_photo", "arguments": arguments}}]


@pytest.mark.parametrize(
    "message",
    [
        {"content": ANSWER},
        {"content": [{"type": "text", "text": ANSWER}]},
        {"content": [{"type": "text", "text": {"value": ANSWER, "annotations": []}}]},
        {"content": [ANSWER[:9], ANSWER[9:]]},
        {"content": WORDS},
        {"content": {"keywords": WORDS}},
        {"content": {"type": "text", "text": ANSWER}},
        {"content": [{"type": "reasoning", "text": '["dog"]'}, {"type": "text", "text": ANSWER}]},
        {"content": [{"type": "thinking", "thinking": "a dog?"}, {"type": "text", "text": ANSWER}]},
        {"content": None, "tool_calls": called(ANSWER)},
        {"content": "", "tool_calls": called({"keywords": WORDS})},
        {"content": None, "function_call": {"name": "tag_photo", "arguments": ANSWER}},
        {"content": None, "parsed": {"keywords": WORDS}},
        {"content": None, "tool_calls": [{"type": "custom", "custom": {"name": "tag", "input": ANSWER}}]},
        {"content": "", "reasoning_content": ANSWER},
        {"content": "{}", "reasoning_content": ANSWER},
        {"content": "[]", "thinking": ANSWER},
        {"content": "null", "reasoning": ANSWER},
        {"content": "", "reasoning": ANSWER},
        {"content": "", "thinking": ANSWER},
        {"content": "", "reasoning_details": [{"type": "reasoning.text", "text": ANSWER}]},
    ],
)
def test_an_answer_is_found_where_it_is_put(message):
    said = read_completion({"choices": [{"message": message, "finish_reason": "stop"}]})
    assert json.loads(said.text) in (WORDS, {"keywords": WORDS})
    assert not said.cut


@pytest.mark.parametrize(
    "body",
    [
        {"choices": {"message": MESSAGE}},
        {"data": {"choices": [{"message": MESSAGE}]}},
        [{"choices": [{"message": MESSAGE}]}],
        {"model": "m", "message": MESSAGE, "done": True},
    ],
)
def test_a_completion_is_found_in_its_wrapping(body):
    assert json.loads(read_completion(body).text) == {"keywords": WORDS}


THOUGHT = {"type": "thinking", "thinking": "a dog?", "text": "a dog?", "thought": True}
OTHERS = {
    "Ollama's generate": ({"model": "m", "response": ANSWER, "done": True}, "done_reason", "length", {"prompt_eval_count": 7}),
    "Ollama's chat": ({"model": "m", "message": MESSAGE, "done": True}, "done_reason", "length", {"prompt_eval_count": 7}),
    "Anthropic's messages": (
        {"type": "message", "role": "assistant", "model": "m", "content": [THOUGHT, {"type": "text", "text": ANSWER}]},
        "stop_reason", "max_tokens", {"usage": {"input_tokens": 7}},
    ),
    "Anthropic's tools": (
        {"role": "assistant", "content": [{"type": "tool_use", "name": "tag", "input": {"keywords": WORDS}}]},
        "stop_reason", "max_tokens", {"usage": {"input_tokens": 7}},
    ),
    "OpenAI's responses": (
        {"object": "response", "model": "m", "output": [
            {"type": "reasoning", "summary": [{"type": "summary_text", "text": "a dog?"}]},
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": ANSWER}]},
        ]}, "status", "incomplete", {"usage": {"input_tokens": 7}},
    ),
    "OpenAI's responses, a function": (
        {"object": "response", "model": "m", "output": [{"type": "function_call", "name": "tag", "arguments": ANSWER}]},
        "status", "incomplete", {"usage": {"input_tokens": 7}},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("body", "reason", "cut", "counts"), OTHERS.values(), ids=OTHERS)
def test_other_apis_are_read(body, reason, cut, counts):
    for ended in ("stop", cut):
        said = read_completion(read_json(json.dumps({**body, reason: ended, **counts}).encode()))
        assert json.loads(said.text) == {"keywords": WORDS}
        assert (said.cut, said.prompt_tokens) == (ended == cut, 7)


@pytest.mark.parametrize(
    "part", [{"text": ANSWER}, {"functionCall": {"name": "tag", "args": {"keywords": WORDS}}}]
)
def test_so_is_gemini(part):
    candidate = {"content": {"parts": [THOUGHT, part], "role": "model"}, "finishReason": "MAX_TOKENS"}
    said = read_completion(read_json(json.dumps(
        {"candidates": [candidate], "usageMetadata": {"promptTokenCount": 7}, "modelVersion": "m"}
    ).encode()))  # fmt: skip
    assert json.loads(said.text) == {"keywords": WORDS}
    assert (said.cut, said.prompt_tokens) == (True, 7)


def test_the_first_choice_that_says_something_counts():
    empty = {"message": {"role": "assistant", "content": ""}, "finish_reason": "stop"}
    said = read_completion({"choices": [empty, {"message": MESSAGE, "finish_reason": "stop"}]})
    assert json.loads(said.text) == {"keywords": WORDS}


def test_several_calls_of_a_function_are_one_answer():
    calls = [*called('{"keywords": ["beach"]}'), *called({"keywords": ["sunset"]})]
    said = read_completion({"choices": [{"message": {"content": None, "tool_calls": calls}}]})
    assert list(parse_reply(said.text).keywords) == WORDS


@pytest.mark.parametrize("thoughts", [{"reasoning_content": "Hm"}, {"thinking": "Hm"}, {"reasoning": "Hm"}])
def test_thoughts_are_known_as_such(thoughts):
    assert read_completion({"choices": [{"message": {"content": ANSWER, **thoughts}}]}).thought
    cut = read_completion({"choices": [{"message": {"content": "", **thoughts}, "finish_reason": "length"}]})
    assert (cut.text, cut.cut, cut.thought) == ("", True, True)


@pytest.mark.parametrize(
    "nothing",
    [None, [], {}, {"choices": []}, {"choices": [None]}, {"choices": [{"delta": 1}]}, {"choices": {}},
     {"message": "Not ready"}, {"message": {"text": "no"}}, {"data": []}, [[]], {"choices": "no"}],
)  # fmt: skip
def test_what_is_no_completion_is_none(nothing):
    assert read_completion(nothing) is None


# ---------------------------------------------------------------- streams of events


def chunks(*deltas, finish="stop"):
    events = [{"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": d}]} for d in deltas]
    last = {"choices": [{"index": 0, "delta": {}, "finish_reason": finish}]}
    return [*events, last, {"choices": [], "usage": {"prompt_tokens": 7}}]


def stream(events, before="data: ", between="\n\n", end="data: [DONE]\n\n"):
    return (between.join(before + json.dumps(event) for event in events) + between + end).encode()


PIECES = [{"role": "assistant", "content": ""}, *({"content": sign} for sign in ANSWER)]
WHOLE = json.loads(json.dumps(chat(ANSWER).body))


@pytest.mark.parametrize(
    "body",
    [
        stream(chunks(*PIECES)),
        stream(chunks(*PIECES), between="\r\n\r\n"),
        stream(chunks(*PIECES), before="data:"),
        stream(chunks(*PIECES), between="\n"),
        stream(chunks(*PIECES), before="event: message\ndata: "),
        b": keep-alive\n\n" + stream(chunks(*PIECES)),
        stream(chunks(*PIECES), end=""),
        stream(chunks(*PIECES), before="", between="\n", end=""),
        stream(chunks({"tool_calls": called(ANSWER[:9])}, {"tool_calls": called(ANSWER[9:])})),
        stream([WHOLE]),
        stream(
            [
                {"choices": [{"text": ANSWER[:9]}]},
                {"choices": [{"text": ANSWER[9:]}], "usage": {"prompt_tokens": 7}},
            ]
        ),
        json.dumps(WHOLE).encode() + b"\n\ndata: [DONE]\n\n",
        b"data: " + json.dumps(WHOLE, indent=1).replace("\n", "\ndata: ").encode() + b"\n\n",
    ],
)
def test_a_stream_of_events_is_read_as_one_answer(body):
    said = read_completion(read_json(body))
    assert json.loads(said.text) == {"keywords": WORDS}
    assert said.prompt_tokens in {7, 300} or b"usage" not in body


def pieces(wrapped):
    return [wrapped(sign) for sign in ANSWER]


ENDED = {"done": True, "done_reason": "stop", "prompt_eval_count": 7}
OTHER_STREAMS = {
    "Ollama's generate": [
        *pieces(lambda sign: {"model": "m", "response": sign, "done": False}), {"model": "m", "response": "", **ENDED}
    ],
    "Ollama's chat": [
        *pieces(lambda sign: {"model": "m", "message": {"role": "assistant", "content": sign}, "done": False}),
        {"model": "m", "message": {"role": "assistant", "content": ""}, **ENDED},
    ],
    "Anthropic": [
        {"type": "message_start", "message": {"role": "assistant", "model": "m", "content": []}},
        *pieces(lambda sign: {"type": "content_block_delta", "delta": {"type": "text_delta", "text": sign}}),
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"input_tokens": 7}},
        {"type": "message_stop"},
    ],
    "OpenAI's responses": [
        {"type": "response.created", "response": {"object": "response", "output": []}},
        *pieces(lambda sign: {"type": "response.output_text.delta", "delta": sign}),
    ],
    "Gemini": [
        *pieces(lambda sign: {"candidates": [{"content": {"parts": [{"text": sign}]}}]}),
        {"candidates": [{"finishReason": "STOP"}], "usageMetadata": {"promptTokenCount": 7}},
    ],
}  # fmt: skip


@pytest.mark.parametrize("events", OTHER_STREAMS.values(), ids=OTHER_STREAMS)
def test_so_are_streams_of_other_apis(events):
    array = [json.dumps(events).encode()] if "candidates" in events[0] else []
    for body in (stream(events), stream(events, before="", between="\n", end=""), *array):
        said = read_completion(read_json(body))
        assert json.loads(said.text) == {"keywords": WORDS}
        assert not said.cut


def test_a_stream_that_ends_for_want_of_tokens_is_cut():
    assert read_completion(read_json(stream(chunks(*PIECES, finish="length")))).cut
    assert read_completion(read_json(stream(chunks(*PIECES[:9])))).cut, "JSON that breaks off"


def test_thoughts_in_a_stream_are_thoughts():
    said = read_completion(
        read_json(stream(chunks({"reasoning_content": "Hm"}, {"reasoning_content": "m"}, *PIECES)))
    )
    assert said.thought
    assert json.loads(said.text) == {"keywords": WORDS}


@pytest.mark.parametrize(
    "events",
    [
        [{"error": {"message": "out of memory"}}],
        [*chunks(*PIECES[:4])[:4], {"error": {"message": "out of memory"}}],
    ],
)
def test_an_error_in_a_stream_is_an_error(events):
    assert stated_error(read_json(stream(events))) == "out of memory"


@pytest.mark.parametrize(
    "body",
    [
        b'event: error\ndata: {"message": "out of memory"}\n\n',
        b'data: {"choices": [{"delta": {"content": "{"}}]}\n\nerror: {"code": 500, "message": "out of memory"}\n\n',
        b"error: out of memory\n\n",
    ],
)
def test_an_event_that_is_an_error_is_one(body):
    assert stated_error(read_json(body)) == "out of memory"


@pytest.mark.parametrize(
    "said",
    [
        {"status": "error", "message": "out of memory"},
        {"code": 500, "msg": "out of memory"},
        {"code": 503, "message": "out of memory", "data": None},
        {"error_code": 17, "error_msg": "out of memory"},
        {"type": "error", "message": "out of memory"},
    ],
)
def test_an_error_without_its_name_is_one(said):
    assert stated_error(said) == "out of memory"
    assert stated_error({"code": 200, "message": "fine"}) == ""


# ---------------------------------------------------------------- cut and refused


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ('{"keywords": ["Cat", "So', True),
        ('{"keywords": ["Cat", "Sofa"', True),
        ('```json\n["Cat", "Sof', True),
        ('<think>[hm]</think>{"keywords": ["Cat"', True),
        ('{"keywords": ["Cat"], "title": "A \\"big', True),
        ('{"keywords": ["Cat", "Sofa"]}', False),
        ('{"keywords": ["Cat"]} I hope that helps!', False),
        ('{"keywords": ["a [b", "c"]} Done', False),
        ('```json\n["Cat"]\n```', False),
        ("Cat, sofa", False),
        ("", False),
    ],
)
def test_json_that_breaks_off_is_cut_whatever_the_server_says(text, cut):
    assert breaks_off(text) is cut
    for finish in ("max_tokens", "stop", "eos", None):
        said = read_completion({"choices": [{"message": {"content": text}, "finish_reason": finish}]})
        assert said.cut is (cut or finish == "max_tokens")


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        ({"message": {"content": None}, "finish_reason": "content_filter"}, "content_filter"),
        ({"message": {"content": ""}, "finish_reason": "SAFETY"}, "SAFETY"),
        ({"message": {"content": None, "refusal": "I can't help with that."}}, "I can't help"),
        (
            {"message": {"content": "Generation failed: no pixel_values"}, "finish_reason": "error"},
            "Generation failed",
        ),
        ({"message": {"content": ANSWER}, "finish_reason": "content_filter"}, ""),
        ({"message": {"content": ANSWER, "refusal": None}, "finish_reason": "stop"}, ""),
        ({"message": {"content": ""}, "finish_reason": "stop"}, ""),
    ],
)
def test_what_a_model_refuses_to_say_is_told(choice, words):
    told = stated_error({"choices": [choice]})
    assert words in told if words else told == ""
