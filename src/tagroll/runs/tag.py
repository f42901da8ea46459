"""The main use case: show a photo to a model and write what it sees into the photo.

`Tagger.tag` is a plain function of one photo and its collaborators, so it can run in any number of threads.
"""

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tagroll.catalog import Catalog, PhotoRow
from tagroll.domain import (
    Change,
    Description,
    Metadata,
    Outcome,
    Photo,
    Prompt,
    Status,
)
from tagroll.models.choose import Model
from tagroll.models.prompt import build_prompt, is_english
from tagroll.runs.context import Knowledge, Telling
from tagroll.runs.guard import guard
from tagroll.runs.held import Held
from tagroll.runs.language import check_language
from tagroll.runs.look import Look, Questions
from tagroll.runs.pictures import picture_by
from tagroll.runs.proposal import Mode, TagProposal
from tagroll.runs.read import Reader
from tagroll.runs.run import LEFT, Run, about
from tagroll.runs.sureness import sureness, unsure
from tagroll.runs.words import Placed, WordRequest, Words
from tagroll.runs.write_place import PlaceTag, place_tag
from tagroll.settings import DEFAULT_MAX_TAGS, EARLIER_MAX_TAGS, Case
from tagroll.tags.identity import LEVEL, identities, identity, word_of

if TYPE_CHECKING:
    from tagroll.runs.inside import TextInside
    from tagroll.runs.learning.taught import Taught


@dataclass(frozen=True)
class TagPolicy:
    """How a model's proposal becomes a change.

    Attributes:
        mode: Which of the tags that a photo has go when it gets new ones.
        retag: Ask the model again, also about photos it has described before.
        dry_run: Find out everything, write nothing into photos.
        case: Letter case of new tags.
        max_tags: At most so many tags a photo.
        captions: Which of CAPTIONS are written too, where a photo has none.
        user_comment: Write the tags into EXIF UserComment, too, as the older script did.
        words: What the model's words are called in this library, and where in a tree they stand.
        inside: Read the text in photos, too.
        inside_described: Write it into their descriptions.
        place: Write where a photo was taken, too, as a tag and as an address, where it does not say so itself.
    """

    mode: Mode = "yours"
    retag: bool = False
    dry_run: bool = False
    case: Case = "title"
    max_tags: int = DEFAULT_MAX_TAGS
    captions: tuple[str, ...] = ()
    user_comment: bool = False
    words: Words = field(default_factory=Words)
    place: bool = False
    inside: bool = False
    inside_described: bool = False

    def placed(self, keywords: Iterable[str]) -> Placed:
        """What these keywords of a model become; a comma ends one but where this library has it in a tag."""
        return self.words.of(keywords, self.case, self.max_tags)

    def tags(self, keywords: Iterable[str]) -> tuple[str, ...]:
        """The tags of `placed`."""
        return self.placed(keywords).tags

    def satisfies(self, earlier: Mapping[str, object], wanted: Mapping[str, object]) -> bool:
        """Whether what was wanted of a photo earlier is what is wanted now, preferred words taken into account.

        They only make a list shorter: what follows was beyond the limit before. A list that is longer than what is
        usual now was made when more was usual, and stays.
        """
        before, now = (list(map(str, w["tags"])) for w in (earlier, wanted))  # type: ignore[call-overload]
        renamed = list(self.words.named(before).tags)
        if self.max_tags == DEFAULT_MAX_TAGS < len(before) <= EARLIER_MAX_TAGS:
            renamed = renamed[: self.max_tags]
        # older catalogs know two modes; where all was replaced, nothing of ours is left to be replaced
        mode = earlier.get("mode") or ("append" if earlier.get("append") else "replace")
        same_mode = mode == wanted["mode"] or (mode, wanted["mode"]) == ("replace", "yours")
        same = same_mode and earlier.get("captions") == wanted["captions"]
        return same and renamed == now[: len(renamed)] and len(before) >= len(now)


