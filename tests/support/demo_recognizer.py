"""A recognizer of the demo's animals in the library of a home: `python -m tests.support.demo_recognizer HOME`."""

from __future__ import annotations

import sys
from pathlib import Path

from tidzam.demo.render import write_scene
from tidzam.demo.scene import Truth
from tidzam.demo.wetland import wetland
from tidzam.paths import DEMO_BUNDLES, MODELS
from trainer.openset.annotations import Assignment
from trainer.openset.app import OpenSetOptions, train_open_set

NAME = "marsh-calls"
TAGS = {
    "birds-warbler": "warbler",
    "birds-dove": "dove",
    "birds-sparrow": "sparrow",
    "birds-chickadee": "chickadee",
    "frogs-bullfrog": "bullfrog",
    "frogs-peeper": "peeper",
}
DAYS = {"2026-11-21": 31, "2026-11-22": 32}
"""The days that are heard, for training and for the test, with the seeds of their scenes."""


def train_demo_recognizer(home: Path) -> None:
    """Record a wetland on two days, annotate its calls, and train `marsh-calls` on the demo's selector."""
    folder = home / "recordings"
    lines = ["file,start,end,tag"]
    for day, seed in DAYS.items():
        sound, truth = write_scene(folder, f"wetland-{day}-06-00-00", wetland(seed, duration_s=240.0, channels=1))
        calls = [one for one in Truth.model_validate_json(truth.read_text()).events if one.label in TAGS]
        lines += [f"{sound.name},{one.start_s},{one.end_s},{TAGS[one.label]}" for one in calls]
    table = folder / "calls.csv"
    table.write_text("\n".join(lines) + "\n")
    train, test = DAYS
    uses = Assignment({"train": (train,), "test": (test,), "train-background": (train,), "test-background": (test,)})
    out = home / MODELS / NAME
    options = OpenSetOptions(
        table=table, base=DEMO_BUNDLES / "selector", out=out, name=NAME, assignment=uses, home=home
    )
    train_open_set(options, say=print)


if __name__ == "__main__":
    train_demo_recognizer(Path(sys.argv[1]).resolve())
