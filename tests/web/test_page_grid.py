"""The grid in a browser: what is shown, found, focused and selected, by mouse and keys."""

import re
from dataclasses import replace

import pytest

from web.fake import CSP
from web.page import cells, expect, has_keyboard, select, until
from web.photos import Row, make


def count(page, number):
    expect(page.get_by_role("heading", level=1)).to_contain_text(re.compile(rf"^{number} photos?\b"))


def asked(server):
    """What the page wanted to know; for photos that come into sight it fetches captions as it does pictures."""
    return [path for path in server.asked if re.match("/api/(?!captions)", path)]


def test_all_photos_are_shown_and_named_by_caption_or_tags(serve, visit):
    rows = make(30)
    rows[0].tags, rows[0].title = ["Beach", "Places|Italy|Malcesine"], ""
    rows[1].title, rows[2].description = "Sunset over the fjord", "Anna at the lake"
    page = visit(serve(rows).url)
    count(page, 30)
    for place, name in enumerate(("Beach, Malcesine", "Sunset over the fjord", "Anna at the lake")):
        expect(cells(page).nth(place)).to_have_accessible_name(name)
    expect(page.get_by_role("status")).to_contain_text("30 photos")


def test_a_filter_of_the_address_a_facet_and_the_field_are_the_same(serve, visit):
    rows = make(50)
    server = serve(rows)
    page = visit(server.url + "/?q=tag:Person")
    has = sum("Person" in row.tags for row in rows)
    count(page, has)
    expect(page.get_by_role("combobox", name="Search")).to_have_value("tag:Person")
    facet = page.get_by_role("navigation", name="Filters").get_by_role("button", name=re.compile("^Person"))
    expect(facet).to_have_attribute("aria-pressed", "true")
    facet.click()
    count(page, 50)
    page.get_by_role("navigation", name="Filters").get_by_role("button", name="Not Person").click()
    count(page, 50 - has)
    expect(page).to_have_url(server.url + "/?q=-tag:Person")
    page.go_back()
    count(page, 50)


def test_a_facet_is_a_path_where_its_field_has_paths(serve, visit):
    rows = make(3)
    for row, tag in zip(rows, ("AC/DC", "Music|AC/DC live", "24/7"), strict=True):
        row.tags, row.folder = [tag], "Pictures/Oslo"
    texts = visit(serve(rows).url).get_by_role("navigation", name="Filters").locator(".what")
    for shown in ("AC/DC", "AC/DC live Music", "24/7", "Oslo Pictures"):
        expect(texts.filter(has_text=re.compile(f"^{re.escape(shown)}$"))).to_have_count(1)


def test_the_field_suggests_and_takes_by_keyboard(serve, visit):
    page = visit(serve(50).url)
    page.keyboard.press("/")
    field = page.get_by_role("combobox", name="Search")
    expect(field).to_be_focused()
    field.press_sequentially("malce")
    expect(page.get_by_role("option").first).to_contain_text("Malcesine")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(field).to_have_value("tag:Places|Italy|Malcesine")
    expect(page.get_by_role("navigation", name="Filters").locator("[aria-pressed=true]")).to_contain_text(
        "Malcesine"
    )


def test_words_are_asked_of_the_server_and_close_ones_stand_apart(serve, visit):
    rows = make(40)
    for row in rows:
        row.name, row.tags = "x.jpg", []
    rows[7].title = "The sea at night"
    page = visit(serve(rows).url + "/?q=sea")
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("^1 photo and 12 close in meaning"))
    expect(page.get_by_text("Close in meaning").first).to_be_visible()


def test_filtering_asks_the_server_nothing(serve, visit):
    server = serve(200)
    page = visit(server.url)
    # whatever the first screen still asks for
    until(lambda: {"/api/library", "/api/status", "/api/searches"} <= set(server.asked))
    server.asked.clear()
    for text in ("tag:Person", "-tag:Person is:untagged", "year:2020..2023 has:gps", "folder:Oslo", ""):
        page.get_by_role("combobox", name="Search").fill(text)
        page.keyboard.press("Enter")
        expect(page).to_have_url(server.url + (f"/?q={text.replace(' ', '+')}" if text else "/"))
    page.keyboard.press("Control+a")
    expect(page.get_by_role("button", name="Tags", exact=True)).to_be_visible()
    assert asked(server) == []


