"""A library that tagroll tags, a person edits in other programs, and whose catalog can be lost."""

import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from support.judge import COMMAND
from support.photos import as_photo
from tagroll.domain import Description, Metadata, Outcome, Prompt
from tagroll.metadata.store import Decide
from tagroll.models.answers import AnswerStore
from tagroll.runs.look import Look, Questions
from tagroll.runs.run import Workspace
from tagroll.runs.tag import Mode, Tagger, TagPolicy
from tagroll.settings import Settings


class Nobody:
    """Asks no model: what it would say is in the test."""

    looker: object = None
    answers: AnswerStore
    asking: Prompt


class OpenLibrary:
    """Photos, and a catalog that is open."""

    def __init__(self, space: Workspace) -> None:
        self.space = space

    def tag(self, path: Path, *words: str, mode: Mode = "yours") -> Outcome:
        """As `tagroll tag` does when a model says these words."""
        photo = as_photo(path)
        with self.space.begin("tag", [str(path)]) as run:
            questions: Questions = Nobody()  # type: ignore[assignment]  # `apply` asks nothing
            look = Look(self.space.store.picture_hash(photo), Description(words, "scripted"))
            tagger = Tagger(run, questions, TagPolicy(mode=mode, case="keep"))
            outcome = tagger.apply(photo, look, self.space.catalog.photos.at(path))
        assert not outcome.error, outcome
        return outcome

    def write(
        self, path: Path, decide: Decide, command: str = "tags rename", *, by_person: bool = False
    ) -> None:
        """As an action does that wants this of a photo."""
        with self.space.begin(command, [str(path)]) as run:
            run.write(as_photo(path), decide, entries=run.entries(by_person=by_person))

    def read(self, path: Path) -> Metadata:
        """What a photo says."""
        return self.space.store.read(as_photo(path))

    def ours(self, path: Path) -> set[str]:
        """The tags that tagroll wrote, as it knows them."""
        return set(self.read(path).ours)

    def yours(self, path: Path) -> set[str]:
        """All other tags."""
        said = self.read(path)
        return set(said.tags) - set(said.ours)


@contextmanager
def library(catalog: Path) -> Iterator[OpenLibrary]:
    """Open it; another catalog is another computer, or one that was lost."""
    with Workspace.open(Settings(catalog=catalog)) as space:
        yield OpenLibrary(space)


def other_program(changes: Mapping[Path, Sequence[str]], script: Path) -> None:
    """Let exiftool, in the place of a person's program, change files with these options.

    Args:
        changes: File -> options.
        script: A file for its commands.
    """
    common = ["-q", "-q", "-overwrite_original", "-m"]
    lines = [line for path, options in changes.items() for line in (*common, *options, str(path), "-execute")]
    script.write_text("\n".join(lines), encoding="utf-8")
    subprocess.run([*COMMAND, "-config", "", "-@", script], check=True)
