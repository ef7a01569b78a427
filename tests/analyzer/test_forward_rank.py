"""Which of the clips that wait are forwarded first, and which are dropped."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from analyzer.forward.rank import WaitingClip, ranked, surplus

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def clip(label: str, number: int, *, probability: float = 0.9, day: int = 0, size: int = 10) -> WaitingClip:
    start = NOON + timedelta(days=day, seconds=number)
    return WaitingClip(name=f"{label}/{day}-{number}.wav", label=label, start=start, probability=probability, size=size)


def test_a_rare_class_keeps_its_clips_while_a_common_one_loses_most() -> None:
    common = [clip("frogs", number, probability=0.99) for number in range(20)]
    rare = [clip("bittern", number, probability=0.6) for number in range(3)]
    dropped = surplus([*common, *rare], 60)
    assert {one.label for one in dropped} == {"frogs"}
    assert len(dropped) == 17


def test_of_a_class_the_most_probable_clip_of_each_day_comes_first_the_newest_day_before_others() -> None:
    clips = [clip("frogs", number, probability=number / 10, day=day) for day in (0, 1) for number in (5, 9, 7)]
    assert [(one.day.day, one.probability) for one in ranked(clips)] == [
        *((2, 0.9), (1, 0.9)),
        *((2, 0.7), (1, 0.7)),
        *((2, 0.5), (1, 0.5)),
    ]


def test_the_classes_take_turns_the_rarest_first() -> None:
    clips = [clip("frogs", 0), clip("frogs", 1), clip("frogs", 2), clip("wren", 0, probability=0.5), clip("wren", 1)]
    assert [one.label for one in ranked(clips)] == ["wren", "frogs", "wren", "frogs", "frogs"]


def test_silence_comes_last_however_rare_it_is() -> None:
    clips = [clip("silence", 0, probability=1.0), *(clip("frogs", number) for number in range(3))]
    assert ranked(clips)[-1].label == "silence"


def test_a_clip_that_is_not_written_takes_no_room() -> None:
    assert surplus([clip("wren", 0, size=0), clip("frogs", 0)], 10) == []


CLIPS = st.lists(
    st.builds(
        clip,
        st.sampled_from(["wren", "frogs", "bittern"]),
        st.integers(0, 50),
        probability=st.floats(0, 1),
        day=st.integers(0, 3),
        size=st.integers(0, 100),
    ),
    unique_by=lambda one: one.name,
)


@given(CLIPS, st.integers(0, 500))
def test_what_stays_fits_and_nothing_is_dropped_that_would_still_fit(clips: list[WaitingClip], limit: int) -> None:
    dropped = surplus(clips, limit)
    used = sum(one.size for one in clips) - sum(one.size for one in dropped)
    assert used <= limit
    assert all(used + one.size > limit for one in dropped)
