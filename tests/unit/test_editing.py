"""What people want changed: one run an action, undone exactly or by values, and the last word against any model."""

import dataclasses
import json
import threading
from contextlib import ExitStack, contextmanager
from functools import partial

import pytest

from support.judge import write_by_exiftool
from support.photos import as_photo, copy
from support.runs import wait_for
from tagroll.catalog import Catalog, State, TagVerdict
from tagroll.domain import Change, Description, Status
from tagroll.errors import CatalogError, UsageError
from tagroll.metadata.store import MetadataStore
from tagroll.models.builtin.describer import MODEL, BuiltinDescriber
from tagroll.runs import keeper
from tagroll.runs.action import edited
from tagroll.runs.classify import Classifier, ClassifyPolicy, ClassifyRequest
from tagroll.runs.copy_folder import Output
from tagroll.runs.edit import Editing
from tagroll.runs.entries import Entries
from tagroll.runs.gallery import Gallery
from tagroll.runs.review import Review
from tagroll.runs.run import LEFT, Workspace, past_of
from tagroll.runs.tag import Tagger, TagPolicy, TagRequest
from tagroll.runs.undo import Undoing
from tagroll.settings import Settings
from tagroll.tags.identity import word_of

SAMPLES = {"a.jpg": "baseline.jpg", "b.png": "rgb.png", "c.webp": "lossless.webp"}
PROMPT = TagRequest().prompt()


class Home:
    """A library with a face: what people do to it, and what models say of it."""

    def __init__(self, folder, settings, resources):
        self.folder = folder
        self.before = {name: (folder / name).read_bytes() for name in SAMPLES}
        catalog = resources.enter_context(Catalog(settings.catalog))
        store = MetadataStore(past=partial(past_of, catalog))
        self.space = Workspace(
            settings, catalog, store, None
        )  # exiftool takes its time, and has no part in this
        self.gallery = Gallery(self.space, [folder])
        self.gallery.refresh(lambda _: None)
        self.review = Review(self.space, self.gallery)
        self.told = []
        self.editing = Editing(
            self.space, self.gallery, self.review, lambda name, data: self.told.append((name, data))
        )
        resources.callback(self.editing.close)
        wait_for(lambda: self.editing._keeper._recovered)  # it takes the lock at its start, nobody knows when
        self.numbers = {shown.path.name: shown.id for shown in self.gallery.all_shown()}

    def id(self, *names):
        return [self.numbers[name] for name in names or SAMPLES]

    def tags(self, name):
        return list(self.space.store.read(as_photo(self.folder / name)).tags)

    def shown(self, name):
        return self.gallery.shown(self.numbers[name])

    def done(self, number):
        wait_for(lambda: self.editing.state(number)["finished"])
        return self.editing.state(number)

    def edit(self, *names, add=(), remove=(), captions=None):
        return self.done(self.editing.edit(self.id(*names), add, remove, captions))

    def undo(self, number):
        return self.done(self.editing.undo(number))

    def runs(self):
        return self.space.catalog.runs.all()

    @contextmanager
    def other_run(self):
        """Another run has the catalog; ours has let go of it."""
        with Catalog(self.space.catalog.path) as other:
            wait_for(lambda: not other.in_use())
            with other.held():
                yield

    def begin(self, command, arguments=(), **options):
        """A run beside the edits, which have let go of the catalog."""
        wait_for(lambda: not self.space.catalog.in_use())
        return self.space.begin(command, arguments, **options)

    def says(self, name, *keywords, **confidences):
        """A model has said this of a photo."""
        picture = self.space.picture_now(as_photo(self.folder / name))
        said = Description(keywords, MODEL, confidences=confidences)
        self.space.catalog.answers.keep(picture, PROMPT, said)
        self.gallery.changed([self.folder / name])

    def tag(self, name, *, append=True, retag=False):
        """As `tagroll tag` does with what is kept; `retag` makes it write whatever was written before."""
        with self.begin("tag") as run:
            policy = dataclasses.replace(TagPolicy(mode="append" if append else "replace"), retag=retag)
            tagger = Tagger(run, run.questions(KeptOnly(), PROMPT, again=False), policy)
            outcome = tagger.tag(as_photo(self.folder / name))
            assert outcome.status is not Status.FAILED, outcome
        self.gallery.changed([self.folder / name])
        return outcome


