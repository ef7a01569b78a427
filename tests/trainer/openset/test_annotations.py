"""Tables of annotations, and what files are used for."""

from pathlib import Path

import pytest

from tidzam.errors import DatasetError
from trainer.openset.annotations import Annotation, Assignment, Use, assigned, read_annotations
from trainer.openset.labeled_windows import label_windows

DAY_1, DAY_2 = Path("pond-2026-05-01-06-00-00.flac"), Path("pond-2026-05-02-06-00-00.flac")


def table(folder: Path, *lines: str) -> Path:
    path = folder / "calls.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def uses(annotations: list[Annotation], **patterns: str) -> list[Use | None]:
    by_use = {use.replace("_", "-"): (pattern,) for use, pattern in patterns.items()}
    return [one.use for one in assigned(annotations, Assignment(by_use))]  # type: ignore[arg-type]


def test_a_row_is_a_section_with_a_tag(tmp_path: Path) -> None:
    path = table(tmp_path, "file,start,end,tag,channel,use", "a.wav,1.5,2,heron,1,test")
    assert read_annotations(path) == [Annotation(tmp_path / "a.wav", 1.5, 2.0, "heron", 1, "test")]


def test_lists_of_the_database_tool_are_read(tmp_path: Path) -> None:
    path = table(tmp_path, "file,start,end,label", "a.wav,,,heron")
    assert read_annotations(path) == [Annotation(tmp_path / "a.wav", 0.0, None, "heron")]


def test_an_empty_tag_is_background(tmp_path: Path) -> None:
    path = table(tmp_path, "file,tag", "a.wav,", "b.wav,background")
    assert [one.is_background for one in read_annotations(path)] == [True, True]


def test_background_is_stated_by_its_tag(tmp_path: Path) -> None:
    path = table(tmp_path, "file,tag,use", "a.wav,,", "b.wav,background,", "c.wav,Background,train")
    found = assigned(read_annotations(path), Assignment({}))
    assert [(one.is_stated, one.use) for one in found] == [
        (stated, "train-background") for stated in (False, True, True)
    ]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("a.wav,2,1,heron,", "Line 2 .*end 1 s is not after start 2 s"),
        ("a.wav,x,1,heron,", "start is 'x', expected seconds"),
        (",0,1,heron,", "file is empty"),
        ("a.wav,0,1,a/b,", "contains a slash"),
        ("a.wav,0,1,unknown,", "stands for whatever is not recognized"),
        ("a.wav,0,1,heron,both", "use is 'both', expected train, test"),
    ],
)
def test_a_malformed_row_is_named(tmp_path: Path, row: str, reason: str) -> None:
    with pytest.raises(DatasetError, match=reason):
        read_annotations(table(tmp_path, "file,start,end,tag,use", row))


def test_another_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="lacks the column file or tag"):
        read_annotations(table(tmp_path, "name,tag", "a,b"))


def test_without_an_assignment_all_are_for_training() -> None:
    assert uses([Annotation(DAY_1, 0, 1, "heron"), Annotation(DAY_1, 0, 1, "")]) == ["train", "train-background"]


def test_days_are_assigned() -> None:
    annotations = [Annotation(path, 0, 1, "heron") for path in (DAY_1, DAY_2)]
    assert uses(annotations, train="2026-05-01", test="2026-05-02") == ["train", "test"]


def test_a_day_counts_before_a_pattern() -> None:
    annotations = [Annotation(path, 0, 1, "heron") for path in (DAY_1, DAY_2)]
    assert uses(annotations, train="pond-*", test="2026-05-02") == ["train", "test"]


def test_what_nothing_names_is_left_out() -> None:
    assert uses([Annotation(DAY_2, 0, 1, "heron")], train="2026-05-01") == []


def test_the_column_use_counts_before_the_assignment() -> None:
    assert uses([Annotation(DAY_1, 0, 1, "heron", use="test")], train="2026-05-01") == ["test"]


def test_files_of_a_background_day_are_background_as_a_whole(tmp_path: Path) -> None:
    (tmp_path / DAY_2).write_bytes(b"")
    found = assigned([], Assignment({"test-background": ("2026-05-02",)}), tmp_path)
    assert found == [Annotation(tmp_path / DAY_2, 0.0, None, "", use="test-background")]


def test_an_annotation_on_a_background_day_is_neither_an_example_nor_background() -> None:
    call = Annotation(DAY_2, 2.5, 3.2, "heron")
    found = assigned([call], Assignment({"train-background": ("2026-05-02",)}))
    windows = label_windows(found, {DAY_2: 6.0}, 1.0, max_background=10)
    assert [(one.tag, one.window.start_s) for one in windows] == [("", 0.0), ("", 1.0), ("", 4.0), ("", 5.0)]