def test_arrows_move_one_tab_stop_through_the_grid(serve, visit):
    rows = make(60)
    page = visit(serve(rows).url)

    def walk(key, away_from):
        """The place that a key leads to from another."""
        page.keyboard.press(key)
        here = page.locator(".cell:focus")
        expect(here).not_to_have_attribute("data-id", str(rows[away_from].id))
        return [row.id for row in rows].index(int(here.get_attribute("data-id")))

    page.keyboard.press("ArrowRight")
    has_keyboard(page, rows[1])
    page.keyboard.press("ArrowLeft")
    has_keyboard(page, rows[0])
    page.keyboard.press("Control+End")
    has_keyboard(page, rows[-1])
    assert 40 < walk("ArrowUp", 59) < 59
    page.keyboard.press("Control+Home")
    has_keyboard(page, rows[0])
    end = walk("End", 0)
    assert walk("ArrowRight", end) == end + 1
    expect(page.locator(".cell[tabindex='0']")).to_have_count(1)


def test_walking_waits_for_no_answer(serve, visit):
    rows = make(60)
    for row in rows:
        row.title = "Asked for on the way"
    server = serve(rows)
    server.tells.clear()
    page = visit(server.url)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    has_keyboard(page, rows[2])
    page.keyboard.press("Control+End")
    has_keyboard(page, rows[-1])
    server.tells.set()
    expect(page.locator(f".cell[data-id='{rows[-1].id}']")).to_have_accessible_name("Asked for on the way")


def test_photos_are_selected_by_mouse_and_keys(serve, visit):
    page = visit(serve(60).url)
    chosen = page.locator("[aria-selected=true]")
    select(page, 1)
    expect(chosen).to_have_count(1)
    cells(page).nth(4).click(modifiers=["Shift"])
    expect(chosen).to_have_count(4)
    cells(page).nth(2).click(modifiers=["Control"])
    expect(chosen).to_have_count(3)
    page.keyboard.press("Escape")
    expect(chosen).to_have_count(0)
    page.keyboard.press("Control+Home")
    page.keyboard.press("Space")
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    expect(chosen).to_have_count(3)
    expect(page.get_by_role("status")).to_contain_text("3 selected")
    page.get_by_role("button", name="Select all").click()
    expect(page.get_by_text("60 selected").first).to_be_visible()


TO_SHARE = (
    "(n) => { const all = document.querySelector('#scroll'); all.scrollTop = (all.scrollHeight * n) / 10 }"
)


def test_a_large_library_stays_small_in_the_page(serve, visit):
    """100,000 photos with a million tags: never more than 1,500 nodes, and a filter asks nothing."""
    some = make(2000, distinct=3000)
    span = some[0].minute - some[-1].minute + 1000
    server = serve(
        [
            replace(row, id=100_000 - 2000 * part - place, minute=row.minute - part * span)
            for part in range(50)
            for place, row in enumerate(some)
        ]
    )
    page = visit(server.url)
    count(page, "100,000")
    for share in range(11):
        page.evaluate(TO_SHARE, share)
        expect(cells(page).first).to_be_attached()
        page.evaluate("() => new Promise(requestAnimationFrame)")
        assert page.evaluate("document.querySelectorAll('*').length") < 1500
    server.asked.clear()
    page.get_by_role("combobox", name="Search").fill("tag:Person -tag:Beach")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Drop not tag Beach")).to_be_visible()
    page.keyboard.press("Control+a")
    expect(page.get_by_role("button", name="Tags", exact=True)).to_be_visible()
    assert page.evaluate("document.querySelectorAll('*').length") < 1500
    assert asked(server) == []


DAYS = """(all) => all.map((day) => {
  const { left, right, top } = day.getBoundingClientRect();
  return [Math.round(top), left, right];
})"""


@pytest.mark.parametrize("phone", [False, True], ids=["desktop", "phone"])
def test_days_beside_each_other_have_room_for_their_names(serve, visit, phone):
    rows = make(60)
    for n, row in enumerate(rows):  # all days of September, which is the longest word
        row.aspect, row.minute = 667, 1440 * (20_362 - n % 30 - n // 30 * 365)
    page = visit(serve(rows).url, phone=phone)
    expect(page.locator(".day").first).to_be_visible()
    days = sorted(page.locator(".day").evaluate_all(DAYS))
    edge = page.viewport_size["width"]
    assert len({top for top, _, _ in days}) < len(days) - 5  # they do stand beside each other
    for (top, _, right), (other, left, _) in zip(days, [*days[1:], (0, 0, 0)], strict=True):
        assert right < (left if other == top else edge)


def test_a_photo_without_a_picture_says_why_and_can_be_selected(serve, visit):
    rows = make(4)
    rows[1].error = "the image is truncated"
    page = visit(serve(rows).url)
    expect(cells(page).nth(1)).to_have_text(f"{rows[1].name}: the image is truncated")
    select(page, 1)
    expect(page.locator("[aria-selected=true]")).to_have_count(1)
    page.keyboard.press("Enter")
    view = page.get_by_role("dialog", name="Photo")
    expect(view.locator(".pswp__error-msg")).to_have_text(f"{rows[1].name}: the image is truncated")


BETWEEN = """(scroll) => {
  const edges = [scroll.getBoundingClientRect().top];
  const boxes = Array.from(scroll.querySelectorAll('.cell'), (cell) => cell.getBoundingClientRect());
  const inside = (box) => box.bottom > edges[0] && box.top < edges[0] + scroll.clientHeight;
  for (const box of boxes.filter(inside).sort((a, b) => a.top - b.top)) edges.push(box.top, box.bottom);
  edges.push(edges[0] + scroll.clientHeight);
  return edges.flatMap((edge, i) => (i % 2 ? [edge - edges[i - 1]] : []));
}"""


def test_a_library_taller_than_browsers_can_scroll_is_scrolled_to_scale(serve, visit):
    """22,000 panoramas, a day and a row each, are 5.4 million pixels high; trouble begins at some 6."""
    (some,) = make(1)
    rows = [replace(some, id=n, aspect=3200, minute=40_000_000 - 1440 * n) for n in range(1, 22_001)]
    page = visit(serve(rows).url, viewport={"width": 960, "height": 900})
    scroll = page.locator("#scroll")
    until(lambda: scroll.evaluate("(all) => all.scrollHeight") == 5_000_000)
    for part in (0, 0.25, 0.5, 0.75, 1):
        scroll.evaluate("(all, n) => { all.scrollTop = (all.scrollHeight - all.clientHeight) * n }", part)
        wanted = rows[min(21_999, round(part * 22_000))]
        expect(page.locator(f".cell[data-id='{wanted.id}']")).to_be_in_viewport()
        above, *between, below = scroll.evaluate(BETWEEN)
        assert between == pytest.approx([48] * len(between), abs=0.6)  # a day's heading and a little room
        assert max(above, below) < 102, part  # at the end there is room for the bar
    for key, place in (("Control+End", -1), ("ArrowUp", -2), ("Control+Home", 0), ("ArrowDown", 1)):
        page.keyboard.press(key)
        has_keyboard(page, rows[place])
        expect(page.locator(f".cell[data-id='{rows[place].id}']")).to_be_in_viewport(ratio=1)


def test_words_of_strangers_stay_text(serve, visit):
    bad = '<img src=x onerror=alert(1)><b>bold</b> & "quoted" ${1}'
    row = Row(
        id=1,
        name=bad,
        folder=f"Pictures/{bad}",
        aspect=1500,
        minute=27_000_000,
        camera=bad,
        tags=[bad],
        title=bad,
    )
    page = visit(serve([row]).url)
    expect(
        page.get_by_role("navigation", name="Filters").get_by_role("button", name=bad).first
    ).to_be_visible()
    expect(page.locator("b:has-text('bold'), img[src=x]")).to_have_count(0)


def test_states_say_what_to_do(serve, visit):
    page = visit(serve([]).url)
    expect(page.get_by_role("heading", name="No photos here")).to_be_visible()
    expect(page.get_by_text("/home/anna/Pictures")).to_be_visible()
    page = visit(serve(30).url + "/?q=tag:Person+camera:nothing-has-this")
    expect(page.get_by_role("heading", name="No photo fits")).to_be_visible()
    expect(page.get_by_text("Nothing has tag:person camera:nothing-has-this")).to_be_visible()
    page.get_by_role("button", name="tag:Person", exact=True).click()
    expect(page.get_by_role("heading", name="No photo fits")).to_be_hidden()
    server = serve(30)
    server.refusing = 401
    page = visit(server.url, ready=False)
    expect(page.get_by_text("no longer let in")).to_be_visible()


def test_the_policy_is_the_strict_one(serve, visit):
    page = visit(serve(3).url)
    response = page.request.get(page.url)
    assert response.headers["content-security-policy"] == CSP
    assert "unsafe" not in CSP
