"""Frames of a burst are one question; what only looks alike, or was taken at another time, is not."""

import random
from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageEnhance

from support.photos import as_photo
from support.stub import Stub, keywords
from tagroll.catalog import Catalog
from tagroll.domain import OUTLINE, Describer, Description, Facts, Metadata, Photo, Preview, Prompt
from tagroll.errors import ReplyError, ServerError
from tagroll.formats import FORMATS
from tagroll.metadata.store import MetadataStore
from tagroll.models.prompt import build_prompt
from tagroll.runs.bursts import ALIKE, Bursts, alike
from tagroll.runs.context import Telling
from tagroll.runs.run import Workspace
from tagroll.settings import Settings

JPEG = next(fmt for fmt in FORMATS if fmt.name == "jpeg")


def scene(seed: int) -> Image.Image:
    """A picture with many things in it."""
    rng = random.Random(seed)  # noqa: S311
    image = Image.new("RGB", (480, 320), (90, 120, 160))
    draw = ImageDraw.Draw(image)
    for _ in range(40):
        x, y, r = rng.randrange(480), rng.randrange(320), rng.randrange(10, 60)
        draw.ellipse((x - r, y - r, x + r, y + r), fill=tuple(rng.randrange(256) for _ in range(3)))
    return image


def save(image: Image.Image, path: Path, second: int | None, camera: str = "R5") -> None:
    exif = Image.Exif()
    if second is not None:
        exif.get_ifd(0x8769)[0x9003] = f"2024:05:01 12:{second // 60:02}:{second % 60:02}"
    exif[0x0110] = camera
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, exif=exif, quality=80)


def frames(folder: Path) -> None:
    """Three frames of a burst, another photo of the same seconds, and the first picture of the burst minutes later."""
    first = scene(1)
    save(first, folder / "1.jpg", 0)
    save(first.rotate(1, translate=(6, 4)), folder / "2.jpg", 1)
    save(ImageEnhance.Brightness(first).enhance(1.2), folder / "3.jpg", 2)
    save(scene(2), folder / "4.jpg", 3)
    save(ImageEnhance.Brightness(first).enhance(0.9), folder / "5.jpg", 600)
    save(ImageEnhance.Brightness(first).enhance(0.95), folder / "6.jpg", None)


def test_a_burst_is_one_question(tagroll, tmp_path):
    folder = tmp_path / "photos"
    frames(folder)
    with Stub(usual=keywords("Lake")) as server:
        done = tagroll("tag", folder, "--api-url", server.url, "--json", "--jobs", "1")
        assert done.code == 0
        assert len(server.bodies) == 4
        assert all(row["tags"] == ["Lake"] for row in done.photos.values())
        first = {row.get("same_as") for row in done.photos.values()} - {None}
        assert len(first) == 1
        followers = {name for name, row in done.photos.items() if "same_as" in row}
        assert followers | {Path(first.pop()).name} == {"1.jpg", "2.jpg", "3.jpg"}
        assert done.summary["inherited"] == 2
        assert "2 photos got the tags of another frame" in done.err

        again = tagroll("tag", folder, "--api-url", server.url, "--json")
        assert len(server.bodies) == 4
        assert {
            name for name, row in again.photos.items() if "same_as" in row
        } == followers  # the catalog knows
        assert "inherited" not in again.summary

        assert tagroll("tag", folder, "--api-url", server.url, "--no-bursts").code == 0
        assert len(server.bodies) == 6  # only the two that nobody was shown
        with Catalog(tmp_path / "catalog.sqlite") as catalog:
            kept = [
                catalog.answers.latest_of(catalog.photos.at(path).picture_hash) for path in folder.iterdir()
            ]  # type: ignore[union-attr]
        assert not any(answer.inherited for answer in kept if answer)

        assert tagroll("tag", folder, "--api-url", server.url, "--fresh").code == 0
        assert len(server.bodies) == 10


def shown(image: Image.Image) -> Preview:
    outline = image.convert("L").resize((OUTLINE, OUTLINE), Image.Resampling.BOX)
    return Preview(b"jpeg", *image.size, outline.tobytes())


def test_alike():
    image = scene(3)
    assert alike(shown(image), shown(image)) == pytest.approx(1)
    assert alike(shown(image), shown(image.rotate(2, translate=(8, 5)))) >= ALIKE
    assert alike(shown(image), shown(scene(4))) < ALIKE
    assert alike(shown(image), shown(image.resize((320, 320)))) < ALIKE
    black = Image.new("RGB", (480, 320))
    assert alike(shown(black), shown(black)) < ALIKE  # two dark pictures tell nothing


def once(bursts: Bursts, name: str, ask) -> Description:
    photo = Photo(Path("/photos") / name, 0, 0, JPEG)
    return bursts.once(photo, name, shown(scene(5)), ask)


def fail(error: Exception):
    def ask() -> Description:
        raise error

    return ask


def test_what_failed_with_one_frame_is_asked_of_the_next():
    bursts = Bursts(lambda _: Metadata(facts=Facts(taken=1)))
    with pytest.raises(ReplyError):
        once(bursts, "1", fail(ReplyError("nonsense")))
    assert once(bursts, "2", lambda: Description(("Lake",), "m")).inherited == ""
    assert once(bursts, "3", fail(AssertionError())) == Description(("Lake",), "m", inherited="2")
    with pytest.raises(ServerError):
        once(Bursts(lambda _: Metadata(facts=Facts(taken=1))), "1", fail(ServerError("gone")))


@pytest.mark.parametrize("telling", [Telling(), None])
def test_a_photo_is_read_once_before_it_is_asked_about(tmp_path, monkeypatch, telling):
    save(scene(1), tmp_path / "1.jpg", 0)
    read, asked = list[Path](), list[str]()

    class Seer(Describer):
        model = "seer"

        def describe(self, preview: Preview, prompt: Prompt) -> Description:
            del preview
            asked.append(prompt.text)
            return Description(("lake",), "seer")

    def noted(store: MetadataStore, photo: Photo) -> Metadata:
        read.append(photo.path)
        return store._read(photo, None)

    monkeypatch.setattr(MetadataStore, "read", noted)
    with Workspace.open(Settings(catalog=tmp_path / "c.sqlite")) as space, space.begin("tag", []) as run:
        prompt = build_prompt("tags", max_tags=9)
        questions = run.questions(Seer(), prompt, again=False, telling=telling, bursts=True)
        questions.look(as_photo(tmp_path / "1.jpg"), "picture")
    assert read == [tmp_path / "1.jpg"]
    assert ("- Time: May, midday" in asked[0]) is bool(telling)


def test_memory_does_not_grow():
    bursts = Bursts(lambda photo: Metadata(facts=Facts(taken=1000 * int(photo.path.name))))
    for number in range(300):
        once(bursts, f"{number}", lambda: Description(("Lake",), "m"))
    assert len(bursts._frames) == 256
