"""Archives on a cluster: a scheduler and three workers, one of which is killed."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import soundfile

import tidzam
from analyzer.archive.cluster import ClusterWorkers, check_version
from tests.support.bundles import write_tone_bundle
from tests.support.dask_cluster import DaskCluster, dask_cluster
from tests.support.eventually import eventually
from tests.support.sound import tone
from tidzam.errors import ClusterError

CommClosedError = pytest.importorskip("distributed").comm.CommClosedError
pytestmark = pytest.mark.timeout(180)

FILES = 9
SECONDS = 20


@pytest.fixture(scope="module")
def nn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("nn")
    write_tone_bundle(folder, "selector", {"owl": (2000.0,), "rain": (500.0,)})
    return folder


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("archive")
    samples = np.concatenate(SECONDS // 2 * [tone(amplitude=0.9), tone(2000.0, amplitude=0.9)])
    for number in range(FILES):
        soundfile.write(folder / f"pond-2026-05-01-{number:02d}-00-00.flac", samples, 44100)
    (folder / "99.wav").write_text("no sound\n")
    return folder


def argv(archive: Path, nn: Path, table: Path, *words: str) -> list[str]:
    profile = table.with_suffix(".yaml")
    profile.write_text(f"analyzer: {{sinks: [{{type: jsonl, path: {table.with_suffix('.jsonl')}}}]}}\n")
    given = ["--stream", str(archive), "--nn", str(nn), "--csv", str(table), "--overlap", "0.97"]
    return [sys.executable, "-m", "analyzer", *given, "--profile", str(profile), *words]


def files_in(table: Path) -> list[str]:
    with table.open(newline="") as file:
        return [Path(row["file"]).name for row in csv.DictReader(file)]


def starts_in(lines: Path) -> list[str]:
    """The detections that the sink has written, by their starts."""
    return [json.loads(line)["start"] for line in lines.read_text().splitlines()]


@contextmanager
def started(archive: Path, nn: Path, table: Path, cluster: DaskCluster) -> Iterator[subprocess.Popen[str]]:
    """An analysis on the cluster, when its first file is finished."""
    words = argv(archive, nn, table, "--scheduler", cluster.address)
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    journal = table.with_name(f"{table.name}.journal-wal")
    try:
        eventually(lambda: journal.exists() and journal.stat().st_size > 45_000, within_s=120)
        yield process
    finally:
        process.kill()
        process.communicate()


def test_a_killed_worker_costs_no_result_and_doubles_none_and_a_lost_scheduler_none(
    archive: Path, nn: Path, tmp_path: Path
) -> None:
    table, other = tmp_path / "found.csv", tmp_path / "other.csv"
    with dask_cluster(tmp_path, workers=3) as cluster:
        with started(archive, nn, table, cluster) as process:
            cluster.workers[0].kill()
            out, err = process.communicate(timeout=150)
        assert process.returncode == 1, err
        assert "9 files of 10 analyzed" in out
        assert "99.wav is not audio that can be decoded" in err
        names = files_in(table)
        assert [names.count(name) for name in sorted(set(names))] == [SECONDS // 2] * FILES
        starts = starts_in(table.with_suffix(".jsonl"))
        assert len(starts) == FILES * SECONDS // 2
        assert starts == sorted(set(starts))
        assert names == sorted(names)
        with started(archive, nn, other, cluster) as process:
            cluster.scheduler.kill()
            _, err = process.communicate(timeout=150)
        assert process.returncode == 1
        assert "is gone" in err
        assert "Traceback" not in err
    here = subprocess.run(argv(archive, nn, other), capture_output=True, text=True, check=False, timeout=100)
    assert "of 10 analyzed before" in here.stderr
    assert other.read_bytes() == table.read_bytes()
    assert starts_in(other.with_suffix(".jsonl")) == starts


def test_a_worker_that_dies_while_it_is_asked_for_its_version_costs_nothing() -> None:
    check_version("tcp://a:1", CommClosedError())
    check_version("tcp://a:1", tidzam.__version__)


@pytest.mark.parametrize(
    ("found", "message"),
    [
        ("0.0.1", "runs Tidzam 0.0.1; expected"),
        (ModuleNotFoundError("No module named 'tidzam'"), "cannot import Tidzam"),
    ],
)
def test_a_worker_without_this_version_is_named(found: str | Exception, message: str) -> None:
    with pytest.raises(ClusterError, match=message) as caught:
        check_version("tcp://a:1", found)
    assert caught.value.code == "cluster_version"


def test_a_scheduler_that_does_not_answer() -> None:
    with pytest.raises(ClusterError, match=r"tcp://127\.0\.0\.1:9 does not answer") as caught:
        ClusterWorkers("tcp://127.0.0.1:9", connect_s=0.5)
    assert caught.value.code == "cluster_unreachable"


def test_an_address_that_is_none() -> None:
    with pytest.raises(ClusterError, match="nowhere://x does not answer"):
        ClusterWorkers("nowhere://x", connect_s=0.5)


def test_a_cluster_without_a_worker(tmp_path: Path) -> None:
    with dask_cluster(tmp_path, workers=0) as cluster, pytest.raises(ClusterError, match="has no worker"):
        ClusterWorkers(cluster.address, first_worker_s=0.2)
