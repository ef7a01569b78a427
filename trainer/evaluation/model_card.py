"""The model card: what a classifier hears, how well it was measured to, and from what it came, for a person to read.

It is Markdown with two pictures beside it, and travels in the bundle's folder.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tidzam.bundle import BundleManifest
from tidzam.metrics import ClassMetrics, Metrics
from trainer.data.pipeline import LEFT_OUT
from trainer.evaluation import plots
from trainer.evaluation.calibration import MIN_SAMPLES

CARD, CONFUSION, CURVES = "card.md", "confusion.png", "precision_recall.png"
TRAINING_FILE = "training_file"
"""Where a manifest's provenance keeps it, as YAML."""
MISTAKES = 5
"""The most frequent mistakes, so many of them, are told in words."""

ABOUT = {
    "sigmoid": "several classes may sound at once, each has a probability of its own",
    "softmax": "exactly one class sounds, the probabilities sum to 1",
}


def write_card(folder: Path, manifest: BundleManifest, metrics: Metrics, *, data: str) -> Path:
    """Write the card and its pictures into `folder`, which is made. Returns the card's path.

    `data` says what was measured on, as in "on 73 validation clips".
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, picture in pictures(metrics).items():
        (folder / name).write_bytes(picture)
    text = "\n".join(_lines(manifest, metrics, data))
    (folder / CARD).write_text(text + "\n", encoding="utf-8")
    return folder / CARD


def pictures(metrics: Metrics) -> dict[str, bytes]:
    """The card's pictures by file name, as PNG: the confusion matrix, if any clip has one class, and the curves."""
    drawn = {CURVES: plots.precision_recall_curves(metrics.curves)}
    if metrics.clips.confusion.any():
        drawn[CONFUSION] = plots.confusion_matrix(metrics.clips.confusion, list(metrics.classes))
    return drawn


def _lines(manifest: BundleManifest, metrics: Metrics, data: str) -> Iterator[str]:
    yield f"# {manifest.name}"
    yield ""
    yield f"A Tidzam classifier of {len(manifest.classes)} classes: {', '.join(manifest.classes)}."
    yield from _what_it_hears(manifest)
    yield from _how_well(metrics, data)
    yield from _mistakes(metrics)
    yield from _beware(metrics, manifest.provenance.get(LEFT_OUT, ()))
    yield from _provenance(manifest)
    training_file = manifest.provenance.get(TRAINING_FILE)
    if training_file is not None:
        yield from ("", "## Training file", "", "```yaml", str(training_file).rstrip(), "```")


def _what_it_hears(manifest: BundleManifest) -> Iterator[str]:
    spec = manifest.features
    size_kb = sum(entry.size_bytes for entry in manifest.files.values()) / 1000
    yield from ("", "## What it hears", "", "| | |", "| --- | --- |")
    yield f"| window | {spec.window_s:g} s, one every {manifest.hop_s:g} s |"
    yield f"| sound | {spec.rate_hz} Hz, of which {spec.fmin_hz:g} to {spec.fmax_hz:g} Hz |"
    yield f"| features | log-mel, {spec.n_frames} frames of {spec.n_mels} bands |"
    yield f"| answer | {manifest.activation}: {ABOUT[manifest.activation]} |"
    if size_kb:
        yield f"| files | {', '.join(entry.name for entry in manifest.files.values())}: {size_kb:,.0f} kB |"


def _how_well(metrics: Metrics, data: str) -> Iterator[str]:
    clips = int(metrics.clips.confusion.sum())
    yield from ("", "## How well", "")
    yield f"Measured {data}: {metrics.windows} windows."
    if clips:
        yield (
            f"**{metrics.clips.accuracy:.1%} of {clips} clips** are named right: by the likeliest class of the mean "
            "over a clip's windows."
        )
    yield (
        f"Window by window, each class at its threshold: macro F1 **{_number(metrics.macro_f1)}**, "
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


def _mistakes(metrics: Metrics) -> Iterator[str]:
    """The largest cells beside the diagonal."""
    wrong = metrics.clips.confusion.copy()
    np.fill_diagonal(wrong, 0)
    if not wrong.any():
        return
    classes = list(metrics.classes)
    yield from ("", "Most frequent mistakes:", "")
    for cell in np.argsort(-wrong, axis=None, kind="stable")[:MISTAKES]:
        i, j = np.unravel_index(cell, wrong.shape)
        if wrong[i, j]:
            of_class = metrics.clips.confusion[i].sum()
            yield f"- {classes[i]} taken for {classes[j]}: {wrong[i, j]} of {of_class} clips"


def _beware(metrics: Metrics, left_out: Sequence[str]) -> Iterator[str]:
    rare = [label for label, one in metrics.classes.items() if one.examples < MIN_SAMPLES]
    yield from ("", "## What this does not say", "")
    yield (
        "The figures are of the data above. Of other places, microphones and sounds that are none of its classes they "
        "say nothing: `python -m trainer evaluate` measures it on sound of your own."
    )
    if rare:
        yield ""
        yield f"Fewer than {MIN_SAMPLES} windows were there of {', '.join(rare)}: their rows are anecdotes."
    if left_out:
        yield ""
        yield f"It does not know {', '.join(left_out)}: these classes of the data have no readable audio."


def _provenance(manifest: BundleManifest) -> Iterator[str]:
    yield from ("", "## Where it comes from", "", "| | |", "| --- | --- |")
    for name, value in _flat(manifest.provenance):
        if name == TRAINING_FILE:  # it is long, and comes below
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
