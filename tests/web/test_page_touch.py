"""The page on a phone: fingers that press, drag, swipe and pinch."""

import re

import pytest

from web.page import Fingers, cells, expect, has_keyboard, panel, until
from web.photos import make

SELECTED = "[aria-selected=true]"


def middle(locator):
    """The point to touch."""
    expect(locator).to_be_visible()
    box = locator.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def selected(page):
    """How many photos are selected, as the page tells those who do not see it."""
    found = re.search(r"(\d+) selected", page.get_by_role("status").text_content())
    return int(found[1]) if found else 0


def share(page):
    """How far down the photos are scrolled, from 0 to 1."""
    return page.locator("#scroll").evaluate("(all) => all.scrollTop / (all.scrollHeight - all.clientHeight)")


def see(page, place):
    """A photo in the full view, once it takes swipes."""
    cells(page).nth(place).tap()
    view = page.get_by_role("dialog", name="Photo")
    expect(view).to_have_attribute("data-ready", "")
    return view


def test_a_long_press_and_a_drag_select(serve, visit):
    page = visit(serve(60).url, phone=True)
    fingers, chosen = Fingers(page), page.locator(SELECTED)
    x, y = middle(cells(page).nth(0))
    fingers.down((x, y))
    expect(chosen).to_have_count(1)
    fingers.move((x + 15, y))
    fingers.move(middle(cells(page).nth(5)))
    expect(chosen).to_have_count(6)
    fingers.move(middle(cells(page).nth(3)))
    expect(chosen).to_have_count(4)
    fingers.up()
    expect(page.get_by_role("dialog", name="Photo")).to_be_hidden()
    cells(page).nth(2).tap()
    expect(chosen).to_have_count(3)
    page.get_by_role("button", name="Tags", exact=True).tap()
    expect(panel(page)).to_be_in_viewport(ratio=1)
    box = panel(page).bounding_box()
    assert 0.5 < box["height"] / 844 < 0.7
    assert box["y"] + box["height"] == pytest.approx(844, abs=2)


def test_a_finger_at_the_edge_scrolls_and_goes_on_selecting(serve, visit):
    rows = make(400)
    page = visit(serve(rows).url, phone=True)
    fingers, box = Fingers(page), page.locator("#scroll").bounding_box()
    x, y = middle(cells(page).nth(8))
    fingers.down((x, y))
    until(lambda: selected(page) == 1)
    fingers.move((x, y + 20))
    fingers.move((x, box["y"] + box["height"] - 4))
    until(lambda: selected(page) > 70)
    # the photo under which the touch began is far out of sight, and kept for as long as the finger is down
    began = page.locator(f".cell[data-id='{rows[8].id}']")
    expect(began).to_be_attached()
    expect(began).not_to_be_in_viewport()
    fingers.move((x, box["y"] + 4))
    until(lambda: selected(page) < 20)
    fingers.move(middle(page.locator("#scroll")))
    fingers.up()
    chosen = selected(page)
    assert 0 < chosen < 100
    began.tap()
    until(lambda: selected(page) == chosen - 1)


def test_a_finger_that_scrolls_selects_nothing(serve, visit):
    page = visit(serve(200).url, phone=True)
    fingers = Fingers(page)
    x, y = middle(cells(page).nth(16))
    fingers.down((x, y))
    for step in range(1, 9):
        fingers.move((x, y - 40 * step))
    fingers.up()
    until(lambda: share(page) > 0)
    assert selected(page) == 0
    expect(page.get_by_role("dialog", name="Photo")).to_be_hidden()


def test_years_are_dragged_and_a_finger_that_rests_goes_slowly(serve, visit):
    page = visit(serve(2000).url, phone=True)
    fingers, strip, when = Fingers(page), page.locator("#years"), page.locator("#when")
    expect(when).to_have_text(re.compile(r"^[A-Z][a-z]+ \d{4}$"))
    newest = when.text_content()
    box = strip.bounding_box()
    x = box["x"] + box["width"] / 2

    def at(part):
        return x, box["y"] + part * box["height"]

    def dragged():
        """They come when one scrolls, and go soon after; who waits on the way goes slowly from there on."""
        page.locator("#scroll").evaluate("(all) => all.scrollTop++")
        fingers.down(at(0.2))
        fingers.move(at(0.6))
        if re.search(r"\bheld\b", strip.get_attribute("class") or "") and abs(share(page) - 0.6) < 0.02:
            return True
        fingers.cancel()
        return False

    until(dragged)
    expect(when).to_have_css("opacity", "1")
    expect(when).not_to_have_text(newest)
    expect(strip.locator(".year").first).to_be_visible()
    expect(strip).to_have_class(re.compile(r"\bfine\b"))
    fingers.move(at(0.8))
    until(lambda: abs(share(page) - 0.62) < 0.005)
    fingers.up()
    expect(strip).not_to_have_class(re.compile(r"\b(held|fine)\b"))
    expect(page.get_by_role("dialog", name="Photo")).to_be_hidden()


