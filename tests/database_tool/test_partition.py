"""Which sample goes to which side of a split."""

from collections import Counter
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from database_tool.partition import count_units, partition, units_of
from tidzam.dataset import Origin, Origins
from tidzam.errors import DatasetError

UNIT_SIZES = st.lists(st.tuples(st.integers(0, 3), st.integers(1, 12)), min_size=1, max_size=60)


def samples(sizes: list[tuple[int, int]]) -> tuple[list[str], np.ndarray]:
    """Units of one class each: its class and how many samples it has."""
    units = [f"unit-{number}" for number, (_, size) in enumerate(sizes) for _ in range(size)]
    return units, np.array([label for label, size in sizes for _ in range(size)], np.int32)


@given(UNIT_SIZES, st.integers(0, 5), st.sampled_from([(0.2, 0.8), (0.25,) * 4, (0.5, 0.5), (0.1, 0.2, 0.7)]))
def test_units_stay_whole_and_no_class_is_left_out(
    sizes: list[tuple[int, int]], seed: int, shares: tuple[float, ...]
) -> None:
    units, labels = samples(sizes)
    sides = partition(units, labels, shares, n_classes=4, seed=seed)
    np.testing.assert_array_equal(sides, partition(units, labels, shares, n_classes=4, seed=seed))
    assert len({(unit, side) for unit, side in zip(units, sides, strict=True)}) == len(set(units))
    for label, count in enumerate(count_units(units, labels, n_classes=4)):
        assert count < len(shares) or set(sides[labels == label].tolist()) == set(range(len(shares)))


def test_each_side_has_its_share_of_each_class() -> None:
    draw = np.random.default_rng(0)
    units, labels = samples([(int(label), int(size)) for label, size in draw.integers([0, 1], [4, 30], (800, 2))])
    sides = partition(units, labels, (0.2, 0.8), n_classes=4, seed=1)
    for label in range(4):
        assert np.mean(sides[labels == label] == 0) == pytest.approx(0.2, abs=0.01)
    assert not np.array_equal(sides, partition(units, labels, (0.2, 0.8), n_classes=4, seed=2))


def test_a_unit_of_several_classes_is_not_divided() -> None:
    units = ["a"] * 3 + ["b"] * 3 + ["c"] * 3
    labels = np.array([0, 1, 2] * 3, np.int32)
    sides = partition(units, labels, (0.34, 0.66), n_classes=3, seed=0)
    assert sorted(Counter(sides.tolist()).values()) == [3, 6]


def test_units_are_counted_per_class() -> None:
    units, labels = samples([(0, 3), (0, 2), (1, 9)])
    assert count_units(units, labels, n_classes=3) == [2, 1, 0]


def test_units_are_days_sources_or_recordings() -> None:
    def at(day: int, source: str) -> Origin:
        name = f"{source}-2026-05-{day:02d}-06-00-00"
        return Origin(f"/r/{name}.wav", time=datetime(2026, 5, day, 6, tzinfo=UTC), group=name)

    origins = Origins([at(1, "pond"), at(1, "creek"), at(2, "pond")])
    assert units_of(origins, "day") == ["2026-05-01", "2026-05-01", "2026-05-02"]
    assert units_of(origins, "source") == ["pond", "creek", "pond"]
    assert units_of(origins, "group") == origins.groups


def test_a_split_by_day_requires_times() -> None:
    with pytest.raises(DatasetError, match=r"day of recording of /r/a\.wav is unknown"):
        units_of(Origins([Origin("/r/a.wav", group="a")]), "day")


def test_a_recording_past_midnight_belongs_to_the_day_of_its_start() -> None:
    late, early = (datetime(2026, 5, day, hour, tzinfo=UTC) for day, hour in ((1, 23), (2, 0)))
    origins = Origins([Origin("/r/a.wav", time=late, group="a"), Origin("/r/a.wav", 3600.0, time=early, group="a")])
    assert units_of(origins, "day") == ["2026-05-01"] * 2
