"""Given names of people, as many countries have them; see data/LICENSE-given-names.txt."""

from importlib.resources import files

from tagroll.parallel import once


@once
def given_names() -> frozenset[str]:
    """The names, each as its identity. Some are words for things as well: rose, robin, jack."""
    from tagroll.zstd import decompress

    packed = files("tagroll.tags").joinpath("data/given_names.txt.zst").read_bytes()
    return frozenset(decompress(packed).decode().split("\n"))
