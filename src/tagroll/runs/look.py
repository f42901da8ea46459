"""Looking at one photo: what may travel to another process or machine, and what comes back.

LookSpec -> Looker, where the looking is done -> Look, for whom writes the photo
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tagroll.domain import Describer, Description, Photo, Preview, Prompt
from tagroll.exiftool.pool import available_exiftool
from tagroll.metadata.store import MetadataStore
from tagroll.models.answers import AnswerStore, load_answer, store_answer
from tagroll.photos.preview.opened import previews
from tagroll.runs.ask_once import Asking

if TYPE_CHECKING:
    from tagroll.models.spec import ModelSpec


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen of a photo.

    Attributes:
        picture: Hash of its picture data.
        answer: What the model said.
        asked: Whether a model was asked, and no kept answer found.
    """

    picture: str
    answer: Description
    asked: bool = True


@dataclass(frozen=True, slots=True)
class Looker:
    """Looks at photos. Safe to call from many threads.

    Attributes:
        describer: The model.
        preview: Makes what it sees of a photo.
        picture_hash: Names the picture in a photo.
        prompt: What the model is asked.
    """

    describer: Describer
    preview: Callable[[Photo], Preview]
    picture_hash: Callable[[Photo], str]
    prompt: Prompt

    def look(self, photo: Photo) -> Look:
        """Ask the model about a photo.

        Raises:
            PhotoError: The photo cannot be read or decoded, or the model says nothing usable of it.
            ServerError: The model cannot be asked any more.
        """
        return Look(self.picture_hash(photo), self.describe(photo))

    def describe(self, photo: Photo) -> Description:
        """What the model says of a photo whose picture is known already."""
        return self.describer.describe(self.preview(photo), self.prompt)


@dataclass(frozen=True, slots=True)
class Questions:
    """Asks a model about pictures, each once, and keeps what it says. Safe to use from many threads.

    Attributes:
        looker: The model, and what it is asked.
        answers: Keeps answers.
        again: Ask also where an answer is kept.
        asking: Sees to it that copies of a picture wait for one answer.
    """

    looker: Looker
    answers: AnswerStore
    again: bool = False
    asking: Asking = field(default_factory=Asking)

    def look(self, photo: Photo, picture: str) -> Look:
        """What the model says of a photo with this picture: kept, or asked for now.

        Raises:
            PhotoError: It cannot be decoded, or the model says nothing usable of it.
            ServerError, CatalogError: The run cannot go on.
        """
        name = self.looker.describer.cache_name
        answer, asked = self.asking.once(
            picture, lambda: self._ask(photo, picture, name), lambda: self._kept(picture)
        )
        return Look(picture, answer, asked)

    def _kept(self, picture: str) -> Description | None:
        describer, prompt = self.looker.describer, self.looker.prompt
        return None if self.again else load_answer(self.answers, describer, prompt, picture)

    def _ask(self, photo: Photo, picture: str, name: str) -> Description:
        """Ask about a photo of which nothing is kept under this name of the model."""
        describer, prompt = self.looker.describer, self.looker.prompt
        preview = self.looker.preview(photo)
        if describer.turns_out_another(name) and (kept := self._kept(picture)):
            return kept
        answer = describer.describe(preview, prompt)
        store_answer(self.answers, describer, prompt, picture, answer)
        return answer


@dataclass(frozen=True, slots=True)
class LookSpec:
    """All that another process needs in order to look at photos as this one does.

    Attributes:
        model: Which model.
        prompt: What it is asked.
    """

    model: "ModelSpec"
    prompt: Prompt

    @contextmanager
    def open(self) -> Iterator[Looker]:
        """Open the model, and what makes images, here.

        Raises:
            ServerError: The model cannot be used here.
        """
        exiftool = available_exiftool()
        with (
            self.model.open() as model,
            previews(exiftool) as preview,
            MetadataStore(exiftool=exiftool) as store,
        ):
            yield Looker(model.describer, preview, store.picture_hash, self.prompt)


def look_at(spec: LookSpec, photos: Iterable[Photo]) -> list[Look]:
    """Look at photos in a process that has nothing opened yet.

    Raises:
        PhotoError: One cannot be read or decoded, or the model says nothing usable of it.
        ServerError: The model cannot be used here.
    """
    with spec.open() as looker:
        return [looker.look(photo) for photo in photos]
