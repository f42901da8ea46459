"""HTML that is well-formed XML too, and safe whatever a file name or a model says."""

import html
from base64 import b64encode

_VOID = frozenset(("input", "img", "meta", "line", "rect"))


def text(value: str) -> str:
    """A text for a person to read: nothing in it is markup, and what does not print is spelled out.

    Bytes of file names that are no text, control characters and those that turn the direction of writing
    would garble the page or break it.
    """
    shown = "".join(c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in value)
    return html.escape(shown, quote=True)


def element(name: str, /, *content: str, **attributes: str) -> str:
    """An element around markup; attributes are plain texts ("class_" is class, "aria_label" is aria-label)."""
    written = "".join(
        f' {key.removesuffix("_").replace("_", "-")}="{text(value)}"' for key, value in attributes.items()
    )
    return f"<{name}{written} />" if name in _VOID else f"<{name}{written}>{''.join(content)}</{name}>"


def joined(*names: str) -> str:
    """Names of classes as one attribute."""
    return " ".join(names)


def data_uri(jpeg: bytes) -> str:
    """A picture inside the page."""
    return f"data:image/jpeg;base64,{b64encode(jpeg).decode()}"
