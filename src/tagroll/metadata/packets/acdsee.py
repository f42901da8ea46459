"""The categories of ACDSee: one XML document as the text of one XMP property.

<Categories><Category Assigned="0">Places<Category Assigned="1">Paris</Category></Category></Categories>
"""

from collections.abc import Iterable

from lxml import etree
from lxml.etree import _Element as Element  # lxml has no public name for it

from tagroll.metadata.packets.keywords import levels
from tagroll.tags.identity import LEVEL, STAND_INS


def read_categories(text: str) -> tuple[str, ...] | None:
    """The assigned categories as tags; None when the text is not such a document."""
    if "<!DOCTYPE" in text:
        return None
    parser = etree.XMLParser(encoding="utf-8", resolve_entities=False, no_network=True)
    try:
        root = etree.fromstring(text.encode(errors="replace"), parser)
    except etree.XMLSyntaxError:
        return None
    found = []
    for node in root.iter("Category"):
        if node.get("Assigned") == "1":
            above = [_name(parent) for parent in node.iterancestors("Category")]
            found.append(LEVEL.join((*reversed(above), _name(node))))
    return tuple(found)


def write_categories(tags: Iterable[str]) -> str:
    """The document in which exactly these tags are assigned."""
    root = etree.Element("Categories")
    nodes: dict[tuple[str, ...], Element] = {(): root}
    for tag in tags:
        path = levels(tag)
        for depth in range(1, len(path) + 1):
            if path[:depth] not in nodes:
                node = etree.SubElement(nodes[path[: depth - 1]], "Category", Assigned="0")
                node.text = path[depth - 1]
                nodes[path[:depth]] = node
        nodes[path].set("Assigned", "1")
    return etree.tostring(root, encoding="unicode")


def _name(node: Element) -> str:
    return (node.text or "").strip().replace(LEVEL, STAND_INS[LEVEL])
