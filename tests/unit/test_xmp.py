"""XMP packets: strangers' spellings are read, what we change is all that changes, the hostile is refused."""

import time
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape, quoteattr

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.judge import exiftool
from support.laws import examples
from tagroll.errors import MetadataError
from tagroll.metadata.packets.xmp import PADDING, Xmp

# A small RDF/XML reader that knows nothing of tagroll: what a packet says, as triples to compare. Only
# what XMP uses of RDF (ISO 16684-1, 7). Structures become nested sets, so blank nodes need no names; a bag is
# compared without its order, a sequence and an alternative with it.

RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
LANG = "{http://www.w3.org/XML/1998/namespace}lang"
SYNTAX = {RDF + name for name in ("about", "ID", "nodeID", "parseType", "resource", "datatype")} | {LANG}


def triples(packet_: bytes) -> set[tuple]:
    """Every property of the packet's subject as (name, value)."""
    root = ET.fromstring(packet_.decode().strip("\ufeff\0 \r\n\t"))  # noqa: S314 - packets of our own making
    rdf = root if root.tag == RDF + "RDF" else root.find(RDF + "RDF")
    return {pair for node in rdf for pair in _properties(node, node.get(LANG, ""))}


def _properties(node, lang):
    for name, value in node.attrib.items():
        if name not in SYNTAX:
            yield (name, (value, lang))
    for child in node:
        yield (child.tag, _value(child, child.get(LANG, lang)))


def _value(element, lang):
    if element.get(RDF + "parseType") == "Resource":
        return frozenset(_properties(element, lang))
    if element.get(RDF + "resource") is not None:
        return ("uri", element.get(RDF + "resource"))
    if not len(element):
        own = frozenset(_properties(element, lang))
        return (element.text or "", lang, own) if own else (element.text or "", lang)
    (child,) = element
    if child.tag in (RDF + "Seq", RDF + "Alt", RDF + "Bag"):
        ordered = frozenset if child.tag == RDF + "Bag" else tuple
        return (child.tag, ordered(_value(item, item.get(LANG, lang)) for item in child))
    return frozenset(_properties(child, child.get(LANG, lang)))


DC = "{http://purl.org/dc/elements/1.1/}"
SUBJECT, TITLE = (DC + "subject",), (DC + "title",)
LABEL = ("{http://ns.adobe.com/xap/1.0/}Label",)
RDF_NS = 'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"'
DC_NS = 'xmlns:dc="http://purl.org/dc/elements/1.1/"'


def wrap(properties: str, attributes: str = "") -> str:
    return (
        f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF {RDF_NS}>'
        f'<rdf:Description rdf:about="" {DC_NS} {attributes}>{properties}</rdf:Description>'
        "</rdf:RDF></x:xmpmeta>"
    )


def bag(*values: str, kind: str = "Bag") -> str:
    items = "".join(f"<rdf:li>{value}</rdf:li>" for value in values)
    return f"<dc:subject><rdf:{kind}>{items}</rdf:{kind}></dc:subject>"


def packet(properties: str, attributes: str = "", end: str = "w", padding: int = 300) -> bytes:
    head = '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
    return (head + wrap(properties, attributes) + " " * padding + f'<?xpacket end="{end}"?>').encode()


@pytest.mark.parametrize(
    "text",
    [
        wrap(bag("Sky", "Sea &amp; Sand")),
        wrap(bag("Sky", "Sea &amp; Sand", kind="Seq")),
        wrap(bag("Sky", "Sea &amp; Sand", kind="Alt")),
        wrap(bag("Sky") + bag("Sea &amp; Sand")),
        wrap("<dc:subject>Sea &amp; Sand</dc:subject>", 'dc:subject="Sky"'),
        wrap(bag("Sky", "  ", "", "<![CDATA[Sea & Sand]]>")),
        wrap(bag("S<!-- a comment -->ky", "<rdf:value>Sea &#38; Sand</rdf:value><dc:x>1</dc:x>")),
        wrap(bag("Sky", "x").replace("<rdf:li>x</rdf:li>", "<rdf:li rdf:resource='Sea &amp; Sand'/>")),
        wrap(bag("Sky", "Sea &amp; Sand")).replace("rdf:", "r:").replace("xmlns:rdf", "xmlns:r"),
        wrap(bag("Sky", "Sea &amp; Sand")).replace("dc:", "core:").replace("xmlns:dc", "xmlns:core"),
        wrap(bag("Sky", "Sea &amp; Sand")).replace("<rdf:Desc", "<rdf:Description/><rdf:Desc"),
        wrap(bag("Sky", "Sea &amp; Sand"))
        .replace(' xmlns:x="adobe:ns:meta/"', "")
        .replace("x:xmpmeta", "any"),
        wrap(bag("Sky", "Sea &amp; Sand")).partition(">")[2].removesuffix("</x:xmpmeta>"),
        '<?xml version="1.0" encoding="UTF-8"?>\n<!-- a tool -->' + wrap(bag("Sky", "Sea &amp; Sand")),
    ],
)
def test_lists_in_every_spelling(text):
    assert Xmp(text.encode()).values(SUBJECT) == ("Sky", "Sea & Sand")


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be"]
)
def test_encodings_are_kept(encoding):
    xmp = Xmp(packet(bag("Größe")).decode().replace("\ufeff", "").encode(encoding))
    assert xmp.values(SUBJECT) == ("Größe",)
    xmp.set_list(SUBJECT, ("Größe", "海"), ("dc", "Bag"))
    out = xmp.to_bytes()
    assert Xmp(out).values(SUBJECT) == ("Größe", "海")
    assert out.decode(encoding).count("<rdf:li>") == 2


