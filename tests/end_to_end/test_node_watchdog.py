"""A node heals by itself when its processes are suspended or killed, one at a time."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator

import psutil
import pytest

from tests.support.eventually import eventually
from tests.support.node import Node, running_node
from tidzam.node.cleanup import node_processes
from tidzam.node.home import Home
from tidzam.node.supervisor import Supervisor

SOURCES = [{"name": "pond", "tone": {}}]
HEAL_S = 30.0
STOP_S = 5.0
HUNG_AFTER_S = 6.0
"""Less than by default, as each test waits for half of it."""
APART_S = 3.0
"""So that one of them hangs all the while, longer than jackd may be silent."""


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    with running_node(
        tmp_path_factory.mktemp("watched"), SOURCES, check={"hung_after_s": HUNG_AFTER_S}, console={}
    ) as node:
        yield node


def programs(node: Node) -> dict[str, int]:
    """The pid of every program that runs."""
    return {state.name: state.pid for state in Supervisor(Home(node.home)).programs() if state.pid is not None}


def changed_since(before: dict[str, int], node: Node) -> set[str]:
    """The programs that have another pid than `before`. Prints what the watchdog did, for a test that fails."""
    print("\n".join(Home(node.home).tail("watchdog") + Home(node.home).tail("supervisord")))
    return {program for program, pid in programs(node).items() if before.get(program) != pid}


def heals(node: Node, name: str, old_pid: int) -> bool:
    return programs(node).get(name, old_pid) != old_pid and node.is_well()


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    "name", ["jackd", "icecast", "stream_manager", "analyzer", "console", "watchdog", "watchdog_guard"]
)
def test_a_suspended_program_is_replaced_and_no_other(node: Node, name: str) -> None:
    eventually(node.is_well, within_s=30, what="well before")
    before = programs(node)
    os.kill(before[name], signal.SIGSTOP)
    took_s = eventually(lambda: heals(node, name, before[name]), within_s=HEAL_S, what=f"{name} healed")
    print(f"{name} healed in {took_s:.1f} s")
    assert changed_since(before, node) == {name}


@pytest.mark.timeout(120)
def test_programs_that_hang_one_after_the_other_are_replaced_and_no_other(node: Node) -> None:
    """As long as one hangs, the watchdog's rounds are slow: the others are not to be blamed for it."""
    eventually(node.is_well, within_s=30, what="well before")
    before, hung = programs(node), ("analyzer", "icecast", "stream_manager")
    for number, name in enumerate(hung):
        time.sleep(APART_S if number else 0)
        os.kill(before[name], signal.SIGSTOP)
    eventually(lambda: all(heals(node, name, before[name]) for name in hung), within_s=HEAL_S, what="all healed")
    assert changed_since(before, node) == set(hung)


@pytest.mark.timeout(120)
def test_a_suspended_supervisord_runs_again_and_no_program_is_touched(node: Node) -> None:
    eventually(node.is_well, within_s=30, what="well before")
    before, supervisor = programs(node), Supervisor(Home(node.home))
    process = supervisor.process()
    assert process is not None
    process.suspend()
    eventually(lambda: process.status() != psutil.STATUS_STOPPED, within_s=HEAL_S, what="supervisord resumed")
    eventually(supervisor.is_running, within_s=10, what="supervisord answers")
    assert programs(node) == before


@pytest.mark.timeout(120)
def test_a_killed_supervisord_and_its_node_come_back_without_a_check(node: Node) -> None:
    eventually(node.is_well, within_s=30, what="well before")
    before = programs(node)
    node.kill(int(Home(node.home).supervisor_pid.read_text()))
    output = node.run("status").stdout
    assert "supervisord of the node" in output or "watchdog" in output  # gone, or already there again
    took_s = eventually(lambda: heals(node, "jackd", before["jackd"]), within_s=HEAL_S, what="the node healed")
    print(f"the node healed in {took_s:.1f} s")
    eventually(lambda: len(programs(node)) == len(before), within_s=10, what="all programs")
    pids = set(programs(node).values())
    orphans = [process for process in node_processes(Home(node.home)) if process.pid in set(before.values()) - pids]
    eventually(lambda: not any(process.is_running() for process in orphans), within_s=10, what="no orphan is left")


@pytest.mark.timeout(120)
def test_check_restarts_a_suspended_jackd_and_nothing_else(node: Node) -> None:
    eventually(node.is_well, within_s=30, what="well before")
    before = programs(node)
    os.kill(before["jackd"], signal.SIGSTOP)
    checked = node.run("check")
    assert checked.returncode == 1, checked.stdout + checked.stderr
    assert changed_since(before, node) == {"jackd"}


@pytest.mark.timeout(120)
def test_stop_wins_against_the_watchdog_and_is_quick(node: Node) -> None:
    eventually(node.is_well, within_s=30, what="well before")
    began_s = time.monotonic()
    assert node.run("stop").returncode == 0
    took_s = time.monotonic() - began_s
    print(f"stopped in {took_s:.1f} s")
    assert took_s < 2 * STOP_S  # on a busy machine
    until_s = time.monotonic() + 3.0  # several rounds of a watchdog, were there one
    while time.monotonic() < until_s:
        assert node_processes(Home(node.home)) == []
        time.sleep(0.2)
    assert "stopped: jackd (exit status 0)" in Home(node.home).log("supervisord").read_text()
