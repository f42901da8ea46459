"""`tagroll undo`, `history`, `tags` and `doctor`, as a user runs them."""

from pathlib import Path

from support.judge import exiftool_folder, write_by_exiftool
from support.runs import contents, listed
from support.stub import Stub, keywords
from tagroll.catalog import Catalog


def tag(tagroll, folder, *words, options=()):
    with Stub(usual=keywords(*words)) as server:
        done = tagroll("tag", folder, "--api-url", server.url, "--json", *options)
    assert done.code == 0, done
    return done


def test_undo_takes_back_only_what_is_asked_for(tagroll, photos):
    before = contents(photos)
    tag(tagroll, photos, "Lake", "Boat")
    assert tagroll("undo", photos / "cat.png").code == 0
    after = contents(photos)
    assert [name for name in before if after[name] == before[name]] == ["cat.png"]
    dry = tagroll("undo", "1", "--dry-run", "--json")
    assert dry.summary["restored"] == len(before) - 1
    assert contents(photos) == after
    assert tagroll("undo", "1").code == 0
    assert contents(photos) == before
    nothing = tagroll("undo")
    assert nothing.code == 2
    assert "nothing to undo" in nothing.err


def test_what_a_killed_run_left_goes(tagroll, photos):
    tag(tagroll, photos, "Lake")
    (photos / ".tagroll-0123456789ab.tmp").write_bytes(b"half of a photo")
    assert tagroll("undo").code == 0
    assert not (photos / ".tagroll-0123456789ab.tmp").exists()


def test_what_another_program_added_since_stays(tagroll, photos):
    by_hand = [
        "-XMP-dc:Subject=Mine",
        "-XMP-digiKam:TagsList=Mine",
        "-XMP-lr:HierarchicalSubject=Mine",
        "-IPTC:Keywords=Mine",
    ]
    write_by_exiftool(*by_hand, photos / "dogs.jpg")
    tag(tagroll, photos / "dogs.jpg", "Lake", "Boat", options=("--replace",))
    assert listed(exiftool_folder(photos, "-XMP-dc:Subject")["dogs.jpg"]["XMP-dc:Subject"]) == [
        "Lake",
        "Boat",
    ]
    later = [
        "-XMP-dc:Subject+=Later",
        "-XMP-digiKam:TagsList+=Later",
        "-XMP-lr:HierarchicalSubject+=Later",
        "-IPTC:Keywords+=Later",
    ]
    write_by_exiftool(*later, photos / "dogs.jpg")
    assert tagroll("undo").code == 0
    judged = exiftool_folder(photos, "-XMP-dc:Subject", "-XMP-digiKam:TagsList", "-IPTC:Keywords")["dogs.jpg"]
    for field in ("XMP-dc:Subject", "XMP-digiKam:TagsList", "IPTC:Keywords"):
        assert set(listed(judged[field])) == {"Mine", "Later"}


def test_a_moved_photo_is_found_by_its_picture(tagroll, photos):
    before = (photos / "dogs.jpg").read_bytes()
    tag(tagroll, photos / "dogs.jpg", "Lake")
    (photos / "new").mkdir()
    (photos / "dogs.jpg").rename(photos / "new" / "renamed.jpg")
    assert tagroll("undo", photos / "new").code == 0
    assert (photos / "new" / "renamed.jpg").read_bytes() == before


def test_a_photo_in_a_new_place_is_found_once_tags_has_looked_there(tagroll, photos):
    before = (photos / "dogs.jpg").read_bytes()
    tag(tagroll, photos, "Lake")
    other = photos.with_name("other")
    other.mkdir()
    (photos / "dogs.jpg").rename(other / "renamed.jpg")
    done = tagroll("undo")
    assert done.code == 3
    assert "tagroll tags FOLDER, then undo again" in done.err
    assert tagroll("tags", other).code == 0
    assert tagroll("undo").code == 0
    assert (other / "renamed.jpg").read_bytes() == before


def test_runs_undone_in_another_order_leave_no_tag(tagroll, photos):
    before = contents(photos)
    tag(tagroll, photos, "Person")
    assert tagroll("tags", "rename", "Person", "Human", photos).code == 0
    refused = tagroll("undo", "1", "--json")
    assert (refused.code, refused.summary["failed"]) == (3, len(before))
    assert "was changed by run 2 since" in refused.err
    assert tagroll("undo", "2").code == 0
    assert tagroll("undo", "1").code == 0
    assert contents(photos) == before


