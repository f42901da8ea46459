"""Given names of people, as many countries have them; see data/LICENSE-given-names.txt."""

from importlib.resources import files

from tagroll.parallel import once


@once
def given_names() -> frozenset[str]:
    """The names, each as its identity. Some are words for things as well: rose, robin, jack."""
    from zstandard import ZstdDecompressor

    packed = files("tagroll.tags").joinpath("data/given_names.txt.zst").read_bytes()
    return frozenset(ZstdDecompressor().decompress(packed).decode().split("\n"))
