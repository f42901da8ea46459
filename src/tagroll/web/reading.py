"""Routes that only tell: the columns, photos, pictures, proposals, the history, and what goes on."""

import asyncio
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse

from tagroll.runs.columns import text
from tagroll.runs.find import hints, unseen
from tagroll.runs.gallery import Gallery, Shown
from tagroll.runs.history import History, PastRun
from tagroll.runs.merge import suggestions
from tagroll.runs.thumbnails import THUMB, VIEW
from tagroll.web.desk import Desk
from tagroll.web.events import event

MOST_RUNS: Final = 200
MOST_PAIRS: Final = 300
"""Pairs of tags that are judged in one go: nobody does more."""
MOST_CAPTIONS: Final = 1000
"""Photos whose captions are asked for at once; a screen shows fewer."""
_NUMBERS = re.compile(r"[0-9]{1,18}(?:,[0-9]{1,18})*")
_FOR_GOOD = "private, max-age=31536000, immutable"
_FOR_NOW = "private, max-age=600"
_GIVEN_UP = 499  # nobody reads it


def desk_of(request: Request) -> Desk:
    """What the server works with."""
    found: Desk = request.app.state.desk
    return found


def shown_of(request: Request) -> Shown:
    """The photo that an address names by its number.

    Raises:
        HTTPException: There is none.
    """
    shown = desk_of(request).gallery.shown(request.path_params["number"])
    if shown is None:
        raise HTTPException(404, "there is no such photo")
    return shown


async def library(request: Request) -> Response:
    """The columns, unless the page has them."""
    gallery = desk_of(request).gallery
    tag = f'"{gallery.generation}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    columns = await run_in_threadpool(gallery.columns)
    headers["Content-Encoding"] = "gzip"
    return Response(columns, media_type="application/octet-stream", headers=headers)


async def search(request: Request) -> Response:
    """Numbers of the photos that a query finds; if there are none, why."""
    return await run_in_threadpool(_found, desk_of(request).gallery, request.query_params.get("q", ""))


def _found(gallery: Gallery, typed: str) -> Response:
    found = gallery.search(typed)
    reasons = () if found.exact else hints(gallery, typed)
    note = {"text": unseen(found.unseen)} if found.unseen else None
    return JSONResponse(
        {"exact": found.exact, "close": found.close, "note": note, "reasons": list(map(text, reasons))}
    )


async def photo(request: Request) -> Response:
    """All that is known of one photo."""
    desk, shown = desk_of(request), shown_of(request)
    proposals = await run_in_threadpool(desk.review.of, shown)
    same_as = await run_in_threadpool(desk.review.same_as, shown)
    return JSONResponse({
        "id": shown.id, "name": text(shown.path.name), "folder": shown.folder,
        "path": text(str(shown.path)), "format": shown.format, "width": shown.width, "height": shown.height,
        "taken": shown.taken, "camera": shown.camera, "latitude": shown.latitude, "longitude": shown.longitude,
        "rating": shown.rating, "title": shown.title, "description": shown.description, "tags": shown.tags,
        "proposals": [{"tag": one.tag, "confidence": one.confidence} for one in proposals],
        "same_as": text(same_as.name) if same_as else None, "error": shown.error, "hint": shown.hint,
    })  # fmt: skip


async def captions(request: Request) -> Response:
    """Titles, or else descriptions, of the photos `?photos=1,2,3`: what is in sight is named by them.

    In the columns they would be a fourth of all that is sent.
    """
    given = request.query_params.get("photos", "")
    if not _NUMBERS.fullmatch(given) or given.count(",") >= MOST_CAPTIONS:
        raise HTTPException(400, f"photos has to be a list of at most {MOST_CAPTIONS} numbers")
    found = await run_in_threadpool(desk_of(request).gallery.captions, list(map(int, given.split(","))))
    return JSONResponse({"captions": found})


async def thumb(request: Request) -> Response:
    """A picture for the grid."""
    return await _picture(request, THUMB)


async def view(request: Request) -> Response:
    """A picture that fills a screen."""
    return await _picture(request, VIEW)


