"""A source is recorded sample by sample to files that are cut on the clock, whatever becomes of it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from stream_manager.direct.inputs import DirectInput
from stream_manager.direct.open_input import open_input
from stream_manager.direct.options import DirectOptions, DirectSource
from stream_manager.direct.recorder import KILLED, DirectRecorder
from stream_manager.recorder.events import FileFinished, Lost, RecorderEvent, Repaired
from tests.stream_manager.direct.harness import RATE_HZ, PlayedSource, direct_source, ramp, recorded, sound_file
from tests.support.eventually import eventually

pytestmark = pytest.mark.timeout(60)


class Running:
    """A recorder that a test steps, and its events."""

    def __init__(self, source: DirectSource, opener: Callable[[], DirectInput], complete_in: Path | None) -> None:
        self.events: list[RecorderEvent] = []
        self.recorder = DirectRecorder(
            source, opener, lambda _, event: self.events.append(event), complete_in=complete_in
        )

    def of(self, kind: type[RecorderEvent]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    def until(self, condition: Callable[[], object], *, playing: Callable[[], None] = lambda: None) -> None:
        """Record until a condition holds, while something plays."""

        def step() -> object:
            playing()
            self.recorder.step()
            return condition()

        eventually(step)


@contextmanager
def running(
    source: DirectSource, opener: Callable[[], DirectInput] | None = None, complete_in: Path | None = None
) -> Iterator[Running]:
    made = Running(source, opener or (lambda: open_input(source)), complete_in)
    try:
        yield made
    finally:
        made.recorder.close()


def test_files_join_sample_by_sample_and_a_loop_has_no_gap(tmp_path: Path) -> None:
    played = ramp(RATE_HZ // 2 + 123)
    source = direct_source(tmp_path / "to", str(sound_file(tmp_path, played)))
    with running(source) as run:
        run.until(lambda: len(run.of(FileFinished)) >= 3)
    found = recorded(list((tmp_path / "to").glob("*.flac")))
    audio = found[np.flatnonzero(found)[0] :]  # silence precedes the first sample
    first = round(float(audio[0]) * (1 << 15)) - 1
    assert np.array_equal(audio, np.resize(np.roll(played, -first), len(audio)))
    assert run.recorder.state().lost_s == 0


def test_complete_files_are_moved_at_once_to_where_they_are_wanted(tmp_path: Path) -> None:
    complete = tmp_path / "complete"
    complete.mkdir()
    source = direct_source(tmp_path / "temp", str(sound_file(tmp_path, ramp(RATE_HZ))))
    with running(source, complete_in=complete) as run:
        run.until(lambda: run.of(FileFinished))
    assert {Path(event.file).parent for event in run.of(FileFinished)} == {complete}
    assert not list((tmp_path / "temp").glob("*.flac"))


def test_a_complete_file_waits_while_it_cannot_be_moved(tmp_path: Path) -> None:
    complete = tmp_path / "gone" / "complete"
    source = direct_source(tmp_path / "temp", str(sound_file(tmp_path, ramp(RATE_HZ))))
    with running(source, complete_in=complete) as run:
        run.until(lambda: run.recorder.state().waiting)
        assert not run.of(FileFinished)
        complete.parent.mkdir()
        run.until(lambda: run.of(FileFinished) and run.recorder.state().waiting is None)
    assert len(run.of(FileFinished)) == len(list(complete.iterdir()))
    assert not list((tmp_path / "temp").glob(".*.part"))


def test_what_is_missing_since_a_kill_is_counted_and_nothing_after_a_stop(tmp_path: Path) -> None:
    temp = tmp_path / "temp"
    temp.mkdir()
    part = temp / ".pond-2026-05-01-06-30-00.flac.part"
    part.write_bytes(sound_file(tmp_path, ramp(20000)).read_bytes())
    os.utime(part, (ended_s := time.time() - 100, ended_s))
    for missing_s in (100, 0):
        with running(direct_source(temp, str(tmp_path / "played.flac"))) as run:
            run.until(lambda: run.recorder.state().seconds > 0)
        assert run.recorder.state().lost_s == pytest.approx(missing_s, abs=20)
        assert [lost.reason for lost in run.of(Lost)] == [KILLED] * bool(missing_s)


def test_what_a_source_cannot_be_recorded_for_is_said_once(tmp_path: Path) -> None:
    source = direct_source(tmp_path / "to", str(sound_file(tmp_path, ramp(RATE_HZ, 8))))
    source = replace(source, channels=(0, *range(8)))
    with running(source) as run:
        run.until(lambda: run.recorder.state().problem)
    assert str(run.recorder.state().problem).startswith("it has 9 channels, and FLAC holds at most 8.")


def test_a_later_recorder_never_reuses_a_name_whoever_took_the_file(tmp_path: Path) -> None:
    complete = tmp_path / "complete"
    complete.mkdir()
    source = direct_source(tmp_path / "temp", str(sound_file(tmp_path, ramp(RATE_HZ))))
    names: list[str] = []
    for _ in range(3):
        with running(source, complete_in=complete) as run:
            run.until(lambda: run.recorder.state().seconds > 0)
        for path in complete.iterdir():
            names.append(path.name)
            path.unlink()
    assert len(set(names)) == len(names) >= 3


def test_the_time_for_which_a_source_is_away_is_silence_and_counted(tmp_path: Path) -> None:
    source, played = direct_source(tmp_path / "to", ""), PlayedSource(tmp_path)
    with running(source, played.open_input) as run:
        run.until(lambda: run.recorder.state().seconds > 0.5, playing=lambda: played.play(RATE_HZ // 10))
        played.lose()
        run.until(lambda: run.recorder.state().state == "away")
        run.until(lambda: run.recorder.state().state == "recording", playing=lambda: played.play(RATE_HZ // 10))
        state = run.recorder.state()
    assert state.outages == 1
    assert state.outage_s > 0
    assert sum(lost.seconds for lost in run.of(Lost)) == pytest.approx(run.recorder.state().lost_s, abs=1e-3)


def test_files_carry_the_times_at_which_the_sound_was_there(tmp_path: Path) -> None:
    source, played = direct_source(tmp_path / "to", ""), PlayedSource(tmp_path)
    with running(source, played.open_input) as run:
        played.play(RATE_HZ)
        began_s = time.time()
        run.until(lambda: run.of(FileFinished), playing=lambda: played.play(80))
    first = min((tmp_path / "to").glob("*.flac"))
    named_s = _named_s(first)
    silent_s = np.flatnonzero(recorded([first]))[0] / RATE_HZ
    assert named_s + silent_s == pytest.approx(began_s, abs=1.0)


def _named_s(path: Path) -> float:
    return time.mktime(time.strptime(path.stem.removeprefix("pond-"), "%Y-%m-%d-%H-%M-%S")) - time.timezone


def test_what_a_crash_left_is_repaired_and_moved(tmp_path: Path) -> None:
    temp, complete = tmp_path / "temp", tmp_path / "complete"
    temp.mkdir()
    complete.mkdir()
    whole = sound_file(tmp_path, ramp(20000)).read_bytes()
    (temp / ".pond-2026-05-01-06-30-00.flac.part").write_bytes(whole[: len(whole) // 2])
    with running(direct_source(temp, str(tmp_path / "played.flac")), complete_in=complete) as run:
        run.until(lambda: run.of(Repaired))
    found = recorded([complete / "pond-2026-05-01-06-30-00.flac"])
    assert np.array_equal(found, ramp(20000)[: len(found), 0])
    assert len(found) > 5000


def test_a_source_with_another_format_goes_on_in_another_file(tmp_path: Path) -> None:
    source = direct_source(tmp_path / "to", str(sound_file(tmp_path, ramp(RATE_HZ // 4))), loop=False)
    with running(source) as run:
        run.until(lambda: run.recorder.state().seconds > 0)
        sound_file(tmp_path, ramp(RATE_HZ // 4, 2))
        run.until(lambda: any(soundfile.info(event.file).channels == 2 for event in run.of(FileFinished)))
    channels = {soundfile.info(event.file).channels for event in run.of(FileFinished)}
    assert channels == {1, 2}


def test_options_arrive_as_they_are(tmp_path: Path) -> None:
    source = direct_source(tmp_path, "http://pond.example/live", kind="address", channels=(2, 0))
    options = DirectOptions(sources=(source,), complete_in=tmp_path, removable=(tmp_path,), waits=True)
    assert DirectOptions.parse(options.encode()) == options
