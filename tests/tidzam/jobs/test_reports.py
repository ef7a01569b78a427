"""The lines in which the command of a job reports."""

from __future__ import annotations

import pytest

from tidzam.errors import DatasetError
from tidzam.jobs.reports import FailureReport, JobReport, ProgressReport, ReportWriter, ResultReport, parse_report


def test_reports_are_read_as_they_were_written(capsys: pytest.CaptureFixture[str]) -> None:
    writer = ReportWriter()
    writer.progress(0.25, "a quarter")
    writer.progress(None, "starting")
    writer.result({"version": "1"})
    writer.failure(DatasetError("No tags.", hint="Add some.", code="dataset_small"))
    expected: list[JobReport] = [
        ProgressReport(0.25, "a quarter"),
        ProgressReport(None, "starting"),
        ResultReport({"version": "1"}),
        FailureReport("No tags. Add some.", "dataset_small"),
    ]
    assert [parse_report(line) for line in capsys.readouterr().out.splitlines()] == expected


@pytest.mark.parametrize(
    "line", ["", "loading", "[]", "7", '{"event": "progress"}', '{"event": "progress", "share": "x", "message": ""}']
)
def test_other_lines_are_no_reports(line: str) -> None:
    assert parse_report(line) is None


def test_a_share_out_of_range_is_put_into_it() -> None:
    assert parse_report('{"event": "progress", "share": 1.5, "message": ""}') == ProgressReport(1.0, "")


def test_file_names_that_are_not_utf8_are_escaped() -> None:
    """Databases cannot hold them otherwise."""
    found = parse_report(r'{"event": "result", "result": {"unreadable": ["a\udcff.flac"]}}')
    assert found == ResultReport({"unreadable": [r"a\xff.flac"]})
