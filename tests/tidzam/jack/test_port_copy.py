"""The process that passes JACK ports on under the name of a source."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jack as libjack
import numpy as np
import pytest

from tests.support.frame_codes import CODE_RANGE, FRAME_CODE
from tests.support.jack import JackServer, jack_server
from tests.support.player import playing
from tests.support.recorder import record
from tidzam.config.settings import JackSettings
from tidzam.jack import callback_end, port_copy
from tidzam.jack.copy_protocol import EXIT_NO_PORT, EXIT_NO_SERVER, EXIT_REFUSED, MESSAGES
from tidzam.jack.port_query import capture_ports_of

pytestmark = pytest.mark.timeout(60)


@pytest.fixture(scope="module")
def jack() -> Iterator[JackServer]:
    with jack_server() as server:
        yield server


def start(server: JackServer, *ports: str, client: str = "pond") -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "tidzam.jack.port_copy", f"--client={client}", "--", *ports],
        env={**os.environ, **server.env},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


@contextmanager
def copying(server: JackServer, *ports: str) -> Iterator[subprocess.Popen[bytes]]:
    process = start(server, *ports)
    try:
        assert process.stdout is not None
        status = MESSAGES.decode(process.stdout.readline())
        assert status.jack_rate_hz == server.rate_hz
        yield process
    finally:
        process.communicate(timeout=20)  # closes its standard input


class RefusingClient:
    """A JACK client whose callback runs, and that cannot connect its port, or that a signal interrupts there."""

    def __init__(self, error: BaseException) -> None:
        self._error, self.is_active = error, False
        self.out = np.ones(4, np.float32)
        self.process: Any = None
        self.inports = self.outports = SimpleNamespace(register=self._register)

    def get_ports(self, **_: object) -> list[SimpleNamespace]:
        return [SimpleNamespace(name="card:out_0")]

    def set_process_callback(self, process: Any) -> None:
        self.process = process

    def activate(self) -> None:
        self.is_active = True

    def _register(self, name: str) -> SimpleNamespace:
        return SimpleNamespace(connect=self._connect, get_array=lambda: self.out, get_buffer=lambda: self.out)

    def _connect(self, name: str) -> None:
        raise self._error


@pytest.mark.unit
@pytest.mark.parametrize("error", [libjack.JackError("no"), SystemExit(0)])
def test_the_callback_does_nothing_any_more_when_the_start_has_failed(
    monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    monkeypatch.setattr(callback_end, "_CYCLE_S", 0.02)
    client = RefusingClient(error)
    with suppress(SystemExit):
        assert port_copy._copy(client, ["card:out_0"]) == EXIT_REFUSED
    client.process(4)
    assert client.is_active
    assert not client.out.any()


@pytest.mark.unit
def test_a_client_that_was_never_activated_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    ends = []
    monkeypatch.setattr(callback_end.CallbackEnd, "reach", lambda self: ends.append(self))
    client = RefusingClient(libjack.JackError("no"))
    client.inports = SimpleNamespace(register=client._connect)
    assert port_copy._copy(client, ["card:out_0"]) == EXIT_REFUSED
    assert not ends


def test_every_sample_is_passed_on_in_the_order_of_the_ports(jack: JackServer, tmp_path: Path) -> None:
    with playing(jack, "card", FRAME_CODE, 440), copying(jack, "card:out_1", "card:out_0"):
        recording = record(jack, ["card:out_0", "pond:out_1", "pond:out_0"], tmp_path, seconds=1.0)
    code, copied, tone = recording.samples.T
    np.testing.assert_array_equal(copied, code)
    assert copied.any()
    assert np.abs(tone).max() <= 0.5
    steps = np.diff(copied) % CODE_RANGE
    assert set(np.flatnonzero(steps != 1) + 1) <= recording.seams


def test_it_ends_with_its_parent_and_leaves_no_port(jack: JackServer) -> None:
    with playing(jack, "card", 440):
        with copying(jack, "card:out_0") as process:
            pass
        assert process.returncode == 0
        with copying(jack, "card:out_0"):
            pass  # the name is free again


def test_a_port_that_does_not_exist_is_refused(jack: JackServer) -> None:
    process = start(jack, "system:capture_1", "system:capture_9", client="refused")
    _, stderr = process.communicate(timeout=20)
    assert process.returncode == EXIT_NO_PORT
    assert b"system:capture_9" in stderr


def test_it_ends_when_a_port_disappears(jack: JackServer) -> None:
    with playing(jack, "card", 440):
        process = start(jack, "card:out_0", client="ends")
        assert process.stdout is not None
        assert process.stdout.readline()
    process.wait(20)
    process.communicate()
    assert process.returncode == EXIT_NO_PORT


def test_without_a_server_it_ends() -> None:
    process = start(JackServer(JackSettings(server="no-such-server")), "system:capture_1")
    process.communicate(timeout=20)
    assert process.returncode == EXIT_NO_SERVER


def test_the_capture_ports_of_a_server_are_listed(jack: JackServer) -> None:
    assert capture_ports_of(jack.name) == ("system:capture_1", "system:capture_2")
    assert capture_ports_of("no-such-server") is None
