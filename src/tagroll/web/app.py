"""The application: which address is answered by what, and the guard before it all."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Final

from starlette.applications import Starlette
from starlette.convertors import IntegerConvertor, StringConvertor, register_url_convertor
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Scope

from tagroll.errors import CatalogLockedError, PhotoError, TagrollError, UsageError
from tagroll.runs.columns import text
from tagroll.web import reading, writing
from tagroll.web.desk import Desk
from tagroll.web.guard import Access, Guard

STATIC: Final = Path(__file__).parent / "static"
SCREENS: Final = ("/", "/tags", "/review", "/pairs", "/history")
_STATUS = {UsageError: 400, PhotoError: 422, CatalogLockedError: 409}


class Key(StringConvertor):
    """What the columns call a picture."""

    regex = "[0-9a-f]{1,8}"


class Number(IntegerConvertor):
    """A number in an address: none that is too long for Python or SQLite."""

    regex = "[0-9]{1,18}"


register_url_convertor("number", Number())
register_url_convertor("key", Key())


class PageFiles(StaticFiles):
    """The files of the page: asked for again each time, and sent only where they changed."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """See StaticFiles."""
        answer = await super().get_response(path, scope)
        answer.headers["Cache-Control"] = "no-cache"
        return answer


def application(desk: Desk, access: Access, static: Path = STATIC) -> ASGIApp:
    """The server's application.

    Args:
        desk: What the routes work with.
        access: Who is let in.
        static: The files of the page.
    """

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        desk.events.open()
        yield
        desk.events.close()

    app = Starlette(
        routes=[
            *_PICTURES,
            *(Route(screen, partial(_screen, static)) for screen in SCREENS),
            *_READING,
            *_WRITING,
            Mount("/static", PageFiles(directory=static)),
        ],
        exception_handlers={TagrollError: _refused, HTTPException: _missing, Exception: _unexpected},  # type: ignore[dict-item]
        lifespan=lifespan,
    )
    app.state.desk = desk
    return Guard(app, access)


_PICTURES = [  # asked for most often, so looked for first
    Route("/thumb/{number:number}/{key:key}", reading.thumb),
    Route("/view/{number:number}/{key:key}", reading.view),
]
_READING = [
    Route("/api/library", reading.library),
    Route("/api/search", reading.search),
    Route("/api/photo/{number:number}", reading.photo),
    Route("/api/captions", reading.captions),
    Route("/original/{number:number}", reading.original),
    Route("/api/review", reading.review),
    Route("/api/pairs", reading.pairs),
    Route("/api/history", reading.history),
    Route("/api/searches", reading.searches),
    Route("/api/status", reading.status),
    Route("/api/events", reading.events),
    Route("/api/edits/{number:number}", writing.edit),
]
_WRITING = [
    Route("/api/verdicts", writing.verdicts, methods=["POST"]),
    Route("/api/pairs", writing.pairs, methods=["POST"]),
    Route("/api/edits", writing.edits, methods=["POST"]),
    Route("/api/edits/{number:number}/undo", writing.undo, methods=["POST"]),
    Route("/api/history/{number:number}/undo", writing.undo_run, methods=["POST"]),
    Route("/api/tags", writing.tags, methods=["POST"]),
    Route("/api/searches", writing.searches, methods=["POST"]),
]


async def _screen(static: Path, request: Request) -> Response:
    """The page, for every screen; whoever opens it wants to see what is there now."""
    reading.desk_of(request).indexing.wake()
    return reading.page(static)


async def _refused(_request: Request, error: TagrollError) -> Response:
    status = next((code for kind, code in _STATUS.items() if isinstance(error, kind)), 500)
    return JSONResponse({"error": text(error.message), "hint": text(error.hint)}, status)


async def _missing(_request: Request, error: HTTPException) -> Response:
    return JSONResponse({"error": error.detail, "hint": ""}, error.status_code, error.headers)


async def _unexpected(_request: Request, error: Exception) -> Response:
    """A bug; starlette raises it again for the log."""
    said = {
        "error": f"unexpected error in tagroll: {error}",
        "hint": "tagroll serve --verbose tells more in the terminal",
    }
    return JSONResponse(said, 500)
