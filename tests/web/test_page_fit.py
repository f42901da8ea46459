"""Everybody can use it: few bytes to load, what axe says of each screen, and whether a finger finds everything."""

import gzip
import re
from urllib.parse import urlsplit

import pytest

from web.fake import STATIC
from web.page import expect, panel
from web.photos import make

PLACES = {  # address, keys, and what is there then
    "grid": ("/", [], ".cell.seen"),
    "chosen": ("/", ["Control+a"], "#chosen .main"),
    "filtered": ("/?q=tag:Person", [], ".term"),
    "suggestions": ("/", ["/", "p"], "#suggestions [role=option]"),
    "nothing": ("/?q=tag:nothing", [], "#empty h2"),
    "panel": ("/", ["Control+a", "t"], "#panel .chip"),
    "view": ("/", ["ArrowRight", "Enter"], "#view[data-ready] #panel .chip"),
    "help": ("/", ["?"], "#help[open] dd"),
    "date": ("/", ["g"], "#ask[open] input"),
    "tags": ("/tags", [], "tbody tr"),
    "review": ("/review", ["Space"], ".proposal[aria-selected=true]"),
    "pairs": ("/pairs", [], ".side img"),
    "history": ("/history", [], ".runs li"),
}


def weight(server):
    """Bytes of each part that was asked for, in gzip; pictures and what the page shows are not counted."""
    paths = {urlsplit(path).path for path in server.asked}
    parts = {path.removeprefix("/static/") for path in paths if re.search(r"^/static/.*[a-z]$", path)}
    names = {"index.html", *parts} - {name for name in parts if name.endswith(".png")}
    return {name: len(gzip.compress((STATIC / name).read_bytes())) for name in names}


def test_little_is_loaded_for_the_first_screen_and_for_the_full_view(serve, visit):
    server = serve(20)
    page = visit(server.url)
    page.wait_for_load_state("networkidle")
    first = weight(server)
    assert {"app.js", "page.css", "vendor/lit-html/lit-html.js"} <= set(first)
    assert sum(first.values()) < 40_000, first
    page.get_by_role("gridcell").first.click()
    expect(page.get_by_role("dialog", name="Photo")).to_have_attribute("data-ready", "")
    expect(panel(page).get_by_role("button").first).to_be_visible()
    page.wait_for_load_state("networkidle")
    more = {name: size for name, size in weight(server).items() if name not in first}
    assert {"view.js", "panel.js", "vendor/photoswipe/photoswipe.esm.min.js"} <= set(more)
    assert sum(more.values()) < 25_000, more


SMALL = """() => [...document.querySelectorAll('button, a, [role=combobox]')].filter((e) => {
  const box = e.getBoundingClientRect();
  return e.checkVisibility() && box.width && (box.width < 43.5 || box.height < 43.5) && e.id !== 'skip';
}).map((e) => e.outerHTML.slice(0, 120))"""


@pytest.fixture
def violations():
    """What axe has to say of a page."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed").Axe()

    def look(page):
        found = axe.run(page).response["violations"]
        return [(one["id"], [node["html"][:150] for node in one["nodes"][:3]]) for one in found]

    return look


@pytest.mark.parametrize("name", PLACES)
def test_axe_finds_nothing(serve, visit, violations, name):
    """Light and wide, then dark and as narrow as a phone; there a finger finds everything, too."""
    path, keys, there = PLACES[name]
    server = serve(12)
    server.library.pairs = [{"tag": "Dog", "into": "Person", "photos": 3, "evidence": "model"}]
    page = visit(server.url + path, color_scheme="light", reduced_motion="reduce")
    for key in keys:
        page.keyboard.press(key)
    expect(page.locator(there).first).to_be_visible()
    assert violations(page) == []
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size({"width": 390, "height": 844})
    expect(page.locator("#open-filters")).to_be_visible()  # now it is narrow
    assert violations(page) == []
    assert page.evaluate(SMALL) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_axe_finds_nothing_where_something_is_wrong(serve, visit, violations):
    rows = make(6)
    rows[0].error = "the image is truncated"
    server = serve(rows, read_only=True)
    page = visit(server.url, color_scheme="light", reduced_motion="reduce")
    expect(page.locator(".why")).to_contain_text("truncated")
    expect(page.get_by_text("--read-only")).to_be_visible()
    assert violations(page) == []
    server.gone = True
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(page.get_by_text("The server is gone")).to_be_visible()
    page.emulate_media(color_scheme="dark")
    assert violations(page) == []
