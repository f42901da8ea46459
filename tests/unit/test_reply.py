"""Reply parsing: the table of shapes, and the laws that hold for any text."""

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reply_cases import AROUND, BROKEN_JSON, FAILURES, JSON, REPETITION, TEXT

from tagroll.describe.reply import Reply, parse_reply
from tagroll.errors import ReplyError


def rows(*tables):
    return [pytest.param(*row[1:], id=row[0]) for table in tables for row in table]


@pytest.mark.parametrize(("answer", "keywords"), rows(JSON, AROUND, BROKEN_JSON, TEXT, REPETITION))
def test_keywords(answer, keywords):
    if keywords is None:
        with pytest.raises(ReplyError):
            parse_reply(answer)
    else:
        assert list(parse_reply(answer).keywords) == keywords


@pytest.mark.parametrize("answer", rows(FAILURES))
def test_an_honest_failure(answer):
    with pytest.raises(ReplyError):
        parse_reply(answer)
