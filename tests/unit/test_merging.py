"""What becomes of tags, decisions and plans: the pure parts of merging, and the catalog's memory."""

from contextlib import nullcontext
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.laws import examples
from tagroll.catalog import Catalog
from tagroll.cli.dedupe_output import ask
from tagroll.domain import Metadata, Write
from tagroll.errors import UsageError
from tagroll.metadata.fields import tags_after
from tagroll.runs.merge import as_paths
from tagroll.runs.rewrite import change_for, check_words
from tagroll.tags.merge import Merge, Plan
from tagroll.tags.normalize import normalize
from tagroll.tags.plan_file import plan_text, proposed_by, read_plan
from tagroll.tags.verdict import Evidence
from tagroll.tags.vocabulary import Vocabulary, read_vocabulary

WORDS = ("Dslr", "DSLR", "Digital SLR", "Lake", "Red", "Places|Rome")


def after(tags: tuple[str, ...], mapping: dict[str, str]) -> tuple[str, ...]:
    return tags_after(Metadata(tags), change_for(Metadata(tags), mapping))


def test_a_tag_becomes_the_other_once_and_in_its_place():
    assert after(("Lake", "Dslr", "Red"), {"Dslr": "DSLR"}) == ("Lake", "DSLR", "Red")
    assert after(("Digital SLR", "Red", "DSLR"), {"Digital SLR": "DSLR"}) == ("DSLR", "Red")
    assert after(("Dslr", "Digital SLR"), {"Dslr": "DSLR", "Digital SLR": "DSLR"}) == ("DSLR",)
    assert after(("Lake", "Red"), {"Red": ""}) == ("Lake",)
    assert after(("Woods", "Red", "Nature"), {"Woods": "Nature|Woods"}) == ("Nature|Woods", "Red", "Nature")
    assert not change_for(Metadata(("Lake", "Red")), {"Dslr": "DSLR", "Red": "Red"})
    assert (
        change_for(Metadata(("DSLR", "Red", "Dslr 2", "Lake")), {"Dslr 2": "DSLR"}).add == ()
    )  # no more than must be


@examples(200)
@given(st.lists(st.sampled_from(WORDS), unique_by=str.casefold), st.sampled_from(["DSLR", "Camera", "Red"]))
def test_the_list_is_the_mapped_one_and_doing_it_twice_changes_nothing(tags, word):
    mapping = {"Dslr": word, "DSLR": word, "Digital SLR": word}
    once = after(tuple(tags), mapping)
    assert once == tuple(dict.fromkeys(mapping.get(tag, tag) for tag in tags))
    assert after(once, mapping) == once


def test_an_edited_plan_gives_merges_and_pairs_to_keep_apart():
    merges = [
        Merge("Dslr", "DSLR", 3, Evidence.SPELLING, cosine=0.97, background_share=0.0001),
        Merge('Odd "quote" \\ #', "DSLR", 1, Evidence.SEMANTIC),
        Merge("Woods", "Forest", 1, Evidence.SYNONYM, via="Woodland", cosine=0.8, background_share=0.0),
    ]
    odd = 'Odd "quote" \\ #'
    proposed = proposed_by(merges, {"Dog": "Animal|Dog"})
    text = plan_text(merges, {"Dog": "Animal|Dog"}, "0123abcd")
    plan = read_plan(text)
    assert plan.into == proposed == {"Dslr": "DSLR", odd: "DSLR", "Woods": "Forest", "Dog": "Animal|Dog"}
    assert plan.proposal == "0123abcd"
    assert not plan.apart(proposed)
    without = "\n".join(line for line in text.splitlines() if not line.startswith('"Dslr"'))
    plan = read_plan(without + '\n"Forest" = "Wald"\n')
    assert plan.into["Woods"] == plan.into["Forest"] == "Wald"
    assert "Dslr" not in plan.into
    assert plan.apart(proposed) == {frozenset(("Dslr", "DSLR")), frozenset(("Dslr", odd))}


