"""What comes of a recording, without JACK: the tone is synthesized beside the song."""

from __future__ import annotations

import json
from email import message_from_bytes, policy
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from examples.theremin.__main__ import app
from examples.theremin.melody import Melody, parse_melody, render
from examples.theremin.notes import hz_of
from examples.theremin.performance import SongSound
from examples.theremin.recording import first_loud, join, song_start_s
from examples.theremin.voice import Voice
from tidzam.types import Float32

RATE_HZ, LEAD_S = 48000, 0.7
LINES = ["title Short", "tempo 120", "count-in 1", "C4:1 E4:1 G4:1.5 C4:1"]
MELODY = parse_melody(LINES)


def tone_of(melody: Melody, frames: int) -> Float32:
    """A player who plays every note right."""
    voice, sound, block = Voice(RATE_HZ), np.zeros(frames // 48 * 48, np.float32), 48
    for start in range(0, len(sound), block):
        time_s = start / RATE_HZ
        note = next((one for one in melody.notes if one.start_s <= time_s < one.end_s), None)
        voice.set(hz_of(note.note), 1.0) if note else voice.release()
        voice.play(sound[start : start + block])
    return sound


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording of a tone and a song that begin LEAD_S after it, and the song as a text file and as audio."""
    path = tmp_path_factory.mktemp("theremin")
    (path / "song.txt").write_text("\n".join(LINES))
    song = render(MELODY, RATE_HZ)
    soundfile.write(path / "song.wav", np.stack([song, song], axis=1), RATE_HZ)
    tone = tone_of(MELODY, len(song))
    both = np.stack([tone, song[: len(tone)]], axis=1)
    soundfile.write(path / "recording.wav", np.pad(both, ((round(LEAD_S * RATE_HZ), 0), (0, 0))), RATE_HZ)
    return path


def evaluate(folder: Path, *options: str) -> str:
    """The output of the command for that recording."""
    done = CliRunner().invoke(app, [f"--recording={folder / 'recording.wav'}", *options], catch_exceptions=False)
    assert done.exit_code == 0
    return done.output


@pytest.mark.parametrize("options", [["--song=song.txt"], ["--song=song.wav", "--melody=song.txt"]])
def test_a_recording_is_scored_against_the_song_in_it(
    options: list[str], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    evaluate(folder, *options)
    figures = json.loads((folder / "score.json").read_text())
    assert figures["points"] > 95
    assert max(abs(note["shift_s"]) for note in figures["notes_of_song"]) < 0.05
    assert [line.rpartition(",")[2] for line in (folder / "notes.csv").read_text().split()] == [
        *("name", "C4", "E4", "G4", "C4")
    ]


def test_without_a_song_there_is_no_score(folder: Path) -> None:
    evaluate(folder, "--no-song")
    figures = json.loads((folder / "score.json").read_text())
    assert figures == {"song": "Free play", "notes_played": 4}


def test_another_folder_gets_the_outputs(folder: Path, tmp_path: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    evaluate(folder, "--no-song", f"--out={tmp_path / 'out'}", "--mail=a@example.org", "--dry-run")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"notes.pdf", "notes.csv", "score.json", "mail.eml"}
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == before


def test_a_dry_run_writes_the_message_and_sends_nothing(folder: Path) -> None:
    evaluate(folder, f"--song={folder / 'song.txt'}", "--mail=a@example.org", "--dry-run", "--attach-recording")
    mail = message_from_bytes((folder / "mail.eml").read_bytes(), policy=policy.default)
    names = [part.get_filename() for part in mail.walk() if part.get_filename()]
    assert (mail["To"], names) == ("a@example.org", ["notes.pdf", "recording.wav"])


def test_the_song_is_found_in_a_recording_at_another_rate() -> None:
    song = SongSound(render(MELODY, 8000), 8000)
    heard = np.concatenate([np.zeros(24000, np.float32), render(MELODY, RATE_HZ)])
    assert song_start_s(heard, RATE_HZ, song) == pytest.approx(0.5, abs=0.001)


def test_a_song_that_is_not_heard_has_no_beginning() -> None:
    assert song_start_s(np.zeros(1000, np.float32), RATE_HZ, SongSound(render(MELODY, 8000), 8000)) is None
    assert first_loud(np.full(10, 0.001, np.float32)) is None


def test_files_that_follow_one_another_are_joined_in_order(tmp_path: Path) -> None:
    files = []
    for number in (1, 2, 3):
        files.append(tmp_path / f"theremin-2026-05-0{number}-00-00-00.wav")
        soundfile.write(files[-1], np.full((100, 2), number / 10, np.float32), 8000, subtype="PCM_16")
    joined, _ = soundfile.read(join(files[::-1], tmp_path / "recording.wav"))
    assert joined[:, 1] == pytest.approx(np.repeat([0.1, 0.2, 0.3], 100), abs=1e-4)
    assert not any(file.exists() for file in files)
