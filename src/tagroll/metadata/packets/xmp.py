"""One XMP packet: read properties, change them, give the bytes back. Everything else in it stays as it was.

XMP is RDF/XML of a narrow kind (ISO 16684-1): properties of one subject in one or more rdf:Description, each
an attribute or an element, lists as rdf:Bag, rdf:Seq or rdf:Alt. Packets come from strangers: no DTD, entity
or network is ever followed, and what cannot be understood is refused, never replaced.
"""

import re
from collections.abc import Iterator

from lxml import etree
from lxml.etree import _Element as Element  # lxml has no public name for it

from tagroll import __version__
from tagroll.errors import MetadataError, plainly
from tagroll.metadata.packets import mwg
from tagroll.metadata.packets.faces import read_faces
from tagroll.metadata.packets.keywords import xml_safe

MAX_BYTES = 16 << 20
"""Packets above this are refused; real ones stay far below 1 MB. (libxml2 itself refuses depths over 256.)"""

PADDING = 2048
"""White space at the end of a new packet, so that later edits move no byte of the file (part 1, 7.3.2)."""

_SEGMENT = 65_502
"""The most bytes of a packet that one JPEG segment takes (part 3, 1.1.3); padding never goes beyond."""

_RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_LI = _RDF + "li"
_LISTS = tuple(_RDF + name for name in ("Bag", "Seq", "Alt"))

_NEW = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
    f'<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="tagroll {__version__}">\n'
    ' <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">\n'
    '  <rdf:Description rdf:about=""/>\n'
    " </rdf:RDF>\n"
    "</x:xmpmeta>"
    '<?xpacket end="w"?>'
)
_PARSER = etree.XMLParser(encoding="utf-8", resolve_entities=False, no_network=True, strip_cdata=False)
_DECLARATION = re.compile(r"\ufeff?\s*<\?xml\s[^>]*\?>")


