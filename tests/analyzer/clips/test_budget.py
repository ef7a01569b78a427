"""The budget of clips on lists of files that exist nowhere."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.clips.budget import DAY_S, GIGABYTE, StoredClip, decide, fits
from tidzam.config.clips import ClipBudget

NOW_S = 1_000 * DAY_S
PLENTY = 1 << 50
GB = GIGABYTE


def clip(
    number: int, label: str = "owl", *, size: int = GB, days: float = 0.0, is_protected: bool = False
) -> StoredClip:
    """A clip whose age is `days`, a second less for each number."""
    age_s = days * DAY_S - number
    return StoredClip(f"{label}/{number}.flac", label, size, NOW_S - age_s, is_protected, max(0.0, age_s))


def deleted(clips: list[StoredClip], budget: ClipBudget, *, free: int = PLENTY, new: int = 0) -> list[str]:
    added = [clip(1000 + number) for number in range(new)]
    return [found.path for found in decide(clips, budget, new=added, free_bytes=free).delete]


def test_without_limits_nothing_is_deleted() -> None:
    assert deleted([clip(number, days=900) for number in range(5)], ClipBudget()) == []


def test_too_old_clips_are_deleted() -> None:
    clips = [clip(1, days=8), clip(2, days=6)]
    assert deleted(clips, ClipBudget(days=7)) == ["owl/1.flac"]


def test_a_date_makes_no_clip_old() -> None:
    clips = [StoredClip("owl/1.flac", "owl", GB, 0.0, age_s=DAY_S), StoredClip("owl/2.flac", "owl", GB, NOW_S)]
    assert deleted(clips, ClipBudget(days=7)) == []


def test_a_clip_from_the_future_is_not_newer_than_its_age() -> None:
    clips = [StoredClip("owl/1.flac", "owl", GB, 2 * NOW_S, age_s=DAY_S), StoredClip("owl/2.flac", "owl", GB, NOW_S)]
    assert deleted(clips, ClipBudget(per_class=1)) == ["owl/1.flac"]


def test_of_a_class_with_too_many_the_oldest_are_deleted() -> None:
    clips = [clip(1), clip(2), clip(3), clip(1, "wren")]
    assert deleted(clips, ClipBudget(per_class=2)) == ["owl/1.flac"]


def test_room_is_made_before_the_new_clips_are_written() -> None:
    assert deleted([clip(1), clip(2), clip(3)], ClipBudget(gigabytes=3), new=2) == ["owl/1.flac", "owl/2.flac"]


def test_free_space_is_kept() -> None:
    assert deleted([clip(1), clip(2)], ClipBudget(free_gigabytes=3), free=2 * GB + GB // 2) == ["owl/1.flac"]


def test_the_common_class_comes_first_although_another_is_older() -> None:
    clips = [clip(1, "wren"), clip(2), clip(3)]
    assert deleted(clips, ClipBudget(gigabytes=2)) == ["owl/2.flac"]


def test_or_the_oldest_of_all() -> None:
    clips = [clip(1, "wren"), clip(2), clip(3)]
    assert deleted(clips, ClipBudget(gigabytes=2, first="oldest")) == ["wren/1.flac"]


@pytest.mark.parametrize(
    "budget", [ClipBudget(days=1), ClipBudget(per_class=1), ClipBudget(gigabytes=0.1), ClipBudget(free_gigabytes=1e6)]
)
def test_protected_clips_are_never_deleted(budget: ClipBudget) -> None:
    clips = [clip(number, days=9, is_protected=True) for number in range(3)]
    assert deleted(clips, budget, free=0) == []


def test_nothing_is_deleted_in_vain() -> None:
    """Other programs have filled the disk."""
    assert deleted([clip(1), clip(2)], ClipBudget(free_gigabytes=5), free=0) == []


def test_what_is_over_although_all_is_deleted_is_said() -> None:
    assert decide([], ClipBudget(gigabytes=0.5), new=[clip(1)], free_bytes=PLENTY).over == "size"
    assert decide([], ClipBudget(), free_bytes=0).over is None
    assert decide([], ClipBudget(free_gigabytes=1), free_bytes=0).over == "free space"


def test_a_low_budget_on_many_clips_is_decided_at_once() -> None:
    """With a search per deletion, this would take hours."""
    clips = [clip(number, f"class{number % 50}", size=1000) for number in range(100_000)]
    decision = decide(clips, ClipBudget(gigabytes=0.001, per_class=1500), free_bytes=PLENTY)
    assert len(decision.delete) == 99_000


ENTRIES = st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, GB)), max_size=20)


@given(ENTRIES, ENTRIES, st.floats(0.1, 20), st.floats(0, 20), st.integers(1, 10))
def test_what_fits_needs_no_deletion(
    old: list[tuple[str, int]], new: list[tuple[str, int]], gigabytes: float, free: float, per_class: int
) -> None:
    budget = ClipBudget(gigabytes=gigabytes, free_gigabytes=1, per_class=per_class)
    clips = [clip(number, label, size=size) for number, (label, size) in enumerate(old)]
    added = [clip(100 + number, label, size=size) for number, (label, size) in enumerate(new)]
    size, counts = sum(one.size for one in clips), Counter(one.label for one in clips)
    if fits(budget, size=size, counts=counts, new=added, free_bytes=round(free * GB)):
        of_new = {one.label for one in added}
        decision = decide(clips, budget, new=added, free_bytes=round(free * GB))
        assert decision.over is None
        assert not [one for one in decision.delete if one.label in of_new]


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, GB), st.booleans()), max_size=20),
    st.floats(0.1, 20),
    st.sampled_from(["oldest", "common"]),
)
def test_no_more_is_deleted_than_needed(entries: list[tuple[str, int, bool]], gigabytes: float, first: str) -> None:
    clips = [clip(n, label, size=size, is_protected=kept) for n, (label, size, kept) in enumerate(entries)]
    budget = ClipBudget.model_validate({"gigabytes": gigabytes, "first": first})
    decision = decide(clips, budget, free_bytes=PLENTY)
    left = sum(one.size for one in clips) - sum(one.size for one in decision.delete)
    least = sum(one.size for one in clips if one.is_protected)
    assert not any(one.is_protected for one in decision.delete)
    assert decision.over == ("size" if least > gigabytes * GB else None)
    assert not decision.delete or left + decision.delete[-1].size > gigabytes * GB
