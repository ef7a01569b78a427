from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import PurePath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidzam.recording_names import PATTERNS, compile_pattern, parse_recording_name, stem_of

LOCAL = datetime(2026, 5, 1, 6, 30)

NAMES = {
    "pond-2026-05-01-06-30-00.wav": "pond",
    "pond-2026-05-01-06-30-00.flac": "pond",
    "20260501_063000.WAV": "",
    "20260501_063000T.WAV": "",
    "24F31901603711AF_20260501_063000.WAV": "24F31901603711AF",
    "SITE_20260501_063000.wav": "SITE",
    "SM4-A_0+1_20260501_063000.wav": "SM4-A_0+1",
    "ARIZONA-1_20260501$063000.wav": "ARIZONA-1",
    "PAM_20260501_063000_000.wav": "PAM",
    "Recording 20260501-063000 edited.mp3": "Recording",
    "20260501063000.ogg": "",
    "2026-05-01 06-30-00.wav": "",
    "2026-05-01-birdnet-06:30:00.mp3": "",
    "Chan_1-24bps.1277236867.2026-05-01-06-30-00.wav": "Chan_1-24bps.1277236867",
    "site_2026_05_01_06_30_00.wav": "site",
    "site_2026_05_01_063000.wav": "site",
    "2026-05-01 06_30.wav": "",
    "5205.260501063000.wav": "5205",
    "SanctSound_SB01_01_1678032935_260501063000.wav": "SanctSound_SB01_01_1678032935",
    "WAT_NC_03_260501_063000_df100.x.wav": "WAT_NC_03",
    "NRS08-260501-063000.wav": "NRS08",
}


@pytest.mark.parametrize(("file_name", "name"), NAMES.items())
def test_names_without_a_zone(file_name: str, name: str) -> None:
    found = parse_recording_name(PurePath(file_name))
    assert found is not None
    assert (found.name, found.local, found.zone) == (name, LOCAL, None)


@pytest.mark.parametrize(
    ("file_name", "hours"),
    [
        ("20260501T063000+1000_REC.flac", 10),
        ("20260501T063000+10_REC.flac", 10),
        ("SwiftOne_20260501_063000_-0500.wav", -5),
        ("AMAR668.9.20260501T063000Z.wav", 0),
        ("turdus_merula_85p_20260501T063000Z.wav", 0),
        ("site_2026-05-01_06.30.00_Z.wav", 0),
        ("site_20260501_063000_UTC.wav", 0),
    ],
)
def test_names_with_a_zone(file_name: str, hours: int) -> None:
    found = parse_recording_name(PurePath(file_name))
    assert found is not None
    assert found.local == LOCAL
    assert found.zone is not None
    assert found.zone.utcoffset(None) == timedelta(hours=hours)


@pytest.mark.parametrize(
    "file_name",
    ["pond-2026-05-01-06-30-00.250.wav", "pond-2026-05-01-06-30-00.250", "PAM_20260501_063000_250.wav"],
)
def test_a_fraction_of_a_second(file_name: str) -> None:
    found = parse_recording_name(PurePath(file_name))
    assert found is not None
    assert found.local == LOCAL.replace(microsecond=250_000)


def test_old_audiomoth_names_are_hexadecimal_seconds_in_utc() -> None:
    found = parse_recording_name(PurePath("5EC5A158.WAV"))
    assert found is not None
    assert found.local.replace(tzinfo=found.zone) == datetime(2020, 5, 20, 21, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "file_name",
    [
        "pond.wav",
        "1-187207-A-20.wav",
        "ZOOM0001.WAV",
        "20210501.wav",  # hexadecimal digits, but of 1987
        "DEADBEEF.wav",
        "pond-2026-13-01-06-30-00.wav",
        "pond_20260231_063000.wav",
        "pond_20260501_253000.wav",
        "620260501_0630001.wav",
        "clip_123456_123456.wav",
        "track-2026.wav",
        "",
    ],
)
def test_names_without_a_time(file_name: str) -> None:
    assert parse_recording_name(PurePath(file_name)) is None


def test_a_copy_s_number_is_not_a_zone() -> None:
    found = parse_recording_name(PurePath("SITE_20260501_063000-01.wav"))
    assert found is not None
    assert found.zone is None


def test_the_examples_of_the_table_are_of_their_own_kind() -> None:
    for pattern in PATTERNS:
        found = parse_recording_name(PurePath(f"{pattern.example}.wav"))
        assert found is not None
        assert found.pattern == pattern.title


@pytest.mark.parametrize(
    ("pattern", "file_name"),
    [
        ("*_%d.%m.%Y_%Hh%M", "old pond_01.05.2026_06h30.wav"),
        ("%y%m%d-%H%M*", "260501-0630-tape.wav"),
        ("%y%m%d-%H%M*", "260501-0630.wav"),
        ("*%Y%m%d at %H.%M[.%S]", "x 20260501 at 06.30.00.wav"),
        ("*%Y%m%d at %H.%M[.%S]", "x 20260501 at 06.30.wav"),
        ("100%% %Y-%m-%d %H", "100% 2026-05-01 06.wav"),
        ("*_%s", "pond_1777617000.wav"),
    ],
)
def test_own_patterns(pattern: str, file_name: str) -> None:
    found = parse_recording_name(PurePath(file_name), [compile_pattern(pattern)])
    assert found is not None
    assert found.local.replace(minute=30) == LOCAL
    assert found.pattern == pattern


def test_own_patterns_come_before_the_table() -> None:
    found = parse_recording_name(PurePath("a_20260105_063000.wav"), [compile_pattern("*_%Y%d%m_%H%M%S")])
    assert found is not None
    assert found.local == LOCAL


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("*_%Y%m%d", "needs %Y"),
        ("*.wav", "needs %Y"),
        ("%Y%m%d%H%Q", "no directive %Q"),
        ("%Y%m%d%H%", "no directive %"),
        ("%Y%m%d%H%H", "%H occurs twice"),
        ("%Y%m%d%H[", "not balanced"),
        ("%Y%m%d%H]", "not balanced"),
    ],
)
def test_invalid_patterns_are_refused_with_the_reason(pattern: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        compile_pattern(pattern)


@given(st.text(max_size=60))
def test_any_name_is_read_or_has_no_time(file_name: str) -> None:
    found = parse_recording_name(PurePath(file_name))
    assert found is None or found.local.year >= 1900


@given(
    st.datetimes(datetime(2000, 1, 1), datetime(2069, 12, 31)),
    st.sampled_from(["", "pond", "SITE-3_0+1"]),
    st.integers(-56, 56),
)
def test_what_a_recorder_writes_is_read_back(time: datetime, site: str, quarters: int) -> None:
    zone = timezone(timedelta(minutes=15 * quarters))
    offset = f"{time.replace(tzinfo=zone):%z}"
    found = parse_recording_name(PurePath(f"{site}_{time:%Y%m%d_%H%M%S}{offset}.wav"))
    assert found is not None
    assert found.local == time.replace(microsecond=0)
    assert found.zone == zone


@pytest.mark.parametrize(("file_name", "stem"), [("a.wav", "a"), ("a.b.flac", "a.b"), ("a-00.250", "a-00.250")])
def test_the_suffix_is_cut_off_but_not_a_fraction(file_name: str, stem: str) -> None:
    assert stem_of(PurePath(file_name)) == stem
