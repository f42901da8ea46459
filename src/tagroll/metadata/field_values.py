"""The raw values of all fields: read from packets, and set in them."""

from dataclasses import replace
from hashlib import md5

from tagroll.errors import ForeignStructureError, MetadataError
from tagroll.metadata.comment import COMMENT
from tagroll.metadata.packets import exif, iptc
from tagroll.metadata.packets.keywords import levels
from tagroll.metadata.packets.raw import Packets
from tagroll.metadata.packets.xmp import Xmp
from tagroll.metadata.table import DIGEST, FIELDS, IPTC, Field, Fields

_XMP_ROWS = tuple(row for row in FIELDS.values() if row.family == "xmp")
_ROW_OF = {name: row for row in _XMP_ROWS for name in row.xml}
_LISTS = frozenset({"Bag", "Seq"})


def read_fields(packets: Packets) -> Fields:
    """The raw values of all fields that are there.

    Raises:
        MetadataError: A packet is there but cannot be read.
    """
    found: dict[str, tuple[str, ...]] = {}
    for packet in (packets.xmp, packets.extended_xmp, *packets.others):
        if packet is not None:
            for name, values in xmp_fields(_parsed(packet, packets)).items():
                if name not in found:
                    found[name] = values
                elif FIELDS[name].kind in _LISTS:
                    found[name] = tuple(dict.fromkeys((*found[name], *values)))
    return found | _other_fields(packets, found)


def _parsed(packet: bytes, packets: Packets) -> Xmp:
    try:
        return Xmp(packet)
    except MetadataError as error:
        if packet in packets.others:
            # no program may take it for XMP; exiftool knows what it can make of the file
            raise ForeignStructureError(f"the photo has a second XMP packet, and {error.message}") from error
        raise


def with_fields(packets: Packets, there: Fields, wanted: Fields) -> Packets:
    """The packets with other values in some fields; those that do not change are the same bytes.

    Args:
        packets: Those of the file that is written (a sidecar is `Packets(xmp=...)`).
        there: All that they say now.
        wanted: What fields shall hold, from `fields_after`.

    Raises:
        MetadataError: A packet cannot be read; nothing may be written then.
        ForeignStructureError: A field that other programs read cannot be kept in step.
    """
    asked = [FIELDS[name] for name in wanted]
    xmp = Xmp(packets.xmp if any(row.family == "xmp" for row in asked) else None)
    rows = [row for row in asked if wanted[row.name] != there.get(row.name, ()) or _is_odd(row, xmp)]
    changed = {row.name: wanted[row.name] for row in rows}
    if any(row.family == "xmp" for row in rows):
        for row in rows:
            _set_xmp(xmp, row, changed[row.name])
        packets = replace(packets, xmp=xmp.to_bytes())
    if IPTC in changed:
        packets = replace(packets, iptc=iptc.set_keywords(packets.iptc, changed[IPTC], _known(there)) or None)
    if any(row.family == "exif" for row in rows):
        packets = replace(packets, exif=_set_exif(packets.exif, changed) or None)
    return packets


def _is_odd(row: Field, xmp: Xmp) -> bool:
    """Whether a list is there in another kind than its readers want: digiKam sees no Seq where a Bag belongs."""
    return row.kind in _LISTS and not row.cleaned and not xmp.kinds(row.xml) <= {row.kind}


def as_values(text: str) -> tuple[str, ...]:
    """The values of a field that holds one text, none where it is empty."""
    return (text,) if text else ()


def xmp_fields(xmp: Xmp) -> dict[str, tuple[str, ...]]:
    """The raw values of the fields in one XMP packet."""
    rows = {row.name: row for name in xmp.names() if (row := _ROW_OF.get(name))}
    return {name: _xmp_values(xmp, row) for name, row in rows.items()}


def _xmp_values(xmp: Xmp, row: Field) -> tuple[str, ...]:
    if row.holds == "tree":
        return xmp.tree(row.xml)
    if row.holds == "faces":
        return xmp.faces(row.xml)
    return as_values(xmp.default(row.xml)) if row.kind == "Alt" else xmp.values(row.xml)


def _known(xmp: Fields) -> list[str]:
    """The words and texts of XMP that IPTC may repeat in an old code page."""
    return [
        part
        for row in _XMP_ROWS
        for value in xmp.get(row.name, ())
        for part in (levels(value, row.separator) if row.separator else (value,))
    ]


def _other_fields(packets: Packets, xmp: Fields) -> dict[str, tuple[str, ...]]:
    found = {name: as_values(text) for name, text in packets.texts.items()}
    if packets.iptc is not None:
        said = iptc.read(packets.iptc, () if packets.iptc.isascii() else _known(xmp))
        found[IPTC] = said.keywords
        found |= {f"IPTC:{name}": (text,) for name, text in said.captions.items()}
        if packets.digest is not None:
            same = packets.digest == md5(packets.iptc, usedforsecurity=False).digest()
            found[DIGEST] = ("same" if same else "other",)
    if packets.exif is not None:
        text = exif.read_text(packets.exif)
        if text.keywords is not None:
            found["IFD0:XPKeywords"] = as_values(text.keywords)
        if text.comment is None:
            found[COMMENT] = ("\ufffd",)  # there is something: not empty, and not ours
        elif text.comment:
            found[COMMENT] = (text.comment,)
        found |= {f"IFD0:{name}": (words,) for name, words in text.captions.items()}
    return found


def _set_xmp(xmp: Xmp, row: Field, values: tuple[str, ...]) -> None:
    if row.family != "xmp":
        return
    if row.holds == "tree":
        xmp.set_tree(row.xml, values, row.prefix)
    elif row.kind == "Alt":
        xmp.set_default(row.xml, "".join(values), row.prefix)
    elif row.kind:
        xmp.set_list(row.xml, values, (row.prefix, row.kind))
    else:
        xmp.set_text(row.xml, "".join(values), row.prefix)


def _set_exif(block: bytes | None, changed: Fields) -> bytes | None:
    comment, words = (
        "".join(changed[name]) if name in changed else None for name in (COMMENT, "IFD0:XPKeywords")
    )
    if comment is not None:
        try:
            return exif.set_text(block, comment=comment, keywords=words)
        except ForeignStructureError:  # the comment is only a fallback: a broken or full block does without
            pass
    return block if words is None else exif.set_text(block, keywords=words)
