"""Tags given and taken in a browser: the panel's three states, undo, failures, a server that goes and comes."""

import json
import re

import pytest

from web.page import cells, chip, expect, few, panel, select, until


def test_the_three_states_of_a_mixed_selection(serve, visit):
    rows = few(["Beach", "Dog"], ["Beach"], ["Beach"])
    server = serve(rows)
    page = visit(server.url)
    select(page, 0, 1, 2)
    page.get_by_role("button", name="Tags", exact=True).click()
    expect(chip(page, "Beach, all")).to_be_visible()
    chip(page, "Dog, 1 of 3").click()
    expect(chip(page, "Dog, all")).to_be_visible()
    until(lambda: all("Dog" in row.tags for row in rows[:3]))
    chip(page, "Dog, all").click()
    expect(chip(page, "Dog, offered")).to_be_visible()
    until(lambda: not any("Dog" in row.tags for row in rows[:3]))
    assert [body for path, body in server.posted if path == "/api/edits"] == [
        {"photos": [rows[0].id, rows[1].id, rows[2].id], "add": ["Dog"], "remove": []},
        {"photos": [rows[0].id, rows[1].id, rows[2].id], "add": [], "remove": ["Dog"]},
    ]


def test_find_select_tag_and_undo_by_keyboard_alone(serve, visit):
    rows = few(["Boat"], ["Boat"], ["Car"])
    server = serve(rows)
    page = visit(server.url)
    page.keyboard.press("/")
    page.keyboard.type("tag:boat")
    page.keyboard.press("Enter")
    page.keyboard.press("Control+a")
    page.keyboard.press("t")
    expect(panel(page).get_by_role("combobox", name="Add a tag")).to_be_focused()
    page.keyboard.type("holiday")
    page.keyboard.press("Enter")
    until(lambda: [row.tags for row in rows[:3]] == [["Boat", "holiday"], ["Boat", "holiday"], ["Car"]])
    expect(page.get_by_role("status")).to_contain_text("+ holiday · 2 photos")
    page.keyboard.press("Escape")
    expect(panel(page)).to_be_hidden()
    page.keyboard.press("Control+z")
    until(lambda: [row.tags for row in rows[:3]] == [["Boat"], ["Boat"], ["Car"]])
    expect(page.get_by_role("status")).to_contain_text("Undone: + holiday")
    assert [path for path, _ in server.posted] == ["/api/edits", "/api/edits/1/undo"]


def test_the_button_undoes(serve, visit):
    rows = few(["Boat"])
    page = visit(serve(rows).url)
    select(page, 0)
    page.keyboard.press("t")
    page.keyboard.type("Lake")
    page.keyboard.press("Enter")
    until(lambda: rows[0].tags == ["Boat", "Lake"])
    page.get_by_role("button", name="Undo", exact=True).click()
    until(lambda: rows[0].tags == ["Boat"])
    expect(chip(page, "Lake, offered")).to_be_visible()


@pytest.mark.parametrize(
    ("typed", "given"), [("BEACH", "Beach"), ("  new   word ", "new word"), ("Places | Oslo", "Places|Oslo")]
)
def test_a_tag_that_is_there_is_not_made_twice(serve, visit, typed, given):
    rows = few(["Beach"], [])
    page = visit(serve(rows).url)
    select(page, 1)
    page.keyboard.press("t")
    page.keyboard.type(typed)
    page.keyboard.press("Enter")
    until(lambda: rows[1].tags == [given])


def test_the_field_offers_prefix_then_word_then_inside_without_accents(serve, visit):
    rows = few(["Éclair"], ["Wedding clair"], ["Unclear"], ["Clay"], [])
    page = visit(serve(rows).url)
    select(page, 4)
    page.keyboard.press("t")
    page.keyboard.type("cla")
    options = panel(page).get_by_role("option")
    expect(options).to_have_text([re.compile("^Clay"), re.compile("^Wedding clair"), re.compile("^Éclair")])
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    until(lambda: rows[4].tags == ["Wedding clair"])


def test_what_the_model_was_not_sure_of_is_offered(serve, visit):
    rows = few([])
    rows[0].proposals = [("Kite", 0.42)]
    page = visit(serve(rows).url)
    select(page, 0)
    page.keyboard.press("t")
    expect(chip(page, "Kite, offered")).to_contain_text("42 %")
    chip(page, "Kite, offered").click()
    until(lambda: rows[0].tags == ["Kite"])


def test_failures_are_told_by_name_and_shown_as_they_are(serve, visit):
    rows = few(["Boat"], ["Boat"])
    server = serve(rows)
    server.library.fails[rows[1].id] = ("it is write-protected", "allow writing")
    page = visit(server.url)
    select(page, 0, 1)
    page.keyboard.press("t")
    page.keyboard.type("Lake")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text(
        f"{rows[1].name}: it is write-protected (allow writing)"
    )
    expect(chip(page, "Lake, 1 of 2")).to_be_visible()


def test_what_is_done_while_the_server_is_gone_is_kept_and_sent(serve, visit):
    rows = few(["Boat"])
    server = serve(rows)
    page = visit(server.url)
    select(page, 0)
    page.keyboard.press("t")
    expect(panel(page)).to_be_visible()
    server.gone = True
    page.keyboard.type("Lake")
    page.keyboard.press("Enter")
    expect(page.get_by_text("1 change kept here")).to_be_visible()
    assert json.loads(page.evaluate("localStorage['tagroll-unsent']"))[0]["body"]["add"] == ["Lake"]
    server.gone = False
    until(lambda: rows[0].tags == ["Boat", "Lake"])
    expect(page.get_by_text("1 change kept here")).to_be_hidden()


def test_two_tabs_see_each_other(serve, visit):
    rows = few(["Boat"])
    server = serve(rows)
    one, other = visit(server.url), visit(server.url)
    select(one, 0)
    one.keyboard.press("t")
    one.keyboard.type("Lake")
    one.keyboard.press("Enter")
    until(lambda: server.library.generation == 2)
    # as when a person comes back to it
    other.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(cells(other).first).to_have_accessible_name("Boat, Lake")


def test_another_run_that_writes_is_told(serve, visit):
    server = serve(few([]))
    server.library.waiting = "Another run of tagroll is writing; changes wait for it"
    page = visit(server.url)
    expect(page.get_by_text("changes wait for it")).to_be_visible()


def test_read_only_shows_no_way_to_write(serve, visit):
    page = visit(serve(few(["Boat"]), read_only=True).url)
    page.keyboard.press("Control+a")
    expect(page.get_by_text("--read-only")).to_be_visible()
    expect(page.locator("#chosen")).to_contain_text("11 selected")
    expect(page.get_by_role("button", name="Tags", exact=True)).to_have_count(0)
    page.keyboard.press("t")
    expect(panel(page)).to_be_hidden()


def test_hostile_tags_stay_text_in_the_panel(serve, visit):
    bad = '<img src=x onerror="alert(1)">'
    rows = few([bad])
    page = visit(serve(rows).url)
    select(page, 0)
    page.keyboard.press("t")
    expect(chip(page, f"{bad}, all")).to_be_visible()
