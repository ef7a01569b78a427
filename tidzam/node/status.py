"""What a node does at this moment, gathered from its processes and from what its servers say."""

from __future__ import annotations

import json
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from http.client import HTTPException
from pathlib import Path
from typing import Any

import psutil

from tidzam.config import Settings
from tidzam.node.home import Home
from tidzam.node.supervisor import ProgramState, Supervisor
from tidzam.process import CHILD_ENV
from tidzam.protocol.analyzer import AnalyzerHealth
from tidzam.protocol.stream_manager import SourceStatus
from tidzam.proxy import open_direct
from tidzam.tokens import bearer, find_token

HTTP_TIMEOUT_S = 3.0
NO_MOUNT = "/tidzam-is-there"
"""Asking Icecast for a mount that is not there shows that it answers; asking for its status can crash it at start."""


@dataclass(frozen=True)
class ProcessStatus:
    """One process of the node; `name` is `program` or, for what a program started, `program/what`.

    `rss_mb` counts memory that processes share in each of them; `share_mb` counts its share of it (PSS).
    """

    name: str
    state: str
    pid: int | None
    uptime_s: float
    rss_mb: float = 0.0
    share_mb: float = 0.0


@dataclass(frozen=True)
class ServerHealth:
    """What a server's /healthz said; `ok` is None if it did not answer."""

    ok: bool | None
    reasons: tuple[str, ...]
    detail: Mapping[str, Any]


@dataclass(frozen=True)
class NodeStatus:
    """A node at one moment."""

    home: Path
    running: bool
    processes: tuple[ProcessStatus, ...]
    stream_manager: ServerHealth
    sources: tuple[SourceStatus, ...]
    analyzer_server: ServerHealth
    analyzer: AnalyzerHealth | None
    icecast_ok: bool
    free_mb: float
    urls: Mapping[str, str]

    @property
    def memory_mb(self) -> float:
        """Memory of all processes together, what they share counted once."""
        return sum(process.share_mb for process in self.processes)

    def to_dict(self) -> dict[str, Any]:
        """What `tidzam status --json` prints."""
        return {
            "home": str(self.home),
            "running": self.running,
            "processes": [asdict(process) for process in self.processes],
            "sources": [source.model_dump(mode="json") for source in self.sources],
            "analyzer": self.analyzer.model_dump(mode="json") if self.analyzer else None,
            "reasons": [*self.stream_manager.reasons, *self.analyzer_server.reasons],
            "urls": dict(self.urls),
        }


def node_status(home: Home, settings: Settings) -> NodeStatus:
    """Ask everything once. A server that does not answer within `HTTP_TIMEOUT_S` is told as such."""
    urls = node_urls(settings)
    programs = Supervisor(home).programs()
    token = find_token(home.root)
    manager = _health(f"{urls['stream_manager']}/healthz", token)
    analyzer = _health(f"{urls['analyzer']}/healthz", token)
    return NodeStatus(
        home=home.root,
        running=bool(programs),
        processes=_processes(programs),
        stream_manager=manager,
        sources=tuple(SourceStatus.model_validate(row) for row in manager.detail.get("sources", ())),
        analyzer_server=analyzer,
        analyzer=AnalyzerHealth.model_validate(analyzer.detail) if analyzer.detail else None,
        icecast_ok=_answers(urls["icecast"] + NO_MOUNT),
        free_mb=round(shutil.disk_usage(home.root).free / 1e6),
        urls=urls,
    )


def node_urls(settings: Settings) -> dict[str, str]:
    return {name: server.url for name, server in settings.servers.items()}


def _processes(programs: tuple[ProgramState, ...]) -> tuple[ProcessStatus, ...]:
    return tuple(row for program in programs for row in (_program(program), *_children(program)))


def _program(program: ProgramState) -> ProcessStatus:
    return _measured(ProcessStatus(program.name, program.state, program.pid, program.uptime_s))


def _children(program: ProgramState) -> list[ProcessStatus]:
    """What `program` started itself: the capture process, players, pushers."""
    rows = []
    with suppress(psutil.Error):  # it may end while we look
        for child in psutil.Process(program.pid).children(recursive=True) if program.pid else ():
            name = f"{program.name}/{child.environ().get(CHILD_ENV) or child.name()}"
            uptime_s = round(max(0.0, time.time() - child.create_time()), 1)
            rows.append(_measured(ProcessStatus(name, "RUNNING", child.pid, uptime_s)))
    return rows


def _measured(row: ProcessStatus) -> ProcessStatus:
    """`row` with the memory that its process takes, if there is one."""
    if row.pid is None:
        return row
    try:
        memory = psutil.Process(row.pid).memory_full_info()
    except psutil.Error:
        return row
    return replace(row, rss_mb=round(memory.rss / 1e6, 1), share_mb=round(memory.pss / 1e6, 1))


def _health(url: str, token: str | None) -> ServerHealth:
    try:
        request = urllib.request.Request(url, headers=bearer(token))
        with open_direct(request, timeout_s=HTTP_TIMEOUT_S) as response:
            body = json.load(response)
    except urllib.error.HTTPError as error:  # 503 carries its reasons
        body = _reasons_of(error)
    except (OSError, HTTPException, ValueError) as error:
        return ServerHealth(None, (f"{url} does not answer: {error}",), {})
    try:
        return ServerHealth(body["ok"], tuple(body["reasons"]), body["detail"])
    except (KeyError, TypeError):
        return ServerHealth(None, (f"{url} answers, but is not Tidzam's.",), {})


def _reasons_of(error: urllib.error.HTTPError) -> dict[str, Any]:
    try:
        body: dict[str, Any] = json.load(error)
    except ValueError:
        return {"ok": False, "reasons": [f"{error.url} answers {error.code}"], "detail": {}}
    return body


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=HTTP_TIMEOUT_S):
            return True
    except urllib.error.HTTPError:
        return True
    except (OSError, HTTPException):
        return False
