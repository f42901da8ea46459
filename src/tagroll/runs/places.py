"""Where a person's photos are, as far as the catalog knows."""

from pathlib import Path

from tagroll.catalog import Catalog


def known_places(catalog: Catalog) -> list[Path]:
    """The folders that runs were given and that are there, without those that lie in another one of them."""
    named = {Path(argument) for run in catalog.runs.all() for argument in run.arguments}
    folders = {path for path in named if path.is_absolute() and path.is_dir()}
    return sorted(path for path in folders if folders.isdisjoint(path.parents))