class KeptOnly(BuiltinDescriber):
    """Finds what is kept, as it was kept, and is never asked."""

    def reread(self, kept, prompt):
        del prompt
        return kept

    def describe(self, *_):
        raise AssertionError("asked")


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setattr(keeper, "LINGER", 0.05)
    monkeypatch.setattr(keeper, "RETRY", 0.02)
    folder = tmp_path / "photos"
    folder.mkdir()
    for name, sample in SAMPLES.items():
        copy(sample, folder / name).path.chmod(0o644)
    with ExitStack() as resources:
        yield Home(folder, Settings(catalog=tmp_path / "catalog.sqlite"), resources)


def test_an_action_is_one_run_and_its_undo_is_exact(home):
    done = home.edit(add=["Beach", "Places|Oslo"], captions={"title": "A day"})
    assert (done["done"], done["total"], done["failed"]) == (3, 3, [])
    assert [(run.id, run.command, run.arguments[-1]) for run in home.runs()] == [
        (done["run"], "serve", "+Beach +Places|Oslo title")
    ]
    for name in SAMPLES:
        assert home.tags(name) == ["Beach", "Places|Oslo"]
        assert home.shown(name).tags == ("Beach", "Places|Oslo")
        assert home.shown(name).title == "A day"
    undone = home.undo(done["number"])
    assert (undone["undoes"], undone["failed"]) == (done["number"], [])
    assert {name: (home.folder / name).read_bytes() for name in SAMPLES} == home.before
    assert all(home.shown(name).tags == () for name in SAMPLES)
    assert [(run.command, run.left) for run in home.runs()] == [("undo", 3), ("serve", 0)]
    assert home.undo(undone["number"])["failed"] == []  # and back again
    assert home.tags("a.jpg") == ["Beach", "Places|Oslo"]


def test_what_is_there_does_not_come_and_leaves_no_run(home):
    home.edit(add=["Beach"])
    done = home.edit(add=["beach"], remove=["Nothing"])
    assert (done["run"], done["failed"], len(home.runs())) == (None, [], 1)
    assert home.tags("b.png") == ["Beach"]


def test_while_another_run_has_the_catalog_edits_wait_and_add_up(home):
    home.edit(add=["Dog"])
    with home.other_run():
        first = home.editing.edit(home.id(), ["Beach"], ["Dog"])
        second = home.editing.edit(home.id("a.jpg"), (), ["beach"])
        third = home.editing.edit(home.id("b.png"), ["Sea"])
        wait_for(lambda: home.editing.waiting)
        assert "another run" in home.editing.waiting
        assert home.tags("a.jpg") == ["Dog"]
    assert home.done(third)["failed"] == home.done(second)["failed"] == []
    assert home.done(first)["done"] == 3
    assert home.editing.waiting == ""
    assert [home.tags(name) for name in SAMPLES] == [[], ["Beach", "Sea"], ["Beach"]]
    reasons = [data["reason"] for name, data in home.told if name == "waiting"]
    assert len(reasons) == 2
    assert reasons[-1] == ""
    written = [len(list(home.space.catalog.journal.of_run(run.id))) for run in home.runs()]
    assert sum(written) == 3 + 3, "what waited for one photo is one write"


def test_what_comes_and_goes_while_it_waits_is_never_written(home):
    with home.other_run():
        first = home.editing.edit(home.id("a.jpg"), ["Beach"])
        second = home.editing.edit(home.id("a.jpg"), (), ["Beach"])
    assert home.done(second)["run"] is home.done(first)["run"] is None
    assert (home.folder / "a.jpg").read_bytes() == home.before["a.jpg"]
    assert home.runs() == []


def test_actions_that_were_written_together_are_undone_one_by_one(home):
    with home.other_run():
        first = home.editing.edit(home.id("a.jpg", "b.png"), ["Beach"])
        second = home.editing.edit(home.id("a.jpg"), ["Dog"], (), {"title": "Rex"})
    home.done(first)
    home.done(second)
    home.undo(second)
    assert (home.tags("a.jpg"), home.shown("a.jpg").title) == (["Beach"], "")
    home.undo(first)
    assert (home.tags("a.jpg"), home.tags("b.png")) == ([], [])
    home.says("a.jpg", "Beach")
    home.tag("a.jpg")
    assert home.tags("a.jpg") == ["Beach"], "what was undone was not taken away"


