"""The current status of a node: its processes and the reports of its servers."""

from __future__ import annotations

import json
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from http.client import HTTPException
from pathlib import Path
from typing import Any, TypeVar

import psutil
from pydantic import BaseModel, ValidationError

from tidzam.config import Settings
from tidzam.jack.cycle_check import cycles_run
from tidzam.node.cleanup import node_processes
from tidzam.node.edge_status import EdgeStatus
from tidzam.node.home import Home
from tidzam.node.http_probe import answers
from tidzam.node.programs import LifeSign, NodeProgram, in_sentence, node_programs, servers
from tidzam.node.sound_card_fault import LOG_LINES, sound_card_fault
from tidzam.node.supervisor import JACKD, ProgramState, Supervisor
from tidzam.process import CHILD_ENV
from tidzam.protocol.analyzer import AnalyzerHealth
from tidzam.protocol.source_status import SourceStatus
from tidzam.protocol.stream_manager import StreamManagerHealth
from tidzam.proxy import open_direct
from tidzam.tokens import bearer, find_token

_Message = TypeVar("_Message", bound=BaseModel)

HTTP_TIMEOUT_S = 3.0
JACK_TIMEOUT_S = 6.0
"""Opening a JACK client takes 0.3 s on an idle machine, and seconds after a client was killed."""


@dataclass(frozen=True)
class ProcessStatus:
    """One process of the node. `name` is the name of a program, or `PROGRAM/CHILD` for a process that it started.

    `rss_mb` includes shared memory in full; `share_mb` includes only the share of this process (PSS).
    """

    name: str
    state: str
    pid: int | None
    uptime_s: float
    rss_mb: float = 0.0
    share_mb: float = 0.0


@dataclass(frozen=True)
class ServerHealth:
    """The health that a server reports, or that it answers at all; `ok` is None if it does not answer."""

    ok: bool | None
    reasons: tuple[str, ...] = ()
    detail: Mapping[str, Any] = field(default_factory=dict)


class SupervisorState(StrEnum):
    """The state of supervisord; `silent`: its process exists but does not answer."""

    RUNNING = "running"
    SILENT = "silent"
    GONE = "gone"


@dataclass(frozen=True)
class NodeStatus:
    """A node at one time.

    `programs` are those that it consists of, `servers` the health of each of them that serves HTTP, by name.
    `manager` and `analyzer` are the detailed reports of these two, None if they sent none. `strays` are processes of
    the node that are running although supervisord is gone. `jack_ok` is whether the cycles of the JACK server run,
    None if that was not examined. `sound_card_fault` is why jackd cannot use its sound card, None if it can. `edge` is
    the state of an edge node, None for other nodes.
    """

    home: Path
    supervisor: SupervisorState
    is_wanted: bool
    processes: tuple[ProcessStatus, ...]
    strays: tuple[ProcessStatus, ...]
    jack_ok: bool | None
    servers: Mapping[str, ServerHealth]
    manager: StreamManagerHealth | None
    analyzer: AnalyzerHealth | None
    free_mb: float
    urls: Mapping[str, str]
    programs: tuple[NodeProgram, ...]
    sound_card_fault: str | None = None
    edge: EdgeStatus | None = None

    @property
    def running(self) -> bool:
        return self.supervisor is SupervisorState.RUNNING

    @property
    def sources(self) -> tuple[SourceStatus, ...]:
        return self.manager.sources if self.manager else ()

    def answers(self, program: str) -> bool:
        """Whether the server called `program` answers."""
        return self.servers[program].ok is not None

    @property
    def reported_reasons(self) -> tuple[str, ...]:
        """Why programs that report their health are not healthy."""
        reporting = [program.name for program in self.programs if program.life_sign is LifeSign.HEALTH]
        return tuple(reason for name in reporting for reason in self.servers[name].reasons)

    @property
    def memory_mb(self) -> float:
        """The memory of all processes together; shared memory is counted once."""
        return sum(process.share_mb for process in self.processes)

    def to_dict(self) -> dict[str, Any]:
        """The output of `tidzam status --json`."""
        return {
            "home": str(self.home),
            "running": self.running,
            "supervisor": self.supervisor.value,
            "processes": [asdict(process) for process in self.processes],
            "strays": [asdict(process) for process in self.strays],
            "jack": self.jack_ok,
            "sound_card": self.sound_card_fault,
            "sources": [source.model_dump(mode="json") for source in self.sources],
            "analyzer": self.analyzer.model_dump(mode="json") if self.analyzer else None,
            "reasons": list(self.reported_reasons),
            "urls": dict(self.urls),
            "edge": None if self.edge is None else self.edge.to_dict(),
        }


