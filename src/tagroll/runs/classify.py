"""The second use case: copies of photos under descriptive names, and beside each what the model saw, as JSON.

`Classifier.classify` is a plain function of one photo, its number and the collaborators, so it can run in any
number of threads.
"""

import contextlib
import dataclasses
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Literal

from tagroll.catalog import State
from tagroll.domain import (
    Change,
    Facts,
    Metadata,
    Outcome,
    Photo,
    Prompt,
    Status,
)
from tagroll.errors import MetadataError, UsageError
from tagroll.metadata.copies import (
    COPIES,
    COPY,
    HARD_LINK,
    JSON,
    SYMBOLIC_LINK,
    NewFile,
    make_files,
    with_metadata,
)
from tagroll.models.choose import Model
from tagroll.models.prompt import build_prompt, is_english
from tagroll.photos.scan import OUTPUT_FOLDER, absolute
from tagroll.runs.context import Telling
from tagroll.runs.copy_folder import Output
from tagroll.runs.guard import guard
from tagroll.runs.language import check_language
from tagroll.runs.look import Look, Questions
from tagroll.runs.names import (
    Style,
    Undated,
    check_template,
    fill_template,
    safe_stem,
    suffix_of,
)
from tagroll.runs.run import Run
from tagroll.runs.words import WordRequest, Words
from tagroll.settings import DEFAULT_MAX_TAGS, Case
from tagroll.tags.identity import identity, word_of

LINKS: dict[Literal["hard", "sym"] | None, str] = {None: COPY, "hard": HARD_LINK, "sym": SYMBOLIC_LINK}
"""What is made of a photo, by what `--link` says."""


@dataclass(frozen=True, slots=True)
class ClassifyPolicy:
    """How a model's proposal becomes a copy.

    Attributes:
        again: Make a new copy also of photos that have one, and ask the model again.
        dry_run: Find out every name, make no file.
        style: How names are written.
        template: How they are put together (see `names.fill_template`); "" leaves it to us.
        case: Letter case of keywords.
        max_tags: At most so many keywords a photo.
        engine: What is made of the photo: a copy, or a link (see `metadata.copies`).
        write_metadata: Write title, description and keywords into the copy.
    """

    again: bool = False
    dry_run: bool = False
    style: Style = "slug"
    template: str = ""
    case: Case = "title"
    max_tags: int = DEFAULT_MAX_TAGS
    engine: str = COPY
    write_metadata: bool = False


@dataclass(frozen=True, slots=True)
class Caption:
    """What stands in the JSON about a photo, and what its copy is to be called.

    Attributes:
        title: A line, or "" when the model is sure of nothing.
        description: A sentence or two, or "".
        keywords: Normalised like tags.
        name: A proposal for the name, in any words.
        model: Who saw all this.
    """

    title: str
    description: str
    keywords: tuple[str, ...]
    name: str
    model: str

    def json(self, target: Path, source: Path) -> bytes:
        """The file beside the copy.

        A path that is no text keeps its odd bytes as escapes, which read back as Python's surrogates.
        """
        fields = {
            "title": self.title,
            "filename": target.name,
            "description": self.description,
            "keywords": list(self.keywords),
            "source": str(source),
            "model": self.model,
            "created": datetime.now().astimezone().isoformat(timespec="seconds"),
        }
        return (json.dumps(fields, ensure_ascii=False, indent=2) + "\n").encode("utf-8", "backslashreplace")

    def change(self, metadata: Metadata, paths: Mapping[str, str]) -> Change:
        """What makes a copy say this too, a keyword (by identity) at its path; what a person wrote into the photo stays."""
        there = {word_of(tag) for tag in metadata.tags}
        new = tuple(paths.get(word, tag) for tag in self.keywords if (word := identity(tag)) not in there)
        captions = {"title": self.title, "description": self.description}
        return Change(
            add=new,
            set={name: text for name, text in captions.items() if text and not getattr(metadata, name)},
            ours=new,
        )


