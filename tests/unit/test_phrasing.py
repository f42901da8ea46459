"""What only phrasing tells apart, and what it does not."""

import pytest

from tagroll.tags.term import term
from tagroll.tags.verdict import Evidence, judge

SAME = """
Peaceful / Peaceful Atmosphere; Peaceful Mood / Peaceful Atmosphere; Joyful Mood / Joy; Urban / Urban Environment
Indoor / Indoor Setting; Sunny / Sunny Day; Overcast / Overcast Sky; Muted / Muted Colors; Aerial / Aerial View
Low-Key / Low-Key Lighting; Winter / Winter Season; Evening / Evening Time; Eating / Eating Activity
Casual Dining / Casual Dining Environment; Natural Light / Natural Lighting; Golden Hour / Golden Hour Lighting
Joy / Joyful; Fog / Foggy; Dark / Darkness; Loneliness / Lonely; Tranquil / Tranquility; Foggy Forest / Fog Forest
Field of Flowers / Flower Field; Wall Decorations / Decorations on a Wall; Parked Car / Car Parked
Walking Man / Man Walking; Sleeping Cat / Cat Sleeping; Man With Hat / Man in a Hat
Woman in Dress / Woman Wearing a Dress
"""
APART = """
Blue Sky / Blue; Good Mood / Good; Public Space / Public; Dining Area / Dining; Crime Scene / Crime
Bright Light / Bright Colors; Wine Glass / Glass of Wine; Coffee Cup / Cup of Coffee; House Cat / Cat House
Boat House / House Boat; Milk Chocolate / Chocolate Milk; Dog Walking / Walking Dog; Swimming Pool / Pool Swimming
Fishing Boat / Boat Fishing; Bird of Paradise / Paradise Bird; Man in Car / Man With Car; Street Light / Street Lighting
Red Light / Red Lighting; Active / Activity; Business / Busy; Wellness / Well; Witness / Wit
Picture of a Wall / Wall Picture; Time of Day / Day Time; Joy / Joyless
Man on Horse / Horse Man; Cat on Table / Table Cat; Kind / Kindness; Cloudy / Cloudless
"""


def pairs(text: str) -> list[tuple[str, ...]]:
    return [
        tuple(pair.strip().split(" / ")) for line in text.strip().splitlines() for pair in line.split(";")
    ]


@pytest.mark.parametrize(("a", "b"), pairs(SAME))
def test_phrasing(a: str, b: str) -> None:
    for verdict in (judge(term(a), term(b)), judge(term(b), term(a))):
        assert verdict.evidence in (Evidence.PHRASING, Evidence.SYNONYM)


@pytest.mark.parametrize(("a", "b"), pairs(APART))
def test_what_is_no_phrasing(a: str, b: str) -> None:
    for verdict in (judge(term(a), term(b)), judge(term(b), term(a))):
        assert verdict.evidence is None
        assert not verdict.open


ONE = """
Wine Glass / Wine Glasses; Raised Arm / Raised Arms; Calm Water / Calm Waters; Two People / 2 People
1st Birthday / First Birthday; U.S. / USA; US / U.S.A.; St. Peter / Saint Peter; Main St. / Main Street
Animal / Animals; Human / Humans
"""
TWO = """
Glass / Glasses; Arm / Arms; Two People / 3 People; Second Hand / Hand; us / USA; Orange / Oranges; Sweet / Sweets
Olive / Olives; Marine / Marines; Violet / Violets; Remote / Remote Control
"""


@pytest.mark.parametrize(("a", "b"), pairs(ONE))
def test_one_spelling(a: str, b: str) -> None:
    assert judge(term(a), term(b)).evidence is Evidence.SPELLING


@pytest.mark.parametrize(("a", "b"), pairs(TWO))
def test_two_words(a: str, b: str) -> None:
    verdict = judge(term(a), term(b))
    assert verdict.evidence is None
    assert not verdict.open
