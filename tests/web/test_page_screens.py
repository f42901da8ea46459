"""The full view, review, all tags, history, the sheet of keys, the phone, and what axe says of each."""

import pytest

from web.page import chip, expect, few, has_keyboard, panel, select, until
from web.photos import make

ENDS = "(rows) => rows.map((row) => row.lastElementChild.getBoundingClientRect().right)"


def test_the_full_view_goes_through_the_photos_and_back(serve, visit):
    rows = make(30)
    server = serve(rows)
    page = visit(server.url)
    page.get_by_role("gridcell").nth(3).click()
    view = page.get_by_role("dialog", name="Photo")
    expect(view.get_by_text("4 of 30")).to_be_visible()
    expect(view.get_by_text(rows[3].name)).to_be_visible()
    page.keyboard.press("ArrowRight")
    expect(view.get_by_text("5 of 30")).to_be_visible()
    expect(page).to_have_url(f"{server.url}/#photo-{rows[4].id}")
    page.keyboard.press("Escape")
    expect(view).to_be_hidden()
    expect(page).to_have_url(f"{server.url}/")
    has_keyboard(page, rows[4])
    page.keyboard.press("Enter")
    expect(view.get_by_text("5 of 30")).to_be_visible()
    page.go_back()
    expect(view).to_be_hidden()


def test_an_address_of_a_photo_opens_it_and_tags_are_given_beside_it(serve, visit):
    rows = few(["Boat"], ["Car"])
    rows[1].proposals = [("Kite", 0.42), ("Lake", 0.4)]
    page = visit(serve(rows).url + f"/#photo-{rows[1].id}")
    expect(chip(page, "Car, all")).to_be_visible()
    expect(chip(page, "Lake, offered")).to_be_visible()
    page.keyboard.press("2")
    until(lambda: rows[1].tags == ["Car", "Lake"])
    page.keyboard.press("t")
    page.keyboard.type("Tree")
    page.keyboard.press("Enter")
    until(lambda: rows[1].tags == ["Car", "Lake", "Tree"])
    page.get_by_role("button", name="Undo", exact=True).click()
    until(lambda: rows[1].tags == ["Car", "Lake"])


def test_photos_that_look_like_the_one_shown_large_come_after_it(serve, visit):
    rows = make(9)
    page = visit(serve(rows).url)
    page.get_by_role("gridcell").nth(2).click()
    view = page.get_by_role("dialog", name="Photo")
    expect(view).to_have_attribute("data-ready", "")
    page.keyboard.press("l")
    expect(view).to_be_hidden()
    expect(page.get_by_role("heading", name="1 photo and 3 alike")).to_be_visible()
    shown = [rows[2], *rows[:-4:-1]]
    names = page.get_by_role("gridcell").evaluate_all(
        "(cells) => cells.map((cell) => Number(cell.dataset.id))"
    )
    assert names == [row.id for row in shown]
    expect(page.get_by_text("2 photos not looked at yet")).to_be_visible()
    page.get_by_role("button", name="Drop words like").click()
    expect(page.get_by_role("heading", name="9 photos")).to_be_visible()


@pytest.mark.parametrize("open_", [False, True], ids=["alone", "beside the panel"])
def test_the_grid_is_as_wide_after_the_full_view_as_it_was_before(serve, visit, open_):
    page = visit(serve(60).url)
    page.keyboard.press("ArrowRight")
    if open_:
        page.keyboard.press("t")
    expect(panel(page)).to_be_visible(visible=open_)
    rows = page.locator(".row")
    page.get_by_role("gridcell").nth(2).click()
    view = page.get_by_role("dialog", name="Photo")
    expect(view).to_have_attribute("data-ready", "")
    page.set_viewport_size({"width": 1100, "height": 800})
    expect(panel(page).get_by_role("button").first).to_be_visible()
    page.keyboard.press("Escape")
    expect(view).to_be_hidden()
    edge = 1100 - 52 - (336 if open_ else 0)  # beside the years, and the panel
    until(lambda: max(rows.evaluate_all(ENDS)) == pytest.approx(edge, abs=2))