def test_a_new_packet():
    xmp = Xmp(None)
    xmp.set_list(SUBJECT, ("Sky",), ("dc", "Bag"))
    out = xmp.to_bytes()
    assert out.startswith(b'<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?>')
    assert out.endswith(b'<?xpacket end="w"?>')
    assert out.count(b" ") > PADDING * 0.9
    assert triples(out) == {(DC + "subject", (f"{{{RDF_NS[11:-1]}}}Bag", frozenset({("Sky", "")})))}
    assert Xmp(b" \0\n").to_bytes() == Xmp(None).to_bytes()


def test_the_length_stays_as_long_as_padding_lasts():
    old = packet(bag("Sky"))
    xmp = Xmp(old)
    xmp.set_list(SUBJECT, ("Sky", "Sea"), ("dc", "Bag"))
    assert len(xmp.to_bytes()) == len(old)
    xmp.set_list(SUBJECT, tuple(f"tag {number}" for number in range(60)), ("dc", "Bag"))
    grown = xmp.to_bytes()
    assert len(grown) > len(old)
    again = Xmp(grown)
    again.set_list(SUBJECT, ("Sky",), ("dc", "Bag"))
    assert len(again.to_bytes()) == len(grown)
    assert b'<?xpacket end="r"?>' in Xmp(packet(bag("Sky"), end="r")).to_bytes()


def test_a_packet_without_wrapper_gets_no_padding():
    xmp = Xmp(wrap(bag("Sky")).encode())
    xmp.set_list(SUBJECT, ("Sea",), ("dc", "Bag"))
    assert xmp.to_bytes().endswith(b"</x:xmpmeta>")


def test_padding_does_not_overflow_a_jpeg_segment():
    xmp = Xmp(None)
    xmp.set_list(SUBJECT, tuple(f"{number:0100}" for number in range(522)), ("dc", "Bag"))
    assert 63_500 < len(xmp.to_bytes()) <= 65_502


def test_languages_stay():
    titles = "<rdf:li xml:lang='x-default'>Sea</rdf:li><rdf:li xml:lang='de'>Meer</rdf:li>"
    xmp = Xmp(packet(f"<dc:title><rdf:Alt>{titles}</rdf:Alt></dc:title>"))
    assert xmp.default(TITLE) == "Sea"
    xmp.set_default(TITLE, "Ocean", "dc")
    assert xmp.default(TITLE) == "Ocean"
    assert b">Meer<" in xmp.to_bytes()
    xmp.set_default(TITLE, "", "dc")
    assert xmp.default(TITLE) == "Meer"


@pytest.mark.parametrize(
    "old", ["<dc:title>Sea</dc:title>", "<dc:title><rdf:Alt><rdf:li>Sea</rdf:li></rdf:Alt></dc:title>"]
)
def test_a_caption_in_the_wrong_form(old):
    xmp = Xmp(packet(old))
    assert xmp.default(TITLE) == "Sea"
    xmp.set_default(TITLE, "Ocean", "dc")
    assert xmp.to_bytes().count(b"<rdf:li") == 1
    xmp.set_default(TITLE, "", "dc")
    assert b"title" not in xmp.to_bytes()


def test_characters_that_xml_cannot_hold():
    xmp = Xmp(None)
    xmp.set_list(SUBJECT, ("a\0b\x0bc\ufffe\ud800", "tab\tnew\nline"), ("dc", "Bag"))
    assert Xmp(xmp.to_bytes()).values(SUBJECT) == ("abc", "tab\tnew\nline")