def test_no_message_lies_over_the_buttons_of_review(serve, visit):
    rows = make(4)
    for row, sure in zip(rows, (0.9, 0.8, 0.4, 0.3), strict=True):
        row.tags, row.proposals = [], [("Surfboard", sure)]
    page = visit(serve(rows).url + "/review", phone=True)
    page.get_by_role("button", name="Accept 2").tap()
    expect(page.get_by_role("status")).to_contain_text("Surfboard: 2 photos accepted")
    for place in (0, 1):
        page.get_by_role("option").nth(place).tap()
    page.get_by_role("button", name="Accept 2").tap()
    until(lambda: all(row.tags == ["Surfboard"] for row in rows))


def test_filters_are_a_sheet(serve, visit):
    page = visit(serve(60).url, phone=True)
    filters = page.get_by_role("navigation", name="Filters")
    expect(filters).to_be_hidden()
    page.get_by_role("button", name="Filters").tap()
    filters.get_by_role("button", name=re.compile("^Person")).tap()
    page.get_by_role("button", name="Show the photos").tap()
    expect(filters).to_be_hidden()
    expect(page.get_by_role("combobox", name="Search")).to_have_value("tag:Person")


def test_a_swipe_shows_the_next_photo_and_one_down_goes_back(serve, visit):
    rows = make(20)
    server = serve(rows)
    page = visit(server.url, phone=True)
    view, fingers = see(page, 2), Fingers(page)
    expect(view.get_by_text("3 of 20")).to_be_visible()
    fingers.down((320, 400))
    for x in (260, 120, 40):
        fingers.move((x, 400))
    fingers.up()
    expect(view.get_by_text("4 of 20")).to_be_visible()
    fingers.down((200, 250))
    for y in (320, 450, 700):
        fingers.move((200, y))
    fingers.up()
    expect(view).to_be_hidden()
    expect(page).to_have_url(f"{server.url}/")
    has_keyboard(page, rows[3])


def test_two_fingers_enlarge_and_then_the_photo_itself_comes(serve, visit):
    rows = make(20)
    server = serve(rows)
    page = visit(server.url, phone=True)
    view, fingers = see(page, 2), Fingers(page)
    picture = view.locator(".pswp__item[aria-hidden=false] .pswp__img:not(.pswp__img--placeholder)")

    def width():
        box = picture.bounding_box()
        return box["width"] if box else 0

    small = pytest.approx(390, abs=1)
    until(lambda: width() == small)
    fingers.down((180, 400), (210, 400))
    for far in (40, 70, 100):
        fingers.move((195 - far, 400), (195 + far, 400))
    fingers.up()
    until(lambda: width() > 780)
    until(lambda: f"/original/{rows[2].id}" in server.asked)
    expect(picture).to_have_attribute("src", re.compile(f"/original/{rows[2].id}$"))
    fingers.down((60, 400), (330, 400))
    for far in (90, 50, 10):
        fingers.move((195 - far, 400), (195 + far, 400))
    fingers.up()
    until(lambda: width() == small)
    expect(view.get_by_text("3 of 20")).to_be_visible()


def test_what_is_known_of_a_photo_is_a_sheet_below_it(serve, visit):
    rows = make(20)
    rows[2].tags, rows[2].proposals = ["Beach"], []
    page = visit(serve(rows).url, phone=True)
    view = see(page, 2)
    expect(panel(page)).to_be_hidden()
    view.get_by_role("button", name="Details").tap()
    panel(page).get_by_role("button", name="Beach, all").tap()
    until(lambda: rows[2].tags == [])
    picture, sheet = view.locator(".stage").bounding_box(), view.locator(".beside").bounding_box()
    assert picture["y"] + picture["height"] == pytest.approx(sheet["y"], abs=1)
    assert sheet["height"] / 844 == pytest.approx(0.6, abs=0.01)
