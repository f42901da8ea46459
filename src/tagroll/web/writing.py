"""Routes that change something: edits, verdicts, tags of the whole library, and taking back."""

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tagroll.errors import UsageError
from tagroll.runs.edit import Editing
from tagroll.runs.rewrite import REMOVED
from tagroll.web.bodies import body, named_texts, numbers, objects, one, text, texts
from tagroll.web.reading import desk_of
from tagroll.web.reading import searches as kept_searches

EXAMPLES = 8
"""Photos that a preview shows."""


def _editing(request: Request) -> Editing:
    editing = desk_of(request).editing
    assert editing  # noqa: S101 - the guard lets nothing through that writes
    return editing


def _taken(number: int) -> Response:
    """The answer to what will be done."""
    return JSONResponse({"number": number}, 202)


async def edits(request: Request) -> Response:
    """Change the tags and captions of photos."""
    given = await body(request)
    return _taken(
        await run_in_threadpool(
            _editing(request).edit,
            numbers(given, "photos"),
            texts(given, "add"),
            texts(given, "remove"),
            named_texts(given, "set"),
        )
    )


async def verdicts(request: Request) -> Response:
    """Say yes or no to proposals."""
    given = objects(await body(request), "verdicts")
    said = [(one(each, "photo", int), text(each, "tag"), one(each, "yes", bool)) for each in given]
    return _taken(await run_in_threadpool(_editing(request).judge, said))


async def pairs(request: Request) -> Response:
    """Say whether two tags are one: `same` true makes them one, false keeps them apart, null does so no longer."""
    given = await body(request)
    tag, into = text(given, "tag"), text(given, "into")
    if given.get("same") is True:
        return _taken(await run_in_threadpool(_editing(request).merge, tag, into))
    apart = given.get("same") is False
    await run_in_threadpool(lambda: _editing(request).keep_apart((tag, into), apart=apart))
    return JSONResponse({"apart": apart})


async def undo(request: Request) -> Response:
    """Take an action back."""
    try:
        return _taken(await run_in_threadpool(_editing(request).undo, request.path_params["number"]))
    except KeyError as error:
        raise HTTPException(404, "there is no such action") from error


async def undo_run(request: Request) -> Response:
    """Take a run of the history back."""
    return _taken(await run_in_threadpool(_editing(request).undo_run, request.path_params["number"]))


async def edit(request: Request) -> Response:
    """How far an action is."""
    editing = desk_of(request).editing
    state = editing and editing.state(request.path_params["number"])
    if not state:
        raise HTTPException(404, "there is no such action")
    return JSONResponse(state)


async def tags(request: Request) -> Response:
    """Rename, merge or remove tags in all photos that are shown."""
    given = await body(request)
    mapping, label = _wanted(given)
    gallery = desk_of(request).gallery
    chosen = await run_in_threadpool(gallery.carrying, mapping.keys())
    if given.get("preview") is True:
        return JSONResponse({"count": len(chosen), "photos": chosen[:EXAMPLES]})
    return _taken(await run_in_threadpool(_editing(request).retag, chosen, mapping, label))


def _wanted(given: dict[str, object]) -> tuple[dict[str, str], str]:
    """What tags become, and a few words for it."""
    named = [name for name in ("rename", "merge", "remove") if name in given]
    if len(named) != 1:
        raise UsageError("one of rename, merge and remove is needed")
    what = one(given, named[0], dict)
    if named[0] == "remove":
        return {text(what, "tag"): REMOVED}, f"-{text(what, 'tag')}"
    gone = texts(what, "tags") if named[0] == "merge" else [text(what, "tag")]
    into = text(what, "into")
    if not into:
        raise UsageError("the new name is empty", "To take a tag away, remove it")
    return {tag: into for tag in gone if tag != into}, f"{', '.join(gone)} → {into}"


async def searches(request: Request) -> Response:
    """Keep a search under a name, or forget one."""
    given, kept = await body(request), desk_of(request).space.catalog.searches
    if "remove" in given:
        await run_in_threadpool(kept.remove, text(given, "remove"))
    elif not text(given, "name").strip():
        raise UsageError("a search needs a name")
    else:
        await run_in_threadpool(kept.keep, text(given, "name").strip(), text(given, "query"))
    return await kept_searches(request)
