"""Annotations that are not complete: calls that nobody annotated are no background."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tidzam.demo.render import write_scene
from tidzam.demo.scene import AudibleEvent, read_truth
from tidzam.demo.wetland import wetland
from tidzam.embeddings.windows import AudioWindow
from tidzam.paths import DEMO_BUNDLES
from trainer.openset.annotations import Use
from trainer.openset.app import OpenSetOptions, train_open_set
from trainer.openset.labeled_windows import LabeledWindow
from trainer.openset.learning import EmbeddedWindows
from trainer.openset.unannotated import MOST, without_unannotated_calls

CALLS, OTHERS = 20, 100


def windows(*, unannotated: int, stated: int = 0, use: Use = "train-background") -> EmbeddedWindows:
    """Annotated calls and background, of which the first `unannotated` windows hold the same calls, and the first
    `stated` ones are stated to be background."""
    generator = np.random.default_rng(1)
    values = generator.normal(0, 1, (CALLS + OTHERS, 12)).astype(np.float32)
    values[: CALLS + unannotated, :2] += 4
    times = [AudioWindow(Path(f"pond-{row % 9}.wav"), float(row)) for row in range(len(values))]
    calls = [LabeledWindow(one, "heron", "train", frozenset({"heron"})) for one in times[:CALLS]]
    others = [LabeledWindow(one, "", use, is_stated=row < stated) for row, one in enumerate(times[CALLS:])]
    return EmbeddedWindows((*calls, *others), values)


def left_out(data: EmbeddedWindows) -> list[int]:
    """The numbers of the background windows that are left out."""
    kept = without_unannotated_calls(data, ["heron"])
    return [row - CALLS for row, one in enumerate(data.windows) if one not in kept.windows]


def test_most_calls_that_nobody_annotated_are_left_out() -> None:
    found = left_out(windows(unannotated=20))
    assert set(found) <= set(range(20))
    assert len(found) >= 14


def test_background_without_any_is_kept() -> None:
    assert len(left_out(windows(unannotated=0))) <= 1


@pytest.mark.parametrize("unannotated", [60, OTHERS])
def test_most_background_is_kept_whatever_it_resembles(unannotated: int) -> None:
    """All rounds together leave out as much as they may."""
    assert len(left_out(windows(unannotated=unannotated))) == MOST * OTHERS


def test_what_is_stated_to_be_background_is_kept_whatever_it_resembles() -> None:
    found = left_out(windows(unannotated=20, stated=10))
    assert len(found) >= 5
    assert set(found) <= set(range(10, 20))


def test_background_of_the_test_is_kept() -> None:
    assert left_out(windows(unannotated=20, use="test-background")) == []


SPECIES, CHANNEL, LENGTH_S = "frogs-peeper", 1, 120.0


def record(folder: Path, name: str, seed: int) -> list[AudibleEvent]:
    """Write a scene of the demo, and return the calls of the species in it."""
    _, truth = write_scene(folder, name, wetland(seed, duration_s=LENGTH_S, channels=2))
    return [one for one in read_truth(truth).events if (one.label, one.channel) == (SPECIES, CHANNEL)]


def test_three_annotated_calls_of_the_demo_find_most_others_with_few_false_alarms(tmp_path: Path) -> None:
    """Ten calls are in the sound that it is trained on, so that most are not annotated."""
    annotated, tested = record(tmp_path, "pond", 7)[::3][:3], record(tmp_path, "other", 101)
    lines = ["file,channel,start,end,tag,use"]
    lines += [f"pond.flac,{CHANNEL},{one.start_s},{one.end_s},peeper,train" for one in annotated]
    lines += [f"other.flac,{CHANNEL},{one.start_s},{one.end_s},peeper,test" for one in tested]
    lines += [
        f"pond.flac,{CHANNEL},0,{LENGTH_S},,train-background",
        f"other.flac,{CHANNEL},0,{LENGTH_S},,test-background",
    ]
    (tmp_path / "calls.csv").write_text("\n".join(lines) + "\n")
    options = OpenSetOptions(
        table=tmp_path / "calls.csv",
        base=DEMO_BUNDLES / "selector",
        out=tmp_path / "peepers",
        name="peepers",
        incomplete=True,
        home=tmp_path,
    )
    bundle, _report = train_open_set(options, say=lambda _: None)
    (right, missed), (alarms, _) = bundle.manifest.accuracy["test"]["confusion"]
    assert right > missed
    assert alarms <= 1
