"""`tidzam activity`, on a store of its own."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from typer.testing import CliRunner, Result

from tests.support.stored_detections import fill
from tidzam.cli.activity import app
from tidzam.config.store import StoreSettings
from tidzam.store.database import open_store
from tidzam.time_models.prior_file import read_time_models


def run(home: Path, *words: str) -> Result:
    return CliRunner().invoke(app, [*words, "--home", str(home)], catch_exceptions=False, env={"COLUMNS": "120"})


def test_what_is_fitted_is_shown_and_what_analyzers_read(tmp_path: Path) -> None:
    (tmp_path / "profile.yaml").write_text("node: {name: garden}\n")
    assert "There are no time models. Make them: tidzam activity fit" in run(tmp_path, "show").stdout
    with open_store(StoreSettings(), tmp_path) as store:
        fill(store, days=30, last=datetime.now(UTC))
    fitted = run(tmp_path, "fit", "--days", "40").stdout
    shown = json.loads(run(tmp_path, "show", "--json").stdout)
    models = read_time_models(tmp_path)
    assert models is not None
    assert shown == models.model_dump(mode="json")
    assert "birds/robin" in fitted


def test_of_nothing_there_is_no_model(tmp_path: Path) -> None:
    (tmp_path / "profile.yaml").write_text("node: {name: garden}\n")
    assert "No class was heard often enough" in run(tmp_path, "fit").stdout
