"""supervisord's configuration, and the command lines it runs."""

from __future__ import annotations

import os
import re
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.support.eventually import eventually
from tests.support.names import ODD_NAMES
from tidzam.config import Settings
from tidzam.config.console import ConsoleSettings
from tidzam.config.settings import IcecastSettings, JackSettings
from tidzam.errors import NodeError, SetupError
from tidzam.icecast_passwords import ADMIN_PASSWORD_ENV, PASSWORD_ENV
from tidzam.jack.client_grace import CLIENT_GRACE_S
from tidzam.node.cleanup import end_processes
from tidzam.node.home import Home, find_home
from tidzam.node.icecast import icecast_config
from tidzam.node.jackd import jackd_argv
from tidzam.node.prepare import write_configuration
from tidzam.node.programs import LaunchContext, supervised_programs
from tidzam.node.rpc import CALL_TIMEOUT_S
from tidzam.node.supervisor import DESCRIPTORS, SupervisedProgram, Supervisor, launcher, supervisor_config

SLEEP = SupervisedProgram("p", ("sleep", "600"), {})
PRINT_ARGUMENTS = """
import os, sys, time
with open(sys.argv[1], "wb") as file:
    file.write(b"\\0".join(map(os.fsencode, [*sys.argv[2:], os.environ["SECRET"], os.getcwd()])))
time.sleep(60)
"""


@pytest.mark.parametrize("name", ODD_NAMES)
@pytest.mark.timeout(60)
def test_any_path_of_a_home_and_any_argument_reaches_the_program(tmp_path: Path, name: str) -> None:
    home = Home(tmp_path / name)
    home.logs.mkdir(parents=True)
    printed = home.root / "printed"
    program = SupervisedProgram(
        "p", (sys.executable, "-c", PRINT_ARGUMENTS, str(printed), name), {"SECRET": f"x,y={name}"}
    )
    write_configuration(home, (program,))
    supervisor = Supervisor(home)
    supervisor.launch()
    try:
        eventually(lambda: printed.is_file() and printed.read_bytes() != b"", within_s=20, what="the program's output")
        assert printed.read_bytes().split(b"\0") == [os.fsencode(text) for text in (name, f"x,y={name}", home.root)]
        assert [state.name for state in supervisor.programs()] == ["p"]
        assert home.log("p").is_file()
        assert home.log("supervisord").is_file()
    finally:
        supervisor.shutdown()
    assert not supervisor.is_running()


def test_a_launcher_with_a_password_is_for_its_owner_only(tmp_path: Path) -> None:
    home = Home(tmp_path)
    write_configuration(home, (SupervisedProgram("p", ("true",), {"PASSWORD": "secret"}),))
    assert home.launcher("p").stat().st_mode & 0o077 == 0
    assert "secret" not in home.supervisor_config.read_text()


def test_a_node_is_five_programs_and_two_watchdogs(tmp_path: Path) -> None:
    programs = ["jackd", "icecast", "stream_manager", "analyzer", "console"]
    assert list(launched(tmp_path)) == [*programs, "watchdog", "watchdog_guard"]


def test_a_node_may_run_without_a_console(tmp_path: Path) -> None:
    assert "console" not in launched(tmp_path, console=ConsoleSettings(enabled=False))


def test_every_program_of_a_node_is_marked_with_its_home(tmp_path: Path) -> None:
    assert {program.env["TIDZAM_NODE"] for program in launched(tmp_path).values()} == {str(tmp_path)}


def test_a_client_of_jack_finds_the_server_of_the_profile(tmp_path: Path) -> None:
    assert launched(tmp_path)["analyzer"].env["JACK_DEFAULT_SERVER"] == "pond"


def test_a_program_with_jack_clients_may_take_as_long_to_end_as_they_may(tmp_path: Path) -> None:
    clients = [program for program in launched(tmp_path).values() if "JACK_DEFAULT_SERVER" in program.env]
    assert len(clients) == 2
    assert min(program.stop_wait_s for program in clients) > CLIENT_GRACE_S


def test_a_program_is_not_killed_before_its_time_to_end_is_over() -> None:
    sections = supervisor_config((SLEEP, SupervisedProgram("q", ("true",), {}, stop_wait_s=17)))
    assert re.findall(r"stopwaitsecs=(\d+)", sections) == ["5", "17"]


def test_only_the_stream_manager_gets_the_passwords_and_only_in_its_environment(tmp_path: Path) -> None:
    programs = launched(tmp_path)
    assert "secret" not in " ".join(word for program in programs.values() for word in program.argv)
    assert [name for name, program in programs.items() if "secret" in program.env.values()] == ["stream_manager"]


def launched(home: Path, **sections: Any) -> dict[str, SupervisedProgram]:
    settings = Settings(jack=JackSettings(server="pond"), **sections)
    passwords = {PASSWORD_ENV: "secret", ADMIN_PASSWORD_ENV: "secret"}
    return {program.name: program for program in supervised_programs(LaunchContext(Home(home), settings, passwords))}


