"""Write docs/reference/ and man/ from the code: commands, formats, fields, exit codes. A test keeps them in step.

python tools/make_reference.py           write the pages
python tools/make_reference.py --check   exit 1 if they are not what the code says
"""

import html
import inspect
import itertools
import re
import sys
from pathlib import Path

import click
import make_man

from tagroll import errors, web
from tagroll.cli.app import COMMANDS, main
from tagroll.domain import ADDRESS
from tagroll.formats import FORMATS
from tagroll.metadata.apps import APPS, HIERARCHICAL, IPTC, SUBJECT, App, Sources
from tagroll.metadata.table import FIELDS, Field

ROOT = Path(__file__).parents[1]
KEYS = Path(web.__file__).parent / "static" / "keys.js"
MADE = "<!-- made by tools/make_reference.py; change the code, not this page -->\n"
WRITERS = {
    "jpeg": "in process",
    "png": "in process",
    "webp": "in process",
    "exiftool": "exiftool, else a sidecar",
    "sidecar": "a sidecar",
}
DECODERS = {
    "pillow": "Pillow",
    "heif": "pi-heif",
    "embedded": "the camera's preview inside, through exiftool",
    "psd": "its merged picture",
    "jxl": "pylibjxl, with `tagroll[jxl]`",
}


def pages() -> dict[str, str]:
    """Every page by its path."""
    reference = {name: command_page(name) for name in COMMANDS} | {
        "commands": overview(),
        "formats": formats_page(),
        "fields": fields_page(),
        "exit-codes": exit_codes_page(),
    }
    manual = {f"man/{name}": text for name, text in make_man.pages(exit_codes()).items()}
    return {f"docs/reference/{name}.md": text for name, text in reference.items()} | manual


def overview() -> str:
    """All commands with their one line."""
    rows = "\n".join(f"| [`tagroll {name}`]({name}.md) | {text} |" for name, text in COMMANDS.items())
    return f"# Commands\n\n{MADE}\n| command | what it does |\n|---|---|\n{rows}\n"


def command_page(name: str) -> str:
    """Usage, help and options of one command, and of its actions."""
    command = main.get_command(click.Context(main), name)
    assert command is not None
    actions = getattr(command, "actions", {})
    parts = [command_part(f"{name} {action}", one, "##") for action, one in actions.items()]
    more = [keys_part(KEYS.read_text(encoding="utf-8"))] if name == "serve" else []
    return "\n".join([command_part(name, command, "#"), *parts, *more])


def command_part(name: str, command: click.Command, mark: str) -> str:
    """Usage, help and options."""
    group = click.Context(main, info_name="tagroll", **main.context_settings)
    made = f"{MADE}\n" if mark == "#" else ""
    with click.Context(command, info_name=name, parent=group) as ctx:
        usage = command.get_usage(ctx).removeprefix("Usage: ")
        rows = [
            row
            for p in command.get_params(ctx)
            if isinstance(p, click.Option) and (row := option_row(p, ctx))
        ]
    help_text = inspect.cleandoc(command.help or "")
    table = "| option | meaning | variable |\n|---|---|---|\n" + "\n".join(rows)
    return f"{mark} tagroll {name}\n\n{made}```\n{' '.join(usage.split())}\n```\n\n{help_text}\n\n{table}\n"


def option_row(option: click.Option, ctx: click.Context) -> str:
    """One row of the table of options."""
    record = option.get_help_record(ctx)
    if record is None:
        return ""
    variables = option.envvar if isinstance(option.envvar, str) else ""
    names, text = record[0], record[1].replace("|", "\\|")
    return f"| {code(names)} | {text} | {code(variables)} |"


def code(text: str) -> str:
    """Code in a cell of a table; a bar in backticks would be read otherwise by each program that shows the page."""
    if "|" in text:
        return f"<code>{html.escape(text).replace('|', '&#124;')}</code>"
    return f"`{text}`" if text else ""


def _named(keys: str) -> str:
    """Keys as the table has them, to be read."""
    return keys.replace('", "', " ").strip('"')


