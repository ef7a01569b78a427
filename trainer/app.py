"""The composition root: data, network, loop, bundle, in the order in which sound becomes a classifier."""

from __future__ import annotations

import platform
import shutil
import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from tidzam import __version__
from tidzam.bundle import SELECTOR, Bundle, Manifest
from tidzam.errors import ConfigError
from tidzam.labels import LabelTree
from trainer.answers import Answers, answer, draw_examples
from trainer.calibration import calibrate, probabilities_of
from trainer.checkpoints import Checkpoints
from trainer.data import Data, Say, make_batches, open_data
from trainer.experts import Plan, one_classifier, tree_of_experts
from trainer.export import classifier, export
from trainer.input.source import Batch
from trainer.input.workers import ahead
from trainer.loop import Head, Report, Trainee, run_local
from trainer.measures import measure
from trainer.models import find_model
from trainer.options import Options, check_places
from trainer.runtime import local_strategy, make_repeatable
from trainer.training_file import read_training_file, to_yaml

EXAMPLES = 256
"""Validation windows that are looked at while training goes on."""

Observer = Callable[[Report], None]


def train(options: Options, *, say: Say, observers: Sequence[Observer] = ()) -> list[Bundle]:
    """Train as told and write the bundle; with `expert`, one a head. `say` gets a line now and then.

    On KeyboardInterrupt it saves a checkpoint and lets the interrupt pass. Raises DatasetError if the data cannot be
    used, ConfigError for a network that is not known, or a place or name that a bundle cannot have.
    """
    check_places(options)
    build = find_model(options.training.dnn, options.training.dnn_options)
    data = open_data(options, say)
    plan = (
        tree_of_experts(data.tree, data.classes)
        if options.expert and data.tree
        else one_classifier(options.name, data.classes)
    )
    iterations = options.training.iterations_for(len(data.train))
    begin(options)
    make_repeatable(options.training.seed)
    strategy = local_strategy()
    with strategy.scope():
        trainee = Trainee.create(
            build,
            data.spec.shape,
            heads=plan.heads,
            activation=options.training.activation,
            recipe=options.training.optimizer,
            iterations=iterations,
        )
    say(f"network {options.training.dnn}: {trainee.model.count_params():,} weights, {iterations:,} steps")
    checkpoints = Checkpoints(options.checkpoints, trainee, every=options.checkpoint_step)
    if options.resume:
        say(f"going on from step {checkpoints.resume():,}")
    batches = make_batches(data, options.training, plan.table)
    supply = ahead(batches, int(trainee.step), iterations, processes=options.batch_workers)
    test = draw_examples(data.test, data.spec, table=plan.table, count=EXAMPLES, seed=options.training.seed).batch
    reports = run_local(
        trainee,
        supply,
        test,
        strategy=strategy,
        iterations=iterations,
        testing_step=options.training.testing_step,
    )
    follow(reports, (*observers, checkpoints.watch), checkpoints, say)
    checkpoints.save()
    trainee.finish()
    bundles = conclude(trainee, plan, data, test, options)
    checkpoints.clear()
    return bundles


def begin(options: Options) -> None:
    """Make the folder beside the bundle, and write down what is trained; when resuming, it must be the same.

    Raises ConfigError, naming what differs.
    """
    file = options.work / "training.yaml"
    if options.resume and file.is_file():
        before, now = read_training_file(file), options.training.model_copy(update={"augment": options.training.steps})
        other = [name for name in type(now).model_fields if getattr(before, name) != getattr(now, name)]
        if other:
            raise ConfigError(
                f"{file} says otherwise than this command: {', '.join(other)}.",
                hint="Resume with the same settings, or train without --resume.",
                code="resume_other",
            )
        return
    if not options.resume:
        shutil.rmtree(options.summaries, ignore_errors=True)
    options.work.mkdir(parents=True, exist_ok=True)
    file.write_text(to_yaml(options.training), encoding="utf-8")


def follow(reports: Iterable[Report], observers: Sequence[Observer], checkpoints: Checkpoints, say: Say) -> None:
    """Train to the end, each report shown to all observers. What ends it from outside saves a checkpoint first."""
    try:
        for report in reports:
            for observe in observers:
                observe(report)
    except KeyboardInterrupt:
        say(f"stopped after step {checkpoints.save():,}; --resume goes on from there")
        raise


def conclude(trainee: Trainee, plan: Plan, data: Data, examples: Batch, options: Options) -> list[Bundle]:
    """Calibrate, measure and write the bundle of each head."""
    answers = answer(data.test, data.spec, trainee.logits, overlap=options.training.overlap)
    return [_conclude_head(trainee, head, plan, data, answers, examples, options) for head in plan.heads]


def _conclude_head(
    trainee: Trainee, head: Head, plan: Plan, data: Data, answers: Answers, examples: Batch, options: Options
) -> Bundle:
    activation = options.training.activation
    columns = slice(head.start, head.stop)
    targets, logits = answers.targets(data.test, plan.table)[:, columns], answers.outputs[:, columns]
    asked = slice(None) if head.always else targets.any(axis=1)
    calibration = calibrate(logits[asked], targets[asked], head.classes, activation)
    measures = measure(
        targets[asked],
        probabilities_of(logits[asked], activation, calibration.temperature),
        head.classes,
        thresholds=calibration.thresholds,
        clips=answers.strips[asked],
    )
    manifest = Manifest(
        name=head.name,
        features=data.spec,
        hop_s=data.spec.window_s,
        classes=head.classes,
        labels=label_tree(head.name, head.classes),
        activation=activation,
        thresholds=calibration.thresholds,
        provenance={**_provenance(options), **data.provenance, "temperature": calibration.temperature},
        accuracy={"validation": {"data": "validation clips, one class each", **measures.to_dict()}},
    )
    model = classifier(trainee.model, head, activation=activation, temperature=calibration.temperature)
    folder = options.out / head.name if options.expert else options.out
    return export(model, manifest, examples.features, folder)


def _provenance(options: Options) -> dict[str, Any]:
    return {
        "trained": datetime.now(UTC).isoformat(timespec="seconds"),
        "tidzam": __version__,
        "python": platform.python_version(),
        "tensorflow": sys.modules["tensorflow"].__version__,
        "training_file": to_yaml(options.training),
    }


def label_tree(name: str, classes: Sequence[str]) -> LabelTree:
    """The classes of a selector stand by themselves; those of an expert under the class that it is named after."""
    return LabelTree.flat(tuple(classes), parent=None if name == SELECTOR else name)
