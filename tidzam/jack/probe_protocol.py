"""What the exit code of a probe that could not open a client says about its JACK server. Pure."""

from __future__ import annotations

from typing import Final

SERVER_GONE: Final = 4
"""The server is not there, or its cycles stand still."""
REFUSED: Final = 5
"""The server has no room for another client."""
REFUSED_WITHIN_S: Final = 3.0
"""A server that has no room refuses a client within this time."""


def refusal_code(*, server_failed: bool, took_s: float) -> int:
    """The exit code after a client could not be opened.

    `server_failed` is libjack's status of a server that is not there; `took_s` is how long the attempt took. A server
    whose cycles stand still refuses clients as well, but only after it has waited for a cycle for 5 s.
    """
    return REFUSED if not server_failed and took_s < REFUSED_WITHIN_S else SERVER_GONE
