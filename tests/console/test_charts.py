"""The geometry of charts."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from console.web.charts import HOURS, bar_chart, bins_between, heat_map, level_of, nice_top, sparkline, ticks_of

MAY = date(2026, 5, 1)


@pytest.mark.parametrize("days", [1, 2, 30, 92, 93, 365, 3650])
def test_bins_cover_all_days_once_and_are_few(days: int) -> None:
    bins = bins_between(MAY, MAY + timedelta(days=days - 1))
    assert len(bins) <= 92
    assert sum((one.last - one.first).days + 1 for one in bins) == days
    assert (bins[0].first, bins[-1].last) == (MAY, MAY + timedelta(days=days - 1))


def test_bars_stand_upon_one_another_and_reach_the_total() -> None:
    bins = bins_between(MAY, MAY + timedelta(days=1))
    chart = bar_chart(bins, [(MAY, "wren", 6), (MAY, "robin", 4), (bins[1].first, "robin", 3)])
    assert (chart.top, list(chart.totals)) == (10, [10, 3])
    assert [(one.label, one.path) for one in chart.series] == [
        ("robin", "M0.1 100.00v-40.00h.8v40.00zM1.1 100.00v-30.00h.8v30.00z"),
        ("wren", "M0.1 60.00v-60.00h.8v60.00z"),
    ]


def test_rare_classes_are_one_series() -> None:
    bins = bins_between(MAY, MAY)
    chart = bar_chart(bins, [(MAY, f"class {number}", 20 - number) for number in range(9)])
    assert [one.label for one in chart.series] == [*(f"class {number}" for number in range(5)), "others"]
    assert sum(one.total for one in chart.series) == sum(range(12, 21))


def test_days_are_added_up_if_there_are_many() -> None:
    chart = bar_chart(
        bins_between(MAY, MAY + timedelta(days=99)), [(MAY + timedelta(days=day), "wren", 1) for day in range(100)]
    )
    assert list(chart.totals) == [7] * 14 + [2]


def test_a_heat_map_has_a_cell_per_hour_that_has_any() -> None:
    bins = bins_between(MAY, MAY + timedelta(days=2))
    chart = heat_map(bins, [(MAY, 5, 36), (MAY + timedelta(days=2), 23, 1)])
    assert (chart.levels[5], chart.levels[0]) == ("M0 5h1v1h-1z", "M2 23h1v1h-1z")
    assert (chart.most, chart.counts[5], chart.counts[2 * HOURS + 23], sum(chart.hours)) == (36, 36, 1, 37)


def test_nothing_is_a_chart_too() -> None:
    bins = bins_between(MAY, MAY)
    assert bar_chart(bins, []).series == []
    assert heat_map(bins, []).most == 0


@pytest.mark.parametrize("most", range(1, 300, 7))
def test_the_top_is_round_and_its_half_is_whole(most: int) -> None:
    top = nice_top(most)
    assert most <= top <= max(2, 3 * most)
    assert top % 2 == 0


def test_colors_begin_with_the_first_detection_and_end_with_the_most() -> None:
    assert [level_of(count, 1000) for count in (0, 1, 1000)] == [0, 1, 6]


@pytest.mark.parametrize("days", [1, 3, 30, 365])
def test_ticks_are_few_and_within_the_axis(days: int) -> None:
    ticks = ticks_of(bins_between(MAY, MAY + timedelta(days=days - 1)))
    assert 1 <= len(ticks) <= 5
    assert all(0 < tick.place < 100 for tick in ticks)


def test_a_sparkline_shows_also_one_among_many() -> None:
    bins = bins_between(MAY, MAY + timedelta(days=1))
    assert sparkline({MAY: 1, bins[1].first: 1000}, bins) == "M0.1 100v-4.0h.8V100zM1.1 100v-100.0h.8V100z"
