"""Resumed trainings end with the weights of an uninterrupted one."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest

from tests.support.training import SPEC, options
from tidzam.bundle import read_bundle
from tidzam.errors import ConfigError, DatasetError, SetupError
from tidzam.inference.loading import run_onnx
from trainer.app import train
from trainer.loop import StepReport
from trainer.output import check_output, prepare_output

FEATURES = np.random.default_rng(1).uniform(-90, -10, (7, *SPEC.shape)).astype(np.float32)


def quiet(line: str) -> None: ...


def stop_after(step: int) -> Callable[[StepReport], None]:
    """An observer that interrupts the training as Ctrl-C does."""

    def watch(report: StepReport) -> None:
        if report.step == step:
            raise KeyboardInterrupt

    return watch


@pytest.mark.timeout(120)
def test_a_resumed_training_ends_with_the_weights_of_an_uninterrupted_one(folders: Path, tmp_path: Path) -> None:
    whole = options(folders, tmp_path / "whole", iterations=12, optimizer={"ema": 0.8})
    broken = replace(whole, out=tmp_path / "broken")
    reported: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        train(broken, say=reported.append, observers=[stop_after(7)])
    assert reported[-1] == "stopped after step 7; continue with --resume"
    assert not broken.out.exists()
    with pytest.raises(ConfigError, match="unfinished training"):
        train(broken, say=quiet)
    with pytest.raises(ConfigError, match=r"The settings differ from those in .*: iterations"):
        train(replace(options(folders, broken.out, iterations=13, optimizer={"ema": 0.8}), resume=True), say=quiet)
    steps: list[int] = []
    (resumed,) = train(
        replace(broken, resume=True), say=reported.append, observers=[lambda report: steps.append(report.step)]
    )
    assert steps == [8, 9, 10, 11, 12]
    assert "resuming from step 7" in reported
    (uninterrupted,) = train(whole, say=quiet)
    np.testing.assert_array_equal(
        run_onnx(resumed.file("onnx"), FEATURES), run_onnx(uninterrupted.file("onnx"), FEATURES)
    )
    assert not broken.checkpoints.exists(), "they are deleted when the training is complete"


@pytest.mark.timeout(60)
def test_a_killed_batch_worker_ends_the_training_with_a_checkpoint(folders: Path, tmp_path: Path) -> None:
    def kill(report: StepReport) -> None:
        for child in psutil.Process().children():
            if child.status() != psutil.STATUS_ZOMBIE and "spawn_main" in " ".join(child.cmdline()):
                child.kill()

    reported: list[str] = []
    chosen = replace(options(folders, tmp_path / "x", iterations=100), batch_workers=1)
    with pytest.raises(SetupError, match="batch worker was killed"):
        train(chosen, say=reported.append, observers=[kill])
    assert reported[-1].startswith("saved after step")
    assert list(chosen.checkpoints.glob("*.index"))


@pytest.mark.timeout(60)
def test_a_bundle_that_cannot_be_written_is_written_when_resumed(folders: Path, tmp_path: Path) -> None:
    chosen = replace(options(folders, tmp_path / "nn", iterations=4), expert=True)
    with pytest.raises(
        SetupError, match=r"Cannot write the bundle .*nn/selector: .* write it with --resume"
    ) as refused:
        train(chosen, say=quiet, observers=[lambda report: chosen.out.touch()])  # a file, where a folder is needed
    assert refused.value.code == "bundle_write"
    chosen.out.unlink()
    (bundle,) = train(replace(chosen, resume=True), say=quiet, observers=[lambda report: pytest.fail("a step more")])
    assert read_bundle(bundle.folder).name == "selector"
    assert not chosen.checkpoints.exists()


def test_an_unfinished_training_is_discarded_by_a_restart(folders: Path, tmp_path: Path) -> None:
    chosen = options(folders, tmp_path / "x")
    leftover = chosen.checkpoints / "step-7.index"
    leftover.parent.mkdir(parents=True)
    leftover.touch()
    restarted = replace(chosen, restart=True)
    check_output(restarted)
    prepare_output(restarted)
    assert not leftover.exists()


def test_resume_without_a_checkpoint_is_refused(folders: Path, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="There is no checkpoint"):
        train(replace(options(folders, tmp_path / "x"), resume=True), say=quiet)


@pytest.mark.timeout(60)
def test_a_checkpoint_of_another_network_is_refused(folders: Path, tmp_path: Path) -> None:
    first = options(folders, tmp_path / "x")
    with pytest.raises(KeyboardInterrupt):
        train(first, say=quiet, observers=[stop_after(2)])
    (tmp_path / "x.training" / "training.yaml").unlink()
    other = replace(options(folders, tmp_path / "x", dnn="residual"), resume=True)
    with pytest.raises(DatasetError, match="is of another network"):
        train(other, say=quiet)


def command(folders: Path, out: Path, *more: str) -> list[str]:
    features = {name: value for name, value in SPEC.to_dict().items() if name != "floor_db"}
    file = out.parent / "recipe.yaml"
    file.write_text(json.dumps({"features": features, "batch_size": 16}))  # JSON is YAML
    argv = [sys.executable, "-m", "trainer", "-d", str(folders), "-o", str(out), "--training-file", str(file)]
    return [*argv, "--stats-step", "0", *more]


@pytest.mark.timeout(120)
def test_ctrl_c_saves(folders: Path, tmp_path: Path) -> None:
    out = tmp_path / "x"
    argv = command(folders, out, "--training-iterations", "100000", "--checkpoint-step", "1000000")
    process = subprocess.Popen(argv, stderr=subprocess.PIPE, text=True, start_new_session=True)
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("network "):
            break
    time.sleep(3)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: the batch workers receive it, too
    rest = process.stderr.read()
    assert process.wait(20) == 130
    assert "continue with --resume" in rest
    assert "Traceback" not in rest
    assert list((tmp_path / "x.training" / "checkpoints").glob("*.index"))


FULL_DISK = """
import resource, sys
import tensorflow, trainer.__main__
from trainer import checkpoints
save = checkpoints.Checkpoints.save
def save_on_full_disk(self):
    if self._state.done > 2:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
    return save(self)
checkpoints.Checkpoints.save = save_on_full_disk
sys.argv = ["trainer", *sys.argv[1:]]
trainer.__main__.cli()
"""


@pytest.mark.timeout(120)
def test_a_full_disk_is_one_clear_error_and_the_last_checkpoint_is_kept(folders: Path, tmp_path: Path) -> None:
    """No file may grow beyond 4 kB from the second checkpoint on, which is what a full disk does to a writer."""
    argv = command(folders, tmp_path / "x", "--training-iterations", "100", "--checkpoint-step", "2")
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, *argv[3:]], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    assert "Cannot write the checkpoint of step 4" in done.stderr
    assert "Traceback" not in done.stderr
    checkpoints = tmp_path / "x.training" / "checkpoints"
    assert 'model_checkpoint_path: "ckpt-2"' in (checkpoints / "checkpoint").read_text()
    assert {"ckpt-2.index", "ckpt-2.data-00000-of-00001"} <= {path.name for path in checkpoints.iterdir()}