@pytest.fixture
def supervised(tmp_path: Path) -> Iterator[Home]:
    """A home whose supervisord runs `sleep`."""
    home = Home(tmp_path)
    home.logs.mkdir(parents=True)
    write_configuration(home, (SLEEP,))
    Supervisor(home).launch()
    try:
        yield home
    finally:
        end_processes(home)


def running(home: Home) -> psutil.Process:
    process = Supervisor(home).process()
    assert process is not None
    return process


@pytest.mark.timeout(60)
def test_a_suspended_supervisord_is_not_waited_for_without_end(supervised: Home) -> None:
    supervisor = Supervisor(supervised)
    running(supervised).suspend()
    began_s = time.monotonic()
    assert not supervisor.is_running()
    assert supervisor.programs() == ()
    assert time.monotonic() - began_s < 3 * CALL_TIMEOUT_S
    assert supervisor.process() is not None
    assert supervisor.wake()


@pytest.mark.timeout(60)
def test_a_suspended_supervisord_and_its_programs_can_be_stopped(supervised: Home) -> None:
    process = running(supervised)
    programs = process.children(recursive=True)
    process.suspend()
    Supervisor(supervised).shutdown()
    assert psutil.wait_procs([process, *programs], timeout=3)[1] == []


@pytest.mark.timeout(60)
def test_a_stop_takes_no_longer_than_its_programs(supervised: Home) -> None:
    began_s = time.monotonic()
    Supervisor(supervised).shutdown()
    assert time.monotonic() - began_s < 2.0


WAITS_FOR_JACKD = """
import pathlib, signal, time
jackd = pathlib.Path("/proc", pathlib.Path("jackd.pid").read_text().strip())
ended = []
signal.signal(signal.SIGTERM, lambda number, frame: ended.append(number))
while not ended or jackd.exists():
    time.sleep(0.05)
"""


@pytest.mark.timeout(60)
def test_jackd_is_killed_when_its_clients_take_long_to_be_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tidzam.node.supervisor.GENTLE_STOP_S", 0.5)
    home = Home(tmp_path)
    home.logs.mkdir(parents=True)
    hung = "trap '' TERM; echo $$ > jackd.pid; exec sleep 600"
    server = SupervisedProgram("jackd", ("sh", "-c", hung), {})
    client = SupervisedProgram("client", (sys.executable, "-c", WAITS_FOR_JACKD), {}, stop_wait_s=20)
    write_configuration(home, (server, client))
    Supervisor(home).launch()
    try:
        eventually(lambda: [state.state for state in Supervisor(home).programs()] == ["RUNNING"] * 2)
        Supervisor(home).shutdown()
    finally:
        end_processes(home)
    log = home.log("supervisord").read_text()
    assert "stopped: jackd (terminated by SIGKILL)" in log
    assert "stopped: client (exit status 0)" in log


@pytest.mark.timeout(60)
def test_a_stale_pid_of_another_process_is_not_supervisord(tmp_path: Path) -> None:
    Home(tmp_path).supervisor_pid.write_text(f"{os.getpid()}\n")
    assert Supervisor(Home(tmp_path)).process() is None


def test_programs_may_open_as_many_descriptors_as_the_system_allows(tmp_path: Path) -> None:
    show = SupervisedProgram("p", ("sh", "-c", "ulimit -S -n; umask"), {}, umask=0o077)
    script = tmp_path / "p.sh"
    script.write_bytes(launcher(show))
    done = subprocess.run(
        ["sh", "-c", f"ulimit -S -n 1024; sh {script}"], capture_output=True, text=True, check=True, timeout=10
    )
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    allowed = DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, DESCRIPTORS)
    assert done.stdout.split() == [str(allowed), "0077"]


def test_jackd_runs_asynchronous_without_real_time_scheduling() -> None:
    assert jackd_argv(JackSettings(server="s", rate_hz=48000, period=1024, driver="alsa,-dhw:0")) == [
        "jackd",
        "--name=s",
        "--no-realtime",
        "--port-max=2048",
        "-t100",
        "-dalsa",
        "-r48000",
        "-p1024",
        "-dhw:0",
    ]


def test_a_password_cannot_break_out_of_the_icecast_configuration() -> None:
    text = icecast_config(IcecastSettings(), password="a<b&c", admin_password="d<e&f")
    assert "<source-password>a&lt;b&amp;c</source-password>" in text
    assert "<admin-password>d&lt;e&amp;f</admin-password>" in text


def test_the_home_comes_from_the_option_then_the_environment_then_the_profile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(home=tmp_path / "profile")
    monkeypatch.delenv("TIDZAM_HOME", raising=False)
    assert find_home(None, settings).root == tmp_path / "profile"
    monkeypatch.setenv("TIDZAM_HOME", str(tmp_path / "env"))
    assert find_home(None, settings).root == tmp_path / "env"
    assert find_home(tmp_path / "option", settings).root == tmp_path / "option"


def test_a_home_without_a_node_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(NodeError, match="no node"):
        Home(tmp_path).settings()


def test_a_full_disk_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tidzam.node.home.NEEDED_BYTES", 10**18)
    with pytest.raises(SetupError, match="full") as caught:
        Home(tmp_path).require_space()
    assert caught.value.code == "disk_full"
