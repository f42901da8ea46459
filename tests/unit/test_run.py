"""The room that every run shares, and a face written over it in a few lines."""

import io
import json
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from support.photos import as_photo
from tagroll.domain import Change, Describer, Description, Outcome, Photo, Preview, Prompt, Status
from tagroll.errors import CatalogLockedError, ReplyError, ServerError
from tagroll.metadata.store import MetadataStore
from tagroll.models.choose import Model
from tagroll.runs.history import History
from tagroll.runs.read import Reader
from tagroll.runs.run import Workspace, scan
from tagroll.runs.tag import TagPolicy, TagRequest, tagger
from tagroll.runs.undo import Undoing
from tagroll.settings import Settings

FILES = Path(__file__).parents[1] / "files"


class Seer(Describer):
    """Sees a lake on every photo, but not on a grey one; and of the last one on it has gone."""

    model = "seer"

    def __init__(self, gone_after: int = 99) -> None:
        self.left = gone_after

    def describe(self, preview: Preview, prompt: Prompt) -> Description:
        del prompt
        self.left -= 1
        if self.left < 0:
            raise ServerError("the model server has gone")
        if preview.width == 1:
            raise ReplyError("answers nothing usable")
        return Description(("lake",), self.model)


class Face:
    """A face: it parses nothing and prints JSON. All else is asked of `runs/`."""

    def __init__(self, settings: Settings, out: io.StringIO) -> None:
        self.settings, self.out = settings, out

    def show(self, outcomes: Iterator[Outcome]) -> None:
        for outcome in outcomes:
            self.out.write(json.dumps(outcome.row()) + "\n")

    def tag(self, paths: Sequence[Path], model: Model, request: TagRequest) -> dict[str, int]:
        with Workspace.open(self.settings, hold=False) as space:
            found = scan(paths, on_unreadable=lambda *_: None)
            with space.begin("tag", [*map(str, paths)], model=model.describer.model) as run:
                self.show(run.outcomes(tagger(run, model, request).tag, found))
            return run.summary()

    def undo(self, number: int | None = None) -> dict[str, int]:
        with Workspace.open(self.settings) as space:
            undoing = Undoing.choose(space, number, [])
            with space.begin("undo", [str(undoing.chosen.id)], done=undoing.done) as run:
                self.show(undoing.outcomes(run, dry_run=False))
            return run.summary()

    def history(self) -> list[dict[str, object]]:
        with History.open(self.settings) as history:
            assert history is not None
            return [past.row() for past in history.runs(10)]


@pytest.fixture
def library(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("baseline.jpg", "rgb.png", "lossy.webp"):
        shutil.copy(FILES / name, folder)
    return folder


@pytest.fixture
def face(tmp_path):
    return Face(Settings(catalog=tmp_path / "c.sqlite"), io.StringIO())


def model(describer: Seer) -> Model:
    return Model(describer, threads=2, notes=())


def test_a_face_tags_and_undoes_and_prints_outcomes(face, library):
    before = {path: path.read_bytes() for path in library.iterdir()}
    summary = face.tag([library], model(Seer()), TagRequest())
    assert summary == {"total": 3, "tagged": 3, "unchanged": 0, "skipped": 0, "failed": 0}
    rows = [json.loads(line) for line in face.out.getvalue().splitlines()]
    assert {(row["status"], *row["tags"]) for row in rows} == {("tagged", "Lake")}
    assert {path.read_bytes() for path in library.iterdir()}.isdisjoint(before.values())
    assert face.undo()["restored"] == 3
    assert {path: path.read_bytes() for path in library.iterdir()} == before
    undone, tagged = face.history()
    assert (tagged["command"], tagged["model"], tagged["writes"], tagged["summary"]) == (
        "tag",
        "seer",
        3,
        summary,
    )
    assert (undone["command"], undone["writes"]) == ("undo", 3)
    assert tagged["finished"]
    assert undone["finished"]


def test_a_run_comes_to_its_end_whatever_happens(face, library):
    with pytest.raises(ServerError):
        face.tag([library], model(Seer(gone_after=1)), TagRequest())
    (run,) = face.history()
    assert run["finished"]
    assert run["summary"]["tagged"] == run["writes"] == 1
    assert face.tag([library], model(Seer()), TagRequest())["tagged"] == 2


def test_a_workspace_may_be_open_while_others_run(face, library):
    with Workspace.open(face.settings, hold=False) as space:
        assert face.tag([library], model(Seer()), TagRequest())["tagged"] == 3
        with space.held(), pytest.raises(CatalogLockedError):
            face.tag([library], model(Seer()), TagRequest())
        assert face.undo()["restored"] == 3


def test_what_is_an_outcome_already_only_counts(face):
    failed = Outcome(Path("/p/x.jpg"), Status.FAILED, error="no photo")
    with Workspace.open(face.settings) as space, space.begin("tag", []) as run:
        assert list(run.outcomes(pytest.fail, [failed])) == [failed]
        assert (run.tally.failures, run.tally.exit_code) == ([failed], 3)


def test_a_stopped_run_begins_with_no_more_photos(face):
    seen: list[Photo] = []
    with Workspace.open(face.settings) as space, space.begin("tag", []) as run:
        space.stop.set()
        assert list(run.outcomes(seen.append, iter([object()]))) == []
        assert run.cut_off
    assert seen == []


def test_every_change_has_a_word_of_its_own():
    changed = {status for status in Status if status.changed}
    assert changed == {
        Status.TAGGED,
        Status.COPIED,
        Status.REWRITTEN,
        Status.RESTORED,
        Status.REMOVED,
        Status.BESIDE,
    }


def test_another_picture_under_the_name_of_a_tagged_one_is_a_new_photo(tmp_path, library):
    face, photo = Face(Settings(catalog=tmp_path / "c.sqlite"), io.StringIO()), library / "baseline.jpg"
    request = TagRequest(TagPolicy(case="lower", mode="replace"))
    face.tag([photo], model(Seer()), request)
    shutil.copy(FILES / "progressive.jpg", photo)
    store = MetadataStore()
    store.write(as_photo(photo), lambda _: Change(add=("lake", "mine")), lambda _: None)
    with Workspace.open(face.settings) as space:  # as `tagroll tags` does: of the picture that says nothing
        assert [outcome.tags for outcome in Reader(space.store, space.catalog).read([as_photo(photo)])]
    assert face.tag([photo], model(Seer()), request)["tagged"] == 1
    assert store.read(as_photo(photo)).tags == ("lake",)
