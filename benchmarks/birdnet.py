"""`bench birdnet`: BirdNET through Tidzam against its interpreter called bare, in results and in cost.

Live, a file is played once through mpv and JACK. Windows begin at multiples of their length on JACK's clock, so at any
sample of the file: that sample is searched for on two of the windows, and the results of all windows are then compared
with those of the interpreter at that phase. What remains is what the live path changes.
"""

from __future__ import annotations

import csv
import os
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import socketio
import soundfile
from numpy.typing import NDArray

from analyzer.pipeline import Pipeline
from tests.support.birdnet import HOME, installed_birdnet
from tests.support.node import Node
from tidzam.config.settings import AnalyzerSettings
from tidzam.errors import DatasetError, NodeError
from tidzam.inference.outputs import sigmoid
from tidzam.progress import Say
from tidzam.types import Float32

TITLE = "BirdNET through Tidzam, offline and live, against its interpreter called bare: results and cost"

FIELD: Final = Path(os.environ.get("TIDZAM_DATA", Path(__file__).parents[2] / "shared" / "data")) / "field"
RATE_HZ: Final = 48000
WINDOW: Final = 3 * RATE_HZ
ROUNDS: Final = 7
LIVE_S: Final = 35.0
SEARCH: Final = ((9600, None), (200, 19200), (10, 400), (1, 20))
"""Steps of the search for the phase, and how far each looks to both sides, in samples (None: the whole file)."""


def run(say: Say) -> dict[str, Any]:
    """Compare on forest.flac, which is looked for in ../shared/data/field or $TIDZAM_DATA/field. Takes three minutes.

    Raises DatasetError if it is not there.
    """
    bundle = installed_birdnet()
    sound, reference = _field()
    bare = BareInterpreter(bundle.file("litert"))
    pipeline = Pipeline.of(AnalyzerSettings(models=("birdnet",)), home=HOME)
    windows = sound.reshape(-1, WINDOW)
    say("comparing offline")
    offline = np.array([list(one.values()) for one in pipeline.cascade.predict(windows, RATE_HZ)])
    say(f"playing {LIVE_S:g} s live")
    live = _live(pipeline.cascade.classes)[1:]  # the source may begin within the first
    say(f"searching for the phase of {len(live)} windows")
    phase = find_phase(live, bare, sound)
    whole = [k for k in range(len(live)) if phase + (k + 1) * WINDOW <= len(sound)]
    differences = [float(np.abs(bare(sound[phase + k * WINDOW :][:WINDOW]) - live[k]).max()) for k in whole]
    return {
        "offline_max_difference_to_reference": _difference(offline, pipeline.cascade.classes, reference),
        "live_windows": len(whole),
        "live_max_difference": max(differences),
        "live_max_difference_if_4800_samples_late": float(np.abs(bare(sound[phase + 4800 :][:WINDOW]) - live[0]).max()),
        **_costs(pipeline, bare, windows),
    }


class BareInterpreter:
    """BirdNET's interpreter, from one window (samples,) to confidences (classes,)."""

    def __init__(self, path: Path) -> None:
        from ai_edge_litert.interpreter import Interpreter

        self._interpreter = Interpreter(model_path=str(path), num_threads=1)
        self._interpreter.allocate_tensors()
        self._input = self._interpreter.get_input_details()[0]["index"]
        self._output = self._interpreter.get_output_details()[0]["index"]

    def __call__(self, window: Float32) -> Float32:
        self._interpreter.set_tensor(self._input, window[None])
        self._interpreter.invoke()
        confidences: Float32 = sigmoid(self._interpreter.get_tensor(self._output))[0]
        return confidences


def find_phase(live: Float32, bare: Callable[[Float32], Float32], sound: Float32) -> int:
    """The sample of `sound` at which the first live window begins. `live` has shape (windows, classes)."""
    ends = len(sound) - 3 * WINDOW
    likeliest = np.argsort(-live.max(axis=0))[:12]

    def error(start: int) -> float:
        pairs = ((start, live[0]), (start + 2 * WINDOW, live[2]))
        return sum(float(np.abs(bare(sound[at:][:WINDOW]) - window)[likeliest].max()) for at, window in pairs)

    best = 0
    for step, half in SEARCH:
        first, last = (0, ends) if half is None else (max(0, best - half), min(ends, best + half))
        best = min(range(first, last + 1, step), key=error)
    return best


def _field() -> tuple[Float32, list[dict[str, str]]]:
    """The sound, (samples,), and the rows of its reference."""
    try:
        sound, _ = soundfile.read(FIELD / "forest.flac", dtype="float32")
        with (FIELD / "forest.birdnet.csv").open(encoding="utf-8", newline="") as file:
            return sound, list(csv.DictReader(file))
    except (OSError, soundfile.LibsndfileError):
        raise DatasetError(
            f"{FIELD} does not hold forest.flac and forest.birdnet.csv.", hint="Set TIDZAM_DATA."
        ) from None


def _difference(found: Float32, classes: Sequence[str], reference: Sequence[Mapping[str, str]]) -> float:
    columns = {label: column for column, label in enumerate(classes)}
    differences = (
        abs(
            float(found[round(float(row["start_s"]) / 3), columns[row["label"].partition("_")[2]]])
            - float(row["confidence"])
        )
        for row in reference
    )
    return max(differences)


def _live(classes: Sequence[str]) -> Float32:
    """The confidences of the windows of the file, (windows, classes), in a node of this benchmark's own."""
    events: list[Any] = []
    with tempfile.TemporaryDirectory(prefix="tidzam-birdnet-") as temporary:
        source = {"name": "forest", "url": str(FIELD / "forest.flac"), "loop": True}
        node = Node(Path(temporary), [source], jack={"rate_hz": RATE_HZ}, analyzer={"models": ["birdnet"]})
        node.home.mkdir()
        (node.home / "models").symlink_to(HOME / "models")
        try:
            started = node.start()
            if started.returncode:
                raise NodeError(f"The node cannot be started: {started.stderr[-500:]}")
            with socketio.SimpleClient() as client:
                client.connect(f"http://127.0.0.1:{node.ports['analyzer']}")
                ends_s = time.monotonic() + LIVE_S
                while time.monotonic() < ends_s:
                    events.append(client.receive(timeout=10)[1])
        finally:
            node.end()
    rows = [window["analysis"]["predicitions"] for event in events if isinstance(event, list) for window in event]
    return np.array([[row[label] for label in classes] for row in rows], dtype=np.float32)


def _costs(pipeline: Pipeline, bare: BareInterpreter, windows: NDArray[np.float32]) -> dict[str, float]:
    """Processor time per window, the least of some rounds, alternating."""
    ways: dict[str, Callable[[], object]] = {
        "bare_ms_per_window": lambda: [bare(window) for window in windows],
        "tidzam_ms_per_window": lambda: pipeline.cascade.predict(windows, RATE_HZ),
    }
    spent: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, way in ways.items():
            began_s = time.thread_time()
            way()
            spent[name].append(1000 * (time.thread_time() - began_s) / len(windows))
    least = {name: min(times) for name, times in spent.items()}
    return {**least, "speed_of_bare": least["bare_ms_per_window"] / least["tidzam_ms_per_window"]}
