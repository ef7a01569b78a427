"""A recognizer in the library of a home, trained on the spot from annotated recordings of two days."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.support.embedding_models import write_hidden_layer_bundle
from tests.support.openset import DAYS, write_recordings
from tidzam.bundle import Bundle, read_bundle
from tidzam.open_set_report import FILE
from tidzam.paths import MODELS
from trainer.openset.annotations import Assignment
from trainer.openset.app import OpenSetOptions, train_open_set

NAME, BASE = "calls", "base"
TAGS = ("high", "low")


def train_recognizer(home: Path) -> None:
    """Train the recognizer `calls` of the tags `high` and `low` in a home, on recordings and a base there."""
    train, test = DAYS
    uses = Assignment({"train": (train,), "test": (test,), "train-background": (train,), "test-background": (test,)})
    table = write_recordings(home)
    write_hidden_layer_bundle(home / MODELS / BASE)
    out = home / MODELS / NAME
    options = OpenSetOptions(table=table, base=home / MODELS / BASE, out=out, name=NAME, assignment=uses)
    train_open_set(options, say=lambda text: None)


def copy_recognizer(trained: Path, home: Path) -> Bundle:
    """Put what `train_recognizer` made in the home `trained` into another, whose recordings its report then names."""
    shutil.copytree(trained, home, dirs_exist_ok=True)
    report = home / MODELS / NAME / FILE
    report.write_text(report.read_text().replace(str(trained), str(home)))
    return read_bundle(home / MODELS / NAME)