@pytest.mark.parametrize(
    ("find", "put", "apart"),
    [
        (
            '"Woods" = "Forest"',
            "",
            {"Woods Forest", "Woods Woodland", "Woods Copse"},
        ),  # a line, wherever it stands
        ("Forest", "Wald", set()),  # another word for all of them
        ('= "Forest"', '= "Woods"', set()),  # one of them becomes the word
        ('"Woods" = "Forest"', '"Forest" = "Woods"', set()),  # the other way round is no refusal
        ('"Woodland" = "Forest"', '"Woodland" = "Wald"', set()),
    ],
)
def test_search_and_replace_in_a_plan_means_what_it_looks_like(find, put, apart):
    tags = ("Woods", "Woodland", "Copse")
    merges = [Merge(tag, "Forest", 1, Evidence.SYNONYM) for tag in tags]
    text = plan_text(merges, {}, "x").replace(find, put)
    assert read_plan(text).apart(proposed_by(merges, {})) == {frozenset(pair.split()) for pair in apart}


def test_a_line_that_is_deleted_is_kept_away_from_the_new_word_too():
    merges = [Merge(tag, "Forest", 1, Evidence.SYNONYM) for tag in ("Woods", "Woodland")]
    plan = read_plan('[merge]\n"Woods" = "Wald"\n"Forest" = "Wald"')
    assert frozenset(("Woodland", "Wald")) in plan.apart(proposed_by(merges, {}))


def test_an_older_plan_that_says_itself_what_was_proposed_still_decides():
    plan = read_plan('[merge]\n"Woods" = "Forest"\n[proposed]\n"Woods" = "Forest"\n"Dslr" = "DSLR"\n')
    assert plan.into == {"Woods": "Forest"}
    assert plan.apart(plan.proposed) == {frozenset(("Dslr", "DSLR"))}


@pytest.mark.parametrize(
    "text", ['[merge]\n"a" =', "merge = 1", "[merge]\na = 1", '[merge]\na = "b"\nb = "a"']
)
def test_a_plan_that_cannot_be_is_refused(text):
    with pytest.raises(UsageError):
        read_plan(text)


def test_a_vocabulary_as_lightroom_exports_it():
    found = read_vocabulary(
        "[Things]\n\tCamera\n\t\t{DSLR}\n\t\tLens {Objective} { Optic }\nNature\n\n# said\n  Forest\n    {Woods}\nLens\n"
    )
    assert found.terms == {
        "Camera": ("DSLR",),
        "Lens": ("Objective", "Optic"),
        "Nature": (),
        "Forest": ("Woods",),
    }
    assert found.paths == {
        "Camera": "Things|Camera", "Lens": "Things|Camera|Lens", "Nature": "Nature", "Forest": "Nature|Forest",
    }  # fmt: skip


def test_words_become_paths_as_the_vocabulary_or_other_photos_have_them():
    vocabulary = Vocabulary({"Camera": ()}, {"Camera": "Things|Camera"})
    tags = ("Camera", "Dslr", "Paris", "Places|Paris", "Solo")
    assert as_paths({"Dslr": "Camera"}, tags, vocabulary, ()) == {
        "Camera": "Things|Camera", "Dslr": "Things|Camera", "Paris": "Places|Paris",
    }  # fmt: skip
    apart = [frozenset(("Paris", "Places|Paris"))]
    assert "Paris" not in as_paths({}, tags, vocabulary, apart)


@pytest.mark.parametrize("word", [
    "", " ", "a|", "|a", "a||b", " a", "a\nb",
    "Paris\u202e", "\u2066Paris", "Pa\u200bris", "Paris\ufeff", "Paris\u200c", "\u200dParis", "Pa\u200dris", "a|\u200c",
    "Paris\U000e0067\U000e007f", "\U0001f3f4\U000e0067", "\U000e0001Paris",
])  # fmt: skip
def test_what_cannot_be_a_tag_is_refused(word):
    with pytest.raises(UsageError):
        check_words([word])


@pytest.mark.parametrize(
    "word",
    [
        "\u06a9\u062a\u0627\u0628\u200c\u062e\u0627\u0646\u0647",
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645|\u0631\u0648\u062f\u062e\u0627\u0646\u0647",
        "\U0001f468\u200d\U0001f469\u200d\U0001f467",
        "\u0915\u094d\u200d\u0937",
        "\U0001f3f3\ufe0f\u200d\U0001f308",
        "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
        "\u2764\ufe0f\u200d\U0001f525",
        "1\ufe0f\u20e3",
    ],
)
def test_a_person_may_say_what_a_model_may(word):
    check_words([word])
    assert normalize([word.split("|")[0]], case="keep") == (word.split("|")[0],)


