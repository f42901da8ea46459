"""Reply parsing: the table of shapes, and the laws that hold for any text."""

import json
import os
import runpy
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.laws import examples
from tagroll.errors import ReplyError
from tagroll.models.reply.parse import Reply, parse_reply

# ruff: noqa: E501 - a row shows an answer as it is


TABLES = {
    name: table
    for file in ("reply_cases.py", "reply_dialects.py", "reply_shapes.py")
    for name, table in runpy.run_path(str(Path(__file__).with_name(file))).items()
}


def rows(*tables):
    return [pytest.param(*row[1:], id=row[0]) for table in tables for row in TABLES[table]]


@pytest.mark.parametrize(
    ("answer", "keywords"),
    rows("JSON", "AROUND", "BROKEN_JSON", "TEXT", "REPETITION", "REPORTED", "DIALECTS", "SHAPES"),
)
def test_keywords(answer, keywords):
    assert list(parse_reply(answer).keywords) == keywords


@pytest.mark.parametrize("answer", rows("FAILURES", "NO_ANSWERS", "NO_SHAPES"))
def test_an_honest_failure(answer):
    with pytest.raises(ReplyError):
        parse_reply(answer)


CLASSIFY = [
    (
        '{"title": "By the sea", "description": "A quiet beach.", "keywords": ["beach", "sea"], "filename": "by-the-sea"}',
        Reply(("beach", "sea"), "By the sea", "A quiet beach.", "by-the-sea"),
    ),
    (
        '{"headline": "By the sea", "summary": "A quiet\\n beach.", "tags": ["beach"], "name": "by-the-sea.jpg"}',
        Reply(("beach",), "By the sea", "A quiet beach.", "by-the-sea.jpg"),
    ),
    ('{"caption": "A quiet beach", "tags": "beach, sea"}', Reply(("beach", "sea"), "A quiet beach")),
    ('{"result": {"title": "T1", "keywords": ["beach"]}}', Reply(("beach",), "T1")),
    ('[{"title": "T1", "keywords": ["beach"], "file_name": "f1"}]', Reply(("beach",), "T1", "", "f1")),
    ('{"title": "T1", "keywords": ["beach", "s', Reply(("beach",), "T1")),
    ('{"keywords": ["beach"], "title": "Half a tit', Reply(("beach",))),
    ('{"keywords": ["beach"], "title": null, "description": "...", "filename": "string"}', Reply(("beach",))),
    ('{"title": "Caf&eacute; &amp; sea", "keywords": ["beach"]}', Reply(("beach",), "Café & sea")),
    ('{"title": "T1"}\n{"description": "D1"}\n{"keywords": ["beach"]}', Reply(("beach",), "T1", "D1")),
    (
        '**Title:** "By the sea"\n**Description:** A quiet beach.\nNobody is there.\n**Filename:** by-the-sea\n**Keywords:** beach, sea',
        Reply(("beach", "sea"), "By the sea", "A quiet beach. Nobody is there.", "by-the-sea"),
    ),
    ('Title: By the sea\n["beach", "sea"]', Reply(("beach", "sea"), "By the sea")),
    ("标题：海边\n描述：安静的海滩。\n关键词：海滩、大海", Reply(("海滩", "大海"), "海边", "安静的海滩。")),  # noqa: RUF001
]


@pytest.mark.parametrize(("answer", "reply"), CLASSIFY)
def test_title_description_and_file_name(answer, reply):
    assert parse_reply(answer) == reply


PROMPT = """Give 5 to 10 keywords for this photo.

Rules:
- The main subject first, then the rest.
- No sentence, no names of persons.

Choose only from: beach, sunset, ocean, dog
Answer with JSON only, for example {"keywords": ["red car", "street", "night"]}"""


def test_the_prompt_in_the_answer_is_not_an_answer():
    for echo in (
        PROMPT,
        PROMPT.splitlines()[-1],
        '{"keywords": ["red car", "street", "night"]}',
        PROMPT[:150],
    ):
        with pytest.raises(ReplyError):
            parse_reply(echo, prompt_text=PROMPT)


def test_what_follows_the_repeated_prompt_is_the_answer():
    assert parse_reply(PROMPT + '\n["beach", "sea"]', prompt_text=PROMPT).keywords == ("beach", "sea")
    assert parse_reply(
        "- No sentence, no names of persons.\n\nbeach, sunset", prompt_text=PROMPT
    ).keywords == (
        "beach",
        "sunset",
    )


def test_words_of_the_prompt_are_allowed_as_keywords():
    assert parse_reply('{"keywords": ["red car", "street"]}', prompt_text=PROMPT).keywords == (
        "red car",
        "street",
    )


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("", "empty"),
        ("I'm sorry, I can't help.", "refused"),
        ("I cannot see the image.", "sees no picture"),
        ("<think>Let me see, a dog", "still thinking"),
        ('{"keywords": []}', "nothing to name"),
        ('["tag1", "tag2"]', "repeated the question"),
        ('{"error": "out of memory"}', "out of memory"),
        ("The image shows a dog on a beach.", "no list of keywords"),
    ],
)
def test_a_failure_says_what_the_answer_was(answer, said):
    with pytest.raises(ReplyError) as caught:
        parse_reply(answer)
    assert said in caught.value.message
    assert caught.value.hint
    assert "\n" not in caught.value.message
    assert len(caught.value.message) < 120


