"""The page's grammar of queries is that of `tagroll find`: the same cases."""

import json
from pathlib import Path

import pytest

from web.photos import Row

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

CASES = json.loads((Path(__file__).parents[1] / "query_cases.json").read_text())

ANSWERS = """async (queries) => {
  const { parse: read } = await import('/static/model.js');
  const { matches, parse } = await import('/static/query.js');
  const library = read(await (await fetch('/api/library')).arrayBuffer());
  return queries.map((text) => {
    const { terms, words } = parse(text);
    return [Array.from(matches(library, terms), (place) => library.id[place]).sort((a, b) => a - b), words];
  });
}"""


def row(photo):
    place = (photo["latitude"], photo["longitude"]) if "latitude" in photo else None
    taken = photo["taken"]
    return Row(
        id=photo["id"], name=f"{photo['id']}.jpg", folder=photo["folder"], aspect=1500, dated=taken is None,
        minute=(photo["dated"] if taken is None else taken) // 60, camera=photo.get("camera", ""), rating=photo.get("rating"),
        place=place, tags=photo["tags"], title=photo.get("title", ""), description=photo.get("description", ""),
        proposals=[("Sea", 0.5)] if photo.get("review") else [], error=photo.get("error", ""),
    )  # fmt: skip


def test_every_case_is_understood_as_the_terminal_does(serve, visit):
    rows = sorted(map(row, CASES["photos"]), key=lambda one: -one.minute)
    page = visit(serve(rows).url)
    answers = page.evaluate(ANSWERS, [case["query"] for case in CASES["cases"]])
    assert len(answers) > 50
    for case, (ids, text) in zip(CASES["cases"], answers, strict=True):
        assert (ids, text) == (case["ids"], case["text"]), case["query"]


WRITTEN = """async (texts) => {
  const { parse, write } = await import('/static/query.js');
  return texts.map((text) => JSON.stringify(parse(write(parse(text)))) === JSON.stringify(parse(text)));
}"""


def test_what_is_written_is_read_again_as_it_was(serve, visit):
    page = visit(serve(1).url)
    texts = [case["query"] for case in CASES["cases"]]
    assert [text for text, same in zip(texts, page.evaluate(WRITTEN, texts), strict=True) if not same] == []
