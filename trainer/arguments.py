"""The command line's options, each with its type and the words that explain it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from trainer.training_file import ITERATIONS

DATA, RECIPE, WORK, CLUSTER = (
    "Data",
    "What is learnt, and how (wins over the training file)",
    "Work",
    "Several machines",
)

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
        help="The like to validate with; a fifth of the recordings if not given",
        rich_help_panel=DATA,
    ),
]
Out = Annotated[Path | None, typer.Option("-o", "--out", help="Folder of the bundle to write", rich_help_panel=DATA)]
Name = Annotated[
    str | None,
    typer.Option(
        help="Classifier's name: selector, or the class that it tells apart (default: out's name)", rich_help_panel=DATA
    ),
]
Background = Annotated[
    list[str] | None,
    typer.Option(
        help="Class that is nothing to be recognised, or folder of such sound; lies under the others",
        rich_help_panel=DATA,
    ),
]
Strict = Annotated[bool, typer.Option("--strict", help="Stop if a file cannot be read", rich_help_panel=DATA)]
TrainingFile = Annotated[
    Path | None, typer.Option(help="YAML file of all that follows, and more", rich_help_panel=RECIPE)
]
Dnn = Annotated[
    str | None,
    typer.Option(
        help="Network: small, residual, original, or a Python file with build(input_shape, n_classes) (default: small)",
        rich_help_panel=RECIPE,
    ),
]
Expert = Annotated[
    bool,
    typer.Option(
        "--expert",
        help="A tree of classifiers on one network, from nested folders or labels: a bundle each, in out",
        rich_help_panel=RECIPE,
    ),
]
Activation = Annotated[
    Literal["sigmoid", "softmax"] | None,
    typer.Option(
        help="sigmoid: several classes may sound at once; softmax: exactly one does (default: sigmoid)",
        rich_help_panel=RECIPE,
    ),
]
Exclusive = Annotated[
    list[str] | None, typer.Option(help="Class that holds only alone, as silence does", rich_help_panel=RECIPE)
]
TrainingIterations = Annotated[
    int | None, typer.Option(min=1, help=f"Batches to train on (default: {ITERATIONS})", rich_help_panel=RECIPE)
]
TestingStep = Annotated[
    int | None,
    typer.Option(min=1, help="Batches from one validation to the next (default: 10)", rich_help_panel=RECIPE),
]
Batchsize = Annotated[int | None, typer.Option(min=1, help="Windows a batch (default: 64)", rich_help_panel=RECIPE)]
LearningRate = Annotated[
    float | None, typer.Option(min=0, help="Highest of the schedule (default: 0.001)", rich_help_panel=RECIPE)
]
WindowS = Annotated[
    float | None, typer.Option(help="Seconds that the classifier sees at once (default: 1)", rich_help_panel=RECIPE)
]
RateHz = Annotated[
    int | None, typer.Option(help="Rate that sound is brought to (default: 22050)", rich_help_panel=RECIPE)
]
Seed = Annotated[
    int | None, typer.Option(min=0, help="The same seed gives the same weights (default: 0)", rich_help_panel=RECIPE)
]
Init = Annotated[
    Path | None, typer.Option(help="Bundle to start from, of the same network and features", rich_help_panel=WORK)
]
Resume = Annotated[bool, typer.Option("--resume", help="Go on from the last checkpoint", rich_help_panel=WORK)]
CheckpointStep = Annotated[
    int, typer.Option(min=1, help="Batches from one checkpoint to the next", rich_help_panel=WORK)
]
StatsStep = Annotated[
    int, typer.Option(min=0, help="Batches from one summary for TensorBoard to the next; 0: none", rich_help_panel=WORK)
]
NbEmbeddings = Annotated[int, typer.Option(min=0, help="Embeddings for TensorBoard's projector", rich_help_panel=WORK)]
BatchWorkers = Annotated[
    int, typer.Option(min=0, help="Processes that make batches; 0: a thread does", rich_help_panel=WORK)
]
CacheMb = Annotated[int, typer.Option(min=0, help="Memory for features of audio folders", rich_help_panel=WORK)]
JobType = Annotated[
    Literal["ps", "worker"],
    typer.Option(help="What this process is; worker 0 leads, and writes the bundle", rich_help_panel=CLUSTER),
]
TaskIndex = Annotated[int, typer.Option(help="Which of --ps or --workers it is, from 0", rich_help_panel=CLUSTER)]
Workers = Annotated[
    str | None, typer.Option(help="Addresses of all workers: HOST:PORT,HOST:PORT", rich_help_panel=CLUSTER)
]
Ps = Annotated[
    str | None, typer.Option(help="Addresses of all parameter servers, the same way", rich_help_panel=CLUSTER)
]