def test_undo_says_what_it_cannot_mean(tagroll, photos):
    tag(tagroll, photos / "cat.png", "Lake")
    tag(tagroll, photos / "dogs.jpg", "Lake")
    for arguments in (("77",), ("1", photos / "none.jpg"), ("--last", "1"), (photos / "cat.png",)):
        done = tagroll("undo", *arguments)
        assert (done.code, done.out) == (2, ""), arguments
        assert Path(arguments[-1]).name in done.err
    (photos / "dogs.jpg").unlink()
    stuck = tagroll("undo")
    assert stuck.code == 3
    assert "tagroll undo 1" in stuck.err
    named = tagroll("undo", "--catalog", photos.with_name("catalog.sqlite"))
    assert f"tagroll undo --catalog {photos.with_name('catalog.sqlite')} 1" in named.err


def test_a_photo_and_its_sidecar_are_one_photo(tagroll, photos):
    sidecar = photos / "dogs.jpg.xmp"
    sidecar.write_text(
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"/></x:xmpmeta>'
    )
    before = contents(photos)
    tag(tagroll, photos / "dogs.jpg", "Lake")
    done = tagroll("undo")
    assert "1 photo: 1 put back" in done.err
    assert contents(photos) == before


def test_a_photo_that_is_gone_is_named_and_the_rest_is_undone(tagroll, photos):
    before = contents(photos)
    tag(tagroll, photos, "Lake")
    (photos / "dogs.jpg").unlink()
    done = tagroll("undo", "--json")
    assert done.code == 3
    assert done.photos["dogs.jpg"]["status"] == "failed"
    assert contents(photos) == {name: data for name, data in before.items() if name != "dogs.jpg"}


def test_history_tells_what_was_done(tagroll, photos, tmp_path):
    assert "Nothing has been done yet" in tagroll("history").err
    typo = tagroll("history", "--catalog", tmp_path / "nodir" / "c.db")
    assert typo.code == 1
    assert "there is no catalog at" in typo.err
    assert tagroll("undo", "--catalog", tmp_path / "nodir" / "c.db").code == 2
    assert not (tmp_path / "nodir").exists()
    tag(tagroll, photos, "Lake", "Boat")
    assert "tag" in tagroll("history").out
    (run,) = tagroll("history", "--json").rows
    assert run["command"] == "tag"
    assert run["writes"] == 9
    writes = tagroll("history", "1", "--json").rows
    assert {tuple(row["added"]) for row in writes} == {("Lake", "Boat")}
    none = tagroll("history", "999")
    assert none.code == 2
    assert "there is no run 999" in none.err
    tagroll("undo", photos / "cat.png")
    (back,) = [line for line in tagroll("history", "1").out.splitlines() if "taken back" in line]
    assert "cat.png" in back


def test_history_tells_dry_runs_and_runs_that_go_on_from_those_that_did_something(tagroll, photos, tmp_path):
    tag(tagroll, photos, "Lake", options=("--dry-run",))
    tag(tagroll, photos, "Lake")
    assert tagroll("undo", "--dry-run").code == 0
    assert [run["dry_run"] for run in tagroll("history", "--json").rows] == [True, False, True]
    with Catalog(tmp_path / "catalog.sqlite") as catalog, catalog.held():
        catalog.runs.start("tag", [])
        catalog.runs.start("tag", [])
        ends = [line.rpartition("  ")[2] for line in tagroll("history").out.splitlines()]
        assert ends[:3] == ["(running, or cut off)", "(cut off)", "(dry run)"]
    assert tagroll("history").out.splitlines()[0].endswith("(cut off)")


def test_tags_counts_from_the_files_and_names_what_it_cannot_read(tagroll, photos):
    tag(tagroll, photos, "Lake", "Boat")
    (photos / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe1\x00\x10Exif")
    first = tagroll("tags", photos)
    assert first.out.splitlines() == ["9  Boat", "9  Lake"]
    assert first.code == 3
    assert "broken.jpg" in first.err
    (photos / "broken.jpg").unlink()
    by_hand = ["-XMP-dc:Subject+=Mine", "-XMP-digiKam:TagsList+=Mine"]
    write_by_exiftool(*by_hand, photos / "dogs.jpg")
    assert tagroll("tags", photos).out.splitlines() == ["9  Boat", "9  Lake", "1  Mine"]


def test_doctor_explains_the_machine_and_a_photo(tagroll, photos, llama_server):
    done = tagroll("doctor", "--api-url", llama_server.url, "--json")
    assert done.code == 0, done
    assert {row["name"] for row in done.rows} >= {"built-in model", "exiftool", "catalog", "disk space"}
    assert "sees images" in done.rows[0]["text"]
    bad = tagroll("doctor", "--api-url", "http://127.0.0.1:9")
    assert bad.code == 1
    by_hand = ["-XMP-dc:Subject=Hidden", "-XMP-digiKam:TagsList=Shown"]
    write_by_exiftool(*by_hand, photos / "dogs.jpg")
    views = {
        row["name"].strip(): row["text"] for row in tagroll("doctor", photos / "dogs.jpg", "--json").rows
    }
    assert views["Immich"].startswith("Shown")
    assert views["Aves"].startswith("Hidden")
    assert "dogs.jpg" in views["tagroll"]
