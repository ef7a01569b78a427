"""`bench birdnet-live`: BirdNET on real birds through mpv, JACK and the live analyzer, against the same file offline.

forest.flac is played once, with silence around it, while the ports are recorded. The windows of live analysis start at
multiples of their length in frames of JACK's clock, so that each is found again in the recording, and, by correlation,
in the file. Three comparisons follow: with what JACK carried, with the
file at the same frames, and with forest.birdnet.csv, whose windows start at the beginning of the file.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
import socketio
import soundfile
import yaml
from numpy.typing import NDArray
from scipy.signal import correlate

from analyzer.pipeline import Pipeline
from benchmarks.alignment import LOW_DB, snr_db
from benchmarks.birdnet import RATE_HZ, WINDOW, read_field
from benchmarks.harness import LiveAnalyzer, analyzer, program, wait_for
from stream_manager.players.mpv_argv import mpv_argv
from tests.support.birdnet import HOME, installed_birdnet
from tests.support.jack import JackServer, jack_server
from tests.support.recorder import Recording, recorder
from tidzam.config.settings import AnalyzerSettings
from tidzam.errors import NodeError
from tidzam.progress import Say
from tidzam.protocol.analyzer import AnalysisEvent
from tidzam.types import Float32

TITLE = "BirdNET through mpv, JACK and the live analyzer, against the same file offline"

PERIOD: Final = 1024
SOURCE: Final = "forest"
LEAD_S: Final = 8
"""Silence before the sound: the analyzer and the recorder connect meanwhile."""
TAIL_S: Final = 6
"""Silence after it: the last window has been analyzed by its end."""

SILENCE_DBFS: Final = -119.0

Reference = Sequence[Mapping[str, str]]


@dataclass(frozen=True)
class LiveWindow:
    """A live analysis: the samples (WINDOW,) that JACK carried, NaN where they were not recorded, and the probabilities
    as the analyzer sent them, rounded to four digits."""

    carried: Float32
    probabilities: Float32


@dataclass(frozen=True)
class FoundWindow:
    """A window, the frame of the file at which its samples begin, and how exactly they are those of the file."""

    window: LiveWindow
    begin: int
    snr_db: float


def run(say: Say) -> dict[str, Any]:
    """Play forest.flac (60 s), which is looked for in ../shared/data/field or $TIDZAM_DATA/field.

    Windows in which JACK or the recorder skipped frames, as they do on a busy machine, are counted and left out. Raises
    DatasetError if the file is not there.
    """
    installed_birdnet()
    sound, reference = read_field()
    pipeline = Pipeline.of(AnalyzerSettings(models=("birdnet",)), home=HOME)
    with tempfile.TemporaryDirectory(prefix="tidzam-birdnet-") as folder:
        say(f"playing {len(sound) / RATE_HZ:.0f} s, with {LEAD_S + TAIL_S} s of silence around it")
        heard, recording = asyncio.run(_play(sound, Path(folder)))
    tape, first_frame = recording.by_frame()
    windows = _placed(heard, pipeline.cascade.classes, tape[:, 0], first_frame)
    found = [one for one in (find_in_file(window, sound) for window in windows) if one is not None]
    if not found:
        raise NodeError("No live window is whole.", hint="Is the machine very busy? Run it again.")
    say(f"comparing {len(found)} windows that lie within the sound")
    return {
        "windows": len(found),
        "windows_with_skipped_frames": len(windows) - len(found),
        "snr_db_min": round(min(one.snr_db for one in found), 1),
        **_differences(pipeline, found, sound, reference),
    }


async def _play(sound: Float32, folder: Path) -> tuple[list[AnalysisEvent], Recording]:
    """Play the sound into JACK, and return what the analyzer sent and JACK carried meanwhile."""
    padded = np.concatenate([np.zeros(LEAD_S * RATE_HZ), sound, np.zeros(TAIL_S * RATE_HZ)])
    soundfile.write(folder / "forest.flac", padded, RATE_HZ, subtype="PCM_16")
    (folder / "models").symlink_to(HOME / "models")
    with jack_server(rate_hz=RATE_HZ, period=PERIOD) as server:
        profile = {"home": str(folder), "jack": {"server": server.name}, "analyzer": {"models": ["birdnet"]}}
        (folder / "profile.yaml").write_text(yaml.safe_dump(profile), encoding="utf-8")
        with analyzer(server.settings, f"{SOURCE}:", "--profile", str(folder / "profile.yaml")) as live:
            return await _record(server, live, folder)


async def _record(server: JackServer, live: LiveAnalyzer, folder: Path) -> tuple[list[AnalysisEvent], Recording]:
    heard: list[AnalysisEvent] = []
    client = socketio.AsyncClient()
    client.on("analysis", lambda data: heard.append(AnalysisEvent.model_validate(data)))
    await asyncio.to_thread(wait_for, lambda: live.health() is not None, "The analyzer does not answer.")
    await client.connect(live.url)
    await client.call("subscribe", {"events": ["analysis"], "mute_sys": True})
    with (
        program(mpv_argv(SOURCE, str(folder / "forest.flac")), server.env) as mpv,
        recorder(server, [f"{SOURCE}:out_0"], folder) as recording,
    ):
        await asyncio.to_thread(mpv.wait, 3 * (LEAD_S + TAIL_S) + 120)
        await asyncio.sleep(1)
    await client.disconnect()
    return heard, recording


def _placed(
    heard: Sequence[AnalysisEvent], classes: Sequence[str], tape: Float32, first_frame: int
) -> list[LiveWindow]:
    """The windows that hold sound throughout. They start at consecutive multiples of WINDOW of JACK's frames; which of
    them is the first one with sound follows from the recording.

    Raises NodeError if the windows do not follow one another.
    """
    loud = next((number for number, event in enumerate(heard) if event.level_dbfs > SILENCE_DBFS), None)
    steps = {round((b.start - a.start).total_seconds() * RATE_HZ / WINDOW, 3) for a, b in pairwise(heard)}
    if loud is None or steps != {1.0}:
        raise NodeError("The live windows do not follow one another.", hint="Is the machine very busy? Run it again.")
    sounding = np.flatnonzero(np.nan_to_num(tape))
    first, last = int(sounding[0]) + first_frame, int(sounding[-1]) + first_frame
    placed = []
    for number, event in enumerate(heard):
        frame = (first // WINDOW + number - loud) * WINDOW
        if first <= frame <= last + 1 - WINDOW:
            at = frame - first_frame
            scores = np.array([event.predictions.get(label, np.nan) for label in classes], np.float32)
            placed.append(LiveWindow(tape[at : at + WINDOW], scores))
    return placed


def find_in_file(window: LiveWindow, sound: Float32) -> FoundWindow | None:
    """Where in the file the samples of a window are; None if some are missing, or were skipped by the player."""
    if not np.isfinite(window.carried).all():
        return None
    begin = int(np.argmax(correlate(sound, window.carried, mode="valid", method="fft")))
    snr = snr_db(sound[begin : begin + WINDOW], window.carried)
    return FoundWindow(window, begin, snr) if snr > LOW_DB else None


def _differences(
    pipeline: Pipeline, windows: Sequence[FoundWindow], sound: Float32, reference: Reference
) -> dict[str, Any]:
    """The largest difference of a confidence over all windows and classes, and those to the reference's rows."""
    live = np.stack([one.window.probabilities for one in windows])
    begins = [one.begin for one in windows]
    carried = _offline(pipeline, [one.window.carried for one in windows])
    same = _offline(pipeline, [sound[begin : begin + WINDOW] for begin in begins])
    nominal = _offline(pipeline, [sound[begin : begin + WINDOW] for begin in range(0, len(sound) - WINDOW + 1, WINDOW)])
    begins_s = np.array(begins) / RATE_HZ
    nominal_s = np.arange(len(nominal)) * WINDOW / RATE_HZ
    off_s = np.abs(begins_s - WINDOW / RATE_HZ * np.round(begins_s * RATE_HZ / WINDOW))
    to = partial(_to_reference, classes=pipeline.cascade.classes, reference=reference)
    return {
        "live_to_what_jack_carried": float(np.abs(live - carried).max()),
        "live_to_file_at_same_frames": float(np.abs(live - same).max()),
        "file_at_nominal_frames_to_reference": to(nominal, nominal_s)["largest"],
        "windows_begin_off_nominal_s": round(float(np.median(off_s)), 3),
        "file_at_same_frames_to_reference": to(same, begins_s),
        "live_to_reference": to(live, begins_s),
    }


def _offline(pipeline: Pipeline, windows: Sequence[Float32]) -> Float32:
    """The confidences of windows, shape (windows, classes)."""
    found = pipeline.cascade.predict(np.stack(windows), RATE_HZ)
    return np.array([list(one.values()) for one in found], np.float32)


def _to_reference(
    found: Float32, begins_s: NDArray[np.float64], *, classes: Sequence[str], reference: Reference
) -> dict[str, float]:
    """The differences to the rows of the reference, each with the window that overlaps most with its own."""
    columns = {label: column for column, label in enumerate(classes)}
    differences = []
    for row in reference:
        window = int(np.abs(begins_s - float(row["start_s"])).argmin())
        label = row["label"].partition("_")[2]
        differences.append(abs(float(found[window, columns[label]]) - float(row["confidence"])))
    return {"largest": round(max(differences), 7), "median": round(float(np.median(differences)), 4)}
