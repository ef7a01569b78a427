"""Metadata of recorders, in bytes made on the spot."""

from __future__ import annotations

import struct
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from tests.support.recorder_files import bext_chunk, chunk, guano_chunk, info_list, wamd_chunk, wav_bytes
from tidzam.audio.recorder_headers import (
    PARSERS,
    header_time,
    parse_audiomoth,
    parse_bext,
    parse_guano,
    parse_wamd,
)

LOCAL = datetime(2026, 5, 1, 6, 30)


def zone(hours: float) -> timezone:
    return timezone(timedelta(hours=hours))


@pytest.mark.parametrize(
    ("comment", "expected"),
    [
        ("Recorded at 06:30:00 01/05/2026 by AudioMoth 0FE081F80FE081F0 at gain setting 2", UTC),
        ("Recorded at 06:30:00 01/05/2026 (UTC) by AudioMoth 0FE081F80FE081F0 at gain setting 2", UTC),
        ("Recorded at 06:30:00 01/05/2026 (UTC+2) by AudioMoth 247AA5015EA72614 at medium gain", zone(2)),
        ("Recorded at 06:30:00 01/05/2026 (UTC-11) by AudioMoth 247AA5015EA72614 at low gain", zone(-11)),
        ("Recorded at 06:30:00 01/05/2026 (UTC+5:30) by AudioMoth 247AA5015EA72614", zone(5.5)),
        ("Recorded at 06:30:00 01/05/2026 (UTC-0:30) by AudioMoth 247AA5015EA72614", zone(-0.5)),
        ("Recorded at 06:30:00 01/05/2026 (UTC+5:45) during deployment A1B2C3D4E5F60718", zone(5.75)),
    ],
)
def test_the_comment_of_audiomoth(comment: str, expected: timezone) -> None:
    found = parse_audiomoth(comment.encode().ljust(384, b"\0"))
    assert found is not None
    assert (found.local, found.zone) == (LOCAL, expected)


def test_the_comment_of_audiomoth_with_milliseconds() -> None:
    found = parse_audiomoth(b"Recorded at 06:30:00.125 01/05/2026 (UTC) by AudioMoth 247AA5015EA72614")
    assert found is not None
    assert found.local == LOCAL.replace(microsecond=125_000)


@pytest.mark.parametrize(
    ("timestamp", "expected"),
    [
        ("2026-05-01T06:30:00+02:00", zone(2)),
        ("2026-05-01T06:30:00Z", UTC),
        ("2026-05-01T06:30:00", None),
        ("2026-05-01 06:30:00-0500", zone(-5)),
    ],
)
def test_the_timestamp_of_guano(timestamp: str, expected: timezone | None) -> None:
    found = parse_guano(f"GUANO|Version: 1.0\nMake: Étude\nTimestamp: {timestamp}\nNote: a\\nb\n\0".encode())
    assert found is not None
    assert (found.local, found.zone) == (LOCAL, expected)


def test_the_start_in_a_song_meter_s_chunk() -> None:
    entries = {0x00: b"\1\0", 0x01: b"SM4", 0x04: b"SITE", 0x05: b"2026-05-01 06:30:00-05:00", 0x0A: b"note"}
    found = parse_wamd(wamd_chunk(entries))
    assert found is not None
    assert (found.local, found.zone) == (LOCAL, zone(-5))


def test_the_origination_of_broadcast_wav() -> None:
    found = parse_bext(bext_chunk("2026-05-01", "06:30:00"))
    assert found is not None
    assert (found.local, found.zone) == (LOCAL, None)


@pytest.mark.parametrize(
    ("date", "time"), [("0000-00-00", "00:00:00"), ("\0" * 10, "\0" * 8), ("2026-13-01", "06:30:00")]
)
def test_a_broadcast_wav_without_a_date(date: str, time: str) -> None:
    assert parse_bext(bext_chunk(date, time)) is None


