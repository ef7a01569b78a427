"""The spool: what is appended is on disk, comes out once in its order, and survives restarts and power cuts."""

from pathlib import Path

import pytest

from tidzam.errors import TidzamError
from tidzam.spool.spool import Spool, lines_waiting


def spool(folder: Path, *, file_lines: int = 3, limit_bytes: int = 1000) -> Spool:
    return Spool(folder / "spool", file_lines=file_lines, limit_bytes=limit_bytes)


def drained(spool: Spool) -> list[str]:
    lines: list[str] = []
    while (found := spool.oldest()) is not None:
        lines += found.lines
        spool.remove(found.path)
    return lines


def test_lines_come_out_in_their_order(tmp_path: Path) -> None:
    lines = [f"line {number}" for number in range(10)]
    with spool(tmp_path) as kept:
        for line in lines:
            kept.append([line])
        assert drained(kept) == lines


def test_a_file_holds_at_most_its_number_of_lines(tmp_path: Path) -> None:
    with spool(tmp_path) as kept:
        for line in "abcdefg":
            kept.append([line])
        found = kept.oldest()
    assert found is not None
    assert found.lines == ("a", "b", "c")


def test_nothing_is_added_to_a_file_that_is_being_sent(tmp_path: Path) -> None:
    with spool(tmp_path) as kept:
        kept.append(["a"])
        sent = kept.oldest()
        kept.append(["b"])
        assert sent is not None
        kept.remove(sent.path)
        assert drained(kept) == ["b"]


def test_lines_survive_a_restart_and_keep_their_order(tmp_path: Path) -> None:
    with spool(tmp_path) as kept:
        kept.append(["a"])
    with spool(tmp_path) as kept:
        kept.append(["b\x0b\x85\u2028c"])
        assert kept.waiting == 2
        assert drained(kept) == ["a", "b\x0b\x85\u2028c"]


def test_a_half_line_of_a_power_cut_is_left_out(tmp_path: Path) -> None:
    with spool(tmp_path) as kept:
        kept.append(["a"])
    (path,) = (tmp_path / "spool").glob("*.lines")
    with path.open("ab") as file:
        file.write(b"half")
    with spool(tmp_path) as kept:
        assert drained(kept) == ["a"]


def test_a_file_that_somebody_deleted_does_not_hold_up_the_others(tmp_path: Path) -> None:
    with spool(tmp_path) as kept:
        for line in "abcdefg":
            kept.append([line])
        sorted(kept.folder.glob("*.lines"))[0].unlink()
        assert drained(kept) == ["d", "e", "f", "g"]
        assert kept.lost_lines == 3


def test_a_file_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    with spool(tmp_path) as kept:
        kept.append(["a"])
        (kept.folder / "notes.lines").write_text("b\n")
    with spool(tmp_path) as kept:
        assert drained(kept) == ["a"]


def test_above_its_limit_the_oldest_lines_are_deleted_and_counted(tmp_path: Path) -> None:
    with spool(tmp_path, file_lines=1, limit_bytes=20) as kept:
        for line in ("first 890", "second 90", "third 890"):
            kept.append([line])
        assert kept.lost_lines == 1
        assert drained(kept) == ["second 90", "third 890"]


def test_two_programs_use_two_folders(tmp_path: Path) -> None:
    with spool(tmp_path) as kept, spool(tmp_path) as other:
        kept.append(["a"])
        other.append(["b"])
        assert (drained(kept), drained(other)) == (["a"], ["b"])


def test_what_a_second_program_left_is_taken_over(tmp_path: Path) -> None:
    with spool(tmp_path) as kept, spool(tmp_path) as other:
        kept.append(["a"])
        other.append(["b"])
    with spool(tmp_path) as kept:
        assert drained(kept) == ["a", "b"]


def test_refused_lines_are_kept_aside(tmp_path: Path) -> None:
    with spool(tmp_path) as kept:
        kept.append(["bad"])
        found = kept.oldest()
        assert found is not None
        assert kept.set_aside(found.path, found.lines).read_text() == "bad\n"
        assert kept.oldest() is None


def reject(kept: Spool, *lines: str) -> None:
    for line in lines:
        kept.append([line])
        found = kept.oldest()
        assert found is not None
        kept.set_aside(found.path, found.lines)


def rejected(kept: Spool) -> list[str]:
    return [path.read_text() for path in sorted((kept.folder / "rejected").iterdir())]


def test_above_the_limit_the_oldest_refused_lines_are_deleted(tmp_path: Path) -> None:
    with spool(tmp_path, limit_bytes=20) as kept:
        reject(kept, "first 890", "second 90", "third 890")
        assert rejected(kept) == ["second 90\n", "third 890\n"]


def test_refused_lines_that_are_deleted_are_counted_and_logged_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with spool(tmp_path, limit_bytes=20) as kept:
        reject(kept, "first 890", "second 90", "third 890", "fourth 90")
        assert (kept.discarded_lines, kept.lost_lines) == (2, 0)
    assert caplog.text.count("rejected is full") == 1


def test_the_limit_of_refused_lines_holds_over_restarts(tmp_path: Path) -> None:
    for line in ("first 890", "second 90", "third 890"):
        with spool(tmp_path, limit_bytes=20) as kept:
            reject(kept, line)
    assert rejected(kept) == ["second 90\n", "third 890\n"]


def test_the_newest_refused_lines_are_kept_even_above_the_limit(tmp_path: Path) -> None:
    with spool(tmp_path, limit_bytes=5) as kept:
        reject(kept, "longer than the limit")
        assert rejected(kept) == ["longer than the limit\n"]


def test_a_disk_that_fails_is_named(tmp_path: Path) -> None:
    (tmp_path / "spool").write_text("a file")
    with pytest.raises(TidzamError, match="spool cannot be used: File exists") as caught, spool(tmp_path):
        pass
    assert caught.value.code == "spool"


def test_the_folder_is_free_after_the_end(tmp_path: Path) -> None:
    for _ in range(2):
        with spool(tmp_path) as kept:
            assert kept.folder == tmp_path / "spool"
    assert list(tmp_path.iterdir()) == [tmp_path / "spool"]


@pytest.mark.parametrize("name", ["spool", "spool-2"])
def test_the_folders_are_free_after_an_opening_that_failed(tmp_path: Path, name: str) -> None:
    with spool(tmp_path), spool(tmp_path):
        pass
    unreadable = tmp_path / name / f"{0:012}.lines"
    unreadable.mkdir()
    with pytest.raises(TidzamError, match="Is a directory"), spool(tmp_path):
        pass
    (tmp_path / "spool" / unreadable.name).rmdir()
    with spool(tmp_path) as kept, spool(tmp_path) as other:
        assert [kept.folder.name, other.folder.name] == ["spool", "spool-2"]


def test_a_file_that_was_sent_while_lines_are_counted_has_none(tmp_path: Path) -> None:
    with spool(tmp_path) as kept:
        kept.append(["a", "b"])
        (kept.folder / f"{1:012}.lines").symlink_to("sent")
    assert lines_waiting(tmp_path / "spool") == 2