def test_an_earlier_action_is_undone_by_values_when_a_later_one_wrote_the_same_photo(home):
    first = home.edit("a.jpg", "b.png", add=["Beach"])
    later = home.edit("a.jpg", add=["Dog"])
    assert home.undo(first["number"])["failed"] == []
    assert (home.tags("a.jpg"), home.tags("b.png")) == (["Dog"], [])
    assert home.undo(later["number"])["failed"] == []
    assert home.tags("a.jpg") == []


@pytest.mark.parametrize("restarted", [False, True])
def test_the_history_takes_an_earlier_run_back_and_forth_whatever_came_later(home, monkeypatch, restarted):
    if restarted:
        monkeypatch.setattr(home.editing._keeper, "actions", list)  # as a new server knows none
    first = home.edit("a.jpg", "b.png", add=["Beach"], captions={"title": "A day"})
    later = home.edit("a.jpg", add=["Dog"])
    with home.begin("tag") as run:  # another program's run, too
        run.write(as_photo(home.folder / "b.png"), lambda _: Change(add=("Cat",)))
    picture = home.space.picture_now(as_photo(home.folder / "a.jpg"))

    def left():
        return {run.id: run.left for run in home.runs()}

    undo = home.done(home.editing.undo_run(first["run"]))
    assert undo["failed"] == []
    assert (home.tags("a.jpg"), home.tags("b.png"), home.shown("a.jpg").title) == (["Dog"], ["Cat"], "")
    assert (left()[first["run"]], left()[undo["run"]]) == (0, 2)
    assert [one.word for one in home.space.catalog.verdicts.of(picture)] == ["dog"]
    if restarted:
        with pytest.raises(UsageError, match="nothing to undo"):
            home.editing.undo_run(first["run"])
    else:
        (failure,) = home.done(home.editing.undo_run(first["run"]))["failed"]
        assert "nothing to undo" in failure["error"]
    redo = home.done(home.editing.undo_run(undo["run"]))
    assert redo["failed"] == []
    assert (set(home.tags("a.jpg")), set(home.tags("b.png"))) == ({"Beach", "Dog"}, {"Beach", "Cat"})
    assert (left()[first["run"]], left()[undo["run"]]) == (2, 0)
    assert home.done(home.editing.undo_run(later["run"]))["failed"] == []
    assert home.tags("a.jpg") == ["Beach"]
    assert home.done(home.editing.undo_run(first["run"]))["failed"] == []
    assert (home.tags("a.jpg"), home.tags("b.png")) == ([], ["Cat"])


def test_what_the_history_cannot_take_back_says_why(home):
    first = home.edit("a.jpg", "b.png", add=["Beach"])
    home.edit("a.jpg", "b.png", add=["Dog"])
    (home.folder / "a.jpg").unlink()
    (home.folder / "b.png").write_bytes(b"no photo any more")
    undo = home.done(home.editing.undo_run(first["run"]))
    assert {one["name"]: bool(one["error"] and one["hint"]) for one in undo["failed"]} == {
        "a.jpg": True,
        "b.png": True,
    }
    assert {run.id: run.left for run in home.runs()}[first["run"]] == 2


def test_undoing_what_still_waits_writes_nothing(home):
    with home.other_run():
        first = home.editing.edit(home.id(), ["Beach"])
        undo = home.editing.undo(first)
    assert home.done(undo)["failed"] == []
    assert home.done(first)["finished"]
    assert {name: (home.folder / name).read_bytes() for name in SAMPLES} == home.before


def test_a_photo_that_is_gone_fails_by_name_and_the_others_do_not(home):
    (home.folder / "b.png").unlink()
    done = home.edit(add=["Beach"])
    assert [(one["name"], one["id"]) for one in done["failed"]] == [("b.png", home.numbers["b.png"])]
    assert "not there" in done["failed"][0]["error"]
    assert (home.tags("a.jpg"), home.tags("c.webp")) == (["Beach"], ["Beach"])


def test_the_lock_is_let_go_of(home):
    home.edit(add=["Beach"])
    with Catalog(home.space.catalog.path) as other:
        wait_for(lambda: not other.in_use())