def test_a_prefix_that_means_something_else_here():
    text = wrap("<dc:odd>1</dc:odd>").replace("http://purl.org/dc/elements/1.1/", "urn:other")
    xmp = Xmp(text.encode())
    xmp.set_list(SUBJECT, ("Sky",), ("dc", "Bag"))
    found = triples(xmp.to_bytes())
    assert ("{urn:other}odd", ("1", "")) in found
    assert any(name == SUBJECT[0] for name, _ in found)


ENTITY = '<!DOCTYPE x [<!ENTITY e "Sky">]>'
BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">' + "".join(
    f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9)
)


@pytest.mark.parametrize(
    "text",
    [
        ENTITY + wrap(bag("&e;")),
        BOMB + "]>" + wrap(bag("&j;")),
        '<!DOCTYPE x SYSTEM "file:///etc/hostname">' + wrap(bag("Sky")),
        wrap(bag("&e;")),
        wrap(bag("Sky"))[:-5],
        wrap(bag("S\x01ky")),
        wrap(bag("<a>" * 300 + "</a>" * 300)),
        "<x:xmpmeta xmlns:x='adobe:ns:meta/'/>",
        "<html><body>Sky</body></html>",
        f"<rdf:RDF {RDF_NS} {DC_NS}><dc:subject>Sky</dc:subject></rdf:RDF>",
        f"<rdf:RDF {RDF_NS}>Sky</rdf:RDF>",
        f"<rdf:RDF {RDF_NS}><rdf:Description>Sky</rdf:Description></rdf:RDF>",
        "Sky, Sea",
        "\ufffd",
    ],
)
def test_what_is_not_understood_is_refused(text):
    start = time.thread_time()
    with pytest.raises(MetadataError):
        Xmp(text.encode())
    assert time.thread_time() - start < 1


@pytest.mark.parametrize(
    "data", [b"<x>\xff\xfe</x>", b"\xff\xfe<\0", b"x" * (17 << 20), b"<?xpacket begin=''?>", b"\xff\xfe\0"]
)
def test_bytes_that_are_no_packet_are_refused(data):
    with pytest.raises(MetadataError):
        Xmp(data)


def test_an_empty_packet_is_not_an_unreadable_one():
    for text in (wrap(""), f"<rdf:RDF {RDF_NS}/>"):
        xmp = Xmp(text.encode())
        assert xmp.values(SUBJECT) == ()
        xmp.set_list(SUBJECT, ("Sky",), ("dc", "Bag"))
        assert Xmp(xmp.to_bytes()).values(SUBJECT) == ("Sky",)


def test_endless_white_space_takes_no_endless_time():
    start = time.thread_time()
    assert Xmp(packet(bag("Sky") + " " * (1 << 20), padding=1 << 20)).values(SUBJECT) == ("Sky",)
    assert time.thread_time() - start < 2


def test_exiftool_reads_what_we_write(tmp_path):
    xmp = Xmp(packet(bag("Sky") + "<dc:format>image/jpeg</dc:format>"))
    xmp.set_list(SUBJECT, ("Größe", "Paris, France", 'a "b" <c>'), ("dc", "Bag"))
    xmp.set_default(TITLE, "Meer & mehr", "dc")
    path = tmp_path / "a.xmp"
    path.write_bytes(xmp.to_bytes())
    read = exiftool(path, "-charset", "utf8", "-validate", "-warning", "-XMP-dc:all")
    assert read["Subject"] == ["Größe", "Paris, France", 'a "b" <c>']
    assert (read["Title"], read["Format"], read["Validate"]) == ("Meer & mehr", "image/jpeg", "OK")


# The law: our edit keeps everything else, whatever strangers put into a packet.

NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9_]{0,6}", fullmatch=True).filter(
    lambda n: n.lower() not in ("li", "xml")
)
SPACES = st.sampled_from(
    ["urn:a", "http://ns.adobe.com/xap/1.0/", "http://purl.org/dc/elements/1.1/", "http://ex.org/#"]
)
TEXTS = st.text(st.characters(exclude_categories=("Cs", "Cc", "Cn"), include_characters="\n\t"), max_size=12)
LANGS = st.sampled_from(["x-default", "de", "fr-CA"])


