"""What the coordinator asks the other processes before a training, and after it."""

from __future__ import annotations

import json
import logging
import math
import time

from tidzam import __version__
from tidzam.errors import ClusterError
from trainer.backends.cluster import rpc
from trainer.backends.cluster.errors import already_coordinated, member_ended, other_data
from trainer.backends.cluster.reachability import why_silent
from trainer.topology import Cluster, Member

log = logging.getLogger(__name__)

DATA_POLL_S = 0.5


class Handshake:
    """Questions to the other processes of `cluster`, from worker 0."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._first = cluster.servers[0]

    def check(self, member: Member) -> None:
        """Raises ClusterError if `member` is another process, runs another version, or has failed."""
        job, index, version, _, fault = (*json.loads(rpc.request(member, "hello")), "")[:5]
        if (job, index) != (member.job, member.index):
            raise ClusterError(
                f"{member.address} is {job} {index}, expected {member.job} {member.index}.",
                hint="Give every process the same --ps and --workers.",
                code="cluster_unreachable",
            )
        if version != __version__:
            raise ClusterError(
                f"{member} runs Tidzam {version}, but this machine runs {__version__}.",
                hint="Install one version everywhere.",
                code="cluster_version",
            )
        if fault:
            raise member_ended(member, fault)

    def lead(self) -> None:
        """Become the coordinator. Raises ClusterError (`cluster_taken`) if there is one already."""
        leader = rpc.request(self._first, "claim", self._cluster.me.address)
        if leader != self._cluster.me.address:
            raise already_coordinated(leader)

    def wait_for_data(self, about: str) -> None:
        """Wait until every worker has read its data, then announce the training on `about` to those that come later.

        Raises ClusterError: `cluster_data` if the data of a worker differ, or the reason why a process ended.
        """
        for member in self._cluster.others:
            self._request_again(member, "claim", self._cluster.me.address)
            if member.job == "worker":
                self._wait_for_worker(member, about)
        rpc.request(self._first, "train", about)

    def _wait_for_worker(self, member: Member, about: str) -> None:
        announced = False
        while True:
            _, _, _, theirs, fault = json.loads(self._request_again(member, "hello"))
            if fault:
                raise member_ended(member, fault)
            if theirs:
                break
            if not announced:
                log.info("waiting for %s to read its data", member)
                announced = True
            time.sleep(DATA_POLL_S)
        if theirs != about:
            raise other_data(member, theirs, about)

    def _request_again(self, member: Member, verb: str, text: str = "") -> str:
        """Send a request to a member that has answered before. Raises ClusterError with the reason why it ended."""
        try:
            return rpc.request(member, verb, text)
        except ClusterError:
            self.raise_reason(member, math.inf)
            raise ClusterError(
                f"{member} no longer answers.",
                hint="Read its last messages, and start it again.",
                code="cluster_lost",
            ) from None

    def raise_reason(self, member: Member, waited_s: float) -> None:
        """Raises ClusterError if `member` is a worker that reported why it ended to the first parameter server.

        A reason from more than `waited_s` ago is ignored, since it may be that of an earlier attempt.
        """
        if member == self._first or why_silent(self._first.address) is not None:
            return
        reason, ago_s = json.loads(rpc.request(self._first, "why", str(member)))
        if reason and ago_s <= waited_s:
            raise member_ended(member, reason)

    def end(self) -> None:
        """End the other processes: the training is complete."""
        for member in self._cluster.others:
            try:
                rpc.request(member, "leave")
            except ClusterError as error:
                log.warning("%s", error)
