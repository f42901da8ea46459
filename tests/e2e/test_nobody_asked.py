"""A run that has nothing to ask needs no server; one that has asks it first when the first question is due."""

import json
import signal

import pytest

from support.runs import contents, many, paint, started, wait_for
from support.stub import Says, Stub, keywords

OTHER = {"/v1/models": Says({"object": "list", "data": [{"id": "qwen2-vl-7b", "object": "model"}]})}
"""A server that has another model than the default."""


def models_of_runs(tagroll) -> list[str]:
    return [row["model"] for row in map(json.loads, tagroll("history", "--json").out.splitlines())]


@pytest.mark.parametrize("command", ["tag", "classify"])
@pytest.mark.parametrize(
    ("pages", "options"),
    [({}, ()), (OTHER, ()), (OTHER, ("--model", "qwen2-vl-7b")), (OTHER, ("--backend", "server"))],
)
def test_nobody_is_asked_where_every_photo_is_known(tagroll, tmp_path, command, pages, options):
    folder = many(tmp_path / "photos", 3)
    with Stub(pages=pages) as server:
        url = server.url
        first = tagroll(command, folder, "--api-url", url, "--json", *options)
        assert first.code == 0, first
        asked = len(server.requests)
        again = tagroll(command, folder, "--api-url", url, "--json", *options)
        assert len(server.requests) == asked
    away = tagroll(command, folder, "--api-url", url, "--json", *options)
    for done in (again, away):
        assert done.code == 0, done
        assert done.summary["unchanged"] == 3
    model = "qwen2-vl-7b" if pages else "stub-vlm"
    assert models_of_runs(tagroll) == [model] * 3


def test_a_folder_without_photos_needs_no_server(tagroll, tmp_path):
    (tmp_path / "photos").mkdir()
    done = tagroll("tag", tmp_path / "photos", "--api-url", "http://127.0.0.1:9")
    assert done.code == 0, done


@pytest.mark.parametrize("command", ["tag", "classify"])
def test_a_server_that_is_away_ends_the_run_before_a_photo_is_changed(tagroll, tmp_path, command):
    folder = many(tmp_path / "photos", 20)
    before = contents(folder)
    done = tagroll(command, folder, "--api-url", "http://127.0.0.1:9")
    assert done.code == 4, done
    assert done.err.startswith("Error: no model server at http://127.0.0.1:9")  # and nothing of a run
    assert tagroll("history").out == ""
    assert {name: data for name, data in contents(folder).items() if name in before} == before
    with Stub() as server:
        assert tagroll(command, folder, "--api-url", server.url).code == 0
        url = server.url
    paint(folder, ("new.png", (1, 2, 3)))
    one_new = tagroll(command, folder, "--api-url", url)
    assert one_new.code == 4, one_new
    assert "no model server at" in one_new.err


def test_the_server_is_looked_at_once_and_before_the_first_question(tagroll, tmp_path):
    folder = many(tmp_path / "photos", 30)
    with Stub(pages=OTHER) as server:
        done = tagroll("tag", folder, "--api-url", server.url)
        assert done.code == 0, done
        paths = [request.path for request in server.requests]
    assert paths.count("/v1/models") == 1
    assert paths.index("/v1/models") < paths.index("/v1/chat/completions")
    assert done.err.count("its model qwen2-vl-7b is used") == 1  # what is to be known of the choice


def test_where_the_server_has_another_model_now_its_answers_are_looked_for(tagroll, tmp_path):
    """Under another address nothing is known of the server; what it said stands in the catalog all the same."""
    folder = many(tmp_path / "photos", 3)
    with Stub(lambda _: keywords("Lake"), pages=OTHER) as server:
        assert tagroll("tag", folder, "--api-url", server.url).code == 0
        chats = server.chats
        again = tagroll("tag", folder, "--api-url", server.url.replace("127.0.0.1", "localhost"), "--json")
        assert again.summary["unchanged"] == 3
        assert server.chats <= chats + 1  # the green picture
    assert models_of_runs(tagroll) == ["qwen2-vl-7b"] * 2


def test_a_model_that_is_named_is_not_answered_for_by_another(tagroll, tmp_path):
    folder = many(tmp_path / "photos", 2)
    both = {
        "/v1/models": Says(
            {"object": "list", "data": [{"id": name, "object": "model"} for name in ("one", "two")]}
        )
    }
    with Stub(pages=both) as server:
        for model in ("one", "two"):
            before = server.chats
            assert tagroll("tag", folder, "--api-url", server.url, "--model", model).code == 0
            assert server.chats >= before + 2


def test_ctrl_c_ends_the_looking_for_a_server_that_loads(tmp_path):
    folder = many(tmp_path / "photos", 3)
    before = contents(folder)
    loads = Says({"error": {"message": "Loading model", "code": 503}}, 503)
    with (
        Stub(usual=loads, pages={"/v1/models": loads, "/health": loads}) as server,
        started(tmp_path, "tag", folder, "--api-url", server.url) as child,
    ):
        wait_for(lambda: server.requests)
        child.send_signal(signal.SIGINT)
        assert child.wait(200) == 130
    assert contents(folder) == before