def proposed():
    rows = few([], [], [], [])
    for row, sure in zip(rows, (0.9, 0.8, 0.7, 0.4), strict=False):
        row.proposals = [("Surfboard", sure)]
    return rows


def test_review_marks_the_wrong_ones_and_accepts_the_rest(serve, visit):
    rows = proposed()
    server = serve(rows)
    page = visit(server.url)
    page.get_by_role("button", name="Review").click()
    expect(page.get_by_role("heading", name="Is this Surfboard?")).to_be_visible()
    expect(page.get_by_role("option")).to_have_count(3)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    page.keyboard.press("a")
    until(lambda: [row.tags for row in rows[:4]] == [["Surfboard"], [], ["Surfboard"], []])
    assert server.posted[0][1]["verdicts"] == [
        {"photo": rows[0].id, "tag": "Surfboard", "yes": True},
        {"photo": rows[1].id, "tag": "Surfboard", "yes": False},
        {"photo": rows[2].id, "tag": "Surfboard", "yes": True},
    ]
    # below .5 the right ones are marked
    expect(page.get_by_role("option")).to_have_count(1)
    page.keyboard.press("r")
    expect(page.get_by_role("heading", name="That was all")).to_be_visible()
    until(lambda: len(server.posted) == 2)
    assert server.posted[1][1]["verdicts"] == [{"photo": rows[3].id, "tag": "Surfboard", "yes": False}]


def test_review_swaps_puts_off_and_goes_back(serve, visit):
    rows = proposed()
    page = visit(serve(rows).url + "/review")
    page.get_by_role("option").first.click()
    expect(page.get_by_role("button", name="Accept 2")).to_be_visible()
    page.keyboard.press("i")
    expect(page.get_by_role("button", name="Accept 2")).to_be_visible()
    expect(page.locator("[aria-selected=true]")).to_have_count(2)
    page.keyboard.press("n")
    expect(page.get_by_role("option")).to_have_count(1)
    page.keyboard.press("z")
    expect(page.get_by_role("option")).to_have_count(3)
    page.keyboard.press("a")
    until(lambda: [row.tags for row in rows[:4]] == [[], ["Surfboard"], ["Surfboard"], []])
    page.keyboard.press("z")
    until(lambda: [row.tags for row in rows[:4]] == [[], [], [], []])
    page.keyboard.press("Escape")
    expect(page.get_by_role("grid", name="Photos")).to_be_visible()


def test_pairs_of_tags_are_judged_and_taken_back(serve, visit):
    rows = few(["Boat"], ["boats"], ["Boat", "Sky"], ["Clear Sky"])
    server = serve(rows)
    server.library.pairs = [
        {"tag": "boats", "into": "Boat", "photos": 1, "evidence": "spelling"},
        {"tag": "Clear Sky", "into": "Sky", "photos": 1, "evidence": "model"},
    ]
    page = visit(server.url + "/review")
    page.get_by_role("link", name="Tags", exact=True).click()
    expect(page.get_by_role("heading", name="Are these one tag?")).to_be_visible()
    expect(page.get_by_role("region", name="boats").get_by_role("img")).to_have_count(1)
    expect(page.get_by_role("region", name="Boat", exact=True).get_by_role("img")).to_have_count(2)
    page.keyboard.press("i")
    expect(page.get_by_role("button", name="boats 1 photo stays")).to_be_visible()
    page.keyboard.press("i")
    page.keyboard.press("a")
    until(lambda: rows[1].tags == ["Boat"])
    expect(page.get_by_text("A model calls them the same.")).to_be_visible()
    page.keyboard.press("r")
    expect(page.get_by_role("heading", name="That was all")).to_be_visible()
    page.keyboard.press("z")
    expect(page.get_by_text("A model calls them the same.")).to_be_visible()
    page.keyboard.press("z")
    until(lambda: rows[1].tags == ["boats"])
    said = [body["same"] for path, body in server.posted if path == "/api/pairs"]
    assert said == [True, False, None]


