"""`bench birdnet`: BirdNET through Tidzam, offline, against its interpreter called bare, in results and in cost."""

from __future__ import annotations

import csv
import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import soundfile

from analyzer.pipeline import Pipeline
from tests.support.birdnet import HOME, installed_birdnet
from tidzam.config.settings import AnalyzerSettings
from tidzam.errors import DatasetError
from tidzam.inference.outputs import sigmoid
from tidzam.progress import Say
from tidzam.types import Float32

TITLE = "BirdNET through Tidzam, offline, against its interpreter called bare: results and cost"

FIELD: Final = Path(os.environ.get("TIDZAM_DATA", Path(__file__).parents[2] / "shared" / "data")) / "field"
RATE_HZ: Final = 48000
WINDOW: Final = 3 * RATE_HZ
ROUNDS: Final = 7


def run(say: Say) -> dict[str, Any]:
    """Compare on forest.flac, which is looked for in ../shared/data/field or $TIDZAM_DATA/field.

    Raises DatasetError if it is not there.
    """
    bundle = installed_birdnet()
    sound, reference = read_field()
    bare = BareInterpreter(bundle.file("litert"))
    pipeline = Pipeline.of(AnalyzerSettings(models=("birdnet",)), home=HOME)
    windows = sound.reshape(-1, WINDOW)
    say(f"analyzing {len(windows)} windows, {ROUNDS + 1} times")
    offline = np.array([list(one.values()) for one in pipeline.cascade.predict(windows, RATE_HZ)])
    return {
        "max_difference_to_reference": _difference(offline, pipeline.cascade.classes, reference),
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


def read_field() -> tuple[Float32, list[dict[str, str]]]:
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
    differences = []
    for row in reference:
        window, label = round(float(row["start_s"]) / 3), row["label"].partition("_")[2]
        differences.append(abs(float(found[window, columns[label]]) - float(row["confidence"])))
    return max(differences)


def _costs(pipeline: Pipeline, bare: BareInterpreter, windows: Float32) -> dict[str, float]:
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
