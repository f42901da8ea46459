"""What the package says of where it comes from, as the place knows where it is built (a hook of hatchling).

GitHub's runners name the repository that they build: then the package links to it, and the README's links and pictures, which
are paths in the repository, become addresses. Built anywhere else, it claims no address.
"""

import os
import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

_LINK = re.compile(r"(!?)\[([^\]]*)\]\((?!https?:|#)([^)]+)\)")


class CustomMetadataHook(MetadataHookInterface):
    """Fills in `urls` and `readme`."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Add both to the table `project`."""
        text = Path(self.root, "README.md").read_text("utf-8")
        server, name = os.environ.get("GITHUB_SERVER_URL"), os.environ.get("GITHUB_REPOSITORY")
        if server and name:
            home, at = f"{server}/{name}", os.environ.get("GITHUB_REF_NAME", "HEAD")
            metadata["urls"] = urls(home)
            text = with_addresses(text, home, at)
        metadata["readme"] = {"content-type": "text/markdown", "text": text}


def urls(home: str) -> dict[str, str]:
    """Where things are, by the names that package indexes know."""
    return {
        "Source": home,
        "Documentation": f"{home}/tree/HEAD/docs",
        "Changelog": f"{home}/blob/HEAD/CHANGELOG.md",
        "Issues": f"{home}/issues",
    }


def with_addresses(text: str, home: str, at: str) -> str:
    """Markdown whose links and pictures can be followed outside the repository, as it is at a tag or branch."""
    return _LINK.sub(
        lambda found: f"{found[1]}[{found[2]}]({home}/{'raw' if found[1] else 'blob'}/{at}/{found[3]})", text
    )
