"""Recording sessions: sources of a JACK server, and files as microphones, recorded into a folder."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from stream_manager.session.tally import SessionTally
from tests.stream_manager.direct.harness import RATE_HZ, ramp
from tests.support.eventually import eventually
from tests.support.jack import JackServer, jack_server
from tests.support.player import playing
from tidzam.recording_session import DirectAddress, RecordingSession, SessionSource

pytestmark = pytest.mark.timeout(90)


def session_in(folder: Path, **changes: Any) -> RecordingSession:
    values: dict[str, Any] = {
        "folder": folder,
        "format": "flac",
        "length_s": 1,
        "bit_depth": 16,
        "rate_hz": RATE_HZ,
        "as_json": True,
    }
    return RecordingSession(**(values | changes))


@contextmanager
def running(session: RecordingSession, env: Mapping[str, str] | None = None) -> Iterator[subprocess.Popen[str]]:
    argv = [sys.executable, "-P", "-m", "stream_manager.session", session.encode()]
    environment = {**os.environ, **(env or {})}
    with subprocess.Popen(argv, stdout=subprocess.PIPE, env=environment, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def microphone(folder: Path, name: str, seconds: float) -> DirectAddress:
    """A file that is recorded as if it were a microphone."""
    folder.mkdir(exist_ok=True)
    soundfile.write(folder / f"{name}.flac", ramp(round(seconds * RATE_HZ)), RATE_HZ)
    return DirectAddress(name=name, kind="file", address=str(folder / f"{name}.flac"))


def result_of(process: subprocess.Popen[str]) -> list[dict[str, Any]]:
    output, _ = process.communicate(timeout=60)
    sources: list[dict[str, Any]] = json.loads(output)["sources"]
    return sources


def heard(files: list[str]) -> np.ndarray[Any, Any]:
    """What the files hold one after the other, without the silence before and after it."""
    found = np.concatenate([soundfile.read(path, dtype="float32")[0] for path in sorted(files)])
    loud = np.flatnonzero(found)
    return found[loud[0] : loud[-1] + 1]


def test_files_are_recorded_side_by_side_without_a_gap(tmp_path: Path) -> None:
    media = tmp_path / "media"
    direct = (microphone(media, "left", 1.5), microphone(media, "right", 0.7))
    with running(session_in(tmp_path / "out", direct=direct)) as process:
        found = result_of(process)
    assert process.returncode == 0
    lengths = {"left": 1.5, "right": 0.7}
    assert {one["name"] for one in found} == lengths.keys()
    for one in found:
        samples = heard(one["files"])
        first = round(float(samples[0]) * (1 << 15)) - 1
        assert np.array_equal(samples, ramp(len(samples), first=first)[:, 0])
        assert len(samples) > 0.5 * lengths[one["name"]] * RATE_HZ


def test_an_interrupt_completes_the_files(tmp_path: Path) -> None:
    out = tmp_path / "out"
    direct = (microphone(tmp_path / "media", "left", 1.0),)
    with running(session_in(out, direct=direct, loop=True)) as process:
        eventually(lambda: list(out.glob("left-*.flac")), what="a file is complete")
        process.send_signal(signal.SIGINT)
        (one,) = result_of(process)
    assert process.returncode == 0
    assert sorted(one["files"]) == sorted(map(str, out.glob("left-*.flac")))
    assert not list(out.glob(".*.part"))


def test_a_session_ends_once_there_is_enough(tmp_path: Path) -> None:
    direct = (microphone(tmp_path / "media", "left", 0.5),)
    with running(session_in(tmp_path / "out", direct=direct, loop=True, duration_s=1.0)) as process:
        (one,) = result_of(process)
    assert one["seconds"] >= 1.0


def test_a_source_that_cannot_be_read_is_named_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "broken.flac").write_bytes(b"no audio")
    direct = (DirectAddress(name="broken", kind="file", address=str(tmp_path / "broken.flac")),)
    with running(session_in(tmp_path / "out", direct=direct)) as process:
        (one,) = result_of(process)
    assert (process.returncode, one["files"], bool(one["problem"])) == (2, [], True)


@pytest.fixture(scope="module")
def jack() -> Iterator[JackServer]:
    with jack_server() as server:
        yield server


def test_the_channels_of_a_source_in_jack_are_recorded_without_a_gap(jack: JackServer, tmp_path: Path) -> None:
    with playing(jack, "pond", 440.0, 880.0):
        source = SessionSource(name="pond", ports=("pond:out_0", "pond:out_1"))
        session = session_in(
            tmp_path / "out", jack=(source,), server=jack.name, rate_hz=jack.rate_hz, duration_s=1.5, length_s=60
        )
        with running(session, jack.env) as process:
            (one,) = result_of(process)
    assert (process.returncode, one["lost_s"]) == (0, 0.0)
    samples, rate_hz = soundfile.read(one["files"][-1])
    spectrum = np.abs(np.fft.rfft(samples[-rate_hz // 2 :], axis=0))
    assert (2 * spectrum.argmax(axis=0)).tolist() == [440, 880]


def test_a_tally_reads_both_kinds_of_recorders() -> None:
    tally = SessionTally(("pond", "desk"), 8000)
    tally.read(
        '{"event":"recorderbeat","state":"recording","frames":8000,"bytes":1,"lost_frames":80,"problem":""}', "pond"
    )
    tally.read('{"source":"desk","event":"state","state":"recording","seconds":2.0,"lost_s":0.0,"problem":null}')
    tally.read('{"source":"desk","event":"filefinished","file":"desk.flac"}')
    assert tally.progress() == "pond 1 s, 0.0 s missing   desk 2 s"
    assert tally.summary() == ["pond: nothing was recorded", "desk: 2.0 s in 1 file, without a gap"]


@pytest.mark.parametrize("line", ["", "[]", "{", '{"source": "other"}', '{"event": "state"}'])
def test_a_line_that_is_no_report_changes_nothing(line: str) -> None:
    tally = SessionTally(("pond",), 8000)
    tally.read(line)
    assert tally.progress() == "pond waiting"


def test_a_session_survives_its_command_line(tmp_path: Path) -> None:
    session = session_in(
        tmp_path,
        jack=(SessionSource(name="pond", ports=("pond:out_0",)),),
        direct=(DirectAddress(name="desk", kind="device", address="hw:1"),),
    )
    assert RecordingSession.parse(session.encode()) == session
