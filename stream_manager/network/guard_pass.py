"""What lets the players of one source connect by way of the guard proxy, and what became of their last connection."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from stream_manager.faults import SourceFailure, SourceFault
from stream_manager.network.allowed_addresses import AllowedAddresses
from stream_manager.network.guarded_url import without_marks

GUARD_ENV = "TIDZAM_GUARD"
"""In the environment of processes that are to open addresses as `guarded_url` spells them."""

_PROXY_FAULTS: Final = (
    SourceFault.UNREACHABLE,
    SourceFault.ACCESS_DENIED,
    SourceFault.NOT_AUDIO,
    SourceFault.PLAYLIST,
    SourceFault.DIED,
)
"""What a player may report if its proxy refuses a connection."""


class GuardPass:
    """What lets the processes of one source connect to `allowed` addresses, by their environment `env`.

    `failure` is why their last connection could not be made, None if it could.
    """

    def __init__(self, allowed: AllowedAddresses, env: Mapping[str, str]) -> None:
        self.allowed, self.env = allowed, env
        self.failure: SourceFailure | None = None

    def refuse(self) -> None:
        """Note that a connection was refused, or a response that refers to what cannot be checked."""
        self.failure = SourceFailure(SourceFault.NOT_ALLOWED)

    def fail(self, error: OSError) -> None:
        """Note that a connection could not be made."""
        self.failure = _unreachable(error)

    def explain(self, failure: SourceFailure) -> SourceFailure:
        """The reason of `failure`: a player only knows that its proxy refused a connection."""
        if self.failure is not None and failure.fault in _PROXY_FAULTS:
            return self.failure
        return replace(failure, detail=without_marks(failure.detail))


def _unreachable(error: OSError) -> SourceFailure:
    if isinstance(error, socket.gaierror):
        is_final = error.errno in (socket.EAI_NONAME, socket.EAI_NODATA)  # else the name servers do not answer
        return SourceFailure(SourceFault.UNKNOWN_HOST if is_final else SourceFault.UNREACHABLE, error.strerror or "")
    if isinstance(error, TimeoutError):
        return SourceFailure(SourceFault.UNREACHABLE, "Connection timed out")
    return SourceFailure(SourceFault.UNREACHABLE, os.strerror(error.errno) if error.errno else "")
