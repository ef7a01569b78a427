"""The command line of the trainer: training, `evaluate`, `openset` and `novelty`."""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from tidzam import terminal
from tidzam.bundle import Bundle, find_bundles, read_bundle
from tidzam.errors import TidzamError
from tidzam.jobs.reports import ReportWriter
from tidzam.log import set_up_logging
from tidzam.terminal import say
from trainer.app import serve, train
from trainer.evaluation.evaluate import Evaluation, evaluate
from trainer.evaluation.model_card import write_card
from trainer.evaluation.table import print_evaluation
from trainer.novelty.command import novelty
from trainer.openset.command import ProgressJson, openset
from trainer.options import NB_EMBEDDINGS, STATS_STEP, TrainingOptions
from trainer.progress import report_progress, show_progress
from trainer.topology import parse_cluster
from trainer.training_file import ITERATIONS, TrainingFile, override, read_training_file

DATA, TRAINING, RUN, CLUSTER = "Data", "Training (these override the training file)", "Run", "Cluster"

DatasetTrain = Annotated[
    Path | None,
    typer.Option(
        "-d", "--dataset-train", help="Folder with one folder per class, or a compiled dataset", rich_help_panel=DATA
    ),
]
DatasetTest = Annotated[
    Path | None,
    typer.Option(
        "-t",
        "--dataset-test",
        help="Validation data of the same form",
        show_default="a fifth of the recordings",
        rich_help_panel=DATA,
    ),
]
Out = Annotated[Path | None, typer.Option("-o", "--out", help="Folder of the bundle to write", rich_help_panel=DATA)]
Name = Annotated[
    str | None,
    typer.Option(
        help="Name of the classifier: selector, or the class that it subdivides",
        show_default="the name of --out",
        rich_help_panel=DATA,
    ),
]
Background = Annotated[
    list[str] | None,
    typer.Option(
        help="Class to treat as background, or folder of background audio; it is mixed under the other classes",
        rich_help_panel=DATA,
    ),
]
Strict = Annotated[bool, typer.Option("--strict", help="Fail if a file cannot be read", rich_help_panel=DATA)]
TrainingFilePath = Annotated[
    Path | None,
    typer.Option("--training-file", help="YAML file with these settings and more", rich_help_panel=TRAINING),
]
Dnn = Annotated[
    str | None,
    typer.Option(
        help="Network: a name (small, residual, tidzam2019, …), or a Python file that defines "
        "build(input_shape, n_classes)",
        show_default="small",
        rich_help_panel=TRAINING,
    ),
]
Expert = Annotated[
    bool,
    typer.Option(
        "--expert",
        help="Train a tree of classifiers on one network, from nested folders or labels; --out gets one bundle each",
        rich_help_panel=TRAINING,
    ),
]
Activation = Annotated[
    Literal["sigmoid", "softmax"] | None,
    typer.Option(
        help="sigmoid: several classes may be present at once; softmax: exactly one is",
        show_default="sigmoid",
        rich_help_panel=TRAINING,
    ),
]
Exclusive = Annotated[
    list[str] | None,
    typer.Option(help="Class that is only present alone, such as silence", rich_help_panel=TRAINING),
]
TrainingIterations = Annotated[
    int | None, typer.Option(min=1, help="Number of batches", show_default=str(ITERATIONS), rich_help_panel=TRAINING)
]
TestingStep = Annotated[
    int | None, typer.Option(min=1, help="Batches between validations", show_default="10", rich_help_panel=TRAINING)
]
Batchsize = Annotated[
    int | None, typer.Option(min=1, help="Windows per batch", show_default="64", rich_help_panel=TRAINING)
]
LearningRate = Annotated[
    float | None, typer.Option(min=0, help="Peak learning rate", show_default="0.001", rich_help_panel=TRAINING)
]
WindowS = Annotated[
    float | None, typer.Option(help="Length of a window in seconds", show_default="1", rich_help_panel=TRAINING)
]
RateHz = Annotated[
    int | None,
    typer.Option(help="Sample rate that audio is resampled to", show_default="22050", rich_help_panel=TRAINING),
]
Seed = Annotated[
    int | None,
    typer.Option(min=0, help="The same seed gives the same weights", show_default="0", rich_help_panel=TRAINING),
]
Init = Annotated[
    Path | None, typer.Option(help="Bundle to start from, with the same network and features", rich_help_panel=RUN)
]
Resume = Annotated[bool, typer.Option("--resume", help="Continue from the last checkpoint", rich_help_panel=RUN)]
Restart = Annotated[
    bool, typer.Option("--restart", help="Discard an unfinished training of the same folder", rich_help_panel=RUN)
]
CheckpointStep = Annotated[int, typer.Option(min=1, help="Batches between checkpoints", rich_help_panel=RUN)]
StatsStep = Annotated[
    int, typer.Option(min=0, help="Batches between summaries for TensorBoard; 0 writes none", rich_help_panel=RUN)
]
NbEmbeddings = Annotated[int, typer.Option(min=0, help="Embeddings for TensorBoard's projector", rich_help_panel=RUN)]
BatchWorkers = Annotated[
    int, typer.Option(min=0, help="Processes that make batches; 0 uses a thread", rich_help_panel=RUN)
]
CacheMb = Annotated[
    int, typer.Option(min=0, help="Memory for cached features of audio folders, in MB", rich_help_panel=RUN)
]
JobType = Annotated[
    Literal["ps", "worker"],
    typer.Option(help="Role of this process; worker 0 coordinates and writes the bundle", rich_help_panel=CLUSTER),
]
TaskIndex = Annotated[
    int, typer.Option(help="Index of this process in --ps or --workers, from 0", rich_help_panel=CLUSTER)
]
Workers = Annotated[
    str | None, typer.Option(help="Addresses of all workers: HOST:PORT,HOST:PORT", rich_help_panel=CLUSTER)
]
Ps = Annotated[
    str | None, typer.Option(help="Addresses of all parameter servers: HOST:PORT,HOST:PORT", rich_help_panel=CLUSTER)
]

