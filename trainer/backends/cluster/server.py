"""What every process of a cluster is: TensorFlow's server, and answers to those who ask."""

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
from trainer.backends.cluster.reachability import why_silent
from trainer.data.source import Batch
from trainer.topology import Cluster, Member

log = logging.getLogger(__name__)

FAREWELL_S = 0.5
REPORTED_WITHIN_S = 30.0
"""How long a worker that cannot continue stays, so that a coordinator that starts meanwhile learns the reason."""
POLL_S = 0.1


class BatchSupply:
    """This worker's batches, one after the other, and how long each was waited for."""

    def __init__(self, make: MakeBatches) -> None:
        self._make = make
        self._batches: Iterator[Batch] | None = None
        self._lock = threading.Lock()
        self._last = time.perf_counter()
        self.made = 0

    def next(self, start: int) -> tuple[Batch, float]:
        """The next batch, and the share (0…1) of the time since the last one that was spent waiting for it.

        The first one, and the first after `restart`, is batch number `start`.
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
        """Begin anew with the next batch: another coordinator has come, and says where."""
        with self._lock:
            self._batches = None


class ClusterServer:
    """This process's place in the cluster. TensorFlow's server cannot be stopped: it lasts as long as the process."""

    def __init__(self, cluster: Cluster) -> None:
        """Start serving. Raises ClusterError (`cluster_taken`) if something else listens at this process's port."""
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
        rpc.register(self._answer)
        self.spec = tf.train.ClusterSpec({"ps": list(cluster.ps), "worker": list(cluster.workers)})
        try:
            self._server = tf.distribute.Server(
                self.spec, job_name=cluster.job, task_index=cluster.index, protocol="grpc"
            )
        except tf.errors.OpError:
            raise ClusterError(
                f"Cannot listen at {cluster.me.address}.", hint="End what listens there.", code="cluster_taken"
            ) from None
        self._report_end("")
        log.info("%s: serving", cluster.me)

    def supply(self, make: MakeBatches, *, about: str) -> None:
        """Make batches for the training from now on. `about` says what they are of: all workers must say the same.

        Raises ClusterError (`cluster_data`) if a training is under way on other data: then its other workers go on.
        """
        if not self.cluster.coordinates and (theirs := self._training_under_way()) not in ("", about):
            raise other_data(self.cluster.me, about, theirs)
        self._supply, self._about = BatchSupply(make), about

    def fail(self, reason: str, *, within_s: float = REPORTED_WITHIN_S) -> None:
        """Report to the coordinator why this process ends; returns when it has been reported, or after `within_s`.

        The first parameter server knows it from then on. While a training is under way, this returns at once: the
        training continues without this process.
        """
        self._fault = reason
        self._report_end(reason)
        if not self._training_under_way() and self._reported.wait(within_s):
            time.sleep(FAREWELL_S)  # so that the answer is still sent

    def _training_under_way(self) -> str:
        """The training that is under way; empty if there is none."""
        first = self.cluster.servers[0]
        return rpc.request(first, "training") if why_silent(first.address) is None else ""

    def _report_end(self, reason: str) -> None:
        """Report why this worker ended to the first parameter server; an empty reason clears that."""
        first = self.cluster.servers[0]
        if self.cluster.job != "worker" or why_silent(first.address) is not None:
            return
        try:
            rpc.request(first, "ended", json.dumps([str(self.cluster.me), reason]))
        except ClusterError as error:
            log.debug("%s", error)  # the coordinator finds out for itself

    def wait(self) -> None:
        """Until the coordinator says that the training is over."""
        while not self._leaving.wait(1.0):  # a wait without end would not hear Ctrl-C everywhere
            pass
        log.info(
            "%s: the training is over; %d batches made here", self.cluster.me, self._supply.made if self._supply else 0
        )
        time.sleep(FAREWELL_S)  # so that the answer to the farewell is still sent

    def _answer(self, verb: bytes, text: bytes, number: Any) -> Any:
        """What this process says. In a thread of TensorFlow's, several at once."""
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
                raise ValueError(f"{verb!r} is nothing that a {self.cluster.job} is asked")

    def _batch(self, start: int) -> list[Any]:
        while self._supply is None:  # a worker that was started again is asked before it has read its data
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
        """Why `member` ended, and how many seconds ago; an empty reason if that is not known."""
        reason, when = self._ended.get(member, ("", time.monotonic()))
        return json.dumps([reason, time.monotonic() - when]).encode()

    def _claim(self, leader: str) -> bytes:
        """Take `leader`, an address, for the coordinator, unless another one is alive; answers who coordinates."""
        free = not self._leader or self._leader == leader or why_silent(self._leader) is not None
        if free:
            self._leader = leader
            if self._supply is not None:
                self._supply.restart()
        return self._leader.encode()


def other_data(member: Member, mine: str, theirs: str) -> ClusterError:
    """`member` cannot take part: it has data of its own."""
    return ClusterError(
        f"{member} has {mine}, and the training is on {theirs}.",
        hint="Give every worker the same data and options.",
        code="cluster_data",
    )
