"""Networks on datasets of the node: what is offered, what is refused, and a real training."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from console.services.builder.networks import TrainingRequest, training_order
from tests.support.console import ConsoleUnderTest, console_under_test
from tests.support.eventually import eventually
from tests.support.jobs import end_jobs
from tests.support.training import tone
from tidzam.bundle import read_bundle
from tidzam.jobs.states import JobState

pytestmark = pytest.mark.timeout(300)

WANTED = {"name": "tones", "dataset": "calls", "recipe": "small", "iterations": 20}


@pytest.fixture
def console(tmp_path: Path) -> Iterator[ConsoleUnderTest]:
    """A console whose node has a dataset of two classes."""
    for name, hz in (("high", 2800.0), ("low", 500.0)):
        folder = tmp_path / "datasets" / "calls" / name
        folder.mkdir(parents=True)
        for number in range(6):
            noise = 0.001 * np.random.default_rng(number).normal(size=16000)
            soundfile.write(folder / f"{number}.wav", noise + tone(hz, 2.0), 8000)
    with console_under_test(tmp_path) as console:
        yield console
    end_jobs(tmp_path)


def test_the_datasets_of_the_home_are_offered(console: ConsoleUnderTest) -> None:
    choices = console.logged_in("manager").get("/api/v1/trainings/choices").json()
    assert choices["datasets"] == ["calls"]


@pytest.mark.parametrize("name", ["..", "calls/high", "/etc", "frogs"])
def test_other_folders_are_refused(console: ConsoleUnderTest, name: str) -> None:
    refused = console.logged_in("manager").post("/api/v1/trainings", json={**WANTED, "dataset": name})
    assert refused.json()["error"]["code"] == "no_dataset"


def test_a_model_is_not_replaced(console: ConsoleUnderTest, tmp_path: Path) -> None:
    (tmp_path / "models" / "tones").mkdir(parents=True)
    refused = console.logged_in("manager").post("/api/v1/trainings", json=WANTED)
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "model_exists")


def leave_unfinished(home: Path) -> Path:
    """What a training of `tones` that was cancelled leaves behind."""
    checkpoint = home / "models" / "tones.training" / "checkpoints" / "step-20.index"
    checkpoint.parent.mkdir(parents=True)
    checkpoint.touch()
    return checkpoint


def test_an_unfinished_training_is_not_replaced_without_asking(console: ConsoleUnderTest, tmp_path: Path) -> None:
    leave_unfinished(tmp_path)
    refused = console.logged_in("manager").post("/api/v1/trainings", json=WANTED)
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "training_unfinished")


@pytest.mark.parametrize("choice", ["resume", "restart"])
def test_an_unfinished_training_is_resumed_or_started_again(
    console: ConsoleUnderTest, tmp_path: Path, choice: str
) -> None:
    leave_unfinished(tmp_path)
    request = TrainingRequest.model_validate({**WANTED, "unfinished": choice})
    assert f"--{choice}" in training_order(console.runtime.settings, request).argv


def test_without_an_unfinished_training_one_begins(console: ConsoleUnderTest) -> None:
    request = TrainingRequest.model_validate({**WANTED, "unfinished": "resume"})
    assert "--resume" not in training_order(console.runtime.settings, request).argv


def test_a_network_is_trained_and_installed(console: ConsoleUnderTest, tmp_path: Path) -> None:
    number = console.logged_in("manager").post("/api/v1/trainings", json=WANTED).json()["id"]
    jobs = console.runtime.jobs

    def has_ended() -> bool:
        jobs.watch.step()
        return jobs.find_job(number).state.is_final

    eventually(has_ended, what="the training has ended", within_s=250)
    ended = jobs.find_job(number)
    assert ended.state is JobState.DONE, ended.message
    assert read_bundle(tmp_path / "models" / "tones").manifest.is_root
    assert ended.result is not None
    assert ended.result["bundles"][0]["classes"] == ["high", "low"]