def node_status(home: Home, settings: Settings, *, thorough: bool = True) -> NodeStatus:
    """Query all programs once, concurrently. One that does not answer in time is reported as such.

    What costs a tenth of a second or more is only part of a `thorough` status: whether the cycles of JACK run, the
    child processes of the programs, and the memory of all processes.
    """
    supervisor, token = Supervisor(home), find_token(home.root)
    with ThreadPoolExecutor() as threads:
        answering = {
            program.name: threads.submit(_server_health, program, url, token)
            for program in node_programs(settings)
            if (url := program.url(settings)) is not None
        }
        programs = supervisor.programs()
        jackd = next((program for program in programs if program.name == JACKD), None)
        ask_jack = thorough and jackd is not None and jackd.pid is not None
        jack_answer = threads.submit(cycles_run, settings.jack.server, JACK_TIMEOUT_S) if ask_jack else None
        processes = _processes(programs) if thorough else tuple(_named(program) for program in programs)
    health = {name: answer.result() for name, answer in answering.items()}
    state = _supervisor_state(supervisor, programs)
    jack_ok = jack_answer.result() if jack_answer else None
    return NodeStatus(
        home=home.root,
        supervisor=state,
        is_wanted=home.is_wanted,
        processes=processes,
        strays=() if state is SupervisorState.RUNNING else _strays(home),
        jack_ok=jack_ok,
        servers=health,
        manager=_parsed(StreamManagerHealth, health.get("stream_manager")),
        analyzer=_parsed(AnalyzerHealth, health.get("analyzer")),
        free_mb=round(shutil.disk_usage(home.root).free / 1e6),
        urls=node_urls(settings),
        programs=node_programs(settings),
        edge=EdgeStatus.read(home, settings) if settings.edge.enabled else None,
        sound_card_fault=None if jackd is None else _sound_card_fault(home, settings, jackd, jack_ok=jack_ok),
    )


def _sound_card_fault(home: Home, settings: Settings, jackd: ProgramState, *, jack_ok: bool | None) -> str | None:
    """Why jackd has ended, or hangs, if its sound card is the reason."""
    if (jackd.state == "RUNNING" and jack_ok is not False) or not _logs_since_start(home, JACKD):
        return None
    return sound_card_fault(settings.jack, home.tail(JACKD, LOG_LINES))


def _logs_since_start(home: Home, program: str) -> bool:
    """Whether a program has written to its log since supervisord was started: older lines say nothing of it."""
    supervisor = Supervisor(home).process()
    with suppress(psutil.Error, OSError):
        return supervisor is not None and home.log(program).stat().st_mtime > supervisor.create_time()
    return False


def _parsed(message: type[_Message], health: ServerHealth | None) -> _Message | None:
    """The detailed report of a server; None if there is none, or if it has the format of another version."""
    try:
        return None if health is None else message.model_validate(health.detail)
    except ValidationError:
        return None


def _supervisor_state(supervisor: Supervisor, programs: tuple[ProgramState, ...]) -> SupervisorState:
    if programs:
        return SupervisorState.RUNNING
    return SupervisorState.SILENT if supervisor.process() else SupervisorState.GONE


def _strays(home: Home) -> tuple[ProcessStatus, ...]:
    rows = []
    for process in node_processes(home):
        with suppress(psutil.Error):  # it may have ended meanwhile
            uptime_s = round(max(0.0, time.time() - process.create_time()), 1)
            rows.append(ProcessStatus(process.name(), process.status(), process.pid, uptime_s))
    return tuple(rows)


def node_urls(settings: Settings) -> dict[str, str]:
    return {name: server.url for name, server in servers(settings).items()}


def _processes(programs: tuple[ProgramState, ...]) -> tuple[ProcessStatus, ...]:
    return tuple(row for program in programs for row in (_program(program), *_children(program)))


def _program(program: ProgramState) -> ProcessStatus:
    return _measured(_named(program))


def _named(program: ProgramState) -> ProcessStatus:
    return ProcessStatus(program.name, program.state, program.pid, program.uptime_s)


def _children(program: ProgramState) -> list[ProcessStatus]:
    """The child processes of `program`: capture process, players, encoders."""
    rows = []
    with suppress(psutil.Error):  # it may have ended meanwhile
        for child in psutil.Process(program.pid).children(recursive=True) if program.pid else ():
            name = f"{program.name}/{child.environ().get(CHILD_ENV) or child.name()}"
            uptime_s = round(max(0.0, time.time() - child.create_time()), 1)
            rows.append(_measured(ProcessStatus(name, "RUNNING", child.pid, uptime_s)))
    return rows


def _measured(row: ProcessStatus) -> ProcessStatus:
    """`row` with the memory of its process, if it has one."""
    if row.pid is None:
        return row
    try:
        memory = psutil.Process(row.pid).memory_full_info()
    except psutil.Error:
        return row
    return replace(row, rss_mb=round(memory.rss / 1e6, 1), share_mb=round(memory.pss / 1e6, 1))


def _server_health(program: NodeProgram, url: str, token: str | None) -> ServerHealth:
    if program.life_sign is LifeSign.HEALTH:
        return _health(url, token)
    if answers(url, HTTP_TIMEOUT_S):
        return ServerHealth(True)
    return ServerHealth(None, (f"{in_sentence(program.title)} does not answer.",))


def _health(url: str, token: str | None) -> ServerHealth:
    try:
        request = urllib.request.Request(url, headers=bearer(token))
        with open_direct(request, timeout_s=HTTP_TIMEOUT_S) as response:
            body = json.load(response)
    except urllib.error.HTTPError as error:  # 503 has the reasons in its body
        body = _reasons_of(error)
    except (OSError, HTTPException, ValueError) as error:
        return ServerHealth(None, (f"{url} does not answer: {error}",), {})
    try:
        return ServerHealth(body["ok"], tuple(body.get("reasons", ())), body.get("detail", {}))
    except (AttributeError, KeyError, TypeError):
        return ServerHealth(None, (f"Another program answers at {url}.",), {})


def _reasons_of(error: urllib.error.HTTPError) -> dict[str, Any]:
    try:
        body: dict[str, Any] = json.load(error)
    except ValueError:
        return {"ok": False, "reasons": [f"{error.url} answers {error.code}"], "detail": {}}
    return body
