"""What becomes of a model's words: names, JSON, and what a second run leaves alone. Real files, a real catalog."""

import json
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from PIL import Image

from support.laws import examples
from support.photos import as_photo
from tagroll.catalog import Catalog
from tagroll.domain import Change, Describer, Description, Photo, Preview, Prompt, Status
from tagroll.errors import ReplyError
from tagroll.metadata.store import MetadataStore
from tagroll.models.builtin.describer import MODEL as BUILTIN
from tagroll.models.prompt import build_prompt
from tagroll.runs.classify import Classifier, ClassifyPolicy
from tagroll.runs.copy_folder import Output
from tagroll.runs.look import Looker, Questions
from tagroll.runs.names import same_name
from tagroll.runs.run import Run, Workspace
from tagroll.settings import Settings

CAT = Description(
    ("cat", "sofa"), "seer", "A cat on a sofa", "A grey cat sleeps on a sofa.", "Sleeping Cat.jpg"
)
KEYS = ["title", "filename", "description", "keywords", "source", "model", "created"]


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


class Says(Describer):
    """A model that says what it is told, or a refusal when that is nothing."""

    def __init__(self, said: Description | None) -> None:
        self.said = said
        self.asked = 0

    @property
    def model(self) -> str:
        return self.said.model if self.said else "seer"

    @property
    def names_only(self) -> bool:
        return self.model == BUILTIN

    def describe(self, preview: Preview, prompt: Prompt) -> Description:
        del preview, prompt
        self.asked += 1
        if self.said is None:
            raise ReplyError("the model will not say")
        return self.said


class Desk:
    """A folder of photos, a catalog, and runs over them."""

    def __init__(self, root: Path) -> None:
        self.photos, self.out = root / "photos", root / "photos" / "processed"
        self.catalog_path = root / "catalog.sqlite"
        self.photos.mkdir()

    def photo(self, name: str = "IMG_1.jpg", colour: int = 0, **about: str) -> Photo:
        path = self.photos / name
        path.parent.mkdir(parents=True, exist_ok=True)
        exif = Image.Exif()
        exif[0x110] = about.get("camera", "")
        exif.get_ifd(0x8769)[0x9003] = about.get("date", "")
        Image.new("RGB", (8, 8), (colour, 0, 0)).save(path, exif=exif)
        return as_photo(path)

    def run(self, photos, said=CAT, **policy):
        """One run over photos; the outcomes, in order."""
        describer = said if isinstance(said, Says) else Says(said)
        with Catalog(self.catalog_path) as catalog, MetadataStore() as store:
            run = Run(
                Workspace(Settings(), catalog, store, None),
                catalog.runs.start("classify", [], describer.model),
            )
            looker = Looker(
                describer, lambda _: Preview(b"", 8, 8), store.picture_hash, build_prompt("classify")
            )
            questions = Questions(looker, catalog.answers, policy.get("again", False))
            classifier = Classifier(
                run, questions,
                ClassifyPolicy(**policy), Output(self.out, self.photos),
            )  # fmt: skip
            with ThreadPoolExecutor(8) as pool:
                return list(pool.map(classifier.classify, photos, range(1, len(photos) + 1)))

    def name(self, photo, said=CAT, **policy):
        """What the copy of a photo would be called."""
        (outcome,) = self.run([photo], said, dry_run=True, **policy)
        assert outcome.status is Status.COPIED, outcome.error
        return outcome.target.relative_to(self.out).as_posix()

    def made(self):
        return sorted(path.relative_to(self.out).as_posix() for path in self.out.rglob("*") if path.is_file())


@pytest.fixture
def desk(tmp_path):
    return Desk(tmp_path)


def test_copy_and_json(desk):
    photo = desk.photo()
    (outcome,) = desk.run([photo])
    assert (outcome.status, outcome.tags, outcome.asked) == (Status.COPIED, ("Cat", "Sofa"), True)
    assert outcome.target == desk.out / "sleeping-cat.jpg"
    assert outcome.target.read_bytes() == photo.path.read_bytes()
    raw = (desk.out / "sleeping-cat.json").read_text(encoding="utf-8")
    story = json.loads(raw)
    assert list(story) == KEYS
    assert datetime.fromisoformat(story.pop("created")).utcoffset() is not None
    assert story == {
        "title": "A cat on a sofa", "filename": "sleeping-cat.jpg", "description": "A grey cat sleeps on a sofa.",
        "keywords": ["Cat", "Sofa"], "source": str(photo.path), "model": "seer",
    }  # fmt: skip
    assert raw == json.dumps(json.loads(raw), ensure_ascii=False, indent=2) + "\n"
    assert desk.made() == ["sleeping-cat.jpg", "sleeping-cat.json"]