cli = terminal.command_line()
cli.command()(openset)
cli.command()(novelty)


@cli.callback(invoke_without_command=True)
def main(
    context: typer.Context,
    dataset_train: DatasetTrain = None,
    dataset_test: DatasetTest = None,
    out: Out = None,
    name: Name = None,
    background: Background = None,
    strict: Strict = False,
    training_file: TrainingFilePath = None,
    dnn: Dnn = None,
    expert: Expert = False,
    activation: Activation = None,
    exclusive: Exclusive = None,
    training_iterations: TrainingIterations = None,
    testing_step: TestingStep = None,
    batchsize: Batchsize = None,
    learning_rate: LearningRate = None,
    window_s: WindowS = None,
    rate_hz: RateHz = None,
    seed: Seed = None,
    init: Init = None,
    resume: Resume = False,
    restart: Restart = False,
    checkpoint_step: CheckpointStep = 500,
    stats_step: StatsStep = STATS_STEP,
    nb_embeddings: NbEmbeddings = NB_EMBEDDINGS,
    batch_workers: BatchWorkers = 1,
    cache_mb: CacheMb = 1024,
    job_type: JobType = "worker",
    task_index: TaskIndex = 0,
    workers: Workers = None,
    ps: Ps = None,
    progress_json: ProgressJson = False,
) -> None:
    """Train a classifier and write it as a bundle, or `evaluate` a bundle."""
    if context.invoked_subcommand is not None:
        return
    set_up_logging("warning")
    if job_type != "ps" and (dataset_train is None or out is None):
        missing = "--dataset-train" if dataset_train is None else "--out"
        raise typer.BadParameter(f"{missing} is required.", context)
    overrides: dict[str, Any] = {"dnn": dnn, "activation": activation, "exclusive": exclusive, "background": background}
    overrides |= {"iterations": training_iterations, "testing_step": testing_step, "batch_size": batchsize}
    overrides |= {"seed": seed, "optimizer": {"learning_rate": learning_rate}}
    overrides |= {"features": {"window_s": window_s, "rate_hz": rate_hz}}
    is_alone = ps is None and workers is None and job_type == "worker" and task_index == 0
    with _exit_with_status(is_alone=is_alone, progress_json=progress_json):
        cluster = None
        if not is_alone:
            cluster = parse_cluster(job_type=job_type, task_index=task_index, ps=ps or "", workers=workers or "")
        _run(
            TrainingOptions(
                dataset_train=dataset_train or Path(),
                dataset_test=dataset_test,
                out=out or Path(),
                name=name or (out or Path()).name,
                training=_training(training_file, overrides),
                expert=expert,
                init=init,
                resume=resume,
                restart=restart,
                strict=strict,
                batch_workers=batch_workers,
                cache_mb=cache_mb,
                checkpoint_step=checkpoint_step,
                stats_step=stats_step,
                nb_embeddings=nb_embeddings,
                cluster=cluster,
            ),
            progress_json=progress_json,
        )


