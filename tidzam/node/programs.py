"""The programs of a node: one entry per program drives everything that a node does with its programs.

From an entry follow supervisord's configuration, the ports that must be free, what `tidzam status` and `tidzam start`
show, what `tidzam check` expects and restarts, which sign of life the watchdog waits for, and what `tidzam stop` ends.
An installed package adds a program by an entry point in the group `tidzam.programs` that names a `NodeProgram`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import cache
from typing import TYPE_CHECKING, Final

from tidzam.extensions import Registry
from tidzam.icecast_passwords import ADMIN_PASSWORD_ENV, PASSWORD_ENV
from tidzam.jack.environment import jack_env
from tidzam.node.home import Home
from tidzam.node.supervisor import LONG_STOP_WAIT_S, STOP_WAIT_S, SupervisedProgram
from tidzam.process import NODE_ENV

if TYPE_CHECKING:  # pydantic doubles the memory of a watchdog that needs no settings
    from tidzam.config import Settings
    from tidzam.config.settings import ServerSettings

WATCHDOGS: Final = ("watchdog", "watchdog_guard")
"""The first monitors the programs, the second monitors the first; both monitor supervisord."""

SMALL_ENV: Final = {"MALLOC_ARENA_MAX": "2", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
"""Environment of the programs of an edge node: threads of their own heaps and of linear algebra cost memory."""


class LifeSign(Enum):
    """How a program shows that it is alive."""

    JACK_CYCLES = "jack_cycles"
    """The frame time of the JACK server advances."""
    HTTP_ANSWER = "http_answer"
    """It answers requests for `path`, with any status."""
    HEALTH = "health"
    """It answers `/healthz` with its health: a JSON object of `ok`, `reasons` and `detail` (`tidzam.server`)."""
    HEARTBEAT = "heartbeat"
    """It touches its heartbeat file in the home."""


@dataclass(frozen=True)
class LaunchContext:
    """Input of the functions that make the command line and the environment of a program.

    `passwords` are Icecast's, by the environment variables that hold them. Give them only to a program that needs them.
    """

    home: Home
    settings: Settings
    passwords: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, kw_only=True)
class NodeProgram:
    """One program of a node.

    `name` is its name in logs, in `tidzam status` and for supervisord; `title` is its name in a sentence, with an
    article if it needs one. `argv` and `env` make its command line and what its environment has beside the node's.
    `server` is where it listens, None if it does not; then `life_sign` is neither HTTP_ANSWER nor HEALTH.
    `address_title` makes `tidzam start` show the address, after these words.
    `is_wanted` is whether a node with some settings runs it.
    A client of JACK (`uses_jack`) finds the node's server by its environment. `applies_access` is whether its server
    follows the settings `access`, as `tidzam.server` does.
    Unless it `outlives_supervisor`, it ends when supervisord is killed. `umask` is that of the files that it makes.
    It is killed `stop_wait_s` after SIGTERM, which is at most LONG_STOP_WAIT_S.
    """

    name: str
    title: str
    argv: Callable[[LaunchContext], Sequence[str]]
    life_sign: LifeSign
    env: Callable[[LaunchContext], Mapping[str, str]] = lambda _: {}
    server: Callable[[Settings], ServerSettings] | None = None
    is_wanted: Callable[[Settings], bool] = lambda _: True
    path: str = "/healthz"
    address_title: str = ""
    uses_jack: bool = False
    applies_access: bool = False
    outlives_supervisor: bool = False
    umask: int = 0o022
    stop_wait_s: int = STOP_WAIT_S

    def supervised(self, context: LaunchContext) -> SupervisedProgram:
        """The program as supervisord runs it."""
        common = {NODE_ENV: str(context.home.root), "PYTHONUNBUFFERED": "1"}
        client = jack_env(context.settings.jack.server) if self.uses_jack else {}
        return SupervisedProgram(
            self.name,
            tuple(self.argv(context)),
            {**common, **client, **self.env(context)},
            outlives_supervisor=self.outlives_supervisor,
            umask=self.umask,
            stop_wait_s=self.stop_wait_s,
        )

    def url(self, settings: Settings) -> str | None:
        """The address whose answer is its sign of life; None if it has none."""
        return None if self.server is None else f"{self.server(settings).url}{self.path}"


def in_sentence(title: str) -> str:
    """`title` at the beginning of a sentence. The names of commands stay as they are."""
    return f"The {title[4:]}" if title.startswith("the ") else title


def _module(name: str, *words: str) -> tuple[str, ...]:
    """A Python module as a command line; `-P` keeps the working directory out of the path of imports."""
    return sys.executable, "-P", "-m", name, *words


def _program(module: str) -> Callable[[LaunchContext], tuple[str, ...]]:
    return lambda context: _module(module, "--profile", str(context.home.profile))


def _jackd_argv(context: LaunchContext) -> tuple[str, ...]:
    from tidzam.node.jackd import jackd_argv

    return _module("tidzam.node.jackd_log", str(context.home.jackd_fifo), *jackd_argv(context.settings.jack))


def _jackd_env(context: LaunchContext) -> Mapping[str, str]:
    from tidzam.node.jackd import SERVER_ENV

    return SERVER_ENV


def _icecast_argv(context: LaunchContext) -> Sequence[str]:
    from tidzam.node.icecast import icecast_argv

    return icecast_argv(context.home.icecast_config)


def _watchdog(name: str, title: str) -> NodeProgram:
    return NodeProgram(
        name=name,
        title=title,
        argv=lambda context: _module("tidzam.node.watchdog", name, *_watched(name, context.settings)),
        life_sign=LifeSign.HEARTBEAT,
        outlives_supervisor=True,
    )


def _watched(name: str, settings: Settings) -> tuple[str, ...]:
    """What a watchdog of an edge node need not read from the settings, whose library doubles its memory."""
    if not settings.edge.enabled:
        return ()
    from tidzam.node.watched import Watched

    others = [program.name for program in node_programs(settings) if program.name != name]
    limits = settings.check
    watched = Watched(tuple(others), hung_after_s=limits.hung_after_s, start_timeout_s=limits.start_timeout_s)
    return (watched.encode(),)


def _has_jack(settings: Settings) -> bool:
    return not settings.edge.enabled


JACKD = NodeProgram(
    name="jackd",
    title="jackd",
    argv=_jackd_argv,
    env=_jackd_env,
    life_sign=LifeSign.JACK_CYCLES,
    is_wanted=_has_jack,
    umask=0o077,  # JACK's shared memory holds audio
)
ICECAST = NodeProgram(
    name="icecast",
    title="Icecast",
    argv=_icecast_argv,
    life_sign=LifeSign.HTTP_ANSWER,
    is_wanted=_has_jack,
    server=lambda settings: settings.icecast,
    # A file of Icecast's own pages: each request for something that does not exist adds a line to its log.
    path="/style.css",
)
STREAM_MANAGER = NodeProgram(
    name="stream_manager",
    title="the stream manager",
    argv=_program("stream_manager"),
    env=lambda context: {name: context.passwords[name] for name in (PASSWORD_ENV, ADMIN_PASSWORD_ENV)},
    life_sign=LifeSign.HEALTH,
    server=lambda settings: settings.stream_manager,
    is_wanted=_has_jack,
    uses_jack=True,
    applies_access=True,
    stop_wait_s=LONG_STOP_WAIT_S,
)
ANALYZER = NodeProgram(
    name="analyzer",
    title="the analyzer",
    argv=_program("analyzer"),
    life_sign=LifeSign.HEALTH,
    server=lambda settings: settings.analyzer,
    is_wanted=_has_jack,
    address_title="Events (Socket.IO)",
    uses_jack=True,
    applies_access=True,
    stop_wait_s=LONG_STOP_WAIT_S,
)
CONSOLE = NodeProgram(
    name="console",
    title="the console",
    argv=_program("console"),
    life_sign=LifeSign.HEALTH,
    server=lambda settings: settings.console,
    is_wanted=lambda settings: settings.console.enabled and not settings.edge.enabled,
    address_title="Console",
)
RECORDER = NodeProgram(
    name="recorder",
    title="the recorder",
    argv=_program("stream_manager.direct"),
    life_sign=LifeSign.HEARTBEAT,
    is_wanted=lambda settings: settings.edge.enabled,
    env=lambda _: SMALL_ENV,
    stop_wait_s=LONG_STOP_WAIT_S,
)
INFERENCE = NodeProgram(
    name="inference",
    title="the inference",
    argv=_program("analyzer.inbox"),
    life_sign=LifeSign.HEARTBEAT,
    is_wanted=lambda settings: settings.edge.enabled,
    env=lambda _: SMALL_ENV,
    stop_wait_s=LONG_STOP_WAIT_S,
)
WATCHDOG = _watchdog(WATCHDOGS[0], "the watchdog")
WATCHDOG_GUARD = _watchdog(WATCHDOGS[1], "the watchdog's guard")

_REGISTRY = Registry(
    "tidzam.programs",
    "program",
    {
        "jackd": f"{__name__}:JACKD",
        "icecast": f"{__name__}:ICECAST",
        "stream_manager": f"{__name__}:STREAM_MANAGER",
        "analyzer": f"{__name__}:ANALYZER",
        "console": f"{__name__}:CONSOLE",
        "recorder": f"{__name__}:RECORDER",
        "inference": f"{__name__}:INFERENCE",
    },
)


def node_programs(settings: Settings) -> tuple[NodeProgram, ...]:
    """The programs of a node, in the order in which they are started: those that others need come first.

    Raises ConfigError if a program of an installed package cannot be imported.
    """
    return tuple(program for program in _known_programs() if program.is_wanted(settings))


@cache
def _known_programs() -> tuple[NodeProgram, ...]:
    return (*(_REGISTRY.load(name) for name in _REGISTRY.names()), WATCHDOG, WATCHDOG_GUARD)


def supervised_programs(context: LaunchContext) -> tuple[SupervisedProgram, ...]:
    """The programs as supervisord runs them, in the order of `node_programs`."""
    return tuple(program.supervised(context) for program in node_programs(context.settings))


def servers(settings: Settings) -> dict[str, ServerSettings]:
    """The addresses of all programs that listen on a port, by name."""
    return {one.name: one.server(settings) for one in node_programs(settings) if one.server is not None}