WORDS = st.lists(
    st.from_regex(r"[a-z]{4,9}(?: [a-z]{4,9})?", fullmatch=True), min_size=2, max_size=9, unique=True
)
PIECES = [
    *"[]{}()<>\"'`:,;|#*-_=/\\ \n.!0a1é“。、",
    "tags",
    "```",
    "<think>",
    "</",
    "|>",
    "\\u00e9",
    "&#",
    "\ud83d",
]
ODD = st.lists(st.sampled_from(PIECES), max_size=40).map("".join)


@examples(60)
@given(WORDS)
def test_plain_words_survive_every_shape(words):
    words = [word for word in words if parse_reply(json.dumps([word, "beach"])).keywords == (word, "beach")]
    if len(words) < 2 or "beach" in words:
        return
    for answer in (
        json.dumps(words),
        json.dumps({"keywords": words}),
        json.dumps({"result": {"tags": words}}, indent=2),
        json.dumps(json.dumps(words)),
        str(words),
        "```json\n" + json.dumps({"tags": words}) + "\n```",
        "Keywords: " + ", ".join(words),
        "".join(f"- {word}\n" for word in words),
        "".join(f"{n}. {word}\n" for n, word in enumerate(words, 1)),
        "<think>no, not that</think>" + json.dumps(words),
    ):
        assert parse_reply(answer).keywords == tuple(words), answer


@pytest.mark.slow
@examples(100)
@given(WORDS, st.integers(0, 200))
def test_a_cut_answer_keeps_only_whole_items(words, cut):
    answer = json.dumps({"keywords": words})[:cut]
    try:
        keywords = parse_reply(answer).keywords
    except ReplyError:
        return
    assert set(keywords) <= set(words)


@examples(200)
@given(
    st.text(max_size=120) | ODD | st.builds(lambda a, b: a + '{"keywords": ["beach", "sea"]}' + b, ODD, ODD)
)
def test_any_text_gives_keywords_or_a_reply_error(text):
    try:
        reply = parse_reply(text)
    except ReplyError:
        pass
    else:
        assert reply.keywords
        assert all(k and k == k.strip() and any(c.isalnum() for c in k) for k in reply.keywords)
        assert len({k.casefold() for k in reply.keywords}) == len(reply.keywords)


DATA = os.environ.get("TAGROLL_DATA", "")
needs_data = pytest.mark.skipif(not DATA, reason="TAGROLL_DATA names no folder of test data")


@needs_data
@pytest.mark.slow
def test_human_captions_are_not_keywords():
    photos = json.loads((Path(DATA) / "devset/labels.json").read_text())["files"].values()
    captions = [caption for photo in photos for caption in photo["captions"]]
    taken = [caption for caption in captions if _keywords_or_nothing(caption)]
    assert len(captions) > 1000
    # What is left are lists with a determiner in front ("A bowl of bananas, chips, and marshmallows.").
    assert len(taken) < len(captions) * 0.005, taken


@needs_data
@pytest.mark.slow
def test_a_tagger_vocabulary_survives():
    text = (Path(DATA) / "tagmerge/vocab_ram.txt").read_text()
    words = sorted(
        {line.strip().rstrip(".").casefold() for line in text.splitlines() if line[:1] != "#"} - {""}
    )
    lost = {"score", "string"}  # what models write when they name nothing
    chunks = [[word for word in words[i::97] if word not in lost] for i in range(97)]
    for chunk in chunks:
        for answer in (json.dumps(chunk), ", ".join(chunk), "\n".join(chunk), "- " + "\n- ".join(chunk)):
            assert list(parse_reply(answer).keywords) == chunk


def _keywords_or_nothing(text):
    try:
        return parse_reply(text).keywords
    except ReplyError:
        return ()


RUNAWAYS = {
    "brackets": "[",
    "braces": "{",
    "nested objects": '{"a":',
    "nested arrays": '["a", ',
    "quotes": '"',
    "quotes and blanks": "' ",
    "open string": 'a" ',
    "thoughts": "<think>",
    "closed thoughts": "</think>",
    "tokens": "<|",
    "parentheses": " (a",
    "bullets": "- ",
    "lines": "a\n",
    "empty lines": " \n",
    "commas": "a, ",
    "colons": "a: ",
    "tables": "| a | b |\n",
    "labels": "Title: ",
    "fences": "```",
    "entities": "&amp;",
    "escapes": "\\u00e9",
    "prose brackets": "[a] ",
    "backslashes": "\\",
    "turns": "user\n",
    "elements": "</a",
    "arrows": "a → ",
    "dashes": "a - b - ",
    "folds": "<details><summary>think",
    "boxes": "\\boxed{a",
    "comments": "<!--",
    "elements of forums": "[tag]",
    "marks": "<|ref|>",
    "negations": "keine ",
    "neighbours": "</b> <b ",
}


@pytest.mark.slow
@pytest.mark.parametrize("piece", RUNAWAYS.values(), ids=RUNAWAYS)
def test_a_runaway_answer_takes_linear_time(piece):
    start = time.process_time()
    with pytest.raises(ReplyError):
        parse_reply(piece * (300_000 // len(piece)))
    # 0.05 to 0.3 s on a slow machine; what is quadratic takes ten seconds and more
    assert time.process_time() - start < 4
