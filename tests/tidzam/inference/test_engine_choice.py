"""`engine: auto`: the fastest engine of those that can run a bundle, timed once; and trials that are not repeated."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.bundles import write_tone_bundle
from tidzam.bundle import Bundle, find_bundles, read_bundle
from tidzam.config.inference import ENGINES
from tidzam.errors import BundleError
from tidzam.inference import engine_choice, trial
from tidzam.inference.engine_choice import EngineChoice, choose_engines, fastest
from tidzam.inference.engine_records import EngineRecords, record_key
from tidzam.inference.trial import time_networks, try_networks
from tidzam.paths import DEMO_BUNDLES


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    return write_tone_bundle(tmp_path / "nn", "selector", {"low": (440.0,), "high": (3000.0,)})


@pytest.fixture
def records(tmp_path: Path) -> EngineRecords:
    return EngineRecords.in_home(tmp_path / "home")


class Processes:
    """Counts the processes in which networks are run."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.engines: list[str] = []
        run = trial.run_in_process

        def counted(request: dict[str, object]) -> tuple[list[str], int | None]:
            self.engines.append(str(request["engine"]))
            return run(request)

        monkeypatch.setattr(trial, "run_in_process", counted)


def test_a_network_that_passed_its_trial_is_not_tried_again(
    bundle: Bundle, records: EngineRecords, monkeypatch: pytest.MonkeyPatch
) -> None:
    processes = Processes(monkeypatch)
    for _ in range(2):
        try_networks([bundle], records=records)
    assert processes.engines == ["onnx"]


def test_without_records_it_is_tried_each_time(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    processes = Processes(monkeypatch)
    for _ in range(2):
        try_networks([bundle])
    assert processes.engines == ["onnx", "onnx"]


def test_a_network_with_another_checksum_is_tried(
    bundle: Bundle, records: EngineRecords, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    try_networks([bundle], records=records)
    processes = Processes(monkeypatch)
    try_networks([write_tone_bundle(tmp_path / "other", "selector", {"low": (500.0,)})], records=records)
    assert processes.engines == ["onnx"]


def test_a_refusal_is_not_kept(bundle: Bundle, records: EngineRecords, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle.file("onnx").write_bytes(b"nonsense")
    processes = Processes(monkeypatch)
    for _ in range(2):
        with pytest.raises(BundleError):
            try_networks([bundle], records=records)
    assert processes.engines == ["onnx", "onnx"]


def test_another_version_of_the_library_is_another_key(bundle: Bundle) -> None:
    assert record_key("trial", library="onnxruntime 1") != record_key("trial", library="onnxruntime 2")


def test_a_bundle_that_one_engine_can_run_is_not_timed(
    bundle: Bundle, records: EngineRecords, monkeypatch: pytest.MonkeyPatch
) -> None:
    processes = Processes(monkeypatch)
    assert choose_engines([bundle], "auto", threads=1, batch=4, records=records) == [EngineChoice("onnx")]
    assert not processes.engines


def test_auto_times_the_engines_that_are_installed_and_have_a_file(
    records: EngineRecords, monkeypatch: pytest.MonkeyPatch
) -> None:
    demo = [read_bundle(folder) for folder in find_bundles(DEMO_BUNDLES)][:1]
    processes = Processes(monkeypatch)
    (first,) = choose_engines(demo, "auto", threads=1, batch=4, records=records)
    assert set(first.ms_per_window) == {"onnx", "keras"}
    assert first.engine == fastest(first.ms_per_window)
    assert choose_engines(demo, "auto", threads=1, batch=4, records=records) == [first]
    assert sorted(processes.engines) == ["keras", "onnx"]


def test_an_engine_whose_library_is_missing_takes_no_part(
    records: EngineRecords, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        engine_choice, "library_version", lambda engine: None if engine.file_format == "keras" else "1.0"
    )
    demo = [read_bundle(folder) for folder in find_bundles(DEMO_BUNDLES)][:1]
    assert choose_engines(demo, "auto", threads=1, batch=4, records=records) == [EngineChoice("onnx")]


def test_a_network_that_cannot_be_run_has_no_time(bundle: Bundle) -> None:
    bundle.file("onnx").write_bytes(b"nonsense")
    assert time_networks([bundle], "onnx", threads=1, windows=4) == [None]


def test_the_first_of_nearly_equal_engines_is_chosen() -> None:
    assert fastest({"onnx": 1.0, "litert": 0.91, "keras": 0.89}) == "keras"
    assert fastest({"onnx": 1.0, "litert": 0.91}) == "onnx"


@pytest.mark.parametrize("content", ["", "[]", "{", "\\x00"])
def test_records_that_cannot_be_read_are_none(tmp_path: Path, content: str) -> None:
    path = tmp_path / "engines.json"
    path.write_text(content)
    records = EngineRecords(path)
    assert records.get("a") is None
    records.put({"a": 1})
    assert records.get("a") == 1


def test_records_that_cannot_be_written_are_none(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    records = EngineRecords(tmp_path / "file" / "engines.json")
    records.put({"a": 1})
    assert records.get("a") is None


def test_the_latest_records_are_kept(tmp_path: Path) -> None:
    records = EngineRecords(tmp_path / "engines.json")
    records.put({str(number): number for number in range(1000)})
    assert records.get("999") == 999
    assert len(json.loads((tmp_path / "engines.json").read_text())) < 500


def test_every_engine_names_the_packages_of_its_library() -> None:
    for name in ENGINES.names():
        assert ENGINES.load(name)().distributions
