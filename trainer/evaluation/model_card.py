"""The model card: input, performance and provenance of a classifier, for people.

It is a Markdown file with two pictures, in the folder of the bundle.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tidzam.bundle import BundleManifest
from tidzam.metrics import ClassMetrics, Metrics
from trainer.evaluation import plots
from trainer.evaluation.calibration import MIN_SAMPLES
from trainer.training_data import LEFT_OUT

CARD, CONFUSION, CURVES = "card.md", "confusion.png", "precision_recall.png"
TRAINING_FILE = "training_file"
"""The key of the training file, as YAML, in a manifest's provenance."""
MISTAKES = 5
"""Number of the most frequent confusions that are listed."""

ABOUT = {
    "sigmoid": "several classes may be present at once, each with its own probability",
    "softmax": "exactly one class is present, the probabilities sum to 1",
}


def write_card(folder: Path, manifest: BundleManifest, metrics: Metrics, *, data: str) -> Path:
    """Write the card and its pictures into `folder`, which is created. Returns the path of the card.

    `data` describes the data that the metrics are of, such as "on 73 validation clips".
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, picture in pictures(metrics).items():
        (folder / name).write_bytes(picture)
    text = "\n".join(_lines(manifest, metrics, data))
    (folder / CARD).write_text(text + "\n", encoding="utf-8")
    return folder / CARD


def pictures(metrics: Metrics) -> dict[str, bytes]:
    """The card's pictures by file name, as PNG: the curves and, if any clip has one class, the confusion matrix."""
    drawn = {CURVES: plots.precision_recall_curves(metrics.curves)}
    if metrics.clips.confusion.any():
        drawn[CONFUSION] = plots.confusion_matrix(metrics.clips.confusion, list(metrics.classes))
    return drawn


def _lines(manifest: BundleManifest, metrics: Metrics, data: str) -> Iterator[str]:
    yield f"# {manifest.name}"
    yield ""
    yield f"A Tidzam classifier of {len(manifest.classes)} classes: {', '.join(manifest.classes)}."
    yield from _input(manifest)
    yield from _performance(metrics, data)
    yield from _confusions(metrics)
    yield from _limitations(metrics, manifest.provenance.get(LEFT_OUT, ()))
    yield from _provenance(manifest)
    training_file = manifest.provenance.get(TRAINING_FILE)
    if training_file is not None:
        yield from ("", "## Training file", "", "```yaml", str(training_file).rstrip(), "```")


def _input(manifest: BundleManifest) -> Iterator[str]:
    spec = manifest.feature_spec
    size_kb = sum(entry.size_bytes for entry in manifest.files.values()) / 1000
    yield from ("", "## Input and output", "", "| | |", "| --- | --- |")
    yield f"| window | {spec.window_s:g} s, one every {manifest.hop_s:g} s |"
    yield f"| audio | {spec.rate_hz} Hz, bands from {spec.fmin_hz:g} to {spec.fmax_hz:g} Hz |"
    yield f"| features | log-mel, {spec.n_frames} frames of {spec.n_mels} bands |"
    yield f"| output | {manifest.activation}: {ABOUT[manifest.activation]} |"
    if size_kb:
        yield f"| files | {', '.join(entry.name for entry in manifest.files.values())}: {size_kb:,.0f} kB |"


def _performance(metrics: Metrics, data: str) -> Iterator[str]:
    clips = int(metrics.clips.confusion.sum())
    yield from ("", "## Performance", "")
    yield f"Evaluated {data}: {metrics.windows} windows."
    if clips:
        yield (
            f"**{metrics.clips.accuracy:.1%} of {clips} clips** are classified correctly, by the class with the "
            "highest mean probability over the windows of a clip."
        )
    yield (
        f"Over single windows, with the threshold of each class: macro F1 **{_number(metrics.macro_f1)}**, "
        f"mean average precision **{_number(metrics.mean_average_precision)}**."
    )
    yield from ("", "| class | windows | threshold | precision | recall | F1 | average precision |")
    yield "| --- | ---: | ---: | ---: | ---: | ---: | ---: |"
    for label, one in metrics.classes.items():
        yield f"| {label} | {one.examples} | {_row(one)} |"
    if clips:
        yield from ("", f"![Confusion matrix of the clips]({CONFUSION})")
    yield from ("", f"![Precision and recall of each class]({CURVES})")


def _row(one: ClassMetrics) -> str:
    values = (one.threshold, one.precision, one.recall, one.f1, one.average_precision)
    return " | ".join(_number(value) for value in values)


def _number(value: float) -> str:
    return f"{value:.3f}" if np.isfinite(value) else "-"


def _confusions(metrics: Metrics) -> Iterator[str]:
    """The largest cells off the diagonal."""
    wrong = metrics.clips.confusion.copy()
    np.fill_diagonal(wrong, 0)
    if not wrong.any():
        return
    classes = list(metrics.classes)
    yield from ("", "Most frequent confusions of clips:", "")
    for cell in np.argsort(-wrong, axis=None, kind="stable")[:MISTAKES]:
        i, j = np.unravel_index(cell, wrong.shape)
        if wrong[i, j]:
            of_class = metrics.clips.confusion[i].sum()
            yield f"- {classes[i]} classified as {classes[j]}: {wrong[i, j]} of {of_class} clips"


def _limitations(metrics: Metrics, left_out: Sequence[str]) -> Iterator[str]:
    rare = [label for label, one in metrics.classes.items() if one.examples < MIN_SAMPLES]
    yield from ("", "## Limitations", "")
    yield (
        "The metrics describe the data above. They do not predict the performance at other places, with other "
        "microphones or for other sounds: evaluate the classifier on your own recordings with `python -m trainer "
        "evaluate`."
    )
    if rare:
        yield ""
        yield f"Classes with fewer than {MIN_SAMPLES} windows, whose metrics are not reliable: {', '.join(rare)}."
    if left_out:
        yield ""
        yield f"Classes that were left out, because the data have no readable audio of them: {', '.join(left_out)}."


def _provenance(manifest: BundleManifest) -> Iterator[str]:
    yield from ("", "## Provenance", "", "| | |", "| --- | --- |")
    for name, value in _flat(manifest.provenance):
        if name == TRAINING_FILE:  # it follows below
            continue
        yield f"| {name} | {_cell(value)} |"
    for engine, entry in manifest.files.items():
        yield f"| {engine} SHA-256 | `{entry.sha256}` |"


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _cell(value: Any) -> str:
    return str(value).replace("|", "\\|").replace("\n", " ")
