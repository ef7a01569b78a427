"""The watchdog with programs that a real supervisord runs."""

from __future__ import annotations

import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tests.support.ports import free_port
from tidzam.heartbeats import beat
from tidzam.node.cleanup import end_processes
from tidzam.node.hang_detection import Patience
from tidzam.node.home import Home
from tidzam.node.life_signs import HeartbeatSign, HttpSign, Sign
from tidzam.node.prepare import write_configuration
from tidzam.node.supervisor import ProgramState, SupervisedProgram, Supervisor
from tidzam.node.supervisor_monitor import SupervisorMonitor
from tidzam.node.watchdog import Watchdog
from tidzam.process import NODE_ENV

PATIENCE = Patience(silent_s=3.0, first_s=8.0, suspended_s=1.0)
LOOK_S = 0.2


@pytest.fixture
def supervise(tmp_path: Path) -> Iterator[Callable[..., Home]]:
    """Starts a supervisord that runs the program `p` with the given command line."""
    home = Home(tmp_path)

    def start(*argv: str) -> Home:
        home.logs.mkdir(parents=True)
        write_configuration(home, (SupervisedProgram("p", argv, {NODE_ENV: str(tmp_path)}),))
        home.want(True)
        Supervisor(home).launch()
        return home

    yield start
    end_processes(home)


def state_of_p(home: Home) -> ProgramState:
    (state,) = Supervisor(home).programs()
    return state


def look_until(home: Home, watchdog: Watchdog, reached: Callable[[ProgramState], bool], *, within_s: float) -> float:
    """Have the watchdog look again and again; returns the seconds until the program's state is as wanted."""
    began_s = time.monotonic()
    while not reached(state := state_of_p(home)):
        waited_s = time.monotonic() - began_s
        assert waited_s < within_s, state
        watchdog.look((state,))
        time.sleep(LOOK_S)
    return time.monotonic() - began_s


def http_server(port: int) -> tuple[str, ...]:
    return sys.executable, "-m", "http.server", "--bind", "127.0.0.1", str(port)


@pytest.mark.timeout(60)
def test_a_program_that_was_suspended_is_replaced(supervise: Callable[..., Home]) -> None:
    port = free_port()
    home = supervise(*http_server(port))
    watchdog = Watchdog(home, {"p": HttpSign(f"http://127.0.0.1:{port}/")}, PATIENCE)
    look_until(home, watchdog, lambda state: state.state == "RUNNING", within_s=20)
    pid = state_of_p(home).pid
    assert pid is not None
    psutil.Process(pid).suspend()
    look_until(home, watchdog, lambda state: state.pid not in (None, pid), within_s=20)
    assert not psutil.pid_exists(pid)


@pytest.mark.timeout(60)
def test_a_program_that_accepts_connections_and_never_answers_is_replaced(supervise: Callable[..., Home]) -> None:
    port = free_port()
    program = f"import socket, time; server = socket.create_server(('127.0.0.1', {port})); time.sleep(600)"
    home = supervise(sys.executable, "-c", program)
    watchdog = Watchdog(home, {"p": HttpSign(f"http://127.0.0.1:{port}/")}, PATIENCE)
    look_until(home, watchdog, lambda state: state.state == "RUNNING", within_s=20)
    pid = state_of_p(home).pid
    took_s = look_until(home, watchdog, lambda state: state.pid not in (None, pid), within_s=30)
    assert took_s > 2.0  # it was given time


@pytest.mark.timeout(60)
def test_a_program_that_answers_an_error_is_left_alone(supervise: Callable[..., Home]) -> None:
    port = free_port()
    home = supervise(*http_server(port))
    watchdog = Watchdog(home, {"p": HttpSign(f"http://127.0.0.1:{port}/not-there")}, PATIENCE)
    look_until(home, watchdog, lambda state: state.state == "RUNNING", within_s=20)
    pid = state_of_p(home).pid
    until_s = time.monotonic() + PATIENCE.silent_s + 2
    while time.monotonic() < until_s:
        watchdog.look((state_of_p(home),))
        time.sleep(LOOK_S)
    assert state_of_p(home).pid == pid


@pytest.mark.timeout(120)
def test_a_program_whose_port_was_taken_for_long_comes_back_when_it_is_free(supervise: Callable[..., Home]) -> None:
    port = free_port()
    with socket.create_server(("127.0.0.1", port)):
        home = supervise(*http_server(port))
        watchdog = Watchdog(home, {"p": HttpSign(f"http://127.0.0.1:{port}/")}, PATIENCE)
        look_until(home, watchdog, lambda state: state.state == "FATAL", within_s=60)
    took_s = look_until(home, watchdog, lambda state: state.state == "RUNNING", within_s=30)
    assert took_s > 1.0


@pytest.mark.timeout(60)
@pytest.mark.parametrize("number", [signal.SIGSTOP, signal.SIGKILL])
def test_a_supervisord_that_was_suspended_or_killed_runs_again(
    supervise: Callable[..., Home], monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    home = supervise("sleep", "600")
    home.profile.write_text("jack: {server: no-such-server}\n", encoding="utf-8")
    supervisor, care = Supervisor(home), SupervisorMonitor(home)
    process = supervisor.process()
    assert process is not None
    process.send_signal(number)
    began_s = time.monotonic()
    while not (answers := bool(supervisor.programs(timeout_s=0.5))) or number == signal.SIGKILL:
        assert time.monotonic() - began_s < 30
        current = supervisor.process()
        if answers and current is not None and current.pid != process.pid:
            break
        care.look(answers=answers)
        time.sleep(LOOK_S)
    assert state_of_p(home).name == "p"


def test_a_supervisord_of_a_node_that_was_stopped_is_not_started(supervise: Callable[..., Home]) -> None:
    home = supervise("sleep", "600")
    home.want(False)
    process = Supervisor(home).process()
    assert process is not None
    process.kill()
    psutil.wait_procs([process], timeout=5)
    SupervisorMonitor(home).look(answers=False)
    assert Supervisor(home).process() is None


def test_a_beat_is_a_sign_once(tmp_path: Path) -> None:
    file = tmp_path / "w.beat"
    sign: Sign = HeartbeatSign(file)
    assert not sign(1)
    beat(file)
    assert [sign(1), sign(1)] == [True, False]
    beat(file)
    assert sign(1)
