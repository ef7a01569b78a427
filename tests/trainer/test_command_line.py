"""The command line: the effect of every option, and progress in a terminal."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from tests.support.noise import start_up_noise
from tests.support.training import write_tone_folders
from tidzam.bundle import read_bundle
from trainer.cli import cli

MODEL = """
import keras

def build(input_shape, n_classes):
    features = keras.Input(input_shape)
    x = keras.layers.Conv1D(4, 3)(features)
    return keras.Model(features, keras.layers.Dense(n_classes)(keras.layers.GlobalAveragePooling1D()(x)))
"""

RECIPE = {
    "--training-iterations": ("iterations", 6),
    "--testing-step": ("testing_step", 2),
    "--batchsize": ("batch_size", 5),
    "--learning-rate": ("learning_rate", 0.02),
    "--seed": ("seed", 9),
    "--activation": ("activation", "softmax"),
    "--window-s": ("window_s", 0.25),
    "--rate-hz": ("rate_hz", 8000),
}
"""Options that are fields of the training file, which the bundle keeps."""


def in_a_terminal(argv: list[str]) -> tuple[int, str]:
    """The exit code, and the output on a terminal of 160 columns."""
    ours, theirs = pty.openpty()
    env = {**os.environ, "COLUMNS": "160", "TERM": "xterm"}
    process = subprocess.Popen(argv, stdout=theirs, stderr=theirs, stdin=theirs, env=env)
    os.close(theirs)
    shown = b""
    try:
        while piece := os.read(ours, 65536):
            shown += piece
    except OSError:  # the terminal is hung up when its last process ends
        pass
    os.close(ours)
    return process.wait(30), shown.decode()


@pytest.mark.timeout(120)
def test_each_option_has_its_effect(folders: Path, tmp_path: Path) -> None:
    other = write_tone_folders(tmp_path / "other", 3)
    (tmp_path / "model.py").write_text(MODEL)
    argv = [sys.executable, "-m", "trainer", "-d", str(folders), "-t", str(other), "-o", str(tmp_path / "out")]
    argv += [word for option, (_, value) in RECIPE.items() for word in (option, str(value))]
    argv += ["--dnn", str(tmp_path / "model.py"), "--name", "selector", "--checkpoint-step", "4", "--cache-mb", "1"]
    argv += ["--stats-step", "3", "--nb-embeddings", "4", "--batch-workers", "0", "--exclusive", "low"]
    code, shown = in_a_terminal(argv)
    assert code == 0, shown
    assert start_up_noise(shown) == []
    assert "━" in shown
    assert "6/6" in shown
    assert "examples/s" in shown

    manifest = read_bundle(tmp_path / "out").manifest
    training = yaml.safe_load(manifest.provenance["training_file"])
    values = {**training, **training["optimizer"], **training["features"]}
    assert {name: values[name] for name, _ in RECIPE.values()} == dict(RECIPE.values())
    assert (manifest.name, training["dnn"]) == ("selector", str(tmp_path / "model.py"))
    assert training["exclusive"] == ["low"]
    assert manifest.provenance["data"]["validation"] == str(other)
    assert manifest.provenance["clips"]["validation"] == 6
    summaries = tmp_path / "out.training" / "summaries"
    assert len((summaries / "validation/embeddings.tsv").read_text().splitlines()) == 4
    assert steps_of(summaries / "validation", "cost") == [3, 6]


def steps_of(folder: Path, tag: str) -> list[int]:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    accumulator = EventAccumulator(str(folder))
    accumulator.Reload()
    return [event.step for event in accumulator.Tensors(tag)]


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help_lists_the_options_of_tidzam_2019(option: str) -> None:
    shown = CliRunner().invoke(cli, [option], env={"COLUMNS": "200"})
    assert shown.exit_code == 0
    names = "dataset-train dataset-test out dnn training-iterations testing-step batchsize learning-rate stats-step"
    for name in [*names.split(), "nb-embeddings", "job-type", "task-index", "workers", "ps"]:
        assert f"--{name} " in shown.output


def test_required_options_are_reported() -> None:
    shown = CliRunner().invoke(cli, ["-o", "x"])
    assert shown.exit_code == 2
    assert "--dataset-train is required" in shown.output


def test_errors_are_reported_in_one_line(tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "trainer", "-o", str(tmp_path / "x"), "-d"]
    empty = subprocess.run([*argv, str(tmp_path)], capture_output=True, text=True, timeout=30, check=False)
    assert empty.returncode == 1
    assert "holds no class" in empty.stderr
    assert empty.stderr.startswith("trainer: ")
    assert empty.stderr.count("\n") == 1
