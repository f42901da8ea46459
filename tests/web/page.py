"""What tests of the page say often: its parts by their names, photos to show, fingers, and waiting for the server."""

import time

import pytest

from web.photos import make

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect


def cells(page):
    """The photos in sight."""
    return page.get_by_role("grid", name="Photos").get_by_role("gridcell")


def has_keyboard(page, row):
    """Waits until a photo has the keyboard."""
    expect(page.locator(f".cell[data-id='{row.id}']")).to_be_focused()


def select(page, *places):
    """By the ring of each photo."""
    for place in places:
        cells(page).nth(place).locator(".ring").click()


def panel(page):
    """The tags of the selection, or of the photo in the full view."""
    return page.get_by_role("complementary", name="Tags of the selection")


def chip(page, name):
    """A tag in the panel: "Beach, all"."""
    return panel(page).get_by_role("button", name=name, exact=True)


def until(condition, seconds=30):
    """Waits for what the server does in a thread of its own."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.02)


def few(*tags):
    """Photos with these tags, newest first, and ten without any."""
    rows = make(len(tags) + 10)
    for row, mine in zip(rows, [*tags, *([[]] * 10)], strict=True):
        row.tags, row.proposals, row.title = list(mine), [], ""
    return rows


class Fingers:
    """Fingers on the glass: each call says where they all are now, as (x, y)."""

    def __init__(self, page):
        self.send = page.context.new_cdp_session(page).send

    def down(self, *points):
        """They touch it."""
        self._tell("touchStart", points)

    def move(self, *points):
        """They slide."""
        self._tell("touchMove", points)

    def up(self):
        """They leave."""
        self._tell("touchEnd", ())

    def cancel(self):
        """They were no finger, says the machine: a palm, a call that comes in."""
        self._tell("touchCancel", ())

    def _tell(self, kind, points):
        self.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [
            {"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]})  # fmt: skip
