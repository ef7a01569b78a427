"""`python -m trainer`: train a classifier from audio folders or compiled datasets."""

from __future__ import annotations

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

from tidzam.bundle import Bundle
from tidzam.errors import TidzamError
from tidzam.log import set_up_logging
from trainer.app import serve, train
from trainer.cluster.members import parse_cluster
from trainer.commands import evaluate_command
from trainer.options import Options
from trainer.progress import following, say
from trainer.summaries import EVERY, NB_EMBEDDINGS
from trainer.training_file import ITERATIONS, TrainingFile, override, read_training_file

cli = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

DATA, RECIPE, WORK, CLUSTER = (
    "Data",
    "What is learnt, and how (wins over the training file)",
    "Work",
    "Several machines",
)


@cli.callback(invoke_without_command=True)
def main(
    context: typer.Context,
    dataset_train: Annotated[
        Path | None,
        typer.Option(
            "-d",
            "--dataset-train",
            help="Folder with one folder a class, or a compiled dataset",
            rich_help_panel=DATA,
        ),
    ] = None,
    dataset_test: Annotated[
        Path | None,
        typer.Option(
            "-t",
            "--dataset-test",
            help="The like to validate with; a fifth of the recordings if not given",
            rich_help_panel=DATA,
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="Folder of the bundle to write", rich_help_panel=DATA)
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(
            help="Classifier's name: selector, or the class that it tells apart  [out's name]", rich_help_panel=DATA
        ),
    ] = None,
    background: Annotated[
        list[str] | None,
        typer.Option(
            help="Class that is nothing to be recognised, or folder of such sound; lies under the others",
            rich_help_panel=DATA,
        ),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Stop if a file cannot be read", rich_help_panel=DATA)
    ] = False,
    training_file: Annotated[
        Path | None, typer.Option(help="YAML file of all that follows, and more", rich_help_panel=RECIPE)
    ] = None,
    dnn: Annotated[
        str | None,
        typer.Option(
            help="Network: small, residual, original, or a Python file with build(input_shape, n_classes)  [small]",
            rich_help_panel=RECIPE,
        ),
    ] = None,
    expert: Annotated[
        bool,
        typer.Option(
            "--expert",
            help="A tree of classifiers on one network, from nested folders or labels: a bundle each, in out",
            rich_help_panel=RECIPE,
        ),
    ] = False,
    activation: Annotated[
        Literal["sigmoid", "softmax"] | None,
        typer.Option(
            help="sigmoid: several classes may sound at once; softmax: exactly one does  [sigmoid]",
            rich_help_panel=RECIPE,
        ),
    ] = None,
    exclusive: Annotated[
        list[str] | None, typer.Option(help="Class that holds only alone, as silence does", rich_help_panel=RECIPE)
    ] = None,
    training_iterations: Annotated[
        int | None, typer.Option(min=1, help=f"Batches to train on  [{ITERATIONS}]", rich_help_panel=RECIPE)
    ] = None,
    testing_step: Annotated[
        int | None, typer.Option(min=1, help="Batches from one validation to the next  [10]", rich_help_panel=RECIPE)
    ] = None,
    batchsize: Annotated[int | None, typer.Option(min=1, help="Windows a batch  [64]", rich_help_panel=RECIPE)] = None,
    learning_rate: Annotated[
        float | None, typer.Option(min=0, help="Highest of the schedule  [0.001]", rich_help_panel=RECIPE)
    ] = None,
    window_s: Annotated[
        float | None, typer.Option(help="Seconds that the classifier sees at once  [1]", rich_help_panel=RECIPE)
    ] = None,
    rate_hz: Annotated[
        int | None, typer.Option(help="Rate that sound is brought to  [22050]", rich_help_panel=RECIPE)
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, help="The same seed gives the same weights  [0]", rich_help_panel=RECIPE)
    ] = None,
    init: Annotated[
        Path | None,
        typer.Option(help="Bundle to start from, of the same network and features", rich_help_panel=WORK),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the last checkpoint", rich_help_panel=WORK)
    ] = False,
    checkpoint_step: Annotated[
        int, typer.Option(min=1, help="Batches from one checkpoint to the next", rich_help_panel=WORK)
    ] = 500,
    stats_step: Annotated[
        int,
        typer.Option(min=0, help="Batches from one summary for TensorBoard to the next; 0: none", rich_help_panel=WORK),
    ] = EVERY,
    nb_embeddings: Annotated[
        int, typer.Option(min=0, help="Embeddings for TensorBoard's projector", rich_help_panel=WORK)
    ] = NB_EMBEDDINGS,
    batch_workers: Annotated[
        int, typer.Option(min=0, help="Processes that make batches; 0: a thread does", rich_help_panel=WORK)
    ] = 1,
    cache_mb: Annotated[
        int, typer.Option(min=0, help="Memory for features of audio folders", rich_help_panel=WORK)
    ] = 1024,
    job_type: Annotated[
        Literal["ps", "worker"],
        typer.Option(help="What this process is; worker 0 leads, and writes the bundle", rich_help_panel=CLUSTER),
    ] = "worker",
    task_index: Annotated[
        int, typer.Option(help="Which of --ps or --workers it is, from 0", rich_help_panel=CLUSTER)
    ] = 0,
    workers: Annotated[
        str | None, typer.Option(help="Addresses of all workers: HOST:PORT,HOST:PORT", rich_help_panel=CLUSTER)
    ] = None,
    ps: Annotated[
        str | None, typer.Option(help="Addresses of all parameter servers, the same way", rich_help_panel=CLUSTER)
    ] = None,
) -> None:
    """Train a classifier and write it as a bundle; or `evaluate` one."""
    if context.invoked_subcommand is not None:
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    set_up_logging("warning")
    if job_type != "ps" and (dataset_train is None or out is None):
        missing = "--dataset-train" if dataset_train is None else "--out"
        raise typer.BadParameter(f"{missing} is needed.", context)
    said: dict[str, Any] = {
        "dnn": dnn,
        "activation": activation,
        "exclusive": tuple(exclusive) if exclusive else None,
        "background": tuple(background) if background else None,
        "iterations": training_iterations,
        "testing_step": testing_step,
        "batch_size": batchsize,
        "seed": seed,
        "optimizer": {"learning_rate": learning_rate},
        "features": {"window_s": window_s, "rate_hz": rate_hz},
    }
    with _ending(alone=ps is None and workers is None and job_type == "worker" and task_index == 0) as alone:
        cluster = None
        if not alone:
            cluster = parse_cluster(job_type=job_type, task_index=task_index, ps=ps or "", workers=workers or "")
        _run(
            Options(
                dataset_train=dataset_train or Path(),
                dataset_test=dataset_test,
                out=out or Path(),
                name=name or (out or Path()).name,
                training=_training(training_file, said),
                expert=expert,
                init=init,
                resume=resume,
                strict=strict,
                batch_workers=batch_workers,
                cache_mb=cache_mb,
                checkpoint_step=checkpoint_step,
                stats_step=stats_step,
                nb_embeddings=nb_embeddings,
                cluster=cluster,
            )
        )