class Xmp:
    """A parsed packet. Properties are named `{namespace}local`; several names for one property may be given.

    Args:
        packet: The packet with or without its `<?xpacket?>` wrapper, UTF-8, -16 or -32. None, or nothing but
            white space and NUL, starts a new one.

    Raises:
        MetadataError: The packet is not XMP that can be read with certainty.
    """

    def __init__(self, packet: bytes | None) -> None:
        text, self._encoding = _decode(packet or b"")
        if not text.strip("\ufeff\0 \t\r\n"):
            text, packet = _NEW, None
        self._head, body, self._padding, self._tail = _unwrap(text)
        self._size = len(packet) if packet else 0
        self._root = _parse(body)
        self._rdf = _find_rdf(self._root)
        self._descriptions = _descriptions(self._rdf)

    def names(self) -> Iterator[str]:
        """The names of all properties that are there, some more than once."""
        for description in self._descriptions:
            yield from map(str, description.attrib)
            yield from (str(child.tag) for child in description)

    def values(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """The values of a list in order, or the one of a simple property."""
        found: list[str] = []
        for node in self._find(names):
            found += [node] if isinstance(node, str) else _items(node)
        return tuple(found)

    def default(self, names: tuple[str, ...]) -> str:
        """The text of a language alternative for "x-default", else its first one; "" where there is none."""
        for node in self._find(names):
            if isinstance(node, str):
                return node
            first: Element | None = None
            for member in _members(node):
                if member.get(_LANG, "").casefold() == "x-default":
                    return _text(member)
                first = member if first is None else first
            return _text(node if first is None else first)
        return ""

    def kinds(self, names: tuple[str, ...]) -> set[str]:
        """What the property is wherever it stands: "Bag", "Seq", "Alt", or "" for simple text."""
        boxes = (None if isinstance(node, str) else _container(node) for node in self._find(names))
        return {"" if box is None else str(box.tag).removeprefix(_RDF) for box in boxes}

    def tree(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """The tags in a tree of keywords; see `mwg`."""
        return tuple(
            tag for node in self._find(names) if not isinstance(node, str) for tag in mwg.read_tree(node)
        )

    def faces(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """The names of people in regions of the picture; see `faces`."""
        found = (name for node in self._find(names) if not isinstance(node, str) for name in read_faces(node))
        return tuple(dict.fromkeys(found))

    def set_tree(self, names: tuple[str, ...], tags: tuple[str, ...], prefix: str) -> None:
        """Make these the tags in a tree of keywords; without any, it is taken out."""
        prop = self._only(names)
        if prop is None:
            prop = self._create(names[0], prefix)
        if tags:
            mwg.write_tree(prop, tags)
            _indent(prop)
        else:
            _remove(prop)

    def set_list(self, names: tuple[str, ...], values: tuple[str, ...], kind: tuple[str, str]) -> None:
        """Make `values` the whole list; members that stay keep their qualifiers. An empty one is taken out.

        Args:
            names: The property; the first is the name of a new one.
            values: What the list shall hold, in order.
            kind: The usual prefix of its namespace, and what the list shall be: "Bag", "Seq" or "Alt".
        """
        prop = self._only(names)
        if not values:
            if prop is not None:
                _remove(prop)
            return
        if prop is None:
            prop = self._create(names[0], kind[0])
        box = _container(prop)
        old = {_text(li): li for li in _members(prop)}
        if box is None:
            _clear(prop)
            box = etree.SubElement(prop, _RDF + kind[1])
        box.tag = _RDF + kind[1]  # digiKam does not see a Seq where it expects a Bag, nor the reverse
        for member in box.findall(_LI):
            box.remove(member)
        for value in map(xml_safe, values):
            if value in old:
                box.append(old.pop(value))
            else:
                etree.SubElement(box, _LI).text = value
        _indent(prop)

    def set_default(self, names: tuple[str, ...], text: str, prefix: str) -> None:
        """Set the "x-default" of a language alternative and leave the other languages; "" takes it out."""
        prop = self._only(names)
        if prop is None:
            if not text:
                return
            prop = self._create(names[0], prefix)
        box = _container(prop)
        if box is None:
            _clear(prop)
            box = etree.SubElement(prop, _RDF + "Alt")
        for member in list(_members(prop)):
            if member.get(_LANG, "x-default").casefold() == "x-default":
                box.remove(member)
        if text:
            member = etree.Element(_LI, {_LANG: "x-default"})
            member.text = xml_safe(text)
            box.insert(0, member)
        if next(_members(prop), None) is None:
            _remove(prop)
        else:
            _indent(prop)

    def set_text(self, names: tuple[str, ...], text: str, prefix: str) -> None:
        """Set a simple property; "" takes it out."""
        prop = self._only(names)
        if text and prop is None:
            prop = self._create(names[0], prefix)
        if prop is not None:
            _clear(prop)
            prop.text = xml_safe(text)
            if not text:
                _remove(prop)

    def to_bytes(self) -> bytes:
        """The packet in the encoding it came in; padded to the length it had before wherever that works."""
        body = etree.tostring(self._root.getroottree(), encoding="unicode")
        bare = self._head + body
        if not self._padding and self._size:
            return (bare + self._tail).encode(self._encoding)
        unit = len(" ".encode(self._encoding))
        length = len((bare + self._tail).encode(self._encoding))
        room = self._size - length
        if room < 0:
            room = max(0, min(PADDING, _SEGMENT - length))
        return (bare + _spaces(room // unit) + self._tail).encode(self._encoding)

    def _find(self, names: tuple[str, ...]) -> Iterator[Element | str]:
        for description in self._descriptions:
            for name in names:
                value = description.get(name)
                if value is not None:
                    yield value
                yield from description.iterchildren(name)

    def _only(self, names: tuple[str, ...]) -> Element | None:
        """The one element of a property. An attribute becomes one; elements that repeat it are removed."""
        for description in self._descriptions:
            for name in names:
                value = description.get(name)
                if value is not None:
                    element = self._create(name, "", description)
                    element.text = value
                    del description.attrib[name]
        first: Element | None = None
        for node in list(self._find(names)):
            if isinstance(node, str):
                continue
            if first is None:
                first = node
            else:
                _remove(node)
        return first

    def _create(self, name: str, prefix: str, home: Element | None = None) -> Element:
        """A new property, beside its kin where its namespace is used already."""
        space = name[1:].partition("}")[0]
        kin = (d for d in self._descriptions if any(_space(child) == space for child in d))
        if home is None:
            home = next(kin, self._descriptions[0] if self._descriptions else None)
        if home is None:
            home = etree.SubElement(self._rdf, _RDF + "Description", {_RDF + "about": ""})
            self._descriptions.append(home)
        last = home[-1] if len(home) else None
        element = etree.SubElement(home, name, nsmap={prefix: space} if prefix else None)
        if last is None:
            home.text, element.tail = "\n   ", "\n  "
        else:
            element.tail, last.tail = last.tail, home.text
        return element


def _decode(packet: bytes) -> tuple[str, str]:
    """The packet's text and its encoding, told by the byte order mark or the zeros around the first "<"."""
    if len(packet) > MAX_BYTES:
        raise MetadataError(f"the XMP packet is too large ({len(packet) >> 20} MB)")
    signs = (
        ("utf-32-le", (b"\xff\xfe\0\0", b"<\0\0\0")),
        ("utf-32-be", (b"\0\0\xfe\xff", b"\0\0\0<")),
        ("utf-16-le", (b"\xff\xfe", b"<\0")),
        ("utf-16-be", (b"\xfe\xff", b"\0<")),
    )
    encoding = next((name for name, marks in signs if packet.startswith(marks)), "utf-8")
    try:
        return packet.decode(encoding), encoding
    except UnicodeDecodeError as error:
        raise MetadataError(f"the XMP packet is not valid {encoding.upper()}") from error


def _unwrap(text: str) -> tuple[str, str, bool, str]:
    """Split into what stands before the XML, the XML, whether the packet is padded, and the trailer."""
    declared = _DECLARATION.match(text)
    start = declared.end() if declared else len(text) - len(text.lstrip("\ufeff \t\r\n"))
    body = text[start:].lstrip()
    if body.startswith("<?xpacket"):
        body = body[body.find("?>") + 2 :].lstrip()
    head = text[: len(text) - len(body)]
    end = body.rfind("<?xpacket")
    trailer = body[end:] if end >= 0 else ""
    if trailer and not trailer.rstrip("\0 \t\r\n").endswith("?>"):
        raise MetadataError("the XMP packet does not end as it should")
    body = body[: len(body) - len(trailer)].rstrip()
    if body.endswith("\0"):
        body = body.rstrip("\0 \t\r\n")
    return head, body, bool(trailer), trailer


def _parse(body: str) -> Element:
    if "<!DOCTYPE" in body:
        raise MetadataError("the XMP packet has a document type; that is not legal there")
    try:
        return etree.fromstring(body.encode(), _PARSER)
    except (etree.XMLSyntaxError, UnicodeEncodeError) as error:
        what = plainly(str(error).partition(" (<string>")[0])
        raise MetadataError(f"the XMP packet cannot be parsed: {what}") from error


def _find_rdf(root: Element) -> Element:
    """The rdf:RDF element: the root itself, or the one child of x:xmpmeta that is one."""
    found = [root] if root.tag == _RDF + "RDF" else list(root.iterchildren(_RDF + "RDF"))
    if len(found) != 1:
        raise MetadataError("the XMP packet holds no properties that can be read")
    return found[0]


def _descriptions(rdf: Element) -> list[Element]:
    """The rdf:Description elements. A packet with content, but none that is a property, is not understood."""
    nodes = list(rdf.iterchildren("*"))
    found = [node for node in nodes if node.tag == _RDF + "Description"]
    if len(found) < len(nodes) or (not found and (rdf.text or "").strip()):
        raise MetadataError("the XMP packet holds RDF that is not XMP")
    if any((node.text or "").strip() for node in found):
        raise MetadataError("the XMP packet holds text where properties belong")
    return found


def _container(prop: Element) -> Element | None:
    """The rdf:Bag, rdf:Seq or rdf:Alt of a property, also of a qualified one (in rdf:value)."""
    found = list(prop.iterchildren(*_LISTS))
    if len(found) > 1:
        raise MetadataError("the XMP packet holds two lists for one property")
    if found:
        return found[0]
    value = _value(prop)
    return None if value is None else _container(value)


def _value(node: Element) -> Element | None:
    """The rdf:value of a qualified property, in either form (ISO 16684-1, 7.8)."""
    value = node.find(_RDF + "value")
    return node.find(f"{_RDF}Description/{_RDF}value") if value is None else value


def _members(prop: Element) -> Iterator[Element]:
    box = _container(prop)
    return iter(()) if box is None else box.iterchildren(_LI)


def _items(prop: Element) -> list[str]:
    """The texts of a list that are not blank; a simple property is a list of one.

    Raises:
        MetadataError: There is something in it that is no text. It must not pass for an empty list.
    """
    box = _container(prop)
    members = [prop] if box is None else list(box.iterchildren("*"))
    found = []
    for node in members:
        text = _text(node)
        if text and not text.isspace():
            found.append(text)
        elif next(node.iterchildren("*"), None) is not None:
            raise MetadataError("the XMP packet holds a list of something else than texts")
        if node.tag != _LI and box is not None:
            raise MetadataError("the XMP packet holds a list in a form that is not XMP")
    return found


def _text(node: Element) -> str:
    """The text of a simple value: what stands in it, its rdf:value when it is qualified, or rdf:resource."""
    if not len(node):
        return str(node.text or node.get(_RDF + "resource") or node.get(_RDF + "value", ""))
    value = _value(node)
    if value is not None:
        return _text(value)
    inner = node.find(_RDF + "Description")
    if inner is not None and _RDF + "value" in inner.attrib:
        return str(inner.get(_RDF + "value"))
    return (node.text or "") + "".join(child.tail or "" for child in node)


def _space(node: Element) -> str:
    return node.tag[1:].partition("}")[0] if isinstance(node.tag, str) else ""


def _clear(prop: Element) -> None:
    """Take everything out of an element but its place in the text."""
    tail = prop.tail
    prop.clear()
    prop.tail = tail


def _remove(node: Element) -> None:
    """Take an element out together with the line it stands on."""
    parent, before = node.getparent(), node.getprevious()
    if parent is None:
        return
    if before is not None:
        before.tail = node.tail
    elif len(parent) == 1:
        parent.text = None
    parent.remove(node)


def _indent(prop: Element) -> None:
    tail = prop.tail
    etree.indent(prop, space=" ", level=sum(1 for _ in prop.iterancestors()))
    prop.tail = tail


def _spaces(length: int) -> str:
    """White space of exactly `length` characters, in lines that an editor can show."""
    return (("\n" + " " * 99) * (length // 100 + 1))[:length]
