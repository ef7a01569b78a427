from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from tests.support.recorder_files import chunk, info_list, wav_bytes
from tidzam.audio.recorder_headers import HeaderTime
from tidzam.audio.recording_time import TimeRules, combined_time, recording_time
from tidzam.recording_names import NamedTime

SIX = datetime(2026, 5, 1, 6)
PLUS_2 = timezone(timedelta(hours=2))
MINUS_5 = timezone(timedelta(hours=-5))
PARIS = TimeRules.of("Europe/Paris", ())


def named(time: datetime = SIX, zone: timezone | None = None) -> NamedTime:
    return NamedTime("pond", time, zone, "Tidzam")


def header(time: datetime = SIX, zone: timezone | None = PLUS_2) -> HeaderTime:
    return HeaderTime(time, zone, "GUANO")


def utc(hour: int, minute: int = 0, microsecond: int = 0) -> datetime:
    return datetime(2026, 5, 1, hour, minute, 0, microsecond, tzinfo=UTC)


def start(name: NamedTime | None, metadata: HeaderTime | None, rules: TimeRules = PARIS) -> datetime | None:
    return combined_time("stem", name, metadata, rules).start


def test_nothing_states_a_time() -> None:
    found = combined_time("stem", None, None, PARIS)
    assert (found.name, found.start, found.source) == ("stem", None, "")


def test_a_name_without_a_zone_is_in_that_of_the_rules() -> None:
    assert start(named(), None) == utc(4)
    assert start(named(), None, TimeRules()) == utc(6)


def test_a_zone_in_the_name_is_used() -> None:
    assert start(named(zone=MINUS_5), header()) == utc(11)


def test_the_clock_of_the_name_has_the_zone_of_the_metadata() -> None:
    assert start(named(), header(zone=MINUS_5)) == utc(11)


def test_a_part_that_was_cut_from_a_file_keeps_its_own_time() -> None:
    assert start(named(SIX + timedelta(minutes=15)), header(zone=MINUS_5)) == utc(11, 15)


def test_a_fraction_in_the_metadata_is_kept() -> None:
    precise = SIX.replace(microsecond=250_000)
    assert start(named(), header(precise)) == utc(4, 0, 250_000)


def test_metadata_without_a_zone_is_in_that_of_the_rules() -> None:
    assert start(None, header(zone=None)) == utc(4)


def test_metadata_alone() -> None:
    found = combined_time("ZOOM0001", None, header(), PARIS)
    assert (found.name, found.start, found.source) == ("ZOOM0001", utc(4), "GUANO")


@pytest.mark.parametrize("time", [datetime(1, 1, 1), datetime(999, 1, 1), datetime(9999, 12, 31, 23, 59, 59)])
def test_a_year_without_recorders_is_no_time(time: datetime) -> None:
    found = combined_time("stem", None, HeaderTime(time, PLUS_2, "GUANO"), PARIS)
    assert (found.start, found.source) == (None, "")


@pytest.mark.parametrize(("own", "expected"), [((), None), (("*_%d.%m.%Y_%H",), utc(6))])
def test_own_patterns_are_applied_to_the_file(tmp_path: Path, own: tuple[str, ...], expected: datetime | None) -> None:
    (tmp_path / "pond_01.05.2026_06.wav").write_bytes(wav_bytes(b"\0\0"))
    assert recording_time(tmp_path / "pond_01.05.2026_06.wav", TimeRules.of("UTC", own)).start == expected


def test_a_file_of_an_audiomoth(tmp_path: Path) -> None:
    comment = info_list({b"ICMT": b"Recorded at 06:00:00 01/05/2026 (UTC-5) by AudioMoth 247AA5015EA72614"})
    path = tmp_path / "20260501_060000.WAV"
    path.write_bytes(wav_bytes(b"\0\0", before=[chunk(b"LIST", comment)]))
    found = recording_time(path, TimeRules())
    assert found.start == utc(11)
    assert found.source.endswith("zone from AudioMoth comment")
