"""Times as clients write them."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidzam.times import parse_time, whole_seconds


@pytest.mark.parametrize(
    "text",
    [
        "2026-05-01-06-30-00.25",
        "2026-05-01T06:30:00.250Z",
        "2026-05-01-08-30-00.25+02:00",
        "2026-05-01 01:30:00.25-0500",
    ],
)
def test_every_notation_is_read_as_utc(text: str) -> None:
    assert parse_time(text) == datetime(2026, 5, 1, 6, 30, 0, 250_000, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    ["", "now", "2026-05-01", "2026-02-30-06-30-00", "2026-05-01-25-30-00", "0001-01-01-00-00-00+14:00", "\u0662"],
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="YYYY-MM-DD-HH-MM-SS"):
        parse_time(text)


@given(st.datetimes(datetime(1, 1, 1), datetime(9999, 1, 1)))
def test_what_is_written_is_read_again(time: datetime) -> None:
    time = time.replace(microsecond=0, tzinfo=UTC)
    assert parse_time(whole_seconds(time)) == time
