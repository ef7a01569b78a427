"""A JACK client that plays blocks, on a simulated client; the tests of capture use it on a real server."""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np
import pytest

from tidzam.jack import callback_end
from tidzam.jack.writer import JackWriter
from tidzam.types import Float32


class Port:
    def __init__(self) -> None:
        self.samples = np.full(4, 9.0, np.float32)
        self.is_registered = True

    def unregister(self) -> None:
        self.is_registered = False

    def get_array(self) -> Float32:
        return self.samples


class Ports:
    def __init__(self) -> None:
        self.made: dict[str, Port] = {}

    def register(self, name: str) -> Port:
        return self.made.setdefault(name, Port())


class Client:
    """What JackWriter uses of `jack.Client`; a test runs its cycles."""

    blocksize = 4
    last_frame_time = 1000

    def __init__(self) -> None:
        self.outports = Ports()
        self.calls: list[str] = []
        self.last: list[list[float]] = []
        """What was played last before it was deactivated."""
        self.process: Callable[[int], None] = lambda frames: None
        self.resize: Callable[[int], None] = lambda frames: None

    def set_process_callback(self, callback: Callable[[int], None]) -> None:
        self.process = callback

    def set_blocksize_callback(self, callback: Callable[[int], None]) -> None:
        self.resize = callback

    def activate(self) -> None:
        self.calls.append("activate")

    def deactivate(self) -> None:
        self.calls.append("deactivate")
        self.last = [port.samples.tolist() for port in self.outports.made.values()]

    def close(self) -> None:
        self.calls.append("close")


@pytest.fixture(autouse=True)
def short_cycles(monkeypatch: pytest.MonkeyPatch) -> None:
    """In most tests no cycle runs at the end."""
    monkeypatch.setattr(callback_end, "_CYCLE_S", 0.01)


def ramp(frame: int, block: Float32) -> None:
    block[:] = frame + np.arange(block.shape[1]) + 10_000 * np.arange(len(block))[:, np.newaxis]


def broken(frame: int, block: Float32) -> None:
    block[:] = 1.0
    raise ZeroDivisionError("no luck")


def played(client: Client) -> list[list[float]]:
    return [port.samples.tolist() for port in client.outports.made.values()]


def test_each_channel_has_a_port_that_plays_its_row() -> None:
    client = Client()
    with JackWriter(client, 2, ramp) as writer:
        client.process(4)
        assert list(client.outports.made) == ["out_0", "out_1"]
        assert played(client) == [[1000, 1001, 1002, 1003], [11000, 11001, 11002, 11003]]
        assert writer.frame == 1000


def test_the_client_is_active_while_the_context_is_open() -> None:
    client = Client()
    with JackWriter(client, 1, ramp):
        assert client.calls == ["activate"]
    assert client.calls == ["activate", "deactivate", "close"]


def test_a_changed_cycle_length_is_followed() -> None:
    client = Client()
    with JackWriter(client, 1, ramp):
        client.resize(2)
        client.outports.made["out_0"].samples = np.zeros(2, np.float32)
        client.process(2)
        assert played(client) == [[1000, 1001]]


def test_an_exception_becomes_silence_and_is_raised_in_the_end() -> None:
    client = Client()
    with pytest.raises(ZeroDivisionError), JackWriter(client, 1, broken) as writer:
        client.process(4)
        assert played(client) == [[0, 0, 0, 0]]
        assert isinstance(writer.error, ZeroDivisionError)


def test_ports_come_and_go_while_the_client_is_active() -> None:
    client = Client()
    with JackWriter(client, 3, ramp, open_ports=False) as writer:
        client.process(4)
        assert played(client) == []
        writer.open_port(2)
        client.process(4)
        assert played(client) == [[21000, 21001, 21002, 21003]]
        writer.close_port(2)
        assert not client.outports.made["out_2"].is_registered


def test_a_port_is_silent_before_it_is_closed() -> None:
    client = Client()
    with JackWriter(client, 2, ramp) as writer:
        writer.silence(1)
        assert not writer.is_silent(1)
        client.process(4)
        assert played(client) == [[1000, 1001, 1002, 1003], [0, 0, 0, 0]]
        assert writer.is_silent(1)


def test_the_last_cycle_before_the_client_is_deactivated_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(callback_end, "_CYCLE_S", 10.0)
    client = Client()
    with JackWriter(client, 1, ramp):
        client.process(4)
        threading.Timer(0.05, client.process, [4]).start()
    assert client.last == [[0, 0, 0, 0]]
