"""For every test run: the markers by what a test needs, and that nothing is left behind."""

from __future__ import annotations

import gc
import signal
from collections.abc import Iterator
from functools import cache
from multiprocessing import forkserver
from pathlib import Path

import hypothesis
import pytest

from tests.support import guard, jack
from tests.support.node import Node
from tests.support.selection import is_in_part, kinds_in, may_select, modules_of_tests

# The run time of an example depends on the load of the machine: no deadlines.
hypothesis.settings.register_profile("tidzam", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("tidzam")

ROOT = Path(__file__).parent
KINDS = frozenset({"unit", "jack", "e2e"})
JACK_TESTS = frozenset(
    {
        "analyzer/test_capture.py",
        "analyzer/live/test_runner.py",
        "examples/theremin/test_performance.py",
        "examples/theremin/test_tone_process.py",
        "stream_manager/outputs/test_contract.py",
        "stream_manager/outputs/test_recorder.py",
        "stream_manager/players/test_contract.py",
        "stream_manager/players/test_feeder_player.py",
        "stream_manager/players/test_replay.py",
        "stream_manager/recorder/test_jack_input.py",
        "stream_manager/test_session.py",
        "test_support.py",
        "tidzam/jack/test_cycle_check.py",
        "tidzam/jack/test_feeder.py",
        "tidzam/jack/test_port_copy.py",
        "tidzam/jack/test_server_names.py",
        "tidzam/jack/test_term.py",
        "tidzam/node/test_shared_memory.py",
    }
)
"""Modules whose tests start jackd. In other modules, a single test is marked by hand."""
SLOW_TESTS = (
    "analyzer/archive/test_cluster.py",
    "analyzer/archive/test_run.py",
    "analyzer/archive/test_sinks.py",
    "analyzer/archive/test_workers.py",
    "analyzer/inbox/test_kills.py",
    "analyzer/inbox/test_app.py",
    "analyzer/show/test_window.py",
    "analyzer/test_birdnet.py",
    "analyzer/test_file_runner",
    "analyzer/test_forward.py",
    "analyzer/test_notify.py",
    "analyzer/test_novelty.py",
    "analyzer/classifiers/test_reload.py",
    "analyzer/test_privacy.py",
    "analyzer/test_sink_example.py",
    "analyzer/test_window_lengths.py",
    "benchmarks/",
    "console/browser/",
    "console/test_annotation_service.py",
    "console/builder/test_building.py",
    "console/builder/test_networks.py",
    "console/test_deployment.py",
    "console/test_detections.py",
    "console/test_jobs.py",
    "console/test_main.py",
    "console/test_novelty_inbox.py",
    "console/test_upkeep.py",
    "database_tool/editor/",
    "database_tool/test_commands.py",
    "database_tool/test_compile.py",
    "database_tool/test_hostile_datasets.py",
    "database_tool/test_resume.py",
    "database_tool/test_verify.py",
    "end_to_end/",
    "examples/theremin/test_outputs.py",
    "examples/theremin/test_pdf.py",
    "stream_manager/direct/",
    "examples/",
    "stream_manager/privacy/",
    "stream_manager/recorder/",
    "stream_manager/players/test_media_lookup.py",
    "stream_manager/outputs/",
    "stream_manager/players/test_recording_reader.py",
    "stream_manager/test_analyzer_link.py",
    "stream_manager/test_guarded_streams.py",
    "stream_manager/test_main.py",
    "stream_manager/test_playback.py",
    "stream_manager/test_source.py",
    "tidzam/audio/test_damage.py",
    "tidzam/audio/test_joined.py",
    "tidzam/audio/test_mixed.py",
    "tidzam/embeddings/",
    "tidzam/backup/",
    "tidzam/cli/test_backup.py",
    "tidzam/inference/test_engine_choice.py",
    "tidzam/inference/test_engines.py",
    "tidzam/inference/test_longer_windows.py",
    "tidzam/inference/test_output_check.py",
    "tidzam/jobs/",
    "tidzam/jack/test_drift.py",
    "tidzam/jack/test_live_slot.py",
    "tidzam/models/test_importing.py",
    "tidzam/models/test_keras_file.py",
    "tidzam/node/test_supervisor.py",
    "tidzam/node/test_watchdog.py",
    "tidzam/server/test_costs.py",
    "tidzam/server/test_malformed_input.py",
    "tidzam/store/",
    "tidzam/test_demo_scoring.py",
    "tidzam/test_hostile_manifests.py",
    "tidzam/test_hostile_networks.py",
    "tidzam/test_tensorflow.py",
    "trainer/",
)
"""Beginnings of the paths of unit tests that take more than a few seconds per module. `test --fast` leaves them out."""
FAST_TESTS = frozenset({"trainer/test_topology.py", "trainer/test_training_file.py"})
"""Exceptions from `SLOW_TESTS`."""

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
RARELY = (50_000, 20, 20)
"""When garbage is collected. With Python's defaults, that takes a twelfth of the processor time of the tests."""
GUARD = pytest.StashKey[guard.Guard]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--part", help="K/N: only every N-th module that has tests for this run, from the K-th on")


def pytest_configure(config: pytest.Config) -> None:
    gc.set_threshold(*RARELY)
    config.stash[GUARD] = guard.watch()


def pytest_unconfigure(config: pytest.Config) -> None:
    forkserver._forkserver._stop()  # type: ignore[attr-defined]  # it would end with this process, and has no other way
    left = config.stash[GUARD].dismiss()
    if left:
        print(f"\nThe tests left these processes running; they have been killed:\n{left}", end="")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Modules that have no test for this run are not imported, which takes longer than many a test."""
    expression, part = config.option.markexpr, config.getoption("part")
    if collection_path in modules_of_tests(ROOT):
        return collection_path not in modules_of(expression, part) or None
    return None


@cache
def modules_of(expression: str, part: str | None) -> frozenset[Path]:
    """The modules that may have tests for a run with this expression of `-m`, or of its part."""
    found = [path for path in modules_of_tests(ROOT) if may_have_tests(path, expression)]
    return frozenset(path for number, path in enumerate(found) if is_in_part(number, part))


def may_have_tests(path: Path, expression: str) -> bool:
    kinds = kinds_in(path.read_text(encoding="utf-8"), kind_of(path), KINDS)
    return may_select(expression, kinds, slow=is_slow(path))


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else path.name


def kind_of(path: Path) -> str:
    """The marker of the tests in a module: `e2e`, `jack` or `unit`."""
    name = name_of(path)
    if name.startswith("end_to_end/"):
        return "e2e"
    return "jack" if name in JACK_TESTS else "unit"


def is_slow(path: Path) -> bool:
    name = name_of(path)
    return name.startswith(SLOW_TESTS) and name not in FAST_TESTS


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test by its module, unless it is marked itself. Each has exactly one of `KINDS`."""
    for item in items:
        own = KINDS & {marker.name for marker in item.iter_markers()}
        if len(own) > 1:
            raise pytest.UsageError(f"{item.nodeid} is marked {' and '.join(sorted(own))}; expected one of them")
        if not own:
            item.add_marker(kind_of(item.path))
        if is_slow(item.path):
            item.add_marker("slow")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Unit tests run where no jackd is installed: one that starts it fails everywhere."""
    jack.is_allowed = item.get_closest_marker("unit") is None
    return (yield)


@pytest.fixture(autouse=True)
def signals_are_handled_as_before() -> Iterator[None]:
    """Some call a command that has its process to itself; programs that later tests start would ignore what it does."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture(autouse=True)
def nodes_end_with_their_test() -> Iterator[None]:
    """A test that fails between a node's start and its stop must not leave the node to the tests after it."""
    before = len(Node.made)
    yield
    for node in Node.made[before:]:
        node.end()
    del Node.made[before:]
