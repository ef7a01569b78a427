"""Statuses of nodes that do not exist, for what is decided and shown from a status."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from tidzam.config import Settings
from tidzam.config.settings import CheckSettings
from tidzam.node.programs import node_programs
from tidzam.node.status import NodeStatus, ProcessStatus, ServerHealth, SupervisorState
from tidzam.protocol.analyzer import AnalyzerFault, AnalyzerHealth
from tidzam.protocol.examples.analyzer import HEALTH
from tidzam.protocol.source_status import SourceStatus
from tidzam.protocol.stream_manager import StreamManagerFault, StreamManagerHealth

LIMITS = CheckSettings(memory_limit_mb=1000)
GOOD = ServerHealth(ok=True)
AWAY = ServerHealth(None, ("It does not answer.",))


def source(name: str = "pond", state: str = "playing", last_error: str | None = None) -> SourceStatus:
    return SourceStatus.model_validate(
        {
            "name": name,
            "state": state,
            "ok": state == "playing",
            "url": "pond.flac",
            "channels": 1,
            "ports": [f"{name}:out_0"],
            "mounts": [f"http://localhost:8000/{name}-out_0.ogg"],
            "restarts": 0,
            "last_error": last_error,
            "started": None,
            "bytes": 0,
            "gaps": 0,
        }
    )


def manager(*faults: StreamManagerFault, sources: tuple[SourceStatus, ...] | None = None) -> StreamManagerHealth:
    loaded = (source(),) if sources is None else sources
    return StreamManagerHealth(jack=True, icecast=True, rate_hz=44100, faults=faults, sources=loaded)


def source_fault(name: str, message: str) -> StreamManagerFault:
    return StreamManagerFault(code="source_refused", origin="source", source=name, message=message)


def analyzer(*faults: AnalyzerFault, **changes: Any) -> AnalyzerHealth:
    """The health in the protocol's example, but for `faults` and `changes`."""
    return AnalyzerHealth.model_validate(HEALTH | {"faults": faults, "privacy": None} | changes)


def servers(**changes: ServerHealth) -> dict[str, ServerHealth]:
    """All servers of a node in good health, but for `changes`."""
    return {"icecast": GOOD, "stream_manager": GOOD, "analyzer": GOOD, "console": GOOD, **changes}


def node(**changes: Any) -> NodeStatus:
    """A node that does its job, but for `changes`."""
    well = NodeStatus(
        home=Path("/home"),
        supervisor=SupervisorState.RUNNING,
        is_wanted=True,
        processes=tuple(ProcessStatus(program.name, "RUNNING", 100, 60.0) for program in node_programs(Settings())),
        strays=(),
        jack_ok=True,
        servers=servers(),
        manager=manager(),
        analyzer=analyzer(),
        free_mb=10_000,
        urls={},
        programs=node_programs(Settings()),
    )
    return replace(well, **changes)
