"""What a training ends with: each head calibrated, measured, and written as a bundle with its card."""

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
from trainer.answers import Answers, answer, clips_of
from trainer.calibration import Calibration, calibrate, probabilities_of
from trainer.card import write_card
from trainer.data import Data
from trainer.experts import Plan
from trainer.export import classifier, export
from trainer.loop import Head, Trainee
from trainer.options import Options
from trainer.training_file import to_yaml


def conclude(trainee: Trainee, plan: Plan, data: Data, examples: Float32, options: Options) -> list[Bundle]:
    """Calibrate on the validation data, compute the metrics, and write the bundle of each head.

    `examples`, shape (n, frames, mels), are what the bundle's two engines are compared on. Raises SetupError
    (`bundle_write`) if the disk is full or refuses, BundleError if the two engines differ.
    """
    answers = answer(data.test, data.spec, trainee.logits, overlap=options.training.overlap)
    return [_conclude_head(trainee, head, plan, data, answers, examples, options) for head in plan.heads]


def _conclude_head(
    trainee: Trainee, head: Head, plan: Plan, data: Data, answers: Answers, examples: Float32, options: Options
) -> Bundle:
    calibration, measures = _measured(head, plan, data, answers, options)
    manifest = BundleManifest(
        name=head.name,
        features=data.spec,
        hop_s=data.spec.window_s,
        classes=head.classes,
        labels=label_tree(head.name, head.classes),
        activation=options.training.activation,
        thresholds=calibration.thresholds,
        provenance={**_provenance(options), **data.provenance, "temperature": calibration.temperature},
        accuracy={"validation": {"data": "validation clips, one class each", **measures.to_dict()}},
    )

    def add_card(folder: Path, complete: BundleManifest) -> None:
        about = "on the validation clips, on which temperature and thresholds were fitted too"
        write_card(folder, complete, measures, data=about)

    model = classifier(
        trainee.model,
        head,
        outputs=plan.outputs,
        activation=options.training.activation,
        temperature=calibration.temperature,
    )
    folder = options.out / head.name if options.expert else options.out
    try:
        return export(model, manifest, examples, folder, write_extras=add_card)
    except OSError as error:
        raise SetupError(
            f"The bundle cannot be written to {folder}: {error.strerror or error}.",
            hint="Make room there, then write it with --resume.",
            code="bundle_write",
        ) from None


def _measured(head: Head, plan: Plan, data: Data, answers: Answers, options: Options) -> tuple[Calibration, Metrics]:
    """Of the windows that the head is asked of: an expert answers only where the class above it is there."""
    columns, activation = slice(head.start, head.stop), options.training.activation
    targets, logits = answers.targets(data.test, plan.table)[:, columns], answers.outputs[:, columns]
    asked = slice(None) if head.always else targets.any(axis=1)
    calibration = calibrate(logits[asked], targets[asked], head.classes, activation)
    measures = compute_metrics(
        targets[asked],
        probabilities_of(logits[asked], activation, calibration.temperature),
        head.classes,
        thresholds=calibration.thresholds,
        clips=clips_of(data.test)[answers.strips][asked],
    )
    return calibration, measures


def _provenance(options: Options) -> dict[str, Any]:
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
    """The classes of a selector stand by themselves; those of an expert under the class that it is named after."""
    return LabelTree.flat(classes, parent=None if name == SELECTOR else name)
