"""Songs: their files, and their sound."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from examples.theremin.melody import DEFAULT_SONG, Note, parse_melody, read_melody, render
from tidzam.errors import ConfigError

SONG = ["# a comment", "title Scale", "tempo 120", "count-in 2", "", "C4:1 R:0.5", "D4:1.5"]


def test_notes_follow_the_count_in_at_the_tempo() -> None:
    melody = parse_melody(SONG)
    assert melody.notes == (Note(1.0, 1.5, 60.0), Note(1.75, 2.5, 62.0))
    assert (melody.title, melody.clicks_s) == ("Scale", (0.0, 0.5))


def test_the_song_that_is_shipped_can_be_played() -> None:
    melody = read_melody(DEFAULT_SONG)
    assert len(melody.notes) == 62
    assert melody.end_s == pytest.approx(42.5)


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (["tempo 96"], "no notes"),
        (["tempo 96", "R:1"], "no notes"),
        (["C4:1"], "tempo is missing"),
        (["tempo fast", "C4:1"], "'fast'"),
        (["tempo 96", "C4:1 X9:1"], "line 2: 'X9:1'"),
        (["tempo 96", "C4:0"], "'C4:0'"),
    ],
)
def test_a_wrong_file_is_refused_with_the_reason(lines: list[str], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        parse_melody(lines)


def test_a_song_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        read_melody(tmp_path / "none.txt")


def test_the_sound_has_clicks_and_notes_where_they_belong() -> None:
    sound = render(parse_melody(SONG), 8000)
    loud = [bool(np.abs(sound[round(s * 8000) : round(s * 8000) + 200]).max() > 0.05) for s in (0, 0.3, 1.0, 1.6, 1.75)]
    assert loud == [True, False, True, False, True]
    assert np.abs(sound).max() < 1
