"""Sections of recordings: where annotations lie, and what is background."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from console.services.builder.models import DayUse
from console.services.builder.sections import (
    BackgroundSlots,
    HeardTag,
    TrainingSection,
    annotated_section,
    background_runs,
    spread,
    training_table,
)
from tidzam.recorded_sound.plan import TimedRecording
from trainer.openset.annotations import read_annotations

START = datetime(2026, 5, 1, 6, tzinfo=UTC)


def recording(number: int = 0, *, channels: int = 4) -> TimedRecording:
    """One of a row of recordings of a minute."""
    start = START + timedelta(minutes=number)
    return TimedRecording(Path(f"/rec/pond-{number}.flac"), start, 60 * 1000, 1000, channels)


def heard(start_s: float, end_s: float, tag: str = "heron") -> HeardTag:
    return HeardTag(START + timedelta(seconds=start_s), START + timedelta(seconds=end_s), tag)


def test_an_annotation_is_found_in_its_recording() -> None:
    found = annotated_section(heard(70, 72.5), [recording(0), recording(1)], 2, DayUse.TRAIN)
    assert found == TrainingSection(Path("/rec/pond-1.flac"), 2, 10.0, 12.5, "heron", DayUse.TRAIN)


def test_one_over_two_recordings_is_in_that_which_has_most_of_it() -> None:
    found = annotated_section(heard(57, 61), [recording(0), recording(1)], 0, DayUse.TRAIN)
    assert found is not None
    assert (found.path.name, found.start_s, found.end_s) == ("pond-0.flac", 57.0, 60.0)


def test_one_without_a_recording_is_found_nowhere() -> None:
    assert annotated_section(heard(130, 131), [recording(0), recording(1)], 0, DayUse.TRAIN) is None


def test_the_only_channel_of_a_recording_is_the_first() -> None:
    found = annotated_section(heard(1, 2), [recording(channels=1)], 3, DayUse.TRAIN)
    assert found is not None
    assert found.channel == 0


def slots(*annotations: HeardTag, window_s: float = 1.0) -> list[tuple[float, float]]:
    found = background_runs(recording(), 0, annotations, DayUse.TRAIN_BACKGROUND, window_s=window_s)
    return [(one.start_s, one.end_s) for one in BackgroundSlots(found, window_s)]


def test_background_leaves_out_what_was_annotated() -> None:
    assert slots(heard(10, 12), heard(11, 20), heard(-5, 1), heard(58, 65)) == [(1.0, 10.0), (20.0, 50.0), (50.0, 58.0)]


def test_background_too_short_for_a_window_is_left_out() -> None:
    assert slots(heard(0, 58), window_s=3.0) == []


@pytest.mark.parametrize(("most", "expected"), [(0, 0), (30, 1), (61, 3), (1000, 10)])
def test_background_is_taken_until_there_are_enough_windows(most: int, expected: int) -> None:
    runs = [
        run
        for number in range(5)
        for run in background_runs(recording(number), 0, [], DayUse.TRAIN_BACKGROUND, window_s=1.0)
    ]
    assert len(spread(BackgroundSlots(runs, 1.0), most, window_s=1.0)) == expected


def test_background_beyond_a_day_belongs_to_the_other_one() -> None:
    period = (START - timedelta(days=1) + timedelta(seconds=20), START + timedelta(seconds=20))
    found = background_runs(recording(), 0, [], DayUse.TEST_BACKGROUND, window_s=1.0, period=period)
    assert [(one.start_s, one.end_s) for one in found] == [(0.0, 20.0)]


def test_only_the_slots_that_are_chosen_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten years of recordings have many."""
    years = TrainingSection(Path("a"), 0, 0.0, 10 * 365 * 86_400.0, "", DayUse.TRAIN_BACKGROUND)
    made, make = list[int](), BackgroundSlots.__getitem__

    def counted(slots: BackgroundSlots, number: int) -> TrainingSection:
        made.append(number)
        return make(slots, number)

    monkeypatch.setattr(BackgroundSlots, "__getitem__", counted)
    chosen = spread(BackgroundSlots([years], 1.0), 300, window_s=1.0)
    assert len(chosen) == len(made) == 10


def test_background_is_spread_evenly() -> None:
    row = [TrainingSection(Path("a"), 0, float(k), k + 1.0, "", DayUse.TRAIN_BACKGROUND) for k in range(100)]
    starts = [one.start_s for one in spread(row, 10, window_s=1.0)]
    distances = [after - before for before, after in pairwise(starts)]
    assert len(starts) == 10
    assert max(distances) <= 13


def test_the_trainer_reads_the_table(tmp_path: Path) -> None:
    path = Path("/rec/a, b.flac")
    table = tmp_path / "annotations.csv"
    table.write_text(
        training_table(
            [
                TrainingSection(path, 2, 1.5, 2.0, "heron, gray", DayUse.TEST),
                TrainingSection(path, 0, 0.0, 30.0, "", DayUse.TRAIN_BACKGROUND),
            ]
        )
    )
    found = [(one.path, one.channel, one.start_s, one.end_s, one.tag, one.use) for one in read_annotations(table)]
    assert found == [(path, 2, 1.5, 2.0, "heron, gray", "test"), (path, 0, 0.0, 30.0, "", "train-background")]


@pytest.mark.parametrize("is_stated", [False, True])
def test_the_trainer_reads_which_background_is_stated(tmp_path: Path, is_stated: bool) -> None:
    table = tmp_path / "annotations.csv"
    runs = background_runs(recording(), 0, [], DayUse.TRAIN_BACKGROUND, window_s=1.0, is_stated=is_stated)
    table.write_text(training_table(runs))
    assert [(one.is_background, one.is_stated) for one in read_annotations(table)] == [(True, is_stated)]


def test_a_short_section_that_is_stated_to_be_background_is_a_window() -> None:
    section = TrainingSection(Path("a"), 0, 0.0, 0.5, "background", DayUse.TRAIN)
    assert (section.is_background, section.windows(3.0)) == (True, 1)
