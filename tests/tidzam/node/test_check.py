"""What is called healthy, and which restart mends what is not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from tidzam.config.settings import CheckSettings
from tidzam.node.check import PROGRAMS, faults, restarts
from tidzam.node.status import NodeStatus, ProcessStatus, ServerHealth
from tidzam.protocol.stream_manager import SourceStatus

LIMITS = CheckSettings(memory_limit_mb=1000)
GOOD = ServerHealth(ok=True, reasons=(), detail={"jack": True})


def source(state: str = "playing", last_error: str | None = None) -> SourceStatus:
    return SourceStatus.model_validate(
        {
            "name": "pond",
            "state": state,
            "url": "pond.flac",
            "channels": 1,
            "ports": ["pond:out_0"],
            "mounts": ["http://localhost:8000/pond-out_0.ogg"],
            "restarts": 0,
            "last_error": last_error,
            "started": None,
            "bytes": 0,
            "gaps": 0,
        }
    )


def node(**changes: Any) -> NodeStatus:
    """A node that does its job, but for `changes`."""
    well = NodeStatus(
        home=Path("/home"),
        running=True,
        processes=tuple(ProcessStatus(name, "RUNNING", 100, 60.0) for name in PROGRAMS),
        stream_manager=GOOD,
        sources=(source(),),
        analyzer_server=GOOD,
        analyzer=None,
        icecast_ok=True,
        free_mb=10_000,
        urls={},
    )
    return replace(well, **changes)


def reasons(status: NodeStatus) -> str:
    return " ".join(fault.reason for fault in faults(status, LIMITS))


def restarted(status: NodeStatus) -> tuple[str, ...]:
    return restarts(faults(status, LIMITS))


def test_a_node_that_does_its_job_has_no_fault() -> None:
    assert faults(node(), LIMITS) == ()


def test_what_does_not_run_is_restarted_causes_first() -> None:
    status = node(processes=(ProcessStatus("icecast", "RUNNING", 1, 1.0),))
    assert restarted(status) == ("jackd", "stream_manager", "analyzer")


def test_a_jack_server_that_runs_and_does_not_answer_is_restarted() -> None:
    assert restarted(node(stream_manager=ServerHealth(False, (), {"jack": False}))) == ("jackd",)


def test_an_icecast_that_does_not_answer_is_restarted() -> None:
    assert restarted(node(icecast_ok=False)) == ("icecast",)


def test_a_server_that_does_not_answer_is_restarted() -> None:
    away = ServerHealth(None, ("it does not answer",), {})
    assert restarted(node(stream_manager=away, sources=())) == ("stream_manager",)
    assert restarted(node(analyzer_server=away)) == ("analyzer",)


def test_an_analyzer_that_stands_still_is_restarted() -> None:
    idle = ServerHealth(False, ("No window was analyzed for 9 s.",), {})
    assert restarted(node(analyzer_server=idle)) == ("analyzer",)


def test_lost_mounts_of_a_playing_source_restart_the_stream_manager() -> None:
    lost = ServerHealth(False, ("/pond-out_0.ogg is not there",), {"jack": True})
    assert restarted(node(stream_manager=lost)) == ("stream_manager",)


def test_a_source_that_cannot_be_played_is_told_and_restarts_nothing() -> None:
    failing = ServerHealth(False, ("pond fails",), {"jack": True})
    silent = ServerHealth(False, ("No window was analyzed.",), {})
    status = node(
        sources=(source("waiting", "The address cannot be reached."),), stream_manager=failing, analyzer_server=silent
    )
    assert restarted(status) == ()
    assert "The address cannot be reached." in reasons(status)


def test_memory_over_the_limit_restarts_the_largest() -> None:
    large = ProcessStatus("analyzer/capture", "RUNNING", 5, 9.0, share_mb=2000.0)
    status = node(processes=(*node().processes, large))
    assert restarted(status) == ("analyzer",)
    assert "limit of 1000 MB" in reasons(status)


def test_a_full_disk_is_told_and_restarts_nothing() -> None:
    status = node(free_mb=10)
    assert restarted(status) == ()
    assert "Make room" in reasons(status)
