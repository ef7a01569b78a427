"""Files of annotations: what is read of each format, and what is refused with its line."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidzam.annotations.audacity import audacity_lines, read_audacity
from tidzam.annotations.csv_table import read_csv
from tidzam.annotations.raven import COLUMNS, raven_row, read_raven, tab_lines
from tidzam.annotations.rules import AnnotationContent
from tidzam.errors import DatasetError

ORIGIN = datetime(2026, 5, 1, 4, 0, tzinfo=UTC)
HIGHEST_HZ = 24000.0
WREN = AnnotationContent(
    start=ORIGIN + timedelta(seconds=1.5), end=ORIGIN + timedelta(seconds=3), tag="wren", low_hz=2000.0, high_hz=8000.0
)
CSV = b"channel,start,end,low_hz,high_hz,tag\npond:out_0,2026-05-01T04:00:01.5Z,2026-05-01T04:00:03Z,2000,8000,wren\n"
RAVEN = (
    b"Selection\tView\tChannel\tBegin Time (s)\tEnd Time (s)\tLow Freq (Hz)\tHigh Freq (Hz)\tAnnotation\n"
    b"1\tSpectrogram 1\t1\t1.5\t3\t2000.0\t8000.0\twren\n"
)
AUDACITY = b"1.500000\t3.000000\twren\n\\\t2000.000000\t8000.000000\n"


def read(name: str, raw: bytes, origin: datetime | None = ORIGIN) -> list[AnnotationContent]:
    readers = {
        "csv": lambda: read_csv(raw, origin),
        "raven": lambda: read_raven(raw, origin, highest_hz=HIGHEST_HZ),
        "audacity": lambda: read_audacity(raw, origin),
    }
    return [one.content for one in readers[name]()]


FILES = {"csv": CSV, "raven": RAVEN, "audacity": AUDACITY}


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_read(name: str) -> None:
    assert read(name, FILES[name]) == [WREN]


@pytest.mark.parametrize("name", FILES)
def test_line_ends_and_a_byte_order_mark_of_windows_do_not_matter(name: str) -> None:
    assert read(name, b"\xef\xbb\xbf" + FILES[name].replace(b"\n", b"\r\n")) == [WREN]


@pytest.mark.parametrize("name", FILES)
def test_utf_16_is_read(name: str) -> None:
    assert read(name, FILES[name].decode().replace("wren", "zaunkönig").encode("utf-16"))[0].tag == "zaunkönig"


@pytest.mark.parametrize("name", FILES)
def test_an_empty_file_has_no_annotation(name: str) -> None:
    assert read(name, b"") == []


@pytest.mark.parametrize(
    ("name", "wrong", "reason"),
    [
        ("csv", CSV.replace(b"start,", b"begin,"), "has no column start; its columns are channel, begin"),
        ("csv", CSV.replace(b",tag", b",species"), "has no column tag"),
        ("csv", CSV.replace(b",2000,", b",2k,"), "Line 2 of the file cannot be used: low_hz is '2k'"),
        ("csv", CSV.replace(b"04:00:03Z", b"04:00:00Z"), "Line 2 of the file cannot be used: end: it is not after"),
        ("csv", CSV.replace(b"04:00:03Z", b"04:00:03"), "Line 2 of the file cannot be used: end: it has no time zone"),
        ("csv", CSV + b"pond:out_0,soon,,,,wren\n", "Line 3 of the file cannot be used: start is 'soon'"),
        ("csv", CSV + b"\n\npond:out_0,1,2,,,\n", "Line 5 of the file cannot be used: tag: it is empty"),
        ("raven", RAVEN.replace(b"Annotation", b"Notes"), "has no column 'Annotation'"),
        ("raven", RAVEN.replace(b"End Time (s)", b"End"), "has no column 'End Time"),
        ("raven", RAVEN.replace(b"\t3\t", b"\t1\t"), "Line 2 of the file cannot be used: end"),
        ("raven", RAVEN.replace(b"\t8000.0\t", b"\t1000\t"), "Line 2 of the file cannot be used: low_hz"),
        ("audacity", AUDACITY + b"1.5\twren\n", "Line 3 of the file cannot be used: expected start, end, label"),
        ("audacity", AUDACITY + b"5.0\t5.0\twren\n", "Line 3 of the file cannot be used: end: it is not after"),
        ("audacity", b"\\\t1\t2\n" + AUDACITY, "Line 1 of the file cannot be used: it has frequencies of no label"),
        ("audacity", AUDACITY + b"1e99\t2e99\twren\n", "Line 3 of the file cannot be used: there is no time"),
        ("csv", b"\x89PNG\r\n\x00\x00", "contains a NUL byte"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(name: str, wrong: bytes, reason: str) -> None:
    with pytest.raises(DatasetError) as refused:
        read(name, wrong)
    assert reason in str(refused.value)


@pytest.mark.parametrize(
    ("name", "wrong", "column"),
    [
        ("csv", b"start;end;tag\n1,5;3;wren\n", "start"),
        ("raven", RAVEN.replace(b"\t1.5\t", b"\t1,5\t"), "Begin Time (s)"),
        ("audacity", AUDACITY.replace(b"1.500000", b"1,5"), "start"),
    ],
)
def test_a_decimal_comma_is_refused_with_what_to_write(name: str, wrong: bytes, column: str) -> None:
    with pytest.raises(DatasetError) as refused:
        read(name, wrong)
    assert f"{column} is '1,5'; write decimals with a point, as 1.5." in str(refused.value)


@pytest.mark.parametrize("name", ["raven", "audacity"])
def test_seconds_need_a_beginning(name: str) -> None:
    with pytest.raises(DatasetError, match="not known when the sound begins"):
        read(name, FILES[name], None)


def test_a_table_may_have_seconds_and_labels_of_a_channel_that_is_known() -> None:
    assert read("csv", b"Start,End,Label\n1.5,3,wren\n") == [
        AnnotationContent(start=WREN.start, end=WREN.end, tag="wren")
    ]


def test_a_table_that_tidzam_wrote_for_raven_knows_when_its_sound_began() -> None:
    raw = tab_lines([COLUMNS, raven_row(1, WREN, ORIGIN, highest_hz=HIGHEST_HZ)])
    assert read("raven", raw, None) == [WREN]


bounds = st.none() | st.integers(1, 23_999_999).map(lambda value: value / 1000)
contents = st.builds(
    lambda start, length, tag, low, high: AnnotationContent(
        start=ORIGIN + timedelta(microseconds=start),
        end=ORIGIN + timedelta(microseconds=start + length),
        tag=tag,
        low_hz=low if low is None or high is None or low < high else None,
        high_hz=high,
    ),
    st.integers(0, 3 * 365 * 86_400_000_000),
    st.integers(1, 86_400_000_000),
    st.sampled_from(["wren", "Turdus merula_Amsel", "mésange, bleue", 'a "b"']),
    bounds,
    bounds,
)


@given(content=contents)
def test_raven_reads_what_was_written(content: AnnotationContent) -> None:
    raw = tab_lines([COLUMNS, raven_row(1, content, ORIGIN, highest_hz=HIGHEST_HZ)])
    assert read("raven", raw) == [content]


@given(content=contents)
def test_audacity_reads_what_was_written(content: AnnotationContent) -> None:
    assert read("audacity", audacity_lines(content, ORIGIN)) == [content]