@contextmanager
def _ending(*, alone: bool) -> Iterator[bool]:
    """Say errors, and end the program. TensorFlow's server and its threads cannot be ended but with the process."""
    code = 0
    try:
        yield alone
    except TidzamError as error:
        say(f"trainer: {error}", style="red")
        code = 1
    except KeyboardInterrupt:
        code = 130
    except Exception:
        if alone:
            raise
        traceback.print_exc()
        code = 1
    if not alone:
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    raise typer.Exit(code)


def _training(path: Path | None, said: dict[str, Any]) -> TrainingFile:
    return override(TrainingFile() if path is None else read_training_file(path), said)


def _run(options: Options) -> None:
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # saves, as Ctrl-C does
    if options.cluster is not None and not options.cluster.coordinates:
        serve(options, say=say)
        return
    with following() as follower:
        bundles = train(options, say=say, observers=(follower.watch,))
    for bundle in bundles:
        say(_verdict(bundle))


def _verdict(bundle: Bundle) -> str:
    validation: dict[str, Any] = bundle.manifest.accuracy["validation"]
    size = sum(entry.size_bytes for entry in bundle.manifest.files.values())
    return f"{bundle.folder}: {size // 1000} kB, macro F1 {validation['macro_f1']:.3f} on validation clips"


cli.command("evaluate")(evaluate_command)

if __name__ == "__main__":
    cli()