@dataclass(frozen=True, slots=True)
class TagRequest:
    """What a person wants of a run.

    Attributes:
        policy: What is made of the model's answers, but for the words.
        words: What a person says of them.
        language: Of tags and texts; None for English.
        prompt_text: The person's own words to the model, or None.
        telling: What the model is told of photos besides; None for nothing.
        votes: How many answers about a photo are compared.
        bursts: Frames of a burst have one answer.
        checked: The model is asked again of each of its words, and those of which it is not sure are left out.
    """

    policy: TagPolicy = field(default_factory=TagPolicy)
    words: WordRequest = field(default_factory=WordRequest)
    language: str | None = None
    prompt_text: str | None = None
    telling: Telling | None = None
    votes: int = 1
    bursts: bool = False
    checked: bool = False

    def prompt(self) -> Prompt:
        """What the model is asked. Texts come with the longer answer alone."""
        return build_prompt(
            "classify" if self.policy.captions else "tags", max_tags=self.policy.max_tags, language=self.language,
            wordlist=self.words.wordlist, prompt_file_text=self.prompt_text, votes=self.votes,
            check=self.checked,
        )  # fmt: skip

    def policy_in(self, catalog: Catalog) -> TagPolicy:
        """What is made of the answers in the library that this catalog knows."""
        return dataclasses.replace(self.policy, words=self.words.words(catalog))


def tagger(run: Run, model: Model, request: TagRequest, learned: "Taught | None" = None) -> "Tagger":
    """What tags photos in this run, also with what was learned."""
    run.asks(model)
    model.when_found(lambda _: check_language(model.describer, request.language))
    policy = request.policy_in(run.space.catalog)
    if learned:
        policy = dataclasses.replace(policy, words=learned.spelled(policy.words))
    telling = request.telling
    if telling and not policy.captions:  # people are for texts; as tags they are there, if anybody wants them
        telling = telling.without("people")
    questions = run.questions(
        model.describer, request.prompt(), again=request.policy.retag, telling=telling,
        english=is_english(request.language), bursts=request.bursts,
    )  # fmt: skip
    inside = None
    if policy.inside:
        from tagroll.runs.inside import TextInside

        space = run.space
        inside = TextInside(space.catalog, space.preview, described=policy.inside_described)
    return Tagger(run, questions, policy, questions.looker.knowledge, inside, learned)


