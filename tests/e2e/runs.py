"""What the end-to-end tests know about runs of tagroll and about photos."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples" / "photos"


@dataclass(frozen=True)
class Done:
    """A run of tagroll that has ended."""

    code: int
    out: str
    err: str

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The JSON lines it printed."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def photos(self) -> dict[str, dict[str, Any]]:
        """The JSON lines about photos, by file name."""
        return {Path(row["path"]).name: row for row in self.rows if row["type"] == "photo"}

    @property
    def summary(self) -> dict[str, Any]:
        """The last JSON line."""
        assert self.rows[-1]["type"] == "summary", self
        return self.rows[-1]


def environment(tmp_path: Path) -> dict[str, str]:
    """The variables of a user without any settings of tagroll."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("TAGROLL_")}
    return clean | {
        "TAGROLL_CATALOG": str(tmp_path / "catalog.sqlite"),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
    }


def listed(value: Any) -> list[str]:
    """What exiftool -j gives for a list: a lone tag is no list there, and "2024" a number."""
    return [str(item) for item in (value if isinstance(value, list) else [] if value is None else [value])]


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}
