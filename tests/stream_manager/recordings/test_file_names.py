"""Which files are recordings, and what their names say."""

from datetime import datetime

import pytest

from stream_manager.recordings.file_names import parse_file_name


@pytest.mark.parametrize("suffix", ["ogg", "opus", "wav", "flac", "WAV"])
def test_the_name_and_the_date_of_a_recording_are_parsed(suffix: str) -> None:
    found = parse_file_name(f"impoundment-mc-2017-03-26-02-30-05.{suffix}")
    assert found is not None
    assert (found.name, found.local) == ("impoundment-mc", datetime(2017, 3, 26, 2, 30, 5))


def test_a_fraction_of_a_second_is_parsed() -> None:
    found = parse_file_name("pond-2026-05-01-06-30-00.25.flac")
    assert found is not None
    assert found.local == datetime(2026, 5, 1, 6, 30, 0, 250_000)


@pytest.mark.parametrize(
    "name",
    [
        "pond.wav",
        "pond-2026-05-01.wav",
        "pond-2026-05-01-06-30-00.mp3",
        "pond-2026-13-01-06-30-00.wav",
        "pond-2026-02-30-06-30-00.wav",
        "pond-2026-05-01-24-30-00.wav",
        "-2026-05-01-06-30-00.wav",
        "pond-2026-05-01-06-30-00",
        "pond-2026-05-01-06-30-00.wav.part",
        "pond-\u0662026-05-01-06-30-00.wav",
        "",
    ],
)
def test_other_files_are_no_recordings(name: str) -> None:
    assert parse_file_name(name) is None
