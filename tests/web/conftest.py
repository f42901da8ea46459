"""A browser for the tests of the page, and a made-up server for it to talk to. Skips where no Chromium is."""

import os
import shutil
import threading

import pytest

from web.fake import Library, Server
from web.photos import make

FLAGS = (  # noqa: SIM905 - as on a command line
    "--no-sandbox --headless=new --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()
DESKTOP = {"viewport": {"width": 1440, "height": 900}}
PHONE = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 2,
    "is_mobile": True,
    "has_touch": True,
}


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
    with playwright.sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=found, args=FLAGS)
        yield chromium
        chromium.close()


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
def visit(browser):
    """Opens pages; what the browser complains of fails the test: errors, refused scripts and styles."""
    contexts, complaints = [], []

    def heard(message):
        # A failed request is the test's own doing (a server that is gone, a photo without a picture).
        ours = ("Failed to load resource", "net::ERR")
        if message.type in ("error", "warning") and not any(text in message.text for text in ours):
            complaints.append(message.text)

    def open_page(url, *, phone=False, ready=True, **options):
        context = browser.new_context(**{**(PHONE if phone else DESKTOP), **options})
        context.set_default_timeout(20_000)
        contexts.append(context)
        page = context.new_page()
        page.on("console", heard)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(url)
        if ready:
            page.locator("body[data-ready]").wait_for()
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []
