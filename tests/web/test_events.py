"""What pages hear: all of it from the moment they ask, and nothing breaks when nobody is there."""

import asyncio

import pytest

from tagroll.web.events import MOST_UNREAD, Events


@pytest.mark.parametrize("count", [1, 2, MOST_UNREAD])
def test_a_page_hears_all_from_the_moment_it_asked(count):
    async def talk():
        events = Events()
        events.open()
        stream = events.stream(["first\n\n"])
        for number in range(count):
            events.tell("edit", {"number": number})
        await asyncio.sleep(0)
        return [await anext(stream) for _ in range(count + 1)]

    heard = asyncio.run(talk())
    assert heard[0].endswith("first\n\n")
    assert [f'"number": {number}}}' in text for number, text in enumerate(heard[1:])] == [True] * count


def test_a_page_that_is_too_far_behind_is_hung_up_on():
    async def talk():
        events = Events()
        events.open()
        stream = events.stream([])
        for _ in range(MOST_UNREAD + 1):
            events.tell("edit", {})
        await asyncio.sleep(0)
        return [text async for text in stream]

    assert len(asyncio.run(talk())) == 1


@pytest.mark.parametrize("opened", [True, False])
def test_telling_a_server_that_has_ended_is_no_error(opened):
    async def begin():
        if opened:
            events.open()

    events = Events()
    asyncio.run(begin())
    events.tell("edit", {})
