"""Asks a JACK server, by a disposable process, which ports its driver captures."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from tidzam.jack.environment import jack_env

TIMEOUT_S = 6.0
"""Opening a JACK client takes 0.3 s on an idle machine, and seconds after a client was killed."""


def capture_ports_of(server: str) -> tuple[str, ...] | None:
    """The ports that the driver of `server`, such as a sound card, captures; None if the server does not answer."""
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "tidzam.jack.port_probe"],
            env={**os.environ, **jack_env(server)},
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return None
    return tuple(json.loads(done.stdout)) if done.returncode == 0 else None
