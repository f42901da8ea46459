"""The people that other programs have named in a photo: face regions and lists of names. Read, never written.

Regions of the Metadata Working Group (guidelines 2.0, 5.9; digiKam, Lightroom, Picasa), Microsoft's People Tagging, and
plain lists of names (IPTC Person Shown). What is in a form that none of them has counts as nobody.
"""

from collections.abc import Iterator

from lxml.etree import _Element as Element  # lxml has no public name for it

_LI = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}li"
_MWG = "{http://www.metadataworkinggroup.com/schemas/regions/}"
_NAMES = (_MWG + "Name", "{http://ns.microsoft.com/photo/1.2/t/Region#}PersonDisplayName")


def read_faces(prop: Element) -> Iterator[str]:
    """The names in one property, as they stand there."""
    for node in prop.iter("*"):
        plain = node.text if node.tag == _LI and not len(node) else None
        said = (plain, *(_field(node, name) for name in _NAMES))
        kind = _field(node, _MWG + "Type") or "Face"  # a pet, a focus point and a bar code are nobody
        if kind.strip().casefold() == "face":
            yield from (name.strip() for name in said if name and name.strip())


def _field(node: Element, name: str) -> str | None:
    """The text of a field of a structure, as an element in it or as an attribute."""
    return node.findtext(name) if node.find(name) is not None else node.get(name)
