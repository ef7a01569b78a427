"""Curves of evaluations as SVG."""

from __future__ import annotations

from console.web.curves import cost_chart, matrix_rows, precision_recall_lines, roc_lines
from tidzam.open_set import ThresholdCost


def cost(threshold: float, missed: float, alarms: float | None) -> ThresholdCost:
    return ThresholdCost(threshold=threshold, false_alarms_per_day=alarms, missed=missed, precision=1.0, f1=1.0)


def test_a_line_of_precision_and_recall_is_marked_at_its_threshold() -> None:
    (line,) = precision_recall_lines({"owl": [(0.9, 1.0, 0.5), (0.4, 0.5, 1.0)]}, {"owl": 0.75}, {"owl": 0.5})
    assert (line.path, line.mark, line.area) == ("M50.00 0.00 100.00 50.00", (50.0, 0.0), 0.75)


def test_a_threshold_above_all_scores_has_no_mark() -> None:
    (line,) = precision_recall_lines({"owl": [(0.4, 1.0, 1.0)]}, {}, {"owl": 0.5})
    assert line.mark is None


def test_a_roc_curve_begins_at_zero() -> None:
    (line,) = roc_lines({"owl": [(0.9, 0.0, 1.0), (0.1, 1.0, 1.0)]}, {}, {})
    assert line.path == "M0.00 100.00 0.00 0.00 100.00 0.00"


def test_the_seventh_line_is_dashed_in_the_first_color() -> None:
    lines = roc_lines({str(number): [] for number in range(7)}, {}, {})
    assert (lines[6].color, lines[6].is_dashed, lines[5].is_dashed) == (1, True, False)


def test_costs_are_steps_from_the_highest_threshold_down() -> None:
    chart = cost_chart([cost(0.8, 0.5, 0.0), cost(0.2, 0.0, 4.0)])
    assert chart.missed == "M100 0.00L80.00 0.00L80.00 50.00L20.00 50.00L20.00 100.00L0 100.00"
    assert chart.alarms == "M100 100.00L80.00 100.00L80.00 100.00L20.00 100.00L20.00 0.00L0 0.00"
    assert chart.most_per_day == 4.0


def test_without_background_there_is_no_line_of_alarms() -> None:
    assert cost_chart([cost(0.8, 0.5, None)]).alarms == ""


def test_without_costs_there_are_no_lines() -> None:
    assert cost_chart([]).missed == ""


def test_the_color_of_a_cell_is_its_share_of_the_row() -> None:
    ((first, second),) = matrix_rows(["owl", "unknown"], [[3, 1]])
    assert (first.level, first.share, first.is_right) == (5, 0.75, True)
    assert (second.level, second.is_right) == (2, False)


def test_an_empty_row_has_no_color() -> None:
    assert [one.level for one in matrix_rows(["owl"], [[0]])[0]] == [0]