@pytest.mark.parametrize(
    ("said", "name"),
    [
        (Description(("cat",), "m", "A Title", filename="the_name"), "the-name.jpg"),
        (Description(("cat",), "m", "A Title"), "a-title.jpg"),
        (Description(("cat", "dog", "tree", "sun"), "m"), "cat-dog-tree.jpg"),
        (Description((), "m", filename="../.."), "img-1.jpg"),
        (Description((), "m"), "img-1.jpg"),
    ],
)
def test_the_name_is_the_best_there_is(desk, said, name):
    assert desk.name(desk.photo(), said) == name


def test_templates_have_the_date_camera_place_and_old_name(desk):
    photo = desk.photo(date="2024:05:01 12:30:15", camera="EOS 5D")
    assert desk.name(photo, template="{date:%Y-%m-%d}_{name}") == "2024-05-01_sleeping-cat.jpg"
    assert (
        desk.name(photo, template="{counter:03d} {camera} {original}", style="keep") == "001 EOS 5D IMG_1.jpg"
    )
    assert (
        desk.name(desk.photo(), template="{date:%Y}/{camera}/{name}")
        == "undated-unknown-camera-sleeping-cat.jpg"
    )
    assert desk.name(photo, style="keep") == "Sleeping Cat.jpg"


def test_the_built_in_model_tells_the_day_and_invents_nothing(desk):
    photo = desk.photo(date="2024:05:01 12:30:15")
    said = Description(("cat",), BUILTIN, "Cat", "Photo with cat.", "cat")
    desk.run([photo], said)
    story = json.loads((desk.out / "2024-05-01-cat.json").read_text())
    assert (story["title"], story["keywords"], story["model"]) == ("Cat, 2024-05-01", ["Cat"], BUILTIN)


def test_a_model_that_is_sure_of_nothing_leaves_the_photo_its_name(desk):
    (outcome,) = desk.run([desk.photo("Holiday 7.JPG")], Description((), BUILTIN))
    assert outcome.target.name == "holiday-7.JPG"
    story = json.loads((desk.out / "holiday-7.json").read_text())
    assert (story["title"], story["description"], story["keywords"]) == ("", "", [])


def test_names_are_unique_over_threads_suffixes_and_letter_case(desk):
    desk.out.mkdir()
    (desk.out / "SLEEPING-CAT.txt").write_text("mine")
    photos = [desk.photo(f"{n}.{'jpg' if n % 2 else 'png'}", n) for n in range(30)]
    outcomes = desk.run(photos)
    stems = {same_name(outcome.target.stem) for outcome in outcomes}
    assert len(stems) == 30
    assert "sleeping-cat" not in stems
    for photo, outcome in zip(photos, outcomes, strict=True):
        assert outcome.target.read_bytes() == photo.path.read_bytes()
        assert json.loads(outcome.target.with_suffix(".json").read_text())["source"] == str(photo.path)


def test_folders_that_differ_in_case_only_share_their_names(desk):
    outcomes = desk.run([desk.photo("Trip/1.jpg", 1), desk.photo("trip/2.jpg", 2)])
    assert sorted(outcome.target.name for outcome in outcomes) == ["sleeping-cat-2.jpg", "sleeping-cat.jpg"]


def test_a_second_run_does_nothing(desk):
    photos = [desk.photo("1.jpg", 1), desk.photo("2.png", 2)]
    first, describer = desk.run(photos), Says(CAT)
    second = desk.run(photos, describer)
    assert [outcome.status for outcome in second] == [Status.UNCHANGED] * 2
    assert [outcome.target for outcome in second] == [outcome.target for outcome in first]
    assert describer.asked == 0
    assert len(desk.made()) == 4


