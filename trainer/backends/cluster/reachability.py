"""Whether the processes of a cluster accept connections."""

from __future__ import annotations

import math
import socket
import time
from collections.abc import Callable, Iterable, Sequence

from tidzam.errors import ClusterError
from trainer.topology import Member

REACHABLE_WITHIN_S = 30.0
CONNECT_TIMEOUT_S = 2.0
RETRY_S = 0.25


def why_silent(address: str) -> str | None:
    """None if `address` accepts connections, else the reason why it does not."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=CONNECT_TIMEOUT_S).close()
    except socket.gaierror:
        return "unknown host name"
    except TimeoutError:
        return "no answer"
    except OSError as error:
        return (error.strerror or str(error)).lower()
    return None


def wait_until_reachable(
    members: Iterable[Member],
    *,
    within_s: float = REACHABLE_WITHIN_S,
    look: Callable[[Member, float], None] = lambda member, waited_s: None,
) -> None:
    """Wait until the address of each of `members` accepts connections; they may still be starting.

    `look` is called for each that does not, with the seconds waited so far (inf in the end), and may raise the reason.
    Raises ClusterError naming those that still do not after `within_s`.
    """
    began = time.monotonic()
    waiting: Sequence[Member] = tuple(members)
    while True:
        silent = [(member, why) for member in waiting if (why := why_silent(member.address))]
        if not silent:
            return
        is_over = time.monotonic() - began >= within_s
        for member, _ in silent:
            look(member, math.inf if is_over else time.monotonic() - began)
        if is_over:
            raise ClusterError(
                f"Cannot connect within {within_s:.0f} s: {'; '.join(f'{member}: {why}' for member, why in silent)}.",
                hint="Start these processes, or correct --ps and --workers.",
                code="cluster_unreachable",
            )
        waiting = [member for member, _ in silent]
        time.sleep(RETRY_S)