async def _picture(request: Request, long_edge: int) -> Response:
    desk, number = desk_of(request), request.path_params["number"]
    known, pictures = desk.gallery.picture(number), desk.thumbnails
    if known is None:
        raise HTTPException(404, "there is no such photo")
    made = pictures.find(known[0], long_edge)
    if made is None:
        wish = asyncio.wrap_future(pictures.ask(number, long_edge))
        gone = asyncio.ensure_future(_gone(request))
        either: set[asyncio.Future[Any]] = {wish, gone}
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if not wish.done() or wish.cancelled():
                return Response(status_code=_GIVEN_UP)
            made = wish.result()
        finally:
            wish.cancel()
            gone.cancel()
    stays = pictures.is_current(request.path_params["key"], *known)
    return Response(
        made, media_type="image/webp", headers={"Cache-Control": _FOR_GOOD if stays else _FOR_NOW}
    )


async def _gone(request: Request) -> None:
    """Returns when nobody waits for the answer any more."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def original(request: Request) -> Response:
    """The file itself, where a browser can show it."""
    desk, number = desk_of(request), shown_of(request).id
    found = await run_in_threadpool(desk.gallery.photo, number)
    if not found.format.media_type:
        raise HTTPException(415, "a browser cannot show this file")
    headers = {"Content-Security-Policy": "sandbox; default-src 'none'", "Cache-Control": _FOR_NOW}
    return FileResponse(found.path, media_type=found.format.media_type, headers=headers)


async def review(request: Request) -> Response:
    """What is proposed, by tag."""
    found = await run_in_threadpool(desk_of(request).review.by_tag)
    return JSONResponse({
        "tags": [
            {"tag": one.tag, "count": len(one.photos), "best": one.best, "photos": one.photos} for one in found
        ]
    })  # fmt: skip


async def pairs(request: Request) -> Response:
    """Pairs of tags that may be one, what is likely to gain most first."""
    desk = desk_of(request)
    found = await run_in_threadpool(lambda: suggestions(desk.space.catalog, desk.gallery.tag_counts()))
    return JSONResponse({
        "pairs": [
            {"tag": one.tag, "into": one.into, "photos": one.photos, "evidence": one.evidence}
            for one in found[:MOST_PAIRS]
        ]
    })  # fmt: skip


async def history(request: Request) -> Response:
    """What was done, the newest run first."""
    runs = await run_in_threadpool(History(desk_of(request).space.catalog).runs, MOST_RUNS)
    return JSONResponse({"runs": list(map(_run_row, runs))})


def _run_row(past: PastRun) -> Mapping[str, Any]:
    run = past.run
    return {
        "run": run.id, "command": run.command, "arguments": list(map(text, run.arguments)), "model": run.model,
        "started": run.started, "finished": run.finished, "changed": past.changed,
        "failed": run.summary.get("failed", 0), "left": run.left,
    }  # fmt: skip


async def searches(request: Request) -> Response:
    """The searches that are kept."""
    kept = await run_in_threadpool(desk_of(request).space.catalog.searches.all)
    return JSONResponse({"searches": [{"name": name, "query": query} for name, query in kept]})


async def status(request: Request) -> Response:
    """What goes on."""
    desk = desk_of(request)
    return JSONResponse({
        "indexing": desk.indexing.row(), "generation": desk.gallery.generation,
        "waiting": desk.editing.waiting if desk.editing else "", "readOnly": desk.editing is None,
        "videos": desk.gallery.videos, "roots": list(map(text, desk.roots)),
    })  # fmt: skip


async def events(request: Request) -> Response:
    """The stream of what goes on; it begins with what goes on already."""
    desk, first = desk_of(request), []
    if desk.indexing.row()["running"]:
        first.append(event("indexing", desk.indexing.row()))
    if desk.editing:
        first += [event("edit", row) for row in desk.editing.under_way()]
        if desk.editing.waiting:
            first.append(event("waiting", {"reason": desk.editing.waiting}))
    return StreamingResponse(desk.events.stream(first), media_type="text/event-stream")


def page(static: Path) -> Response:
    """The page; all screens are this one."""
    return FileResponse(static / "index.html", media_type="text/html", headers={"Cache-Control": "no-cache"})
