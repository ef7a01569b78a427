"""`bench build`: how long the job of the model builder takes for 500 annotations, from its start to its end.

The job is the one that the console starts, with its low priority: it starts Python, computes embeddings, trains,
evaluates and writes the bundle. The processor time is stated, too, since other programs come first. The 500 annotations
are of seven classes of ESC-10; one in four is for the test. Clips of the other classes are background. Each job runs
twice: without embeddings in the cache, and with them.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.esc10 import Esc10Clip, find_clips
from console.services.builder.models import DayUse
from console.services.builder.sections import TrainingSection, training_table
from tests.support.birdnet import installed_birdnet
from tidzam.bundle import Bundle, read_bundle
from tidzam.errors import NodeError, SetupError
from tidzam.inference.engines import find_engine
from tidzam.jobs.folder import JobFolder
from tidzam.jobs.launch import launch
from tidzam.jobs.states import JobState
from tidzam.paths import DEMO_BUNDLES
from tidzam.progress import Say

TITLE = "time of the model builder's job for 500 annotations, with BirdNET and the demo's selector as base"

ANNOTATIONS: Final = 500
BACKGROUND: Final = 250
TEST_FOLD: Final = 4


def run(say: Say, *, bases: str = "birdnet,selector") -> dict[str, Any]:
    """ESC-10 is looked for in ../shared/data/esc10 or $TIDZAM_DATA/esc10. BirdNET is left out if LiteRT is missing.

    Raises DatasetError if there is no data.
    """
    table = training_table(_sections(find_clips()))
    figures: dict[str, Any] = {"annotations": ANNOTATIONS}
    for name in bases.split(","):
        bundle = _bundle(name)
        if bundle is None:
            say(f"{name} is left out: LiteRT is not installed")
            continue
        with tempfile.TemporaryDirectory(prefix="tidzam-build-") as temporary:
            for state in ("first", "cached"):
                say(f"{name}: {state}")
                before_s = _processor_s()
                took_s, result = _job(Path(temporary), state, bundle, table)
                figures |= {f"{name}_{state}_s": round(took_s, 1), f"{name}_macro_f1": result["macro_f1"]}
                figures[f"{name}_{state}_processor_s"] = round(_processor_s() - before_s, 1)
    return figures


def _processor_s() -> float:
    """The processor time of all processes that this one has waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _bundle(name: str) -> Bundle | None:
    if name != "birdnet":
        return read_bundle(DEMO_BUNDLES / name)
    try:
        find_engine("litert").import_library()
    except SetupError:
        return None
    return installed_birdnet()


def _sections(clips: Sequence[Esc10Clip]) -> Iterator[TrainingSection]:
    labels = sorted({clip.label for clip in clips})[:7]
    known = [clip for clip in clips if clip.label in labels]
    unknown = [clip for clip in clips if clip.label not in labels]
    sections = [(clip, start_s) for start_s in (0.0, 2.5, 1.2) for clip in known][:ANNOTATIONS]
    for clip, start_s in sections:
        use = DayUse.TEST if clip.fold == TEST_FOLD else DayUse.TRAIN
        yield TrainingSection(clip.path, 0, start_s, start_s + 2.5, clip.label, use)
    for clip in unknown:
        use = DayUse.TEST_BACKGROUND if clip.fold == TEST_FOLD else DayUse.TRAIN_BACKGROUND
        yield TrainingSection(clip.path, 0, 0.0, 5.0, "", use)


def _job(home: Path, state: str, base: Bundle, table: str) -> tuple[float, Any]:
    folder = JobFolder(home / "jobs" / state)
    options = [f"--base={base.folder}", f"--out={home / 'models' / 'sounds'}", f"--home={home}"]
    options += [f"--max-background={BACKGROUND}", "--progress-json"]
    (home / "models").mkdir(exist_ok=True)
    argv = [sys.executable, "-P", "-m", "trainer", "openset", str(folder.root / "annotations.csv"), *options]
    folder.prepare(argv, {"annotations.csv": table})
    began_s = time.monotonic()
    process = launch(folder, home=home)
    assert process is not None  # nobody else has the folder
    process.wait()
    took_s, ended = time.monotonic() - began_s, folder.signs().reported
    if ended is None or ended.state is not JobState.DONE:
        raise NodeError(f"The job failed: {'' if ended is None else ended.message}", hint="\n".join(folder.tail(20)))
    return took_s, ended.result
