"""Interrupted commands."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.database_tool import SMALL, noise, run, values
from tests.support.datasets import write as write_dataset
from tidzam.audio.features import FeatureSpec
from tidzam.dataset import open_dataset
from tidzam.errors import DatasetError


def test_a_killed_run_leaves_the_old_dataset_and_is_resumed(sounds: Path) -> None:
    """The real program, killed with SIGKILL while it works on both cores; none of its processes outlives it."""
    for number in range(30):
        noise(sounds / "rain" / f"more{number}.wav", 10.0)
    run("create", "pond", sounds / "frog", "--classe", "frog", *SMALL)
    argv = [sys.executable, "-m", "database_tool", "create", "pond", str(sounds), "--replace", "--processes", "2"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    program = subprocess.Popen([*argv, "--strict"], env=environment, start_new_session=True)
    while not Path(".pond-writing/origins.csv").exists():
        assert program.poll() is None
        time.sleep(0.01)
    time.sleep(0.1)
    program.kill()
    program.wait()
    assert len(open_dataset(Path("pond"))) == 10
    done = subprocess.run([*argv, "--resume", "--json"], env=environment, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["counts"] == {"frog": 10, "rain": 306}
    assert not Path(".pond-writing").exists()
    assert _session_is_empty(program.pid)


def _session_is_empty(session: int) -> bool:
    for _ in range(100):
        try:
            os.killpg(session, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    os.killpg(session, signal.SIGKILL)
    return False


INTERRUPTIBLE = [
    ("create", "pond", "sounds", "--replace", *SMALL),
    ("balance", "pond"),
    ("randomize", "pond"),
    ("split", "pond", "--share", "0.5"),
    ("split", "pond", "--folds", "2"),
    ("--dataset", "pond", "--audio-folder", "sounds", "--processes", "1"),
    ("--dataset", "pond", "--balance"),
    ("--dataset", "pond", "--randomize"),
    ("--dataset", "pond", "--split", "0.5"),
]


@pytest.fixture
def interrupted(sounds: Path) -> Path:
    """A dataset beside which another command was interrupted."""
    pond = write_dataset(Path("pond"), [0] * 8 + [1] * 8, spec=FeatureSpec()).folder
    for name in ("pond", "pond-test", "pond-fold-1"):
        Path(f".{name}-writing").mkdir()
        Path(f".{name}-writing/progress.jsonl").write_text('"another"\n')
    return pond


@pytest.mark.parametrize("words", INTERRUPTIBLE)
def test_another_command_cannot_be_resumed(interrupted: Path, words: tuple[str, ...]) -> None:
    with pytest.raises(DatasetError) as caught:
        run(*words, "--resume")
    assert caught.value.code == "dataset_resume"


@pytest.mark.parametrize("words", INTERRUPTIBLE)
def test_without_resume_a_command_begins_again(interrupted: Path, words: tuple[str, ...]) -> None:
    result = "pond-fold-1" if "--folds" in words else "pond"
    run(*words)
    assert len(values("info", result)["steps"]) == 1


SPLIT = ("split", "pond", "--name", "test", "--rest", "train", "--by", "source", "--share")


@pytest.fixture
def half_split(sounds: Path) -> Path:
    """A dataset split into `test` and `train`, of which `train` was lost."""
    run("create", "pond", sounds, *SMALL)
    run(*SPLIT, "0.3")
    Path("train").rename("away")
    return Path("test")


def test_a_split_is_resumed_after_its_first_part(half_split: Path) -> None:
    parts = values(*SPLIT, "0.3", "--resume")["parts"]
    assert sum(part["samples"] for part in parts) == 16


@pytest.mark.parametrize("words", [("0.3",), ("0.4", "--resume")])
def test_a_part_of_another_split_is_not_replaced(half_split: Path, words: tuple[str, ...]) -> None:
    with pytest.raises(DatasetError, match=r"Dataset .*test exists"):
        run(*SPLIT, *words)