@contextmanager
def _exit_with_status(*, is_alone: bool, progress_json: bool) -> Iterator[None]:
    """Print errors and exit. TensorFlow's server and its threads only end with the process."""
    code = 0
    try:
        yield
    except TidzamError as error:
        if progress_json:
            ReportWriter().failure(error)
        terminal.say(str(error), program="trainer", style="red")
        code = 1
    except KeyboardInterrupt:
        code = 130
    except SystemExit as end:
        code = int(bool(end.code))
    except Exception:
        if is_alone:
            raise
        traceback.print_exc()
        code = 1
    if not is_alone:
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    raise typer.Exit(code)


def _training(path: Path | None, overrides: dict[str, Any]) -> TrainingFile:
    return override(TrainingFile() if path is None else read_training_file(path), overrides)


def _run(options: TrainingOptions, *, progress_json: bool) -> None:
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # saves a checkpoint, as Ctrl-C does
    if options.cluster is not None and not options.cluster.coordinates:
        if not serve(options, say=say):
            sys.exit(1)
        return
    with show_progress() as progress:
        observe = report_progress(ReportWriter()) if progress_json else progress.watch
        bundles = train(options, say=say, observers=(observe,))
    if progress_json:
        ReportWriter().result({"model": options.out.name, "bundles": list(map(_result, bundles))})
    for bundle in bundles:
        say(summary_of(bundle))


def _result(bundle: Bundle) -> dict[str, Any]:
    validation: dict[str, Any] = bundle.manifest.accuracy["validation"]
    f1 = round(validation["macro_f1"], 4) if validation["windows"] else None
    return {"name": bundle.name, "version": bundle.manifest.version, "classes": bundle.manifest.classes, "macro_f1": f1}


def summary_of(bundle: Bundle) -> str:
    """One line about a bundle that was written: its folder, size and macro F1."""
    validation: dict[str, Any] = bundle.manifest.accuracy["validation"]
    size = sum(entry.size_bytes for entry in bundle.manifest.files.values())
    f1 = f"macro F1 {validation['macro_f1']:.3f} on validation clips" if validation["windows"] else "not validated"
    return f"{bundle.folder}: {size // 1000} kB, {f1}"


@cli.command("evaluate")
def evaluate_command(
    bundle: Annotated[Path, typer.Argument(help="Bundle to evaluate, or folder with the bundles of a cascade")],
    dataset: Annotated[Path, typer.Argument(help="Folder with one folder per class, or a compiled dataset")],
    background: Annotated[
        list[str] | None, typer.Option(help="Class of the data that the bundle does not have, counted as background")
    ] = None,
    overlap: Annotated[float, typer.Option(min=0, max=0.95, help="Overlap of a clip's windows, as a share")] = 0.0,
    card: Annotated[
        Path | None,
        typer.Option(help="Folder to write the model card to", show_default="BUNDLE.evaluation"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table")] = False,
) -> None:
    """Evaluate a bundle, or each of a cascade, on labeled audio, and write its model card with the results."""
    try:
        bundles = sorted(map(read_bundle, find_bundles(bundle)), key=lambda one: not one.manifest.is_selector)
        found = evaluate(bundles, dataset, background=background or (), overlap=overlap)
        named = bundle if bundle.name.strip(".") else bundle.resolve()  # "." has no name
        home = card or named.with_name(f"{named.name}.evaluation")
        is_alone = bundles[0].folder == bundle
        cards = [_write_card(one, home if is_alone else home / one.bundle.folder.name) for one in found]
    except (TidzamError, OSError) as error:  # the card's folder may be a file, or the disk full
        terminal.say(str(error), program="trainer", style="red")
        raise typer.Exit(1) from None
    if as_json:
        values = [one.to_dict() for one in found]
        print(json.dumps(values[0] if is_alone else values, indent=2))
        return
    for line in found[0].remarks:
        say(line)
    for bad in found[0].bad:
        say(f"skipped: {bad.reason}")
    for one, path in zip(found, cards, strict=True):
        print_evaluation(one)
        say(f"card: {path}")
    for name in sorted({one.name for one in bundles} - {one.bundle.name for one in found}):
        say(f"{name} was not evaluated: {dataset} has none of its classes")


def _write_card(found: Evaluation, home: Path) -> Path:
    return write_card(home, found.bundle.manifest, found.metrics, data=found.data)
