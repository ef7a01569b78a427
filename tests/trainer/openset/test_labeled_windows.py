"""The windows of annotations, and what is heard in each."""

from dataclasses import replace
from pathlib import Path

from trainer.openset.annotations import Annotation, Use
from trainer.openset.labeled_windows import (
    LabeledWindow,
    groups_for,
    label_windows,
    recordings_for,
    tags_in,
    window_starts_s,
)

FILE = Path("pond.wav")


def call(start_s: float, end_s: float, tag: str = "heron", use: Use = "train", path: Path = FILE) -> Annotation:
    return Annotation(path, start_s, end_s, tag, use=use)


def windows(*annotations: Annotation, length_s: float = 60.0, most: int = 1000) -> list[LabeledWindow]:
    return label_windows(annotations, {FILE: length_s}, 1.0, max_background=most)


def background(start_s: float = 0.0, end_s: float | None = None) -> Annotation:
    return Annotation(FILE, start_s, end_s, "", use="train-background")


def test_a_window_around_a_call_stays_in_the_file() -> None:
    assert [window_starts_s(at, at + 0.2, 1.0, 60.0) for at in (0.0, 59.8)] == [[0.0], [59.0]]


def test_a_long_annotation_is_covered() -> None:
    assert window_starts_s(10.0, 12.5, 1.0, 60.0) == [10.0, 10.75, 11.5]


def test_a_window_in_which_two_tags_are_heard_has_both() -> None:
    found = windows(call(10, 10.4), call(10.1, 10.5, "owl"))
    assert [one.heard for one in found] == [{"heron", "owl"}] * 2


def test_a_tag_at_the_edge_of_a_window_is_not_heard() -> None:
    assert windows(call(10, 11), call(10.9, 11.9, "owl"))[0].heard == {"heron"}


def test_background_leaves_out_what_touches_an_annotation() -> None:
    found = windows(background(), call(2.5, 3.2), length_s=5.0)
    assert [one.window.start_s for one in found if one.is_background] == [0.0, 1.0, 4.0]


def test_a_short_section_that_is_stated_to_be_background_has_a_window() -> None:
    stated, unstated = (replace(background(10.0, 10.4), is_stated=one) for one in (True, False))
    assert [(one.window.start_s, one.is_stated) for one in windows(stated)] == [(9.7, True)]
    assert windows(unstated) == []


def test_too_much_background_is_thinned_evenly() -> None:
    found = windows(background(), length_s=11.0, most=3)
    assert [one.window.start_s for one in found] == [0.0, 5.0, 10.0]


def test_a_file_without_a_length_is_left_out() -> None:
    assert windows(call(0, 1, path=Path("gone.wav"))) == []


def test_an_annotation_after_the_end_of_its_file_is_left_out() -> None:
    assert windows(call(70, 71)) == []


def test_tags_are_counted_by_use() -> None:
    found = windows(call(0, 1), call(5, 6), call(10, 11, use="test"))
    assert tags_in(found, "train") == {"heron": 2}


def test_a_single_recording_is_divided_by_minutes() -> None:
    found = windows(*(call(60 * minute + 10, 60 * minute + 11) for minute in (0, 0, 1, 2, 3, 4)), length_s=300.0)
    assert groups_for(found).tolist() == [0, 1, 2, 3, 4]


def test_a_tag_that_is_heard_in_one_minute_is_divided_further() -> None:
    """Otherwise all of it would be held out at once."""
    found = windows(call(1, 2), call(5, 6), call(9, 10), length_s=100.0)
    assert groups_for(found).tolist() == [0, 1, 2]


def test_consecutive_windows_of_a_file_are_one_run() -> None:
    found = windows(background(0, 2), background(10, 12))
    assert recordings_for(found, 1.0).tolist() == [0, 0, 1, 1]
