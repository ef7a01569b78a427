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
from typing import Any

import typer

from tidzam.bundle import Bundle
from tidzam.errors import TidzamError
from tidzam.log import set_up_logging
from trainer import arguments
from trainer.app import serve, train
from trainer.cluster.members import parse_cluster
from trainer.commands import evaluate_command
from trainer.options import Options
from trainer.progress import following, say
from trainer.summaries import EVERY, NB_EMBEDDINGS
from trainer.training_file import TrainingFile, override, read_training_file

cli = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@cli.callback(invoke_without_command=True)
def main(
    context: typer.Context,
    dataset_train: arguments.DatasetTrain = None,
    dataset_test: arguments.DatasetTest = None,
    out: arguments.Out = None,
    name: arguments.Name = None,
    background: arguments.Background = None,
    strict: arguments.Strict = False,
    training_file: arguments.TrainingFile = None,
    dnn: arguments.Dnn = None,
    expert: arguments.Expert = False,
    activation: arguments.Activation = None,
    exclusive: arguments.Exclusive = None,
    training_iterations: arguments.TrainingIterations = None,
    testing_step: arguments.TestingStep = None,
    batchsize: arguments.Batchsize = None,
    learning_rate: arguments.LearningRate = None,
    window_s: arguments.WindowS = None,
    rate_hz: arguments.RateHz = None,
    seed: arguments.Seed = None,
    init: arguments.Init = None,
    resume: arguments.Resume = False,
    checkpoint_step: arguments.CheckpointStep = 500,
    stats_step: arguments.StatsStep = EVERY,
    nb_embeddings: arguments.NbEmbeddings = NB_EMBEDDINGS,
    batch_workers: arguments.BatchWorkers = 1,
    cache_mb: arguments.CacheMb = 1024,
    job_type: arguments.JobType = "worker",
    task_index: arguments.TaskIndex = 0,
    workers: arguments.Workers = None,
    ps: arguments.Ps = None,
) -> None:
    """Train a classifier and write it as a bundle; or `evaluate` one."""
    if context.invoked_subcommand is not None:
        return
    set_up_logging("warning")
    if job_type != "ps" and (dataset_train is None or out is None):
        missing = "--dataset-train" if dataset_train is None else "--out"
        raise typer.BadParameter(f"{missing} is needed.", context)
    said: dict[str, Any] = {"dnn": dnn, "activation": activation, "exclusive": exclusive, "background": background}
    said |= {"iterations": training_iterations, "testing_step": testing_step, "batch_size": batchsize, "seed": seed}
    said |= {"optimizer": {"learning_rate": learning_rate}, "features": {"window_s": window_s, "rate_hz": rate_hz}}
    with _ending(alone=ps is None and workers is None and job_type == "worker" and task_index == 0) as alone:
        members: dict[str, Any] = {
            "job_type": job_type,
            "task_index": task_index,
            "ps": ps or "",
            "workers": workers or "",
        }
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
                cluster=None if alone else parse_cluster(**members),
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
    except SystemExit as end:
        code = int(bool(end.code))
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
        if not serve(options, say=say):
            sys.exit(1)
        return
    with following() as follower:
        bundles = train(options, say=say, observers=(follower.watch,))
    for bundle in bundles:
        say(verdict(bundle))


def verdict(bundle: Bundle) -> str:
    """What is said of a bundle when it is written."""
    validation: dict[str, Any] = bundle.manifest.accuracy["validation"]
    size = sum(entry.size_bytes for entry in bundle.manifest.files.values())
    right = f"macro F1 {validation['macro_f1']:.3f} on validation clips" if validation["windows"] else "not validated"
    return f"{bundle.folder}: {size // 1000} kB, {right}"


cli.command("evaluate")(evaluate_command)

if __name__ == "__main__":
    cli()