@dataclass(frozen=True, slots=True)
class ClassifyRequest:
    """What a person wants of a run.

    Attributes:
        source: The folder with the photos, absolute.
        target: The folder for the copies, absolute.
        policy: What is made of the model's answers.
        words: What a person says of the words.
        recursive: Look into the folders inside the source too, and mirror them.
        follow_links: Copy also into folders that lie among the photos, or the copies, and lead out as links.
        language: Of the texts; None for English.
        prompt_text: The person's own words to the model, or None.
        telling: What the model is told of photos besides; None for nothing.
        votes: How many answers about a photo are compared.
        checked: The model is asked again of each of its words, and those of which it is not sure are left out.
    """

    source: Path
    target: Path
    policy: ClassifyPolicy = field(default_factory=ClassifyPolicy)
    words: WordRequest = field(default_factory=WordRequest)
    recursive: bool = False
    follow_links: bool = False
    language: str | None = None
    prompt_text: str | None = None
    telling: Telling | None = None
    votes: int = 1
    checked: bool = False

    @classmethod
    def of(cls, directory: Path, output: Path | None, policy: ClassifyPolicy) -> "ClassifyRequest":
        """For the photos of a folder; `output` None makes the copies in a folder inside it."""
        source = absolute(directory)
        return cls(source, absolute(output) if output else source / OUTPUT_FOLDER, policy)

    def check(self) -> None:
        """See that what is asked for can be.

        Raises:
            UsageError: It cannot.
        """
        if self.policy.engine != COPY and self.policy.write_metadata:
            raise UsageError(
                "--write-metadata would write through the links into your photos",
                "Leave out --link, or use tagroll tag",
            )
        if self.policy.template:
            check_template(self.policy.template)
        source, target = self.source.resolve(), self.target.resolve()
        if source == target or (self.recursive and source.is_relative_to(target)):
            raise UsageError("the copies would lie among the photos", "Name another folder with -o")
        leads_out = self.target.is_relative_to(self.source) and not target.is_relative_to(source)
        if leads_out and not self.follow_links:
            raise UsageError(
                f"{self.target} is a link that leads out of the folder to {target}",
                f"Name that folder with -o {target}, or use --follow-links",
            )

    def prompt(self) -> Prompt:
        """What the model is asked."""
        return build_prompt(
            "classify", max_tags=self.policy.max_tags, language=self.language,
            wordlist=self.words.wordlist, prompt_file_text=self.prompt_text, votes=self.votes,
            check=self.checked,
        )  # fmt: skip

    @contextlib.contextmanager
    def folder(self) -> Iterator[None]:
        """Make the folder for the copies, so that the walk knows it; one that stays empty is removed again.

        Raises:
            UsageError: It cannot be made.
        """
        if self.policy.dry_run or self.target.is_dir():
            yield
            return
        try:
            self.target.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            text = f"{self.target} cannot be made: {error.strerror}"
            raise UsageError(text, "Name another one with -o") from error
        try:
            yield
        finally:
            with contextlib.suppress(OSError):  # there is something in it
                self.target.rmdir()


def classifier(run: Run, model: Model, request: ClassifyRequest) -> "Classifier":
    """What classifies photos in this run."""
    run.asks(model)
    model.when_found(lambda _: check_language(model.describer, request.language))
    output = Output(request.target, request.source, follow_links=request.follow_links)
    questions = run.questions(
        model.describer, request.prompt(), again=request.policy.again, telling=request.telling,
        english=is_english(request.language),
    )  # fmt: skip
    return Classifier(run, questions, request.policy, output, request.words.words(run.space.catalog))


