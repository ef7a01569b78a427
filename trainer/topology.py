"""The processes of a cluster and their addresses, from the command line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tidzam.errors import ConfigError
from tidzam.text import comma_list

Job = Literal["ps", "worker"]


@dataclass(frozen=True)
class Member:
    """One process of a cluster: parameter server or worker number `index`, at `address` (HOST:PORT)."""

    job: Job
    index: int
    address: str

    @property
    def device(self) -> str:
        """TensorFlow's name of its CPU."""
        return f"/job:{self.job}/replica:0/task:{self.index}/device:CPU:0"

    def __str__(self) -> str:
        return f"{self.job} {self.index} at {self.address}"


@dataclass(frozen=True)
class Cluster:
    """The addresses of all parameter servers and workers, and the role of this process."""

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
    def all_members(self) -> tuple[Member, ...]:
        return (*self.servers, *(Member("worker", index, address) for index, address in enumerate(self.workers)))

    @property
    def others(self) -> tuple[Member, ...]:
        return tuple(member for member in self.all_members if member != self.me)

    @property
    def coordinates(self) -> bool:
        """Whether this process is worker 0, the coordinator."""
        return self.job == "worker" and self.index == 0


def parse_cluster(*, job_type: str, task_index: int, ps: str, workers: str) -> Cluster:
    """The cluster of `--job-type`, `--task-index`, `--ps` and `--workers` (HOST:PORT, separated by commas).

    Raises ConfigError with every mistake.
    """
    members = {"ps": comma_list(ps), "workers": comma_list(workers)}
    addresses = [address for found in members.values() for address in found]
    mistakes = [f"--{option} contains no address" for option, found in members.items() if not found]
    mistakes += [f"{address} is not HOST:PORT" for address in addresses if not _is_address(address)]
    mistakes += [f"{address} is listed twice" for address in sorted(set(addresses)) if addresses.count(address) > 1]
    option = {"ps": "ps", "worker": "workers"}.get(job_type)
    if option is None:
        mistakes.append(f"--job-type is {job_type!r}, expected ps or worker")
    elif (count := len(members[option])) and not 0 <= task_index < count:
        mistakes.append(
            f"--task-index {task_index} is out of range: --{option} lists {count} processes (0-{count - 1})"
        )
    if mistakes:
        hint = "Example: --ps=a:2222 --workers=b:2222,c:2222 --job-type=worker --task-index=1."
        raise ConfigError("; ".join(mistakes) + ".", hint=hint, code="cluster")
    return Cluster(members["ps"], members["workers"], "ps" if job_type == "ps" else "worker", task_index)


def _is_address(text: str) -> bool:
    host, _, port = text.rpartition(":")
    return bool(host) and port.isascii() and port.isdigit() and 0 < int(port) < 65536
