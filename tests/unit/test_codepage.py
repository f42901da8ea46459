"""Old code pages: a few words without a mark are read as they were written, in any script."""

# ruff: noqa: RUF001 - letters that look like others are the point here

import time

import pytest

from tagroll.domain import Change
from tagroll.metadata.field_values import read_fields
from tagroll.metadata.fields import apply_change, read_metadata
from tagroll.metadata.packets.codepage import USUAL, code_page, plain_text
from tagroll.metadata.packets.iptc import read_keywords, set_keywords
from tagroll.metadata.packets.raw import Packets

WORDS = [
    ("cp1252", "Café"), ("cp1252", "Zürich"), ("cp1252", "Straße Köln Übung"), ("cp1252", "naïve"), ("cp1252", "été"),
    ("cp1252", "Año_nuevo Fútbol"), ("cp1252", "\u201cquoted\u201d Paris_\u2013_Nord"), ("cp1252", "©_Foto"),
    ("cp1252", "Ångström"), ("cp1252", "GRÖSSE"), ("cp1252", "São_Paulo"), ("cp1252", "coração Ação"), ("cp1252", "cœur"),
    ("cp1252", "Žatec"), ("cp1252", "Øl"), ("cp1252", "Þingvellir"), ("cp1252", "façade"), ("cp1252", "100_€"),
    ("cp1252", "¿Qué?"), ("cp1252", "20_m²"), ("cp1252", "Nº_5"),
    ("cp1252", "£5"), ("cp1252", "Garður"), ("cp1250", "Łódź Kraków"), ("cp1250", "Gdańsk mężczyzna"),
    ("mac_roman", "Café"), ("mac_roman", "Zürich"), ("mac_roman", "Köln"), ("mac_roman", "Größe"), ("mac_roman", "été"),
    ("mac_roman", "Señor niño"), ("mac_roman", "Plage_à_Nice"), ("mac_roman", "Málaga"), ("mac_roman", "Ärzte Übung"),
    ("cp1251", "Москва Море"), ("cp1251", "закат"), ("cp1251", "Санкт-Петербург"), ("cp1251", "Київ"),
    ("koi8_r", "Москва море"), ("mac_cyrillic", "Москва Море"), ("cp1253", "Αθήνα θάλασσα"), ("cp1255", "ירושלים שבת"),
    ("cp1256", "القاهرة"), ("cp874", "กรุงเทพ"),
    ("cp932", "東京 海"), ("cp932", "夕焼け ビーチ"), ("cp932", "桜"), ("cp932", "富士山"), ("cp932", "さくら"),
    ("gbk", "北京"), ("gbk", "日落"), ("gbk", "海滩 上海"), ("gbk", "长城 故宫 家庭"), ("gbk", "花"),
    ("big5", "台北 日落"), ("big5", "海灘"), ("cp949", "서울 바다"), ("cp949", "가족"), ("cp949", "여행"),
]  # fmt: skip


def words(text: str) -> list[str]:
    return [word.replace("_", " ") for word in text.split(" ")]


def dataset(number: int, value: bytes) -> bytes:
    return bytes((0x1C, 2, number)) + len(value).to_bytes(2) + value


def keywords(encoding: str, *texts: str) -> bytes:
    return b"".join(dataset(25, text.encode(encoding)) for text in texts)


@pytest.mark.parametrize(("encoding", "text"), WORDS)
def test_words_are_read_as_they_were_written(encoding, text):
    iim = keywords(encoding, "Sky", *words(text)) + dataset(120, b"ASCII only")
    assert read_keywords(iim) == ("Sky", *words(text))
    assert read_keywords(set_keywords(iim, ("Sky", *words(text), "New"))) == ("Sky", *words(text), "New")


def test_a_caption_in_an_old_code_page_is_not_spoilt_for_good():
    iim = keywords("cp1251", "Море") + dataset(120, "Закат над морем".encode("cp1251"))
    assert "Закат над морем".encode() in set_keywords(iim, ("Море", "Sky"))


@pytest.mark.parametrize(
    ("encoding", "texts"),
    [("cp1250", ("Plzeň", "Děčín")), ("cp437", ("Zürich",)), ("cp850", ("Málaga", "Niño")), ("mac_latin2", ("Łódź",)),
     ("cp1254", ("Kuş", "İstanbul")), ("mac_roman", ("Île",)), ("gbk", ("狗",)), ("iso8859_2", ("Šumava",)), ("euc_jp", ("海",))],
)  # fmt: skip
def test_what_xmp_says_beside_it_tells_the_code_page(encoding, texts):
    values = [text.encode(encoding) for text in texts]
    assert [value.decode(code_page(values, texts)) for value in values] == list(texts)
    items = "".join(f"<rdf:li>{text}</rdf:li>" for text in texts)
    xmp = (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:subject><rdf:Bag>{items}</rdf:Bag>'
        "</dc:subject></rdf:Description></rdf:RDF></x:xmpmeta>"
    )
    packets = Packets(
        xmp=xmp.encode(), iptc=keywords(encoding, *texts), digest=b"\1" * 16
    )  # changed after XMP: it counts
    assert read_metadata(packets).tags == texts
    assert read_fields(packets)["IPTC:Keywords"] == texts
    after = apply_change(packets, Change(add=("Sky",)), frozenset({"xmp", "iptc"}))
    assert read_fields(after)["IPTC:Keywords"] == (*texts, "Sky")
    assert apply_change(packets, Change(set={"title": "T"}), frozenset({"xmp", "iptc"})).iptc == packets.iptc


@pytest.mark.slow
def test_a_long_text_is_judged_by_its_beginning():
    for encoding, text in (("cp1251", "Закат над морем. "), ("cp932", "夕焼けの海。")):
        long = (text * 60_000).encode(encoding)
        started = time.process_time()
        assert code_page([long] * 1000) == encoding
        assert time.process_time() - started < 5  # minutes, if all were looked at


@pytest.mark.parametrize(
    "data", [b"\x81", b"\xff\xfe\xfd", bytes(range(128, 256)), b"A\x8d\x8f\x90\x9d", b"\xe9" * 5000]
)
def test_what_is_no_text_anywhere_is_still_read(data):
    assert plain_text(data)
    assert code_page([b"Caf\xe9"], ()) == USUAL