@dataclass(frozen=True, slots=True)
class Tagger:
    """One run of tagging: the collaborators and the policy, and what to do with one photo.

    Attributes:
        run: Writes, and remembers.
        questions: Asks the model.
        policy: What is made of its answers.
        knowledge: What they are held to; None for nothing.
        inside: Reads the text in photos; None: it is not read.
        learned: What is said of a photo besides: nobody holds a person's own words to anything.
    """

    run: Run
    questions: Questions
    policy: TagPolicy
    knowledge: Knowledge | None = None
    inside: "TextInside | None" = None
    learned: "Taught | None" = None

    def tag(self, photo: Photo) -> Outcome:
        """Describe one photo and write its tags.

        Raises:
            ServerError, CatalogError: The run cannot go on.
            TagrollError: The disk is full; the run cannot go on.
        """
        return guard(photo.path, lambda: self._tag(photo))

    def _tag(self, photo: Photo) -> Outcome:
        self.run.clean(photo.path)
        row = self.run.space.catalog.photos.at(photo.path)
        return self.apply(photo, self.look(photo, row), row)

    def look(self, photo: Photo, row: PhotoRow | None) -> Look:
        """What the model says of a photo: kept, or asked for now.

        Args:
            photo: Which.
            row: What the index knows of it.

        Raises:
            PhotoError: It cannot be looked at.
            ServerError, CatalogError: The run cannot go on.
        """
        space = self.run.space
        picture = picture_by(row, photo, self.questions.hashes or space.store, space.catalog)
        return self.questions.look(photo, picture)

    def propose(self, photo: Photo) -> Outcome:
        """Ask about one photo and keep the answer for a person to judge; write nothing.

        Raises:
            ServerError, CatalogError: The run cannot go on.
        """
        return guard(photo.path, lambda: self._propose(photo))

    def _propose(self, photo: Photo) -> Outcome:
        space = self.run.space
        for known in Reader(space.store, space.catalog).read([photo]):  # so that the index has it
            if known.status is Status.FAILED:
                return known
        look = self.look(photo, space.catalog.photos.at(photo.path))
        look, held = self._heard(photo, look)
        placed = self.policy.placed(held.answer.keywords)
        outcome = Outcome(
            photo.path, Status.UNCHANGED, placed.tags, asked=look.asked, unlisted=placed.unlisted
        )
        return self._told_of(dataclasses.replace(outcome, struck=held.struck), look)

    def apply(self, photo: Photo, look: Look, row: PhotoRow | None) -> Outcome:
        """Make of what was seen what the policy says, and write it.

        Args:
            photo: Which.
            look: What was seen.
            row: What the index knew of it when it was looked at.

        Raises:
            PhotoError: It cannot be read or written.
            CatalogError: The run cannot go on.
        """
        look, held = self._heard(photo, look)
        placed = self.policy.placed(held.answer.keywords)
        outcome = self._applied(photo, look, row, held.answer, placed.tags)
        outcome = dataclasses.replace(outcome, asked=look.asked, unlisted=placed.unlisted, struck=held.struck)
        return self._told_of(outcome, look)

    def _heard(self, photo: Photo, look: Look) -> tuple[Look, Held]:
        """What the model said, and what is left of it, both with the text in the photo and with what was learned."""
        held = look.held(photo, self.knowledge)
        if self.inside:  # the photo says this itself
            whole = self.inside.added(look.answer, photo, look.picture)
            is_whole = held.answer is look.answer
            left = whole if is_whole else self.inside.added(held.answer, photo, look.picture)
            look, held = dataclasses.replace(look, answer=whole), dataclasses.replace(held, answer=left)
        return self.learned.added(photo, look, held) if self.learned else (look, held)

    def _told_of(self, outcome: Outcome, look: Look) -> Outcome:
        """With how sure the model was of its words, if it tells."""
        if look.answer.inherited:
            rows = self.run.space.catalog.photos.with_picture(look.answer.inherited)
            same_as = look.same_as or next((row.path for row in rows), None)
            outcome = dataclasses.replace(outcome, same_as=same_as)
        if not look.answer.confidences:
            return outcome
        words = self.policy.words
        required = identities(words.required)

        def named(keywords: Iterable[str]) -> tuple[str, ...]:
            tags = (tag for tag in self.policy.placed(keywords).tags if identity(tag) not in required)
            return tuple(words.paths.get(identity(tag), tag) for tag in tags)

        sure, rest = (
            sureness(look.answer, told, named) for told in (look.answer.keywords, unsure(look.answer))
        )
        there = identities(level for tag in outcome.tags for level in tag.split(LEVEL))
        return dataclasses.replace(
            outcome,
            confidences={tag: how for tag, how in sure.items() if word_of(tag) in there},
            proposals={tag: how for tag, how in rest.items() if word_of(tag) not in there},
        )

    def _applied(
        self, photo: Photo, look: Look, row: PhotoRow | None, answer: Description, words: tuple[str, ...]
    ) -> Outcome:
        space, picture = self.run.space, look.picture
        fresh = row is not None and row.stamp == space.store.stamp(photo)
        place = self._place(photo)
        tags = _with(place, words)
        captions = _captions(answer, self.policy.captions)
        if not tags and not any(captions.values()) and not place.address:
            return Outcome(photo.path, Status.SKIPPED, self._note(photo, picture, row, fresh=fresh))
        # a hash of an older catalog, which is shorter, says nothing about this one
        if row is None or (len(row.picture_hash) == len(picture) and row.picture_hash != picture):
            row = self._moved(picture)
        said = [tags]
        if answer is not look.answer:
            # an answer of before, with the names that were not struck out then, is written already as well
            said.append(_with(place, self.policy.tags(look.answer.keywords)))
        decided = bool(
            row
            and (earlier := row.wanted)
            and any(self.policy.satisfies(earlier, self._wanted(tags)) for tags in said)
            and not self.policy.retag
        )
        # where there are none any more, or others were at it, what they took away goes from all lists
        if row and fresh and decided and (row.tags or not tags) and _is_as_left(row):
            return Outcome(photo.path, Status.UNCHANGED, row.tags)
        rejected = space.catalog.verdicts.rejected(picture)
        paths = self.policy.words.paths
        paths = {**paths, identity(place.word): place.path} if place.path else paths
        proposal = TagProposal(tags, captions, paths, place.address, decided=decided, rejected=rejected)
        return self._write(photo, picture, proposal)

    # what is done already --------------------------------------------------------------------------------

    def _moved(self, picture: str) -> PhotoRow | None:
        """The row of a photo that was tagged elsewhere and has left that place: this is that photo."""
        rows = self.run.space.catalog.photos.with_picture(picture)
        return next((row for row in rows if row.wanted and not row.path.exists()), None)

    def _place(self, photo: Photo) -> PlaceTag:
        if not self.policy.place:
            return PlaceTag()
        return place_tag(self.run.space.store.read(photo), self.policy.words.paths)

    def _wanted(self, tags: tuple[str, ...]) -> dict[str, object]:
        return {"tags": list(tags), "mode": self.policy.mode, "captions": list(self.policy.captions)}

    def _note(self, photo: Photo, picture: str, row: PhotoRow | None, *, fresh: bool) -> tuple[str, ...]:
        """The tags of a photo that gets none; the index knows it from now on, too."""
        if row and fresh:
            return row.tags
        stamp, said = self.run.space.store.stamp(photo), self.run.space.store.read(photo)
        if not self.policy.dry_run:
            wanted = row.wanted if row else None
            self.run.space.catalog.photos.conclude(
                {},
                PhotoRow(photo.path, stamp, picture, said.tags, wanted, about=about(photo, said, said.facts)),
            )
        return said.tags

    # writing ---------------------------------------------------------------------------------------------

    def _write(self, photo: Photo, picture: str, proposal: "TagProposal") -> Outcome:
        def decide(metadata: Metadata) -> Change:
            change = proposal.change(metadata, self.policy.mode)
            align = not proposal.is_settled(metadata)
            hang = tuple(tag for tag in proposal.tags if identity(tag) not in proposal.paths)
            return dataclasses.replace(
                change, align=align, hang=hang, comment=self.policy.user_comment, fields=proposal.address
            )

        row = PhotoRow(photo.path, "", picture, (), self._wanted(proposal.tags))
        written = self.run.write(photo, decide, row, dry_run=self.policy.dry_run)
        removed = identities(written.before.tags) - identities((*written.tags, *written.before.ours))
        kept = any(text and getattr(written.before, name) for name, text in proposal.captions.items())
        outcome = written.outcome(photo.path, Status.TAGGED)
        withheld = proposal.withheld(written.before)
        return dataclasses.replace(outcome, removed=len(removed), kept=kept, withheld=withheld)


def _with(place: PlaceTag, tags: tuple[str, ...]) -> tuple[str, ...]:
    """The tags, and that of the place."""
    return tags if not place.word or identity(place.word) in identities(tags) else (*tags, place.word)


def _is_as_left(row: PhotoRow) -> bool:
    """Whether a photo has not been changed by others since it was tagged; one of an older catalog counts as such."""
    return not row.wanted or row.wanted.get(LEFT, row.stamp) == row.stamp


def _captions(answer: Description, names: tuple[str, ...]) -> dict[str, str]:
    texts = {"title": answer.title, "description": answer.description, "alt_text": answer.description}
    return {name: texts[name] for name in names}