@dataclass(frozen=True, slots=True)
class Classifier:
    """One run of classifying: the collaborators and the policy, and what to do with one photo.

    Attributes:
        run: Keeps the journal; its workspace tells pictures from each other.
        questions: Asks the model.
        policy: What is made of its answers.
        output: Where the copies go.
        words: What the model's words are called in this library.
    """

    run: Run
    questions: Questions
    policy: ClassifyPolicy
    output: Output
    words: Words = field(default_factory=Words)

    def classify(self, photo: Photo, number: int = 1) -> Outcome:
        """Describe one photo and copy it under the name that the model finds.

        Args:
            photo: Which.
            number: Its place among all photos, from 1; `{counter}` in a template.

        Raises:
            ServerError, CatalogError: The run cannot go on.
            TagrollError: The disk is full; the run cannot go on.
        """
        return guard(photo.path, lambda: self._classify(photo, number))

    def _classify(self, photo: Photo, number: int) -> Outcome:
        folder = self.output.folder_for(photo)
        self.run.clean(folder / photo.path.name)
        made = None if self.policy.again else self._made(photo, folder)
        if made and os.path.lexists(made.with_suffix(".json")):
            return Outcome(photo.path, Status.UNCHANGED, target=made)
        picture = self.run.space.picture_now(photo)
        look = self.questions.look(photo, picture)
        held = look.held(photo, self.questions.looker.knowledge)
        taken = self._facts(photo)
        placed = self.words.of(held.answer.keywords, self.policy.case, self.policy.max_tags)
        caption = self._caption(photo, dataclasses.replace(look, answer=held.answer), placed.tags, taken)
        target = made or self._free(folder, self._stem(photo, number, caption, taken), suffix_of(photo.path))
        if not self.policy.dry_run:
            self._make(photo, picture, target, caption, complete=made is not None)
        return Outcome(
            photo.path, Status.COPIED, caption.keywords, asked=look.asked, target=target, unlisted=placed.unlisted,
            struck=held.struck,
        )  # fmt: skip

    # what is done already --------------------------------------------------------------------------------

    def _made(self, photo: Photo, folder: Path) -> Path | None:
        """The copy that this model's answer about this picture led to in an earlier run."""
        model = self.questions.looker.describer.model
        for write, asked in self.run.space.catalog.journal.copies_of(photo.path):
            is_here = write.engine in COPIES and write.target.parent == folder and asked == model
            if is_here and self._shows(write.target, photo, write.picture_hash):
                return write.target
        for copy, asked in self.output.known_copies(folder, photo.path):
            if asked == model and self._shows(copy, photo):
                return copy
        return None

    def _shows(self, copy: Path, photo: Photo, picture: str | None = None) -> bool:
        """Whether a copy is there and of the picture that the photo is now: by size and time, or by hash."""
        try:
            state = copy.stat()
        except OSError:
            return False
        if (state.st_size, state.st_mtime_ns) == (photo.size, photo.mtime_ns):
            return True
        return (picture or self._picture_at(copy, photo)) == self.run.space.picture_now(photo)

    def _facts(self, photo: Photo) -> Facts:
        """What the photo tells of itself; nothing where it cannot be read: only a name depends on it."""
        try:
            return self.run.space.store.read(photo).facts
        except MetadataError:
            return Facts()

    def _picture_at(self, path: Path, like: Photo) -> str:
        return self.run.space.store.picture_hash(Photo(path, like.size, like.mtime_ns, like.format))

    # naming ----------------------------------------------------------------------------------------------

    def _caption(self, photo: Photo, look: Look, words: tuple[str, ...], taken: Facts) -> Caption:
        """What is made of an answer; a model that is sure of nothing leaves the photo its own name."""
        answer, rejected = look.answer, self.run.space.catalog.verdicts.rejected(look.picture)
        keywords = tuple(word for word in words if word_of(word) not in rejected)
        title, name = answer.title, answer.filename or answer.title or " ".join(keywords[:3])
        name = name if safe_stem(name) else photo.path.stem
        # the built-in model knows so little that the day is half of the telling
        if self.questions.looker.describer.names_only and taken.date:
            day = f"{taken.date:%Y-%m-%d}"
            title = f"{title}, {day}" if title else ""
            name = f"{day} {name}"
        return Caption(title, answer.description, keywords, name, answer.model)

    def _stem(self, photo: Photo, number: int, caption: Caption, taken: Facts) -> str:
        facts: Mapping[str, object] = {
            "date": taken.date or Undated(),
            "camera": taken.camera or "unknown camera",
            "counter": number,
            "original": photo.path.stem,
        }
        words = caption.name.replace("_", " ") if self.policy.style == "slug" else caption.name
        name = safe_stem(words, style=self.policy.style)
        if self.policy.template:
            name = fill_template(self.policy.template, name, facts)
        return safe_stem(name, style=self.policy.style) or "photo"

    def _free(self, folder: Path, stem: str, suffix: str) -> Path:
        return folder / f"{self.output.take(folder, stem, suffix)}{suffix}"

    # making ----------------------------------------------------------------------------------------------

    def _make(self, photo: Photo, picture: str, target: Path, caption: Caption, *, complete: bool) -> None:
        """Make copy and JSON, both or none; `complete`: the copy is there, and only its JSON got lost."""
        entries = self.run.entries()
        copies: tuple[NewFile, ...] = () if complete else (NewFile(target, self.policy.engine),)
        if copies and self.policy.write_metadata:
            copies = with_metadata(
                self.run.space.exiftool, photo, target, partial(caption.change, paths=self.words.paths)
            )
        about = NewFile(target.with_suffix(".json"), JSON, caption.json(target, photo.path))
        state = State.VOID
        try:
            make_files(photo, picture, (*copies, about), entries, self.run.space.store.note)
            state = State.DONE
        finally:
            self.run.space.catalog.journal.settle(entries.states(state))
