"""Networks on datasets of the node: what is offered, what is refused, and what the trainer reads. `test_datasets`
trains some."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from console.accounts.visitor import Visitor
from console.services.builder.networks import TrainingRequest, training_file, training_order
from console.services.jobs.requests import JobOrder
from tests.support.console import ConsoleUnderTest, console_under_test
from tests.support.jobs import WAITS, end_jobs
from tidzam.paths import DEMO_BUNDLES
from trainer.training_file import TrainingFile, read_training_file

WANTED = {"name": "tones", "dataset": "calls", "recipe": "small", "iterations": 20}


@pytest.fixture
def console(tmp_path: Path) -> Iterator[ConsoleUnderTest]:
    """A console whose node has a dataset."""
    (tmp_path / "datasets" / "calls").mkdir(parents=True)
    with console_under_test(tmp_path) as console:
        yield console


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


def test_a_training_that_waits_or_runs_is_not_started_again(console: ConsoleUnderTest, tmp_path: Path) -> None:
    order = JobOrder(kind="training", title="tones", parameters={}, argv=WAITS)
    manager, now = Visitor(permissions=frozenset(), address="", name="manager"), console.runtime.now()
    console.runtime.jobs.submit(manager, order, now=now)
    leave_unfinished(tmp_path)
    refused = console.logged_in("manager").post("/api/v1/trainings", json={**WANTED, "unfinished": "restart"})
    end_jobs(tmp_path)
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "job_unfinished")


@pytest.mark.parametrize(
    "text", ["- a", "a: [", "2026-02-31", "optimizer: adam", "features: 3", 7], ids=lambda text: str(text)
)
def test_no_training_goes_on_from_a_bundle_that_another_program_made(
    console: ConsoleUnderTest, tmp_path: Path, text: object
) -> None:
    bundle = tmp_path / "models" / "foreign"
    shutil.copytree(DEMO_BUNDLES / "selector", bundle)
    manifest = json.loads((bundle / "manifest.json").read_text())
    (bundle / "manifest.json").write_text(json.dumps({**manifest, "provenance": {"training_file": text}}))
    manager = console.logged_in("manager")
    assert manager.get("/api/v1/trainings/choices").json()["starts"] == []
    refused = manager.post("/api/v1/trainings", json={**WANTED, "start": "foreign"})
    assert refused.json()["error"]["code"] == "no_model"


@pytest.mark.parametrize("recipe", ["small", "residual", "accurate"])
def test_what_is_asked_for_replaces_what_the_recipe_says(tmp_path: Path, recipe: str) -> None:
    options = {"batch_size": 16, "learning_rate": 0.01, "window_s": 2.0, "augment": False, "seed": 3}
    plain, asked = (
        _read(tmp_path, TrainingRequest.model_validate({**WANTED, "recipe": recipe, **more})) for more in ({}, options)
    )
    assert (asked.batch_size, asked.optimizer.learning_rate, asked.features.window_s) == (16, 0.01, 2.0)
    assert (asked.augment, asked.seed, asked.iterations, asked.dnn) == ((), 3, 20, plain.dnn)
    assert asked.optimizer.weight_decay == plain.optimizer.weight_decay


def test_a_network_that_goes_on_keeps_the_training_file_of_the_first(tmp_path: Path) -> None:
    text = training_file(TrainingRequest.model_validate({**WANTED, "recipe": "residual", "window_s": 2.0}), None)
    first = yaml.safe_load(text)
    found = _read(tmp_path, TrainingRequest.model_validate({**WANTED, "start": "calls", "iterations": 5}), first)
    assert (found.dnn, found.features.window_s, found.iterations) == ("residual", 2.0, 5)


def _read(folder: Path, request: TrainingRequest, base: dict[str, Any] | None = None) -> TrainingFile:
    """What the trainer reads."""
    path = folder / "training.yaml"
    path.write_text(training_file(request, base))
    return read_training_file(path)
