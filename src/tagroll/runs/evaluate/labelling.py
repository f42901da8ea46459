"""Helping a person to label photos: a file to fill in, and a page that shows the photos beside it."""

import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path

from tagroll.runs.evaluate.markup import data_uri, element, text
from tagroll.runs.evaluate.page import document

HELP = (
    "List what you would search each photo by, separated by commas. What may be named but need not be goes (in brackets).",
    "Name a thing in every photo that shows it: a model that says a word of yours where you did not is taken to be wrong.",
    "A photo without a word is left out. Ten minutes for thirty photos are enough.",
)


def text_template(folder: Path, names: Sequence[str]) -> str:
    """A text file to fill in: a line a photo."""
    head = [*(f"# {line}" for line in HELP), f"# photos: {folder}", ""]
    return "".join(f"{line}\n" for line in (*head, *(f"{_line_start(name)}: " for name in names)))


def json_template(folder: Path, names: Sequence[str]) -> str:
    """A JSON file to fill in."""
    empty: list[str] = []
    return (
        json.dumps(
            {"photos": str(folder), "files": dict.fromkeys(names, empty)}, indent=1, ensure_ascii=False
        )
        + "\n"
    )


def label_page(folder: Path, pictures: Mapping[str, bytes], file: str) -> str:
    """A page that asks for labels and saves them as a file of this name. It sends nothing anywhere."""
    fields = [
        element(
            "article",
            element("img", src=data_uri(jpeg), alt=name),
            element("h3", element("label", text(name), for_=f"photo-{number}")),
            element("input", id=f"photo-{number}", data_name=name, autocomplete="off", placeholder="tag, tag, (perhaps)"),
            class_="card",
        )
        for number, (name, jpeg) in enumerate(pictures.items())
    ]  # fmt: skip
    save = element("button", text(f"Save {file}"), type="button", id="save")
    bar = element(
        "p", save, element("span", text(f"0 of {len(fields)}"), id="count", role="status"), class_="bar"
    )
    script = files("tagroll.runs.evaluate").joinpath("label.js").read_text("utf-8")
    return document("Label photos for tagroll eval", "page.css", [
        element("header", element("h1", text("What is in these photos?")), *(element("p", text(line)) for line in HELP)),
        element("main", element("div", *fields, class_="cards"), data_folder=str(folder), data_file=file, id="photos"),
        bar,
    ], script)  # fmt: skip


def _line_start(name: str) -> str:
    """The name as a line can begin with it: "#" begins a comment."""
    return f"./{name}" if name.startswith("#") else name
