"""`python -m trainer`: train a classifier from audio folders."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from tidzam.audio.features import FeatureSpec
from tidzam.errors import TidzamError
from tidzam.log import set_up_logging
from trainer.app import Options, train
from trainer.fit import Report

cli = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
console = Console(stderr=True)

LATER = "Training on several machines and its summaries"


def _not_yet(parameter: typer.CallbackParam, value: str | None) -> str | None:
    """Refuse an option of the original that asks for what is not there, rather than train something else."""
    if value is not None:
        raise typer.BadParameter(f"{LATER} are not supported yet: leave {parameter.opts[0]} out.")
    return value


Later = Annotated[str | None, typer.Option(hidden=True, callback=_not_yet)]


@cli.command()
def main(
    dataset_train: Annotated[Path, typer.Option("-d", "--dataset-train", help="Folder with one folder a class")],
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder of the bundle to write")],
    dataset_test: Annotated[
        Path | None,
        typer.Option("-t", "--dataset-test", help="Folder to validate with; a fifth of the recordings if not given"),
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="Classifier's name: selector, or the class that it tells apart  [out's name]")
    ] = None,
    dnn: Annotated[str, typer.Option(help="Network to train: small")] = "small",
    activation: Annotated[
        Literal["sigmoid", "softmax"],
        typer.Option(help="sigmoid: several classes may sound at once; softmax: exactly one does"),
    ] = "sigmoid",
    exclusive: Annotated[list[str] | None, typer.Option(help="Class that holds only alone, as silence does")] = None,
    background: Annotated[
        list[Path] | None, typer.Option(help="Folder of sounds of no class, to lie under the others")
    ] = None,
    training_iterations: Annotated[int, typer.Option(min=1, help="Batches to train on")] = 20000,
    testing_step: Annotated[int, typer.Option(min=1, help="Batches from one validation to the next")] = 10,
    batchsize: Annotated[int, typer.Option(min=1, help="Windows a batch")] = 64,
    learning_rate: Annotated[float, typer.Option(min=0, help="Highest of the schedule")] = 0.001,
    window_s: Annotated[float, typer.Option(help="Seconds that the classifier sees at once")] = 1.0,
    rate_hz: Annotated[int, typer.Option(help="Rate that sound is brought to; above it nothing is heard")] = 22050,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same weights")] = 0,
    workers: Annotated[int, typer.Option("--batch-workers", min=1, help="Threads that make batches")] = 1,
    stats_step: Later = None,
    nb_embeddings: Later = None,
    job_type: Later = None,
    task_index: Later = None,
    cluster_workers: Annotated[str | None, typer.Option("--workers", hidden=True, callback=_not_yet)] = None,
    ps: Later = None,
) -> None:
    """Train a classifier from audio folders and write it as a bundle."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    set_up_logging("warning")
    try:
        _run(
            Options(
                dataset_train=dataset_train,
                dataset_test=dataset_test,
                out=out,
                name=name or out.name,
                dnn=dnn,
                activation=activation,
                exclusive=tuple(exclusive or ()),
                background=tuple(background or ()),
                spec=_spec(rate_hz, window_s),
                iterations=training_iterations,
                testing_step=testing_step,
                batch_size=batchsize,
                learning_rate=learning_rate,
                seed=seed,
                workers=workers,
            )
        )
    except TidzamError as error:
        _say(f"trainer: {error}", style="red")
        raise typer.Exit(1) from None


def _spec(rate_hz: int, window_s: float) -> FeatureSpec:
    """The default features, for a rate and a window of one's own."""
    return FeatureSpec(rate_hz=rate_hz, window_s=window_s, fmax_hz=min(10500.0, rate_hz / 2))


def _run(options: Options) -> None:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        watch = _bar(progress, options) if console.is_terminal else _lines(options)
        bundle = train(options, say=_say, watch=watch)
    validation: dict[str, Any] = bundle.manifest.accuracy["validation"]
    size = sum(entry.size_bytes for entry in bundle.manifest.files.values())
    _say(f"{bundle.folder}: {size // 1000} kB, macro F1 {validation['macro_f1']:.3f} on validation clips")


def _say(line: str, *, style: str | None = None) -> None:
    console.print(line, style=style, highlight=False, markup=False, soft_wrap=True)


def _bar(progress: Progress, options: Options) -> Callable[[Report], None]:
    """A bar that moves with every step."""
    task = progress.add_task("training", total=options.iterations)
    tested = "…"

    def watch(report: Report) -> None:
        nonlocal tested
        if report.test_loss is not None:
            tested = f"{report.test_loss:.3f}"
        words = f"loss {report.loss:.3f}, validation {tested}"
        progress.update(task, completed=report.step, description=words)

    return watch


def _lines(options: Options) -> Callable[[Report], None]:
    """A line for each tenth of the way, where nobody sees a bar."""
    tenth = max(1, options.iterations // 10)

    def watch(report: Report) -> None:
        if report.step % tenth == 0:
            _say(f"step {report.step:,}: loss {report.loss:.3f}")

    return watch


if __name__ == "__main__":
    cli()