def test_interactive_takes_one_key_each(monkeypatch):
    merges = tuple(
        Merge(tag, word, 1, Evidence.SYNONYM)
        for tag, word in [
            ("Digital SLR", "DSLR"),
            ("Dslr", "DSLR"),
            ("Wood", "Forest"),
            ("Woods", "Forest"),
            ("X", "Y"),
        ]
    )
    merges = (*merges[:1], Merge("Decided", "DSLR", 1, Evidence.DECISION), *merges[1:])
    keys = iter("?nypyq")
    monkeypatch.setattr("tagroll.cli.dedupe_output.single_keys", lambda: nullcontext(lambda: next(keys)))
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    into, apart = ask(Plan({}, merges), {"DSLR": 2})
    assert into == {"Decided": "DSLR", "Dslr": "DSLR", "Forest": "Wood", "Woods": "Wood"}
    assert apart == {frozenset(("Digital SLR", "DSLR"))}


def test_interactive_asks_about_what_a_model_says_one_by_one(monkeypatch):
    rules = (Merge("b0", "B", 9, Evidence.SPELLING), Merge("b1", "B", 1, Evidence.SPELLING))
    suggested = (Merge("B", "A", 5, Evidence.MODEL), Merge("C", "A", 5, Evidence.MODEL))
    keys = iter("ayn")  # yes to all that rules say; B is A; C is not
    monkeypatch.setattr("tagroll.cli.dedupe_output.single_keys", lambda: nullcontext(lambda: next(keys)))
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    into, apart = ask(Plan({}, rules, suggested), {"A": 9})
    assert into == {"b0": "A", "b1": "A", "B": "A"}  # what has become B goes on with it
    assert apart == {frozenset(("C", "A"))}


def written(catalog: Catalog, run: int, state: str) -> int:
    number = catalog.journal.add(
        run, Write(Path("/p"), Path("/p"), "jpeg", Metadata(), Metadata(), "a", "b", b"", "c")
    )
    catalog.journal.settle({number: state})
    return number


def test_the_catalog_follows_chains_and_forgets_what_was_undone(tmp_path):
    with Catalog(tmp_path / "catalog.sqlite") as catalog:
        first, second = catalog.runs.start("dedupe", []), catalog.runs.start("tags rename", [])
        catalog.decisions.decide({"A": "B"}, run=first)
        catalog.decisions.decide({"B": "C"}, apart=[("X", "Y")], run=second)
        one, two = written(catalog, first, "done"), written(catalog, second, "done")
        assert catalog.decisions.merges() == {"A": "C", "B": "C"}
        assert catalog.decisions.kept_apart() == {frozenset("XY")}
        catalog.journal.settle({two: "undone"})
        assert catalog.decisions.merges() == {"A": "B"}
        third = catalog.runs.start("dedupe", [])
        catalog.decisions.decide({"A": "B"}, run=third)  # it holds already, and stays the first run's
        catalog.journal.settle({written(catalog, third, "done"): "undone"})
        assert catalog.decisions.merges() == {"A": "B"}
        catalog.journal.settle({one: "undone"})
        assert catalog.decisions.merges() == {}


def test_the_last_word_counts(tmp_path):
    with Catalog(tmp_path / "catalog.sqlite") as catalog:
        catalog.decisions.decide({"A": "B"})
        catalog.decisions.decide({"B": "A"})
        assert catalog.decisions.merges() == {"B": "A"}
        catalog.decisions.decide({}, apart=[("A", "B")])
        assert catalog.decisions.merges() == {}
        catalog.decisions.decide({"A": "B"})
        assert catalog.decisions.kept_apart() == frozenset()
        catalog.vectors.keep("m", {"A": b"1234"})
        assert catalog.vectors.find("m", ["A", "B"]) == {"A": b"1234"}
        assert catalog.vectors.find("other", ["A"]) == {}