KEYS_TABLE = re.compile(r"^export const KEYS = \[\n(.*?)^\];$", re.MULTILINE | re.DOTALL)
KEYS_ROW = re.compile(
    r'  \{ where: "([^"]+)", keys: \[("[^"]+"(?:, "[^"]+")*)\],(?: shown: "([^"]+)",)? does: "([^"]+)", name: "\w+" \},'
)


def keys_part(source: str) -> str:
    """The keys of the page, from the table that its handler reads.

    Raises:
        ValueError: The table is not there, or one of its lines does not look like the others.
    """
    table = KEYS_TABLE.search(source)
    if not table:
        raise ValueError("keys.js has no table of keys")
    found = [KEYS_ROW.fullmatch(line) or line for line in table[1].splitlines()]
    if odd := [line for line in found if isinstance(line, str)]:
        raise ValueError(f"not a row of keys: {odd[0]}")
    rows = [match.groups() for match in found if isinstance(match, re.Match)]
    parts = ["## Keys\n\nNone works while you type. Cmd counts as Ctrl.\n"]
    for where, group in itertools.groupby(rows, key=lambda row: row[0]):
        lines = "".join(f"| {shown or _named(keys)} | {does} |\n" for _, keys, shown, does in group)
        parts.append(f"### {where.capitalize()}\n\n| key | what it does |\n|---|---|\n{lines}")
    return "\n".join(parts)


def formats_page() -> str:
    """The table of formats, and who sees what is written into or beside them."""
    rows = "\n".join(
        f"| {fmt.name} | {' '.join(fmt.suffixes)} | {DECODERS[fmt.decoder]} | {WRITERS[fmt.writer]} |"
        for fmt in FORMATS
    )
    head = "| format | file name endings | seen through | tags are written by |\n|---|---|---|---|\n"
    return f"# Formats\n\n{MADE}\nThe content of a file decides, not its name.\n\n{head}{rows}\n\n{APPS_TEXT}\n{apps_table()}"


APPS_TEXT = """## Who sees the tags

What each program shows of the tags that tagroll writes, as far as it opens such files at all. The rules of digiKam 7.9,
darktable 4.2, Immich and PhotoPrism were tried with the programs or their code, those of the others are from their source
code or manual. `tagroll doctor PHOTO` applies them to one photo, with the reasons.

- "searched": not in the list of keywords, but found by the search.
- digiKam reads sidecars with the setting "Read from sidecar files", which is off at first.
- darktable cuts a tag at a comma ("Paris, France" is "Paris"), except in IPTC, which JPEG and TIFF have.
- Damselfly reads IPTC and PhotoPrism lists it as single words in small letters: tags of over 64 bytes are not in there.
- Also tried: Shotwell 0.30 shows the tags of JPEG, PNG and TIFF, gThumb 3.12 those of JPEG; neither reads sidecars.
"""
XMP_TAGS = dict.fromkeys((HIERARCHICAL, SUBJECT), ("x",))
ALL_TAGS = {**XMP_TAGS, IPTC: ("x",)}
PLACES = {
    "JPEG": Sources(ALL_TAGS, kind="jpeg"),
    "TIFF": Sources(ALL_TAGS, kind="tiff"),
    **{
        {"webp": "WebP", "jxl": "JPEG XL"}.get(kind, kind.upper()): Sources(XMP_TAGS, kind=kind)
        for kind in ("png", "webp", "heic", "avif", "gif", "jxl")
    },
    "RAW, in `name.ext.xmp`": Sources({}, full_sidecar=XMP_TAGS, kind="raw"),
    "RAW, in `name.xmp`": Sources({}, base_sidecar=XMP_TAGS, kind="raw"),
    "others, in `name.ext.xmp`": Sources({}, full_sidecar=XMP_TAGS, kind="jpeg"),
}


def apps_table() -> str:
    """Format by program, by the rules of apps.py."""
    apps = [app for app in APPS if not app.beside]
    head = f"| tags in | {' | '.join(app.name for app in apps)} |\n|---|{'---|' * len(apps)}\n"
    rows = (
        f"| {place} | {' | '.join(cell(app, photo) for app in apps)} |\n" for place, photo in PLACES.items()
    )
    return head + "".join(rows)


