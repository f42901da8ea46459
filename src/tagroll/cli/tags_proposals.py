"""`tagroll tags --proposals PATH...`: what a model would give photos and nobody has decided."""

from pathlib import Path

from tagroll.cli.terminal import print_json, print_line, show, tell
from tagroll.domain import plural
from tagroll.settings import Settings


def list_proposals(settings: Settings, paths: tuple[Path, ...]) -> int:
    """Print every tag that is proposed, the surest first; with --json or --verbose the photos too. Gives the exit code."""
    from tagroll.runs.gallery import Gallery
    from tagroll.runs.review import Review
    from tagroll.runs.run import Workspace

    with Workspace.open(settings, hold=False) as space:
        gallery = Gallery(space, paths)
        gallery.refresh(lambda _: None)
        proposed = Review(space, gallery).by_tag()
        for one in proposed:
            photos = [
                (shown.path, how)
                for number, how in one.photos
                if (shown := gallery.shown(number)) is not None
            ]
            if settings.json:
                told = [{"path": str(path), "confidence": how} for path, how in photos]
                print_json({"type": "proposal", "tag": one.tag, "confidence": one.best, "photos": told})
                continue
            sure = "" if one.best is None else f"  {one.best:.2f}"
            print_line(f"{len(photos):>6,}  {one.tag}{sure}")
            for path, how in photos if settings.verbose else ():
                print_line(f"        {show(path)}" + ("" if how is None else f"  {how:.2f}"))
    tell(
        settings,
        f"{plural(len(proposed), 'tag')} proposed; say yes or no to them in `tagroll serve`, under Review",
    )
    return 0
