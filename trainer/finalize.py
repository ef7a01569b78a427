"""The end of a training: each head is calibrated, evaluated, and written as a bundle with a model card."""

from __future__ import annotations

import platform
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tidzam import __version__
from tidzam.bundle import SELECTOR, Bundle, BundleManifest
from tidzam.errors import SetupError
from tidzam.labels import LabelTree
from tidzam.metrics import Metrics, compute_metrics
from tidzam.types import Float32
from trainer.evaluation.calibration import Calibration, calibrate, probabilities_of
from trainer.evaluation.model_card import write_card
from trainer.evaluation.predictions import Predictions, clips_of, predict_windows
from trainer.export import classifier, export
from trainer.heads import Head, HeadLayout
from trainer.loop import TrainingState
from trainer.options import TrainingOptions
from trainer.training_data import TrainingData
from trainer.training_file import to_yaml


def export_bundles(
    state: TrainingState, layout: HeadLayout, data: TrainingData, examples: Float32, options: TrainingOptions
) -> list[Bundle]:
    """Calibrate on the validation data, compute the metrics, and write the bundle of each head.

    On `examples`, shape (n, frames, mels), the results of Keras and ONNX are compared. Raises SetupError
    (`bundle_write`) if the bundle cannot be written, BundleError if the results differ.
    """
    predictions = predict_windows(data.test, data.spec, state.logits, overlap=options.training.overlap)
    return [_export_head(state, head, layout, data, predictions, examples, options) for head in layout.heads]


def _export_head(
    state: TrainingState,
    head: Head,
    layout: HeadLayout,
    data: TrainingData,
    predictions: Predictions,
    examples: Float32,
    options: TrainingOptions,
) -> Bundle:
    calibration, metrics = _measured(head, layout, data, predictions, options)
    manifest = BundleManifest(
        name=head.name,
        features=data.spec,
        hop_s=data.spec.window_s,
        classes=head.classes,
        labels=label_tree(head.name, head.classes),
        activation=options.training.activation,
        thresholds=calibration.thresholds,
        provenance={**_provenance(options), **data.provenance, "temperature": calibration.temperature},
        accuracy={"validation": {"data": "validation clips, one class each", **metrics.to_dict()}},
    )

    def add_card(folder: Path, complete: BundleManifest) -> None:
        about = "on the validation clips, which temperature and thresholds were fitted to"
        write_card(folder, complete, metrics, data=about)

    model = classifier(
        state.model,
        head,
        outputs=layout.outputs,
        activation=options.training.activation,
        temperature=calibration.temperature,
    )
    folder = options.out / head.name if options.expert else options.out
    try:
        return export(model, manifest, examples, folder, write_extras=add_card)
    except OSError as error:
        raise SetupError(
            f"Cannot write the bundle {folder}: {error.strerror or error}.",
            hint="Free disk space, then write it with --resume.",
            code="bundle_write",
        ) from None


def _measured(
    head: Head, layout: HeadLayout, data: TrainingData, predictions: Predictions, options: TrainingOptions
) -> tuple[Calibration, Metrics]:
    """Calibration and metrics on the windows that the head runs for: an expert only where its parent is present."""
    columns, activation = slice(head.start, head.stop), options.training.activation
    targets, logits = predictions.targets(data.test, layout.table)[:, columns], predictions.outputs[:, columns]
    used = slice(None) if head.always else targets.any(axis=1)
    calibration = calibrate(logits[used], targets[used], head.classes, activation)
    metrics = compute_metrics(
        targets[used],
        probabilities_of(logits[used], activation, calibration.temperature),
        head.classes,
        thresholds=calibration.thresholds,
        clips=clips_of(data.test)[predictions.sequences][used],
    )
    return calibration, metrics


def _provenance(options: TrainingOptions) -> dict[str, Any]:
    init = {} if options.init is None else {"init": str(options.init)}
    return {
        "trained": datetime.now(UTC).isoformat(timespec="seconds"),
        "tidzam": __version__,
        "python": platform.python_version(),
        "tensorflow": sys.modules["tensorflow"].__version__,
        "training_file": to_yaml(options.training),
        **init,
    }


def label_tree(name: str, classes: tuple[str, ...]) -> LabelTree:
    """The classes of a selector are roots; those of an expert are children of the class that it is named after."""
    return LabelTree.flat(classes, parent=None if name == SELECTOR else name)
