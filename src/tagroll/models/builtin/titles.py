"""A line about a photo, made of its words: who, doing what, with what, where.

It claims no more than the words do; what it adds are the small words between them.
"""

from collections.abc import Collection, Sequence
from typing import Final

PEOPLE: Final = {
    "crowd": "crowd", "group": "group of people", "baby": "baby", "child": "child", "person": "person",
}  # fmt: skip
"""Words for people and how they are called, the most telling first: a photo with a child has a person, too."""
_MANY = (PEOPLE["crowd"], PEOPLE["group"])
_ACTIVITIES = {
    "tennis": ("playing tennis", {"tennis racket", "racket", "ball"}),
    "baseball": ("playing baseball", {"baseball bat", "baseball glove", "ball"}),
    "soccer": ("playing soccer", {"ball"}),
    "skiing": ("skiing", {"skis"}),
    "surfing": ("surfing", {"surfboard", "wave"}),
    "skateboarding": ("skateboarding", {"skateboard"}),
    "video game": ("playing a video game", {"remote", "joystick"}),
}
"""What people do, and the gear that goes without saying then."""
_PLACES = {
    "kitchen": "in a", "living room": "in a", "bathroom": "in a", "restaurant": "in a", "train station": "at a",
    "airport": "at an", "market": "at a", "tennis court": "on a", "beach": "at the", "snow": "in the", "forest": "in a",
    "park": "in a", "street": "in the", "road": "on the", "sidewalk": "on the", "field": "in a", "grass": "on the",
    "ocean": "by the", "river": "by the", "lake": "by the", "water": "by the", "hill": "on a", "mountain": "near a",
    "city": "in the", "railway": "by the", "bakery": "in a", "library": "in a", "grocery store": "in a", "store": "in a",
    "tree": "by a",
}  # fmt: skip
"""Where that is, the most telling first."""
_WATERS = frozenset({"ocean", "river", "lake", "water"})
_AFLOAT = frozenset(
    {"surfing", "boat", "ship", "sailboat", "speedboat", "canoe", "cruise ship", "duck", "swan", "gondola"}
)
_FLYING = frozenset({"airplane", "bird", "kite", "parachute", "airship", "fighter jet"})
_ON_TABLES = frozenset(
    {"bottle", "wine glass", "cup", "coffee", "fork", "knife", "spoon", "bowl", "plate", "vase", "food"}
    | {"fruit", "vegetable", "sandwich", "pizza", "donut", "cake", "hot dog", "banana", "apple", "orange"}
)
_VAGUE = frozenset({"furniture", "luggage", "animal", "vehicle", "food", "drink"})
"""Said only where nothing plainer is."""
_MOST_THINGS = 2


def title(words: Sequence[str]) -> str:
    """A title of a photo's words, the surest first and none that only follows from another one (dog, then animal)."""
    people = next((said for word, said in PEOPLE.items() if word in words), "")
    doing = next((word for word in words if word in _ACTIVITIES), "") if people else ""
    activity, gear = _ACTIVITIES.get(doing, ("", frozenset[str]()))
    if doing and people in _MANY:
        people = "people"  # some of them play, others may look on
    rest = [word for word in words if word not in {*PEOPLE, *_PLACES, *gear, doing, "sky", "table"}]
    things = ([word for word in rest if word not in _VAGUE] or rest)[:_MOST_THINGS]
    if not (people or things):
        return _capital(listed(words[:3]))
    place = _place(words, things, people)
    if people and (doing or words[0] in PEOPLE):
        said = [people, activity, f"with {listed(things)}" if things else "", place]
    else:  # people are not what the photo is about
        said = [listed([*things, people] if people else things), place]
    return _capital(" ".join(filter(None, said)))


def _place(words: Collection[str], things: Sequence[str], people: str) -> str:
    """Where that is, in words; "" where no word tells."""
    if "table" in words and things and _ON_TABLES.issuperset(things):
        return "at a table" if people else "on a table"
    if "sky" in words and _FLYING.intersection(things[:1]):
        return "in the sky"
    where = next((word for word in _PLACES if word in words), "")
    how = _PLACES.get(where, "")
    if where in _WATERS and not _AFLOAT.isdisjoint(words):
        how = "on the"
    return f"{how} {where}".strip()


def listed(words: Sequence[str]) -> str:
    """`a, b and c`."""
    *first, last = words or ("",)
    return f"{', '.join(first)} and {last}" if first else last


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
