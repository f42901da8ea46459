"""A browser for the tests of the page, and a made-up server for it to talk to. Skips where no Chromium is."""

import os
import shutil
import threading

import pytest

from web.fake import Library, Server
from web.photos import make

FLAGS = (  # noqa: SIM905 - as on a command line
    "--no-sandbox --headless=new --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --process-per-site"
).split()
DESKTOP = {"viewport": {"width": 1440, "height": 900}}
PHONE = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 2,
    "is_mobile": True,
    "has_touch": True,
}
PATIENCE = 30_000  # milliseconds a page may take on a machine that has much else to do

SMOKE = "test_find_select_tag_and_undo_by_keyboard_alone"


@pytest.hookimpl(tryfirst=True)  # before `-m` chooses
def pytest_collection_modifyitems(items):
    """A browser takes its time: what opens pages is slow, but for one test that goes through most of it."""
    for item in items:
        if "visit" in getattr(item, "fixturenames", ()) and item.name != SMOKE:
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def browser():
    """The browser, once a session."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    named = os.environ.get("TAGROLL_CHROMIUM")
    found = named or next(
        filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
    )
    if not found:
        pytest.skip("no Chromium here: TAGROLL_CHROMIUM names one")
    playwright.expect.set_options(timeout=PATIENCE)
    with playwright.sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=found, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def screens(browser):
    """The desktop and the phone, once a session: `screens(phone, url)`.

    A process for pages takes longer to start than most tests do. One picture that stays open keeps it; what is stored
    is of a server's own address, and each test has its server.
    """
    contexts = {}

    def screen(phone, url):
        if phone not in contexts:
            contexts[phone] = context = browser.new_context(**(PHONE if phone else DESKTOP))
            context.set_default_timeout(PATIENCE)
            context.new_page().goto(f"{url}/static/icon.svg")
        return contexts[phone]

    yield screen
    for context in contexts.values():
        context.close()


@pytest.fixture
def serve():
    """Starts servers of made-up libraries; `serve(rows)` or `serve(count)`."""
    started = []

    def start(rows=60, **options):
        server = Server(Library(make(rows) if isinstance(rows, int) else rows, **options))
        started.append(server)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        return server

    yield start
    for server in started:
        server.shutdown()
        server.server_close()


@pytest.fixture
def visit(screens):
    """Opens pages; what the browser complains of fails the test: errors, refused scripts and styles.

    `TAGROLL_SLOWER=6` makes the browser's processor six times as slow.
    """
    pages, complaints = [], []

    def heard(message):
        # A failed request is the test's own doing (a server that is gone, a photo without a picture).
        ours = ("Failed to load resource", "net::ERR")
        if message.type in ("error", "warning") and not any(text in message.text for text in ours):
            complaints.append(message.text)

    def open_page(url, *, phone=False, ready=True, viewport=None, **media):
        page = screens(phone, url).new_page()
        pages.append(page)
        page.on("console", heard)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        if viewport:
            page.set_viewport_size(viewport)
        if media:
            page.emulate_media(**media)
        if rate := os.environ.get("TAGROLL_SLOWER"):
            page.context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": float(rate)})
        page.goto(url)
        if ready:
            page.locator("body[data-ready]").wait_for()
        return page

    yield open_page
    for page in pages:
        page.evaluate("localStorage.clear()")  # another server may be given the same address
        page.close()
    assert complaints == []
