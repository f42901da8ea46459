"""`--model-file`: the real llama.cpp in a child process, for as long as tagroll runs and no longer."""

import json
import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from support.runs import environment, many, paint, started, wait_for

COLOURS = (("red.jpg", (255, 0, 0)), ("blue.png", (0, 0, 255)))


@pytest.fixture
def model(tiny_model) -> Path:
    """The tiny vision model, its projector beside it."""
    return tiny_model()[0]


def children(of: int) -> list[int]:
    """The processes that run a model for this one."""
    tasks = Path(f"/proc/{of}/task")
    numbers = [int(n) for task in tasks.iterdir() for n in (task / "children").read_text().split()]
    return [number for number in numbers if b"gguf.child" in Path(f"/proc/{number}/cmdline").read_bytes()]


def test_a_model_file_sees_each_picture(tagroll, tmp_path, model):
    folder = paint(tmp_path / "photos", *COLOURS)
    done = tagroll("tag", folder, "--model-file", model, "--json", TAGROLL_API_URL="http://127.0.0.1:9")
    assert done.code == 0, done
    assert "Red" in done.photos["red.jpg"]["tags"]
    assert "Blue" in done.photos["blue.png"]["tags"]


def test_eval_takes_a_model_file_beside_other_models(tagroll, tmp_path, model):
    folder = paint(tmp_path / "photos", *COLOURS)
    arguments = (
        "--model-file",
        model,
        "--mmproj",
        model.with_name("mmproj-tiny-vlm.gguf"),
        "--model",
        "builtin",
    )
    done = tagroll("eval", folder, *arguments, "--json", "--again", 1)
    assert done.code == 0, done
    assert [row["model"] for row in done.rows if row["type"] == "model"] == ["tagroll-builtin-2", "tiny-vlm"]


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds the children of a process in /proc")
@pytest.mark.parametrize("number", [getattr(signal, "SIGKILL", signal.SIGTERM), signal.SIGTERM])
def test_the_model_ends_with_tagroll_however_that_ends(tmp_path, model, number):
    folder = many(tmp_path / "photos", 200)
    with started(tmp_path, "tag", folder, "--model-file", model) as run:
        wait_for(lambda: children(run.pid))
        (child,) = children(run.pid)
        wait_for((tmp_path / "catalog.sqlite").exists)
        run.send_signal(number)
        run.communicate(timeout=200)
    wait_for(
        lambda: not Path(f"/proc/{child}").exists() or ") Z " in Path(f"/proc/{child}/stat").read_text(), 10
    )


@pytest.mark.skipif(
    sys.platform == "win32", reason="only the kernels of Unix send a signal for a closed pipe"
)
def test_the_child_ends_also_while_it_can_run_no_python(tmp_path):
    busy = (
        "from tagroll.models.gguf.child import end_with_stdin; end_with_stdin(); print(flush=True); 10**10**8"
    )
    with subprocess.Popen(
        [sys.executable, "-c", busy], env=environment(tmp_path), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        child.stdout.readline()
        child.stdin.close()
        assert child.wait(100) == -signal.SIGIO


def test_what_is_wrong_with_the_files_is_said(tagroll, tmp_path, model):
    folder = paint(tmp_path / "photos", *COLOURS)
    alone, text, cut = (tmp_path / name / "model.gguf" for name in ("alone", "text", "cut"))
    for path in (alone, text, cut):
        path.parent.mkdir()
    alone.write_bytes(model.read_bytes())
    text.write_text("no model")
    cut.write_bytes(model.read_bytes()[:100_000])
    eyes = model.with_name("mmproj-tiny-vlm.gguf")
    for arguments, code, said in (
        ((tmp_path / "none.gguf",), 2, "does not exist"),
        ((alone,), 2, "--mmproj FILE"),
        ((text, "--mmproj", eyes), 2, "no GGUF file"),
        ((cut, "--mmproj", eyes), 4, "corrupted or incomplete"),
    ):
        done = tagroll("tag", folder, "--model-file", *arguments)
        assert (done.code, done.out) == (code, ""), done
        assert said in done.err


def test_without_the_extra_the_way_to_get_it_is_said(tagroll, tmp_path, model):
    hidden = tmp_path / "hidden" / "sitecustomize.py"  # stands in for an environment without the package
    hidden.parent.mkdir()
    hidden.write_text("import sys\nsys.modules['xllamacpp'] = None\n")
    path = os.pathsep.join([str(hidden.parent), os.environ.get("PYTHONPATH", "")])
    done = tagroll("tag", paint(tmp_path / "photos", *COLOURS), "--model-file", model, PYTHONPATH=path)
    assert done.code == 2
    assert 'pip install "tagroll[llama]"' in done.err


def test_doctor_finds_models_of_other_programs_and_says_how_to_use_them(tagroll, tmp_path, tiny_model):
    model, eyes = tiny_model()
    home = tmp_path / "a home"
    places = {
        ".lmstudio/models/org/Vision-GGUF/Vision-4B.gguf": model,
        ".lmstudio/models/org/Vision-GGUF/mmproj-Vision-4B.gguf": eyes,
        ".lmstudio/models/org/Text/Text-only.gguf": model,
        ".cache/llama.cpp/org_one_one.gguf": model,
        ".cache/llama.cpp/org_one_mmproj-one.gguf": eyes,
        ".cache/llama.cpp/org_blind_blind.gguf": model,
        ".cache/huggingface/hub/models--org--two/snapshots/1/two-00001-of-00002.gguf": model,
        ".cache/huggingface/hub/models--org--two/snapshots/1/two-00002-of-00002.gguf": model,
        ".cache/huggingface/hub/models--org--two/snapshots/1/mmproj.gguf": eyes,
        ".ollama/models/blobs/sha256-aa": model,
        ".ollama/models/blobs/sha256-bb": eyes,
    }
    for place, file in places.items():
        (home / place).parent.mkdir(parents=True, exist_ok=True)
        (home / place).symlink_to(file)
    kinds = {"model": "sha256:aa", "projector": "sha256:bb"}
    layers = [
        {"mediaType": f"application/vnd.ollama.image.{kind}", "digest": digest}
        for kind, digest in kinds.items()
    ]
    manifests = home / ".ollama/models/manifests/registry/library"
    for name, content in (
        ("three/4b", {"layers": layers}),
        ("four/4b", {"layers": layers[:1]}),
        ("five/4b", []),
    ):
        (manifests / name).parent.mkdir(parents=True)
        (manifests / name).write_text(json.dumps(content))
    environ = dict.fromkeys(("LLAMA_CACHE", "HF_HOME", "HF_HUB_CACHE", "OLLAMA_MODELS"), "") | {
        "HOME": str(home)
    }
    done = tagroll("doctor", "--json", **environ)
    rows = [row for row in done.rows if row["name"] == "model on this machine"]
    found = {
        row["text"]: row["hint"] for row in rows if str(home) in row["hint"]
    }  # this machine may have others
    assert list(found) == [
        "Vision-4B, from LM Studio", "org_one_one, from llama.cpp",
        "two-00001-of-00002, from Hugging Face", "three:4b, from Ollama",
    ]  # fmt: skip
    for hint in found.values():
        program, tag, photos, *options = shlex.split(hint)
        assert (program, tag, photos) == ("tagroll", "tag", "PHOTOS")
        used = tagroll("doctor", *options, "--json", **environ)
        assert [row["good"] for row in used.rows if row["name"] == "model file"] == [True], used
