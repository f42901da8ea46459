"""Build src/tagroll/tags/data/given_names.txt.zst from the lists of Faker.

    pip download --no-deps faker==40.63.0 && unzip faker-*.whl -d faker
    python tools/make_names.py faker/faker/providers/person

One name a line, small letters, sorted: given names in Latin letters of some 80 countries.
"""

import argparse
import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tagroll.tags.identity import identity
from tagroll.zstd import compress

OUT = Path(__file__).parents[1] / "src/tagroll/tags/data/given_names.txt.zst"
LATIN = re.compile(r"[A-Za-z\u00c0-\u024f]{2,}(?:[' -][A-Za-z\u00c0-\u024f]+)*")


def names(source: str) -> Iterator[str]:
    """The texts in all that a provider calls first_names or the like."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Assign):
            continue
        targets = [target.id for target in node.targets if isinstance(target, ast.Name)]
        if any(target.startswith("first_name") for target in targets):
            values = (value.value for value in ast.walk(node.value) if isinstance(value, ast.Constant))
            yield from (value for value in values if isinstance(value, str))


def main() -> None:
    """Collect and pack."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("providers", type=Path)
    found = {
        identity(name)
        for file in sorted(parser.parse_args().providers.glob("*/__init__.py"))
        for name in names(file.read_text(encoding="utf-8"))
        if LATIN.fullmatch(name)
    }
    OUT.write_bytes(compress("\n".join(sorted(found)).encode(), level=22))
    print(f"{len(found):,} names: {OUT.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