@pytest.mark.parametrize(
    "chunks",
    [
        [chunk(b"guan", guano_chunk("2026-05-01T06:30:00+02:00"))],
        [chunk(b"LIST", info_list({b"IART": b"AudioMoth", b"ICMT": b"Recorded at 06:30:00 01/05/2026 (UTC+2) by x"}))],
        [chunk(b"wamd", wamd_chunk({0x05: b"2026-05-01 06:30:00+02:00"}))],
    ],
)
@pytest.mark.parametrize("after_the_data", [False, True])
def test_chunks_are_found_before_and_after_the_data(tmp_path: Path, chunks: list[bytes], after_the_data: bool) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(wav_bytes(b"\0" * 101, after=chunks) if after_the_data else wav_bytes(b"\0" * 101, before=chunks))
    found = header_time(path)
    assert found is not None
    assert (found.local, found.zone) == (LOCAL, zone(2))


def test_guano_comes_before_the_comment(tmp_path: Path) -> None:
    comment = info_list({b"ICMT": b"Recorded at 07:00:00 01/05/2026 (UTC) by AudioMoth x"})
    chunks = [chunk(b"LIST", comment), chunk(b"guan", guano_chunk("2026-05-01T06:30:00+02:00"))]
    (tmp_path / "a.wav").write_bytes(wav_bytes(b"\0\0", before=chunks))
    found = header_time(tmp_path / "a.wav")
    assert found is not None
    assert found.source == "GUANO"


def test_an_invalid_time_gives_way_to_the_next(tmp_path: Path) -> None:
    comment = info_list({b"ICMT": b"Recorded at 06:30:00 01/05/2026 (UTC) by AudioMoth x"})
    chunks = [chunk(b"LIST", comment), chunk(b"guan", guano_chunk("yesterday"))]
    (tmp_path / "a.wav").write_bytes(wav_bytes(b"\0\0", before=chunks))
    found = header_time(tmp_path / "a.wav")
    assert found is not None
    assert found.source == "AudioMoth comment"


def test_chunks_after_more_than_4_gib_of_data(tmp_path: Path) -> None:
    path, size = tmp_path / "long.wav", (1 << 32) + 10
    sizes = chunk(b"ds64", struct.pack("<QQQI", size + 100, size, size // 2, 0))
    head = b"RF64\xff\xff\xff\xffWAVE" + sizes + chunk(b"fmt ", struct.pack("<HHIIHH", 1, 1, 48000, 96000, 2, 16))
    with path.open("wb") as file:
        file.write(head + b"data\xff\xff\xff\xff")
        file.seek(len(head) + 8 + size)
        file.write(chunk(b"guan", guano_chunk("2026-05-01T06:30:00Z")))
    found = header_time(path)
    assert found is not None
    assert found.local == LOCAL


def test_the_comment_in_a_flac_file(tmp_path: Path) -> None:
    path = tmp_path / "a.flac"
    with soundfile.SoundFile(path, "w", 48000, 1) as file:
        file.comment = "Recorded at 06:30:00 01/05/2026 (UTC+2) by AudioMoth 247AA5015EA72614"
        file.write(np.zeros(480, np.float32))
    found = header_time(path)
    assert found is not None
    assert (found.local, found.zone) == (LOCAL, zone(2))


@pytest.mark.parametrize(
    "content", [b"", b"RIFF", b"RIFF\0\0\0\0WAVE", b"fLaC", b"fLaC\x84\xff\xff\xff", b"text\n" * 9]
)
def test_files_without_metadata(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.wav").write_bytes(content)
    assert header_time(tmp_path / "a.wav") is None


def test_a_missing_file_has_no_metadata(tmp_path: Path) -> None:
    assert header_time(tmp_path / "a.wav") is None


@given(st.binary(max_size=400))
def test_parsers_take_any_bytes(raw: bytes) -> None:
    for parse in PARSERS.values():
        parse(raw)


@given(st.binary(max_size=200))
def test_a_damaged_file_is_read_or_has_no_time(tmp_path_factory: pytest.TempPathFactory, raw: bytes) -> None:
    whole = wav_bytes(b"\0" * 10, before=[chunk(b"LIST", raw), chunk(b"wamd", raw)])
    path = tmp_path_factory.getbasetemp() / "damaged.wav"
    path.write_bytes(whole)
    header_time(path)
