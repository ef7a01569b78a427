"""A JACK server and an analyzer for the benchmarks of live analysis, ended with the benchmark."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.error
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jack

from tests.support.eventually import eventually
from tests.support.ports import free_port
from tidzam.config.settings import JackSettings
from tidzam.errors import NodeError
from tidzam.jack.environment import jack_env
from tidzam.node.jackd import SERVER_ENV, jackd_argv
from tidzam.protocol.analyzer import AnalyzerHealth
from tidzam.proxy import open_direct

_TIMEOUT_S = 30.0


@contextmanager
def program(
    argv: Sequence[str], env: Mapping[str, str], *, ready: bytes = b"", log: Path | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A process that runs while the context is open. With `ready`, wait for that line; `log` gets its stderr."""
    quiet = subprocess.PIPE if ready else subprocess.DEVNULL
    with (log or Path(os.devnull)).open("wb") as errors:
        process = subprocess.Popen(argv, env={**os.environ, **env}, stdin=subprocess.PIPE, stdout=quiet, stderr=errors)
    try:
        if ready and process.stdout is not None and process.stdout.readline().strip() != ready:
            raise NodeError(f"{' '.join(argv)} did not start.", hint="Run it by itself to see why.")
        yield process
    finally:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def jack_server(*, rate_hz: int, period: int, port_max: int = 2048) -> Iterator[JackSettings]:
    """A jackd with a unique name, on the dummy driver. It ends after its clients."""
    settings = JackSettings(server=f"bench{os.getpid()}", rate_hz=rate_hz, period=period, port_max=port_max)
    env = {**jack_env(settings.server), **SERVER_ENV}
    with program(jackd_argv(settings), env):
        wait_for(lambda: _has_jack(settings), "jackd did not start.")
        yield settings
        time.sleep(0.5)  # jackd hangs if it is terminated while it still removes a client


def _has_jack(settings: JackSettings) -> bool:
    jack.set_error_function(lambda message: None)
    try:
        jack.Client("probe", no_start_server=True, servername=settings.server).close()
    except jack.JackOpenError:
        return False
    return True


@contextmanager
def feeder(server: JackSettings, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    """`benchmarks.feeder` on that server."""
    argv = [sys.executable, "-m", "benchmarks.feeder", *options]
    with program(argv, jack_env(server.server), ready=b"playing") as process:
        yield process


class LiveAnalyzer:
    """A running analyzer, seen over HTTP."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.pid, self.url = process.pid, f"http://127.0.0.1:{port}"

    def health(self) -> AnalyzerHealth | None:
        """Its health; None while it does not answer."""
        try:
            with open_direct(f"{self.url}/healthz", timeout_s=5) as answer:
                body = answer.read()
        except urllib.error.HTTPError as error:
            body = error.read()
        except OSError:
            return None
        detail: dict[str, Any] = json.loads(body)["detail"]
        return AnalyzerHealth.model_validate(detail)

    def wait(self, *, channels: int) -> None:
        """Wait until that many channels are analyzed. Raises NodeError."""

        def is_ready() -> bool:
            health = self.health()
            return health is not None and len(health.channels) == channels and health.windows >= channels

        wait_for(is_ready, f"The analyzer does not analyze {channels} channels.")


@contextmanager
def analyzer(
    server: JackSettings,
    ports: str,
    *options: str,
    log: Path | None = None,
    max_channels: int = 256,
    threads: int = 1,
    home: Path | None = None,
) -> Iterator[LiveAnalyzer]:
    """An analyzer with the demo's classifiers, each on so many `threads`, that listens to `ports`.

    In the `home` of a node, by default a temporary one, it remembers that the networks passed their trial.
    """
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        profile = Path(folder) / "profile.yaml"
        settings = {
            "home": str(home or folder),
            "jack": {"server": server.server},
            "analyzer": {"max_channels": max_channels, "threads": threads},
        }
        profile.write_text(json.dumps(settings))  # which is YAML as well
        argv = [sys.executable, "-m", "analyzer", f"--profile={profile}", "--jack", ports, "--port", str(port)]
        with program([*argv, *options], jack_env(server.server), log=log) as process:
            yield LiveAnalyzer(process, port)


def wait_for(true: Callable[[], bool], message: str, *, within_s: float = _TIMEOUT_S) -> None:
    """Wait until `true()`. Raises NodeError with `message` after `within_s` seconds."""
    try:
        eventually(true, within_s=within_s)
    except TimeoutError:
        hint = "Is the machine very busy? Run the program by itself to see its log."
        raise NodeError(message, hint=hint) from None
