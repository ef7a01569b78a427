"""Asks a JACK server, by a disposable process, which ports its driver captures."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading

from tidzam.jack.environment import jack_env

TIMEOUT_S = 6.0
"""Opening a JACK client takes 0.3 s on an idle machine, and seconds after a client was killed."""


def capture_ports_of(server: str) -> tuple[str, ...] | None:
    """The ports that the driver of `server`, such as a sound card, captures; None if the server does not answer.

    A process that is late is not killed (see `tidzam.jack.client_grace`): it ends once the server answers or is gone.
    """
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "tidzam.jack.port_probe"],
        env={**os.environ, **jack_env(server)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        answer, _ = process.communicate(timeout=TIMEOUT_S)
    except subprocess.TimeoutExpired:
        threading.Thread(target=process.communicate, daemon=True).start()
        return None
    return tuple(json.loads(answer)) if process.returncode == 0 else None
