"""What every process of a cluster runs: TensorFlow's server, and replies to requests."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from tidzam import __version__
from tidzam.errors import ClusterError
from trainer.backends.base import MakeBatches
from trainer.backends.cluster import rpc
from trainer.backends.cluster.errors import other_data
from trainer.backends.cluster.reachability import why_silent
from trainer.data.source import Batch
from trainer.topology import Cluster

log = logging.getLogger(__name__)

LINGER_S = 0.5
"""How long a process stays after its last reply, so that the reply is still sent."""
REPORTED_WITHIN_S = 30.0
"""How long a worker that cannot continue stays, so that a coordinator that starts meanwhile learns the reason."""
POLL_S = 0.1


class BatchSupply:
    """The batches of this worker, one after another, and how long each was waited for."""

    def __init__(self, make: MakeBatches) -> None:
        self._make = make
        self._batches: Iterator[Batch] | None = None
        self._lock = threading.Lock()
        self._last = time.perf_counter()
        self.made = 0

    def next(self, start: int) -> tuple[Batch, float]:
        """The next batch, and the share (0…1) of the time since the last batch that was spent waiting for it.

        The first batch, and the first after `restart`, is batch number `start`.
        """
        with self._lock:
            asked = time.perf_counter()
            if self._batches is None:
                self._batches = self._make(start)
            batch = next(self._batches)
            now = time.perf_counter()
            since, self._last = now - self._last, now
            self.made += 1
            return batch, (now - asked) / max(since, 1e-9)

    def restart(self) -> None:
        """Begin again with the next request, at the step that a new coordinator requests."""
        with self._lock:
            self._batches = None


class ClusterServer:
    """This process as a member of a cluster. TensorFlow's server cannot be stopped: it runs until the process ends."""

    def __init__(self, cluster: Cluster) -> None:
        """Start to serve. Raises ClusterError (`cluster_taken`) if the port of this process is in use."""
        rpc.load_without_proxies()
        import tensorflow as tf

        self.cluster = cluster
        self._fault = ""
        self._reported = threading.Event()
        self._ended: dict[str, tuple[str, float]] = {}
        self._supply: BatchSupply | None = None
        self._about = ""
        self._leader, self._training = "", ""
        self._leaving = threading.Event()
        rpc.register(self._handle)
        self.spec = tf.train.ClusterSpec({"ps": list(cluster.ps), "worker": list(cluster.workers)})
        try:
            self._server = tf.distribute.Server(
                self.spec, job_name=cluster.job, task_index=cluster.index, protocol="grpc"
            )
        except tf.errors.OpError:
            raise ClusterError(
                f"Cannot listen at {cluster.me.address}.",
                hint="Stop the program that uses this port.",
                code="cluster_taken",
            ) from None
        self._report_end("")
        log.info("%s: serving", cluster.me)

    def supply(self, make: MakeBatches, *, about: str) -> None:
        """Make batches for the training from now on. `about` describes their data: it must be equal on all workers.

        Raises ClusterError (`cluster_data`) if a training on other data is running, which its other workers continue.
        """
        if not self.cluster.coordinates and (theirs := self._running_training()) not in ("", about):
            raise other_data(self.cluster.me, about, theirs)
        self._supply, self._about = BatchSupply(make), about

    def fail(self, reason: str, *, within_s: float = REPORTED_WITHIN_S) -> None:
        """Report to the coordinator why this process ends. Returns once it is reported, or after `within_s`.

        The first parameter server remembers the reason. While a training is running, this returns at once: the training
        continues without this process.
        """
        self._fault = reason
        self._report_end(reason)
        if not self._running_training() and self._reported.wait(within_s):
            time.sleep(LINGER_S)

    def _running_training(self) -> str:
        """The description of the training that is running; empty if there is none."""
        first = self.cluster.servers[0]
        return rpc.request(first, "training") if why_silent(first.address) is None else ""

    def _report_end(self, reason: str) -> None:
        """Report to the first parameter server why this worker ended; an empty reason clears an earlier one."""
        first = self.cluster.servers[0]
        if self.cluster.job != "worker" or why_silent(first.address) is not None:
            return
        try:
            rpc.request(first, "ended", json.dumps([str(self.cluster.me), reason]))
        except ClusterError as error:
            log.debug("%s", error)  # the coordinator will notice

    def wait(self) -> None:
        """Wait until the coordinator ends the training."""
        while not self._leaving.wait(1.0):  # a wait without a time-out is not interrupted by Ctrl-C everywhere
            pass
        made = self._supply.made if self._supply else 0
        log.info("%s: the training is over; %d batches made here", self.cluster.me, made)
        time.sleep(LINGER_S)

    def _handle(self, verb: bytes, text: bytes, number: Any) -> Any:
        """Reply to a request. Called in threads of TensorFlow, several at once."""
        match verb:
            case b"batch":
                return self._batch(int(number))
            case b"hello":
                return self._hello()
            case b"claim":
                return self._claim(text.decode())
            case b"train":
                self._training = text.decode()
                return b""
            case b"training":
                return (self._training if self._leader and why_silent(self._leader) is None else "").encode()
            case b"ended":
                return self._note_end(*json.loads(text))
            case b"why":
                return self._why(text.decode())
            case b"leave":
                self._leaving.set()
                return b""
            case _:
                raise ValueError(f"unknown request {verb!r} to a {self.cluster.job}")

    def _batch(self, start: int) -> list[Any]:
        while self._supply is None:  # a worker that was restarted is used before it has read its data
            time.sleep(POLL_S)
        batch, waited = self._supply.next(start)
        return [batch.features, batch.targets, np.float32(waited)]

    def _hello(self) -> bytes:
        me = self.cluster.me
        if self._fault:
            self._reported.set()
        return json.dumps([me.job, me.index, __version__, self._about, self._fault]).encode()

    def _note_end(self, member: str, reason: str) -> bytes:
        self._ended.pop(member, None)
        if reason:
            self._ended[member] = (reason, time.monotonic())
            log.warning("%s ended: %s", member, reason)
        return b""

    def _why(self, member: str) -> bytes:
        """Why `member` ended, and how many seconds ago; an empty reason if that is unknown."""
        reason, when = self._ended.get(member, ("", time.monotonic()))
        return json.dumps([reason, time.monotonic() - when]).encode()

    def _claim(self, leader: str) -> bytes:
        """Accept the address `leader` as the coordinator, unless another one is alive. Replies with the coordinator."""
        free = not self._leader or self._leader == leader or why_silent(self._leader) is not None
        if free:
            self._leader = leader
            if self._supply is not None:
                self._supply.restart()
        return self._leader.encode()