def test_many_threads_edit_one_photo(home):
    tags = [f"Tag {n}" for n in range(12)]
    numbers = []
    threads = [
        threading.Thread(target=lambda tag=tag: numbers.append(home.editing.edit(home.id("a.jpg"), [tag])))
        for tag in tags
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(home.done(number)["failed"] == [] for number in numbers)
    assert sorted(home.tags("a.jpg")) == sorted(tags)


@pytest.mark.parametrize(
    ("add", "captions", "word"),
    [
        (["a||b"], {}, "cannot be a tag"),
        ([""], {}, "cannot be a tag"),
        ((), {"rating": "5"}, "no rating"),
        ((), {}, "nothing"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_done(home, add, captions, word):
    with pytest.raises(UsageError, match=word):
        home.editing.edit(home.id(), add, (), captions)
    assert home.runs() == []


# a person's word is the last one ------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["edit", "remove", "path"])
def test_what_a_person_removes_stays_away(home, way):
    for name in SAMPLES:
        home.says(name, "Beach", "Dog")
        home.tag(name)
        assert home.tags(name) == ["Beach", "Dog"]
    if way == "path":  # moved into a tree, and then away: no word of it comes back
        home.edit(add=["Places|Beach"], remove=["Beach"])
        home.edit(remove=["Places|Beach"])
    elif way == "edit":
        home.edit(remove=["Beach"])
    else:
        home.done(home.editing.retag(home.gallery.carrying(["Beach"]), {"Beach": ""}, "-Beach"))
    for name in SAMPLES:
        assert home.tags(name) == ["Dog"]
        for append, retag in ((True, False), (True, True), (False, True)):
            home.tag(name, append=append, retag=retag)
            assert home.tags(name) == ["Dog"]
        assert home.review.of(home.shown(name)) == []


def test_the_undo_of_a_removal_takes_the_word_back_too(home):
    home.says("a.jpg", "Beach", "Dog")
    home.tag("a.jpg")
    done = home.edit("a.jpg", remove=["Beach"])
    picture = home.shown("a.jpg").picture_hash
    assert home.space.catalog.verdicts.rejected(picture) == {"beach"}
    home.undo(done["number"])
    assert home.space.catalog.verdicts.rejected(picture) == frozenset()
    assert home.tags("a.jpg") == ["Beach", "Dog"]


def test_what_a_person_adds_again_is_no_longer_rejected(home):
    home.says("a.jpg", "Beach")
    home.done(home.editing.judge([(home.numbers["a.jpg"], "Beach", False)]))
    home.edit("a.jpg", add=["Beach"])
    picture = home.shown("a.jpg").picture_hash
    assert [(one.word, one.yes) for one in home.space.catalog.verdicts.of(picture)] == [("beach", True)]


def test_a_renamed_tag_is_not_rejected(home):
    home.edit(add=["Beach"])
    done = home.done(
        home.editing.retag(home.gallery.carrying(["Beach"]), {"Beach": "Shore"}, "Beach → Shore")
    )
    assert done["total"] == 3
    assert home.tags("c.webp") == ["Shore"]
    assert home.space.catalog.verdicts.rejected(home.shown("c.webp").picture_hash) == frozenset()
    assert home.space.catalog.decisions.merges() == {"Beach": "Shore"}


def test_only_what_tagroll_last_made_of_a_photo_stays_as_it_was(home):
    home.says("a.jpg", "Beach")
    home.tag("a.jpg")
    wanted = home.space.catalog.photos.at(home.folder / "a.jpg").wanted
    home.edit("a.jpg", add=["Dog"])
    row = home.space.catalog.photos.at(home.folder / "a.jpg")
    assert ({**row.wanted, LEFT: wanted[LEFT]}, row.tags) == (wanted, ("Beach", "Dog"))
    assert home.tag("a.jpg").status is Status.UNCHANGED
    assert home.tags("a.jpg") == ["Beach", "Dog"]


# what a model proposes ----------------------------------------------------------------------------------


def test_proposals_are_what_is_kept_less_what_is_there_or_was_rejected(home):
    home.edit("a.jpg", add=["Places|Beach", "DSLR"])
    home.says("a.jpg", "beach", "dog", beach=0.9, dog=0.8, cat=0.31, bird=0.29)
    home.says("b.png", "dslr", "sea")
    found = {one.tag: one for one in home.review.by_tag()}
    assert {tag: dict(one.photos) for tag, one in found.items()} == {
        "Dog": {home.numbers["a.jpg"]: 0.8},
        "Cat": {home.numbers["a.jpg"]: 0.31},
        "DSLR": {home.numbers["b.png"]: None},
        "Sea": {home.numbers["b.png"]: None},
    }
    assert list(found) == ["DSLR", "Sea", "Dog", "Cat"]
    assert [one.tag for one in home.review.of(home.shown("a.jpg"))] == ["Dog", "Cat"]
    assert {name: home.shown(name).review for name in SAMPLES} == {
        "a.jpg": True,
        "b.png": True,
        "c.webp": False,
    }


def test_what_is_judged_while_all_is_looked_through_is_marked_as_it_is_now(home, monkeypatch):
    for name in SAMPLES:
        home.says(name, "Beach")
    home.done(home.editing.judge([(home.numbers["b.png"], "Beach", False)]))
    look = home.review._all

    def meanwhile():
        found = look()
        home.done(home.editing.judge([(home.numbers["a.jpg"], "Beach", False)]))
        home.space.catalog.verdicts.say([], [(home.shown("b.png").picture_hash, "beach")])
        home.review.judged(home.id("b.png"))
        return found

    monkeypatch.setattr(home.review, "_all", meanwhile)
    home.review.by_tag()
    assert {name: home.shown(name).review for name in SAMPLES} == {
        "a.jpg": False,
        "b.png": True,
        "c.webp": True,
    }


def test_verdicts_are_one_action_both_ways(home):
    home.says("a.jpg", "Beach", "Dog")
    home.says("b.png", "Beach")
    a, b = home.id("a.jpg", "b.png")
    done = home.done(home.editing.judge([(a, "Beach", True), (b, "Beach", False), (a, "Dog", False)]))
    assert (home.tags("a.jpg"), home.tags("b.png")) == (["Beach"], [])
    assert home.review.by_tag() == []
    assert not home.shown("a.jpg").review
    home.tag("b.png", append=False, retag=True)
    home.tag("a.jpg", append=True, retag=True)
    assert (home.tags("a.jpg"), home.tags("b.png")) == (["Beach"], [])
    undone = home.undo(done["number"])
    assert undone["failed"] == []
    assert home.tags("a.jpg") == []
    assert {one.tag for one in home.review.by_tag()} == {"Beach", "Dog"}
    assert home.shown("b.png").review
    home.undo(undone["number"])
    assert home.review.by_tag() == []


@pytest.mark.parametrize("also_yes", [False, True])
@pytest.mark.parametrize("way", ["page", "terminal"])
def test_what_was_only_said_can_be_taken_back_after_a_restart(home, monkeypatch, also_yes, way):
    monkeypatch.setattr(home.editing._keeper, "actions", list)  # as a new server knows none
    home.says("a.jpg", "Beach", "Dog")
    a = home.numbers["a.jpg"]
    done = home.done(home.editing.judge([(a, "Dog", False), *([(a, "Beach", True)] if also_yes else [])]))
    (run,) = home.runs()
    assert (run.id, run.command, run.writes, run.left) == (done["run"], "serve", int(also_yes), 1 + also_yes)
    assert [one.tag for one in home.review.by_tag()] == ([] if also_yes else ["Beach"])
    if way == "page":
        undo = home.done(home.editing.undo_run(run.id))
        assert undo["failed"] == []
        redone = home.undo(undo["number"])
        assert (redone["failed"], home.tags("a.jpg")) == ([], ["Beach"] if also_yes else [])
        assert [one.tag for one in home.review.by_tag()] == ([] if also_yes else ["Beach"])
        assert home.undo(redone["number"])["failed"] == []
    else:
        undoing = Undoing.choose(home.space, run.id, ())
        with home.begin("undo", [str(run.id)]) as back:
            assert len(list(undoing.outcomes(back, dry_run=False))) == also_yes
        home.gallery.changed([home.folder / "a.jpg"])
        home.space.picture_now(as_photo(home.folder / "a.jpg"))
        home.gallery.changed([])
    assert {one.tag for one in home.review.by_tag()} == {"Beach", "Dog"}
    assert home.tags("a.jpg") == []
    assert home.space.catalog.runs.at(run.id).left == 0


def test_a_verdict_is_about_the_picture_wherever_it_lies(home):
    home.says("a.jpg", "Beach")
    home.done(home.editing.judge([(home.numbers["a.jpg"], "Beach", False)]))
    (home.folder / "a.jpg").rename(home.folder / "moved.jpg")
    home.tag("moved.jpg")
    assert home.tags("moved.jpg") == []


def test_what_a_write_says_holds_as_long_as_the_write(home):
    done = home.edit("a.jpg", add=["Beach"])
    picture = home.shown("a.jpg").picture_hash
    verdicts = home.space.catalog.verdicts
    assert verdicts.of(picture) == [TagVerdict(picture, "beach", yes=True, run=done["run"])]
    home.undo(done["number"])
    assert verdicts.of(picture) == []


def test_a_run_of_the_history_is_taken_back(home):
    home.says("a.jpg", "Beach")
    home.tag("a.jpg")
    (run,) = home.runs()
    done = home.done(home.editing.undo_run(run.id))
    assert (done["failed"], home.tags("a.jpg"), home.shown("a.jpg").tags) == ([], [], ())
    with pytest.raises(UsageError, match="nothing to undo"):
        home.editing.undo_run(run.id)
    with pytest.raises(UsageError, match="there is no run 99"):
        home.editing.undo_run(99)


def test_what_is_rejected_stays_out_of_copies_too(home):
    home.says("a.jpg", "Beach", "Dog")
    home.done(home.editing.judge([(home.numbers["a.jpg"], "beach", False)]))
    photo = as_photo(home.folder / "a.jpg")
    picture = home.space.picture_now(photo)
    with home.begin("classify") as run:
        request = ClassifyRequest.of(home.folder, None, ClassifyPolicy())
        said = Description(("Beach", "Dog"), MODEL, title="Shore", filename="shore")
        home.space.catalog.answers.keep(picture, request.prompt(), said)
        questions = run.questions(KeptOnly(), request.prompt(), again=False)
        output = Output(request.target, request.source, follow_links=False)
        outcome = Classifier(run, questions, request.policy, output).classify(photo, 1)
    assert outcome.error == ""
    assert outcome.tags == ("Dog",)


def test_asking_for_review_keeps_the_answer_and_touches_no_photo(home):
    home.says("a.jpg", "Beach")
    with home.begin("tag", ["--review"], done=Status.UNCHANGED) as run:
        tagger = Tagger(run, run.questions(KeptOnly(), PROMPT, again=False), TagPolicy())
        outcomes = list(run.outcomes(tagger.propose, [as_photo(home.folder / "a.jpg")]))
    assert [(one.status, one.tags) for one in outcomes] == [(Status.UNCHANGED, ("Beach",))]
    assert (home.folder / "a.jpg").read_bytes() == home.before["a.jpg"]
    assert [one.tag for one in home.review.by_tag()] == ["Beach"]


@pytest.mark.parametrize("bad", ["\0", "\x0b", "\x1b", "\ufffe"])
@pytest.mark.parametrize("field", ["title", "description"])
@pytest.mark.parametrize("name", SAMPLES)
def test_a_caption_is_shown_as_the_file_can_hold_it(home, name, field, bad):
    assert home.edit(name, captions={field: f"Two{bad} words\nbelow"})["failed"] == []
    said = home.space.store.read(as_photo(home.folder / name))
    assert getattr(said, field) == getattr(home.shown(name), field) == "Two words\nbelow"


# what may happen at the same time -------------------------------------------------------------------------


@pytest.fixture
def slow(monkeypatch):
    """The first write stops until it is let go."""
    begun, go = threading.Event(), threading.Event()
    writing = keeper.write

    def held_up(*given):
        begun.set()
        assert go.wait(60)
        return writing(*given)

    monkeypatch.setattr(keeper, "write", held_up)
    yield begun, go
    go.set()


@pytest.mark.parametrize("way", ["add", "remove", "caption"])
def test_what_a_person_wants_after_an_undo_is_not_taken_back_with_it(home, slow, way):
    if way == "remove":
        home.space.store.write(as_photo(home.folder / "a.jpg"), edited(("Beach",), (), {}), lambda _: None)
    wanted = {
        "add": {"add": ["Beach"]}, "remove": {"remove": ["Beach"]}, "caption": {"captions": {"title": "Bay"}},
    }[way]  # fmt: skip
    begun, go = slow
    first = home.editing.edit(home.id("a.jpg"), **wanted)
    assert begun.wait(60)
    undo = home.editing.undo(first)
    again = home.editing.edit(home.id("a.jpg"), **wanted)
    go.set()
    assert home.done(undo)["failed"] == home.done(again)["failed"] == []
    said = home.space.store.read(as_photo(home.folder / "a.jpg"))
    assert (said.tags, said.title) == (
        (("Beach",), "") if way == "add" else ((), "Bay" if way == "caption" else "")
    )


@pytest.mark.parametrize("first", ["person", "rename"])
def test_what_a_person_removes_stays_away_also_where_it_waits_with_a_rename(home, first):
    home.edit("a.jpg", add=["Beach", "Sea", "Cat"])
    with home.other_run():
        waiting = [
            lambda: home.editing.edit(home.id("a.jpg"), remove=["Beach"]),
            lambda: home.editing.retag(home.id("a.jpg"), {"Cat": "Kitten"}, "Cat → Kitten"),
        ]
        numbers = [put() for put in (waiting if first == "person" else reversed(waiting))]
    for number in numbers:
        assert home.done(number)["failed"] == []
    assert set(home.tags("a.jpg")) == {"Sea", "Kitten"}
    picture = home.space.picture_now(as_photo(home.folder / "a.jpg"))
    assert home.space.catalog.verdicts.rejected(picture) == {word_of("Beach")}


def test_undoing_several_removals_at_once_takes_each_word_back(home):
    home.edit("a.jpg", add=["Beach", "Sea", "Cat"])
    removals = [home.edit("a.jpg", remove=[tag])["number"] for tag in ("Beach", "Sea")]
    home.edit("a.jpg", remove=["Cat"])  # so that they are undone by values
    with home.other_run():
        undone = [home.editing.undo(number) for number in removals]
    for number in undone:
        assert home.done(number)["failed"] == []
    picture = home.space.picture_now(as_photo(home.folder / "a.jpg"))
    assert home.space.catalog.verdicts.rejected(picture) == {word_of("Cat")}


def test_a_rename_that_finds_nothing_to_write_ends_and_is_remembered(home):
    done = home.done(home.editing.retag(home.id(), {"Kat": "Cat"}, "Kat → Cat"))
    assert (done["failed"], done["done"]) == ([], len(SAMPLES))
    assert home.space.catalog.decisions.merges() == {"Kat": "Cat"}
    assert home.edit("a.jpg", add=["Beach"])["failed"] == []


@pytest.mark.parametrize(
    ("where", "error"),
    [
        ("_show", KeyError("a photo that has gone")),
        ("_show", CatalogError("the disk is full", "")),
        ("_prepare_undos", RuntimeError("a mistake")),
        ("_report", CatalogError("the disk is full", "")),
    ],
)
def test_no_error_ends_the_writing_of_what_comes_later(home, monkeypatch, where, error):
    failing = [error]
    kept = getattr(home.editing._keeper, where)

    def once(*given):
        if failing:
            raise failing.pop()
        return kept(*given)

    monkeypatch.setattr(home.editing._keeper, where, once)
    home.edit("a.jpg", add=["Beach"])
    assert not failing
    assert home.edit("a.jpg", add=["Sea"])["failed"] == []
    assert home.tags("a.jpg")[-1] == "Sea"


def test_two_undos_of_one_run_say_so_and_harm_nothing(home):
    number = home.edit(add=["Beach"])["number"]
    run = home.editing.state(number)["run"]
    with home.other_run():
        twice = [home.editing.undo_run(run) for _ in range(2)]
    for undo in twice:
        home.done(undo)
    assert all((home.folder / name).read_bytes() == home.before[name] for name in SAMPLES)
    assert home.edit("a.jpg", add=["Sea"])["failed"] == []


@pytest.mark.parametrize("way", ["edit", "yes", "no"])
def test_a_photo_that_has_gone_fails_alone(home, way):
    home.says("a.jpg", "Beach")
    gone = max(home.numbers.values()) + 1000
    both = [home.numbers["a.jpg"], gone]
    wanted = {
        "edit": lambda: home.editing.edit(both, ["Beach"]),
        "yes": lambda: home.editing.judge([(number, "Beach", True) for number in both]),
        "no": lambda: home.editing.judge([(number, "Beach", False) for number in both]),
    }
    row = home.done(wanted[way]())
    assert [(one["id"], bool(one["hint"])) for one in row["failed"]] == [(gone, True)]
    assert ("Beach" in home.tags("a.jpg")) == (way != "no")
    picture = home.space.picture_now(as_photo(home.folder / "a.jpg"))
    assert (home.space.catalog.verdicts.rejected(picture) == {word_of("Beach")}) == (way == "no")


@pytest.mark.parametrize("times", [1, 2])
def test_what_another_program_writes_at_that_moment_is_kept_and_ours_written_over_it(
    home, monkeypatch, times
):
    left = [None] * times
    writing = type(home.space.store)._put

    def put(store, original, *given):
        if left:
            left.pop()
            write_by_exiftool("-XMP-dc:Subject+=Theirs", home.folder / "a.jpg")
        return writing(store, original, *given)

    monkeypatch.setattr(type(home.space.store), "_put", put)
    failed = home.edit("a.jpg", add=["Beach"])["failed"]
    assert len(failed) == times - 1  # one that writes all the time is told of
    assert set(home.tags("a.jpg")) == ({"Theirs", "Beach"} if times == 1 else {"Theirs"})


@pytest.mark.parametrize(
    "name",
    [
        "byte \udcff.jpg",
        "half \ud83d.jpg".encode("utf-8", "surrogatepass").decode("utf-8", "surrogateescape"),
    ],
)
def test_a_failure_of_any_name_can_be_told(home, name):
    path = home.folder / name
    copy("baseline.jpg", path)
    home.gallery.refresh(lambda _: None)
    number = next(one.id for one in home.gallery.all_shown() if one.path == path)
    path.unlink()
    done = home.done(home.editing.edit([number], add=["Beach"]))
    assert [one["id"] for one in done["failed"]] == [number]
    assert json.dumps(done, ensure_ascii=False).encode()


@pytest.mark.parametrize("way", ["exact", "by values", "failed"])
@pytest.mark.parametrize("said", ["only said", "taken away"])
def test_a_rejection_counts_again_when_what_came_after_it_is_taken_back(home, said, way):
    home.says("a.jpg", "Beach")
    if said == "only said":
        home.done(home.editing.judge([(home.numbers["a.jpg"], "Beach", False)]))
    else:
        home.edit("a.jpg", add=["Beach"])
        home.edit("a.jpg", remove=["Beach"])
    picture = home.shown("a.jpg").picture_hash or home.space.picture_now(as_photo(home.folder / "a.jpg"))
    rejected = partial(home.space.catalog.verdicts.rejected, picture)
    assert rejected() == {"beach"}
    if way == "failed":
        entries = Entries(home.space.catalog, home.space.catalog.runs.start("serve", []), by_person=True)
        home.space.store.write(as_photo(home.folder / "a.jpg"), edited(("Beach",), (), {}), entries)
        home.space.catalog.journal.settle(entries.states(State.VOID))
    else:
        added = home.edit("a.jpg", add=["Beach"])
        assert rejected() == set()
        if way == "by values":
            home.edit("a.jpg", add=["Sea"])
        assert home.undo(added["number"])["failed"] == []
    assert rejected() == {"beach"}
    assert home.space.catalog.verdicts.all_rejected() == {picture: {"beach"}}


@pytest.mark.parametrize("first", [True, False, None])
def test_a_verdict_is_taken_back_and_given_again_whatever_was_said_before(home, first):
    number, picture = home.numbers["a.jpg"], home.space.picture_now(as_photo(home.folder / "a.jpg"))
    if first is not None:
        home.space.catalog.verdicts.say([TagVerdict(picture, "beach", yes=first)])
    before = home.space.catalog.verdicts.of(picture)
    no = [TagVerdict(picture, "beach", yes=False)]
    done = home.done(home.editing.judge([(number, "Beach", False)]))
    for expected in (before, no, before, no):
        done = home.undo(done["number"])
        assert home.space.catalog.verdicts.of(picture) == expected


@pytest.mark.parametrize(("limit", "most"), [("MOST_REMEMBERED", 2), ("MOST_PHOTOS", 3)])
def test_old_actions_are_forgotten_here_and_can_still_be_undone_by_their_run(home, monkeypatch, limit, most):
    monkeypatch.setattr(keeper, limit, most)
    first = home.edit("a.jpg", add=["Beach"])
    for tag in ("Sea", "Dog", "Cat"):
        home.edit("b.png", "c.webp", add=[tag])
    with pytest.raises(KeyError):
        home.editing.undo(first["number"])
    assert home.done(home.editing.undo_run(first["run"]))["failed"] == []
    assert home.tags("a.jpg") == []
