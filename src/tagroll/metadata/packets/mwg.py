"""The keywords of the Metadata Working Group: a tree of structures as one XMP property (guidelines 2.0, 5.5.2).

mwg-kw:Keywords > Hierarchy > a Bag of {Keyword, Applied, Children}; Children is a Bag of the same again.
"""

from collections.abc import Collection, Iterator

from lxml import etree
from lxml.etree import _Element as Element  # lxml has no public name for it

from tagroll.metadata.packets.keywords import levels, xml_safe
from tagroll.tags.identity import LEVEL, STAND_INS

_RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_SPACE = "{http://www.metadataworkinggroup.com/schemas/keywords/}"


def read_tree(prop: Element) -> tuple[str, ...]:
    """The applied keywords as tags. Where nothing is said, a leaf is applied and what lies above it is not."""
    return tuple(LEVEL.join(path) for path, applied, _ in _nodes(_field(prop, "Hierarchy"), ()) if applied)


def write_tree(prop: Element, tags: Collection[str]) -> None:
    """Make exactly these tags the applied ones. Keywords that were offered and not applied stay so."""
    offered = [
        path for path, applied, is_leaf in _nodes(_field(prop, "Hierarchy"), ()) if is_leaf and not applied
    ]
    for child in list(prop):
        prop.remove(child)
    prop.attrib.clear()
    prop.text = None
    prop.set(_RDF + "parseType", "Resource")
    nodes: dict[tuple[str, ...], Element] = {(): prop}
    paths = dict.fromkeys(map(levels, tags))
    for path in (*paths, *offered):
        for depth in range(1, len(path) + 1):
            if path[:depth] not in nodes:
                box = _box(nodes[path[: depth - 1]], "Hierarchy" if depth == 1 else "Children")
                node = etree.SubElement(box, _RDF + "li", {_RDF + "parseType": "Resource"})
                etree.SubElement(node, _SPACE + "Keyword").text = xml_safe(path[depth - 1])
                etree.SubElement(node, _SPACE + "Applied").text = str(path[:depth] in paths)
                nodes[path[:depth]] = node


def _box(node: Element, name: str) -> Element:
    found = node.find(f"{_SPACE}{name}/{_RDF}Bag")
    return etree.SubElement(etree.SubElement(node, _SPACE + name), _RDF + "Bag") if found is None else found


def _nodes(
    bag: "Element | str | None", above: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], bool, bool]]:
    """The path of every keyword, whether it is applied, and whether it is a leaf."""
    for node in () if bag is None or isinstance(bag, str) else bag.iterfind(f"*/{_RDF}li"):
        keyword, children, said = (_field(node, name) for name in ("Keyword", "Children", "Applied"))
        path = (*above, _text(keyword).strip().replace(LEVEL, STAND_INS[LEVEL]))
        below = list(_nodes(children, path))
        if path[-1]:
            yield path, not below if said is None else _text(said).strip().casefold() == "true", not below
        yield from below


def _field(node: Element, name: str) -> "Element | str | None":
    """A field of a structure in any of its forms: element or attribute, in the node or in a Description in it."""
    for home in (node, *node.iterchildren(_RDF + "Description")):
        found = home.find(_SPACE + name)
        if found is not None:
            return found
        if (text := home.get(_SPACE + name)) is not None:
            return text
    return None


def _text(field: "Element | str | None") -> str:
    return field if isinstance(field, str) else "" if field is None else field.text or ""
