"""The place of a photo, as its coordinates tell it, for its metadata: city, state and country, and a tag in a tree."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from tagroll.domain import ADDRESS, Metadata
from tagroll.places.towns import Place, atlas
from tagroll.tags.identity import LEVEL, identity

TOP: Final = "Places"
"""What the tree of places is called where a library has none."""
IN_TOWN: Final = 10.0
"""Kilometres from its edge up to which a photo counts as one of a town; farther out only state and country are written."""


@dataclass(frozen=True, slots=True)
class PlaceTag:
    """What can be written of where a photo was taken; nothing where it is not known.

    Attributes:
        word: The tag, without what lies above it.
        path: The whole tag.
        address: City, state and country by the name of their field; what is not known is not there.
    """

    word: str = ""
    path: str = ""
    address: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def place_tag(said: Metadata, paths: Mapping[str, str]) -> PlaceTag:
    """What can be written of the place of a photo that says where it was taken, but not what the place is called.

    Of the tags only those count that tagroll did not write: a place of its own is told once more, so that it stays.

    Args:
        said: What it says.
        paths: Where in the library's tree a word (by identity) stands, if it does.
    """
    facts = said.facts
    if facts.latitude is None or facts.longitude is None:
        return PlaceTag()
    place = atlas().place(facts.latitude, facts.longitude)
    town = place.town if place.away <= IN_TOWN else ""
    names = (town, place.state, place.country)
    address = (
        {name: (text,) for name, text in zip(ADDRESS, names, strict=True) if text}
        if not any(said.address)
        else {}
    )
    word = town or place.country
    if not word or any(_is_of_places(tag, place) for tag in said.tags if tag not in said.ours):
        return PlaceTag(address=address)
    levels = [name.replace(LEVEL, "/") for name in dict.fromkeys((TOP, place.country, word))]
    return PlaceTag(levels[-1], paths.get(identity(levels[-1]), LEVEL.join(levels)), address)


def _is_of_places(tag: str, place: Place) -> bool:
    """Whether a tag says where the photo was taken: in a tree of places, or by the country or town in a path."""
    levels = [identity(level) for level in tag.split(LEVEL)]
    named = {identity(name) for name in (place.town, place.country) if name}
    return levels[0] == identity(TOP) or (len(levels) > 1 and not named.isdisjoint(levels))
