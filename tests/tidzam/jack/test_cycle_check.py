"""Whether a JACK server's cycles run, asked of a real one."""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.support.jack import JackServer, jack_server
from tidzam.errors import NodeError
from tidzam.jack.cycle_check import JackProbe, cycles_run
from tidzam.jack.server_names import require_free_name
from tidzam.node import jack_sign
from tidzam.node.jack_sign import JackSign


@pytest.fixture
def server() -> Iterator[JackServer]:
    with jack_server() as server:
        yield server


def within(seconds: float, holds: Callable[[], bool]) -> bool:
    deadline_s = time.monotonic() + seconds
    while not (held := holds()) and time.monotonic() < deadline_s:
        time.sleep(0.2)
    return held


@pytest.mark.timeout(60)
def test_a_suspended_jackd_is_not_taken_for_a_running_one(server: JackServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jack_sign, "CLIENT_GRACE_S", 2.0)
    assert cycles_run(server.name, 10.0)
    sign = JackSign(server.name)
    try:
        assert within(10.0, lambda: sign(server.pid))
        assert within(10.0, lambda: sign(server.pid))
        os.kill(server.pid, signal.SIGSTOP)
        try:
            assert not cycles_run(server.name, 2.0)
            sign(server.pid)  # what came before the signal
            assert not within(4.0, lambda: sign(server.pid))  # long enough for another probe
        finally:
            os.kill(server.pid, signal.SIGCONT)
        assert within(10.0, lambda: sign(server.pid))
    finally:
        sign.close()


CLIENT_CHECK = (22).to_bytes(4, sys.byteorder)
"""The number of a request of libjack (JackRequest.h)."""


@contextmanager
def a_request_that_was_cut_off(server: JackServer) -> Iterator[None]:
    """While open, jackd waits for the rest of a request: it runs its cycles, but serves no other request."""
    with socket.socket(socket.AF_UNIX) as requests:
        requests.connect(f"/dev/shm/jack_{server.name}_{os.geteuid()}_0")
        requests.sendall(CLIENT_CHECK)  # without its length
        yield


@pytest.mark.timeout(60)
def test_a_jackd_that_serves_no_request_gives_no_sign_although_its_cycles_run(
    server: JackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jack_sign, "RENEWAL_S", 1.0)
    monkeypatch.setattr(jack_sign, "OPENING_S", 2.0)
    sign = JackSign(server.name)
    probe = JackProbe(server.name)
    try:
        assert within(10.0, lambda: probe.latest_frames() is not None)
        assert within(10.0, lambda: sign(server.pid))
        with a_request_that_was_cut_off(server):
            assert within(20.0, lambda: not within(1.5, lambda: sign(server.pid)))
            frames = probe.latest_frames()
            assert within(5.0, lambda: probe.latest_frames() != frames)
        assert within(10.0, lambda: sign(server.pid))
    finally:
        sign.close()
        probe.close()


@pytest.mark.timeout(30)
def test_a_server_that_is_not_there_has_no_cycles() -> None:
    began_s = time.monotonic()
    assert not cycles_run("no-such-server", 10.0)
    assert time.monotonic() - began_s < 9.0


@pytest.mark.timeout(60)
def test_another_jackd_under_the_same_name_is_noticed(server: JackServer) -> None:
    sign = JackSign(server.name)
    try:
        assert within(10.0, lambda: sign(server.pid))
        server.kill()
        server.start()
        assert within(20.0, lambda: sign(server.pid))
    finally:
        sign.close()


@pytest.mark.timeout(60)
def test_a_running_jackd_gives_a_sign_however_rarely_it_is_asked(
    server: JackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another program that hangs makes the watchdog's rounds longer than a probe's patience."""
    sign = JackSign(server.name)
    try:
        assert within(10.0, lambda: sign(server.pid))
        monkeypatch.setattr(jack_sign, "CLIENT_GRACE_S", 0.5)
        for _ in range(3):
            time.sleep(1.5)
            assert sign(server.pid)
    finally:
        sign.close()


@pytest.mark.timeout(60)
def test_a_server_name_that_is_taken_is_refused_before_anything_is_started(server: JackServer) -> None:
    with pytest.raises(NodeError, match=rf"{server.name}.*pid {server.pid}"):
        require_free_name(server.name)
    require_free_name(server.name, except_of=frozenset({server.pid}))
    require_free_name(f"{server.name}-other")
