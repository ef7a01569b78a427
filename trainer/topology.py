"""The processes of a cluster and their addresses, as the command line gives them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tidzam.errors import ConfigError
from tidzam.text import comma_list

Job = Literal["ps", "worker"]


@dataclass(frozen=True)
class Member:
    """One process of a cluster: parameter server or worker number `index`, at `address` (host:port)."""

    job: Job
    index: int
    address: str

    @property
    def device(self) -> str:
        """TensorFlow's name for its processor."""
        return f"/job:{self.job}/replica:0/task:{self.index}/device:CPU:0"

    def __str__(self) -> str:
        return f"{self.job} {self.index} at {self.address}"


@dataclass(frozen=True)
class Cluster:
    """The addresses of all parameter servers and workers, and which of them this process is."""

    ps: tuple[str, ...]
    workers: tuple[str, ...]
    job: Job
    index: int

    @property
    def me(self) -> Member:
        return Member(self.job, self.index, (self.ps if self.job == "ps" else self.workers)[self.index])

    @property
    def servers(self) -> tuple[Member, ...]:
        return tuple(Member("ps", index, address) for index, address in enumerate(self.ps))

    @property
    def everybody(self) -> tuple[Member, ...]:
        return (*self.servers, *(Member("worker", index, address) for index, address in enumerate(self.workers)))

    @property
    def others(self) -> tuple[Member, ...]:
        return tuple(member for member in self.everybody if member != self.me)

    @property
    def coordinates(self) -> bool:
        """Whether this process is worker 0, which tells the others what to do."""
        return self.job == "worker" and self.index == 0


def parse_cluster(*, job_type: str, task_index: int, ps: str, workers: str) -> Cluster:
    """The cluster that `--job-type`, `--task-index`, `--ps` and `--workers` (host:port, by commas) describe.

    Raises ConfigError naming every mistake.
    """
    servers, hands = comma_list(ps), comma_list(workers)
    mistakes = [f"--{option} names no address" for option, found in (("ps", servers), ("workers", hands)) if not found]
    mistakes += [f"{address} is not host:port" for address in (*servers, *hands) if not _is_address(address)]
    twice = sorted({address for address in (*servers, *hands) if (*servers, *hands).count(address) > 1})
    mistakes += [f"{address} is named twice" for address in twice]
    mine = {"ps": servers, "worker": hands}.get(job_type)
    if mine is None:
        mistakes.append(f"--job-type is ps or worker, not {job_type!r}")
    elif mine and not 0 <= task_index < len(mine):
        mistakes.append(f"--task-index {task_index} is none of 0…{len(mine) - 1}, the {job_type} processes named")
    if mistakes:
        hint = "For example --ps=a:2222 --workers=b:2222,c:2222 --job-type=worker --task-index=1."
        raise ConfigError("; ".join(mistakes) + ".", hint=hint, code="cluster")
    return Cluster(servers, hands, "ps" if job_type == "ps" else "worker", task_index)


def _is_address(text: str) -> bool:
    host, _, port = text.rpartition(":")
    return bool(host) and port.isascii() and port.isdigit() and 0 < int(port) < 65536