@st.composite
def values(draw, depth: int = 2) -> str:
    """One property element without its name: attributes, ">", and what stands in it."""
    kind = draw(
        st.sampled_from(["text", "uri", "lang", "list", "struct", "qualified"] if depth else ["text", "uri"])
    )
    inner = [draw(values(depth - 1)) for _ in range(draw(st.integers(1, 3)))] if depth else []
    fields = "".join(f'<s:f{i} xmlns:s="urn:struct"{value}</s:f{i}>' for i, value in enumerate(inner))
    box = draw(st.sampled_from(["Bag", "Seq", "Alt"]))
    text = draw(TEXTS)
    alternatives = "".join(f'<rdf:li xml:lang="{draw(LANGS)}">{escape(text)}</rdf:li>' for _ in range(2))
    resource = ' rdf:parseType="Resource">'
    return {
        "text": ">" + escape(text),
        "uri": f" rdf:resource={quoteattr(text)}>",
        "lang": f"><rdf:Alt>{alternatives}</rdf:Alt>",
        "list": f"><rdf:{box}>" + "".join(f"<rdf:li{value}</rdf:li>" for value in inner) + f"</rdf:{box}>",
        "struct": resource + fields if text else f"><rdf:Description>{fields}</rdf:Description>",
        "qualified": f"{resource}<rdf:value>{escape(text)}</rdf:value>{fields}",
    }[kind]


@st.composite
def packets(draw) -> bytes:
    used: set[tuple[str, str]] = set()
    blocks = []
    for _ in range(draw(st.integers(1, 3))):
        body, attributes = "", ""
        for number in range(draw(st.integers(0, 4))):
            space, name = draw(SPACES), draw(NAMES)
            if (space, name) in used or name == "subject":
                continue
            used.add((space, name))
            prefix = draw(st.sampled_from(["p", "dc", "lr", "rd"])) + str(number)
            gap = draw(st.sampled_from(["", "\n  ", "<!-- note -->", "<?tool x?>"]))
            if draw(st.booleans()):
                attributes += f" xmlns:{prefix}={quoteattr(space)} {prefix}:{name}={quoteattr(draw(TEXTS))}"
            else:
                body += f'{gap}<{prefix}:{name} xmlns:{prefix}="{space}"{draw(values())}</{prefix}:{name}>'
        blocks.append(f'<rdf:Description rdf:about=""{attributes}>{body}</rdf:Description>')
    old = draw(st.lists(TEXTS.filter(str.strip), max_size=3))
    if old:
        items = "".join(f"<rdf:li>{escape(text)}</rdf:li>" for text in old)
        spelled = f'<d:subject xmlns:d="{DC[1:-1]}"><rdf:Bag>{items}</rdf:Bag></d:subject>'
        blocks.append(f"<rdf:Description>{spelled}</rdf:Description>")
    text = f"<rdf:RDF {RDF_NS}>" + "\n".join(blocks) + "</rdf:RDF>"
    if draw(st.booleans()):
        text = f'<x:xmpmeta xmlns:x="adobe:ns:meta/">{text}</x:xmpmeta>'
    if draw(st.booleans()):
        text = text.replace("rdf:", "R:").replace("xmlns:rdf", "xmlns:R")
    if draw(st.booleans()):
        text = f'<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?>{text}{" " * 50}<?xpacket end="w"?>'
    return text.encode()


def others(packet_: bytes) -> set[tuple]:
    return {(name, value) for name, value in triples(packet_) if name not in (SUBJECT[0], LABEL[0])}


@pytest.mark.slow
@examples(100)
@given(old=packets(), tags=st.lists(TEXTS.filter(str.strip), max_size=4, unique=True), label=TEXTS)
def test_our_edit_keeps_everything_else(old, tags, label):
    xmp = Xmp(old)
    xmp.set_list(SUBJECT, tuple(tags), ("dc", "Bag"))
    xmp.set_text(LABEL, label, "xmp")
    new = xmp.to_bytes()
    assert others(new) == others(old)
    assert Xmp(new).values(SUBJECT) == tuple(tags)
    assert Xmp(new).values(LABEL) == ((label,) if label.strip() else ())
    assert new.count(b"<!--") == old.count(b"<!--")
    assert new.count(b"<?tool") == old.count(b"<?tool")


@examples(200)
@given(data=st.data())
def test_damage_is_an_error_or_a_packet_but_never_a_crash(data):
    good = packet(
        bag("Sky", "Sea") + "<dc:title><rdf:Alt><rdf:li xml:lang='de'>Meer</rdf:li></rdf:Alt></dc:title>"
    )
    raw = bytearray(good)
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(raw) - 1))
        raw[at : at + data.draw(st.integers(0, 8))] = data.draw(st.binary(max_size=4))
    try:
        xmp = Xmp(bytes(raw))
    except MetadataError:
        return
    xmp.set_list(SUBJECT, ("New",), ("dc", "Bag"))
    xmp.set_default(TITLE, "New", "dc")
    again = Xmp(xmp.to_bytes())
    assert again.values(SUBJECT) == ("New",)
    assert again.default(TITLE) == "New"