def test_tags_are_renamed_merged_and_removed(serve, visit):
    rows = few(["Boat"], ["boats"], ["Boat", "Car"])
    page = visit(serve(rows).url + "/tags")
    expect(page.get_by_role("heading", name="3 tags")).to_be_visible()
    page.get_by_role("button", name="Rename Car").click()
    page.get_by_role("textbox", name="New name").fill("Automobile")
    page.keyboard.press("Enter")
    until(lambda: rows[2].tags == ["Boat", "Automobile"])
    for name in ("Choose Boat", "Choose boats"):
        page.get_by_role("checkbox", name=name, exact=True).check()
    page.get_by_role("button", name="Merge").click()
    expect(page.get_by_role("textbox", name="Into")).to_have_value("Boat")
    page.keyboard.press("Enter")
    until(lambda: rows[1].tags == ["Boat"])
    page.get_by_role("button", name="Remove Automobile").click()
    until(lambda: rows[2].tags == ["Boat"])
    expect(page.get_by_role("heading", name="1 tag")).to_be_visible()
    page.keyboard.press("Control+z")
    until(lambda: rows[2].tags == ["Boat", "Automobile"])


def test_removing_a_tag_of_many_photos_shows_how_many_first(serve, visit):
    rows = few(*[["Boat"]] * 501)
    page = visit(serve(rows).url + "/tags")
    page.get_by_role("button", name="Remove Boat").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("501 photos")
    expect(dialog.locator("img")).to_have_count(8)
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog).to_be_hidden()
    assert all(row.tags for row in rows[:501])
    page.get_by_role("button", name="Remove Boat").click()
    dialog.get_by_role("button", name="Yes, 501").click()
    until(lambda: not any(row.tags for row in rows))


def test_history_tells_and_undoes(serve, visit):
    rows = few(["Boat"])
    page = visit(serve(rows).url)
    select(page, 0)
    page.keyboard.press("t")
    page.keyboard.type("Lake")
    page.keyboard.press("Enter")
    until(lambda: rows[0].tags == ["Boat", "Lake"])
    page.get_by_role("button", name="History").click()
    expect(page.get_by_text("A model tagged photos")).to_be_visible()
    page.get_by_role("button", name="Undo run 100").click()
    until(lambda: rows[0].tags == ["Boat"])


def test_a_search_is_saved_and_found_again(serve, visit):
    page = visit(serve(40).url + "/?q=tag:Person")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("textbox", name="Name").fill("People")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Drop tag Person").click()
    page.get_by_role("navigation", name="Filters").get_by_role("button", name="People", exact=True).click()
    expect(page.get_by_role("combobox", name="Search")).to_have_value("tag:Person")


def test_going_to_a_date(serve, visit):
    rows = make(300)
    page = visit(serve(rows).url)
    page.keyboard.press("g")
    page.locator("#ask input").fill("2023-11-01")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_hidden()
    # the day after is the 19,663rd since 1970
    has_keyboard(page, next(row for row in rows if row.minute < 19_663 * 1440))


def test_the_sheet_is_the_table_of_the_handler(serve, visit):
    page = visit(serve(3).url)
    page.keyboard.press("?")
    table = page.evaluate(
        "import('/static/keys.js').then(({ KEYS }) => KEYS.map(({ keys, shown, does }) => [shown ?? keys.join(' '), does]))"
    )
    assert len(table) > 20
    rows = page.locator("#help dl > div")
    expect(rows).to_have_count(len(table))  # the sheet is drawn a moment after the key
    shown = rows.evaluate_all("all => all.map((row) => [...row.children].map((c) => c.textContent))")
    assert shown == table
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()


def test_no_key_works_while_typing(serve, visit):
    server = serve(10)
    page = visit(server.url)
    field = page.get_by_role("combobox", name="Search")
    field.focus()
    page.keyboard.type("tr?gx")
    expect(field).to_have_value("tr?gx")
    expect(page).to_have_url(f"{server.url}/")
    expect(page.get_by_role("dialog")).to_be_hidden()