def cell(app: App, photo: Sources) -> str:
    """What a program shows of tags in one place."""
    if photo.kind in app.closed:
        return "does not open it"
    if photo.kind in app.untried:
        return "not tried"
    seen = app.read(photo)
    return "yes" if seen.tags else "searched" if seen.searched else "no"


ABOUT_FIELDS = """The metadata fields that tagroll reads and writes, by exiftool's names.

- Tags are what all fields have together. IPTC keywords beside `XMP-dc:Subject` count only where the digest in the file tells
  that IPTC was changed after XMP: this is the rule of the Metadata Working Group, by which Lightroom, exiftool and Immich go,
  too. What IPTC alone has stays there, unless all tags are replaced.
- IPTC without a mark of its character set is read in the old code page in which it says what XMP says, or in which it looks
  like words. A lone word can be read wrong. It is written anew, as UTF-8, only together with new keywords.
- `XMP-tagroll:WrittenTags` is tagroll's own: it names those of the tags that
  [tagroll wrote](../explanation/whose-tags.md).
- A caption that is never written counts all the same: where a person has left one, `--title` and `--description` write none.
  A list of the tags is none, nor what cameras and programs put there (`OLYMPUS DIGITAL CAMERA`).
- What darktable notes for itself below `darktable|` is no tag and stays where it is.
- Supplemental categories (IPTC 2:20) are no keywords: agencies keep codes and addresses there.
"""

HOLDS = {
    "paths": "one tag a value, with its levels",
    "flat": "one tag a value, the last level",
    "mixed": "one tag a value, with or without levels",
    "xml": "tags as XML",
    "tree": "tags as nested structures",
    "line": "all tags in one text",
    "comment": "all tags in one text",
    "text": "a caption",
    "told": "a caption",
    "fact": "a date, a place, a rating",
    "faces": "names of people",
    "mark": "which of the tags tagroll wrote",
    "digest": "whether IPTC was changed after XMP",
}


WRITTEN = {
    "comment": "with `--user-comment`",
    "text": "on request",
    "told": "no",
    "fact": "no",
    "faces": "no",
    "mark": "where tagroll wrote a tag",
    "digest": "with IPTC",
}


def written(row: Field) -> str:
    """When a field is written."""
    if row.name in ADDRESS:
        return "with `--write-place`, where it is not there"
    if row.cleaned:
        return "where it is there, only to take tags out"
    return WRITTEN.get(row.holds) or ("yes" if row.spread else "where it is there")


def field_row(row: Field) -> str:
    """One line of the table of metadata fields."""
    packet = "" if row.family == "text" else row.family.upper()
    return f"| `{row.name}` | {packet} | {HOLDS[row.holds]} | {code(row.separator)} | {written(row)} |"


def fields_page() -> str:
    """The table of metadata fields."""
    rows = "\n".join(map(field_row, FIELDS.values()))
    head = "| field | packet | holds | separator | written |\n|---|---|---|---|---|\n"
    return f"# Fields\n\n{MADE}\n{ABOUT_FIELDS}\n{head}{rows}\n"


def exit_codes() -> dict[int, str]:
    """Exit codes and what they mean, from the error tree."""
    kinds = [
        errors.TagrollError,
        errors.UsageError,
        errors.PhotoError,
        errors.ServerError,
        errors.CatalogLockedError,
    ]
    texts = {0: "Done."} | {kind.exit_code: (kind.__doc__ or "").splitlines()[0] for kind in kinds}
    texts |= {
        1: "Fatal: the run could not go on.",
        3: "Finished, some photos failed or folders could not be read.",
        130: "Interrupted.",
    }
    return dict(sorted(texts.items()))


def exit_codes_page() -> str:
    """The table of them."""
    rows = "\n".join(f"| {code} | {text} |" for code, text in exit_codes().items())
    return f"# Exit codes\n\n{MADE}\n| code | meaning |\n|---|---|\n{rows}\n"


def run(arguments: list[str]) -> int:
    """Write or check."""
    stale = [
        name
        for name, text in pages().items()
        if not (ROOT / name).exists() or (ROOT / name).read_text() != text
    ]
    if "--check" in arguments:
        print("stale: " + ", ".join(stale) if stale else "docs/reference and man say what the code says")
        return 1 if stale else 0
    for name, text in pages().items():
        (ROOT / name).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / name).write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
