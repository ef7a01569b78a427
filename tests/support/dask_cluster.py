"""A dask.distributed scheduler and its workers, each a process on loopback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.eventually import eventually


@dataclass
class DaskCluster:
    """A running scheduler (`address`), and its `workers`, which run one task at a time."""

    folder: Path
    address: str
    scheduler: subprocess.Popen[bytes]
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def add_worker(self, *, python_path: Path | None = None) -> subprocess.Popen[bytes]:
        """Start a worker."""
        words = (self.address, "--nthreads", "1", "--no-nanny", "--no-dashboard", "--host", "127.0.0.1")
        local = ("--local-directory", str(self.folder), "--memory-limit", "0")
        log = (self.folder / f"worker-{len(self.workers)}.log").open("wb")
        environment = {**os.environ, **({"PYTHONPATH": str(python_path)} if python_path else {})}
        argv = [sys.executable, "-m", "distributed.cli.dask_worker", *words, *local]
        with log:
            worker = subprocess.Popen(argv, stdout=log, stderr=log, env=environment, cwd=self.folder)
        self.workers.append(worker)
        return worker


@contextmanager
def dask_cluster(folder: Path, *, workers: int) -> Iterator[DaskCluster]:
    """A cluster that ends with the context."""
    contact = folder / "scheduler.json"
    words = ("--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(contact))
    with (folder / "scheduler.log").open("wb") as log:
        argv = [sys.executable, "-m", "distributed.cli.dask_scheduler", *words]
        scheduler = subprocess.Popen(argv, stdout=log, stderr=log, cwd=folder)
    cluster = DaskCluster(folder, "", scheduler)
    try:
        eventually(lambda: _address(contact) or scheduler.poll() is not None, what="the scheduler")
        cluster.address = _address(contact)
        for _ in range(workers):
            cluster.add_worker()
        yield cluster
    finally:
        for process in (*cluster.workers, scheduler):
            process.kill()
        for process in (*cluster.workers, scheduler):
            process.wait()


def _address(contact: Path) -> str:
    try:
        return str(json.loads(contact.read_text())["address"])
    except (OSError, ValueError):
        return ""