def test_a_second_run_knows_from_the_json_when_the_catalog_is_lost(desk):
    photos = [desk.photo("1.jpg", 1), desk.photo("2.png", 2)]
    desk.run(photos)
    desk.catalog_path.unlink()
    assert [outcome.status for outcome in desk.run(photos)] == [Status.UNCHANGED] * 2


def test_a_json_or_copy_that_got_lost_is_made_again(desk):
    photo = desk.photo()
    desk.run([photo])
    (desk.out / "sleeping-cat.json").unlink()
    describer = Says(CAT)
    assert desk.run([photo], describer)[0].status is Status.COPIED
    assert desk.made() == ["sleeping-cat.jpg", "sleeping-cat.json"]
    (desk.out / "sleeping-cat.jpg").unlink()
    assert desk.run([photo], describer)[0].target.name == "sleeping-cat-2.jpg"
    assert describer.asked == 0


def test_another_model_another_picture_or_again_make_new_copies(desk):
    photo = desk.photo()
    desk.run([photo])
    other = Description(("cat",), "other", "Cat", "A cat.", "cat")
    assert desk.run([photo], other)[0].target.name == "cat.jpg"
    assert desk.run([photo], other)[0].status is Status.UNCHANGED
    describer = Says(CAT)
    assert desk.run([photo], describer, again=True)[0].target.name == "sleeping-cat-2.jpg"
    assert describer.asked == 1
    edited = desk.photo(colour=200)
    assert desk.run([edited])[0].target.name == "sleeping-cat-3.jpg"


def test_a_photo_that_was_tagged_since_is_the_same_photo(desk):
    photo = desk.photo()
    desk.run([photo])
    with MetadataStore() as store:
        store.write(photo, lambda _: Change(add=("Cat",)), lambda _: None)
    assert desk.run([as_photo(photo.path)])[0].status is Status.UNCHANGED


def test_a_dry_run_makes_no_file_and_keeps_the_answer(desk):
    photo, describer = desk.photo(), Says(CAT)
    assert desk.run([photo], describer, dry_run=True)[0].target == desk.out / "sleeping-cat.jpg"
    assert not desk.out.exists()
    desk.run([photo], describer)
    assert describer.asked == 1


def test_a_photo_that_fails_fails_alone(desk):
    (outcome,) = desk.run([desk.photo()], None)
    assert (outcome.status, outcome.error) == (Status.FAILED, "the model will not say")
    assert not desk.out.exists()


@pytest.mark.skipif(os.name == "nt", reason="names are text there")
def test_a_path_that_is_no_text_reads_back_from_the_json(desk):
    photo = desk.photo()
    odd = Path(os.fsdecode(os.fsencode(desk.photos) + b"/\xff\n.jpg"))
    shutil.move(photo.path, odd)
    (outcome,) = desk.run([as_photo(odd)], Description((), "seer"))
    assert outcome.target == desk.out / "photo.jpg"
    assert Path(json.loads((desk.out / "photo.json").read_bytes())["source"]) == odd
    desk.catalog_path.unlink()
    assert desk.run([as_photo(odd)])[0].status is Status.UNCHANGED


@pytest.mark.parametrize(
    "told",
    [
        "[]",
        "{",
        '{"source": 1}',
        '{"source": "x"}',
        '{"source": "x", "filename": "/etc/passwd", "model": "m"}',
    ],
)
def test_json_files_of_others_are_left_alone(desk, told):
    desk.out.mkdir()
    (desk.out / "sleeping-cat.json").write_text(told)
    assert desk.run([desk.photo()])[0].target.name == "sleeping-cat-2.jpg"
    assert (desk.out / "sleeping-cat.json").read_text() == told


@pytest.mark.slow
@examples(100, suppress_health_check=list(HealthCheck))
@given(st.text(max_size=300), st.text(max_size=40), st.sampled_from(["slug", "keep"]))
def test_whatever_a_model_says_stays_in_the_folder(tmp_path_factory, filename, title, style):
    root = tmp_path_factory.mktemp("any")
    desk = Desk(root)
    photo = desk.photo()
    (outcome,) = desk.run([photo], Description((title,), "m", title, filename, filename), style=style)
    assert outcome.status is Status.COPIED, outcome.error
    assert outcome.target.parent == desk.out
    assert desk.made() == sorted([outcome.target.name, outcome.target.with_suffix(".json").name])
    assert names_in(root) == ["catalog.sqlite", "photos"]
