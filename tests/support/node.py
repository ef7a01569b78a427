"""A node of a test's own: its home, ports and JACK server, started by the command a user types."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import yaml

from tests.support.guard import clear_jack, server_prefix
from tests.support.ports import free_port
from tidzam.node.cleanup import end_processes
from tidzam.node.home import Home
from tidzam.node.status import node_status


class Node:
    """`tidzam` commands on one home.

    `sources` are those of its profile; `started` is what the last start printed. `env` is added to the environment of
    all its programs.
    """

    started: subprocess.CompletedProcess[str]

    made: ClassVar[list[Node]] = []
    """All of them, so that none outlives its test."""

    def __init__(
        self,
        folder: Path,
        sources: list[dict[str, Any]],
        *,
        env: Mapping[str, str] | None = None,
        **sections: dict[str, Any],
    ) -> None:
        self.made.append(self)
        self._env = env or {}
        self.home = folder / "home"
        self.profile = folder / "profile.yaml"
        self.server = re.sub(r"[^A-Za-z0-9]", "-", f"{server_prefix(os.getpid())}-{folder.name}")[:32]
        self.ports = {name: free_port() for name in ("icecast", "stream_manager", "analyzer", "console")}
        settings: dict[str, Any] = {"home": str(self.home), "jack": {"server": self.server}, "sources": sources}
        for name, port in self.ports.items():
            settings[name] = {"port": port}
        settings["console"]["enabled"] = "console" in sections  # it takes seconds to start
        for name, section in sections.items():
            settings.setdefault(name, {}).update(section)
        self.profile.write_text(yaml.safe_dump(settings), encoding="utf-8")

    def run(self, *words: str, timeout_s: float = 120) -> subprocess.CompletedProcess[str]:
        """`tidzam WORDS`, on this node's home."""
        environment = {**os.environ, **self._env, "TIDZAM_HOME": str(self.home), "COLUMNS": "160", "NO_COLOR": "1"}
        return subprocess.run(
            [sys.executable, "-m", "tidzam.cli", *words],
            env=environment,
            capture_output=True,
            text=True,
            errors="surrogateescape",
            timeout=timeout_s,
            check=False,
        )

    def start(self, *words: str) -> subprocess.CompletedProcess[str]:
        self.started = self.run("start", "--profile", str(self.profile), *words)
        return self.started

    def stop(self) -> None:
        """End it as a user does. Where that is not what is tested, `end` is faster."""
        assert self.run("stop").returncode == 0

    def end(self) -> None:
        """End it if it still runs, without its own help."""
        end_processes(Home(self.home.resolve()))
        clear_jack(os.getpid())

    def status(self) -> dict[str, Any]:
        """What `tidzam status --json` prints, without a process for that."""
        home = Home(self.home.resolve())
        return node_status(home, home.settings()).to_dict()

    def pid(self, name: str) -> int:
        """The pid of a process, called as `tidzam status` calls it."""
        return next(int(row["pid"]) for row in self.status()["processes"] if row["name"] == name)

    def kill(self, pid: int) -> None:
        os.kill(pid, signal.SIGKILL)

    def url(self, server: str) -> str:
        """The address of `icecast`, `stream_manager`, `analyzer` or `console`."""
        return f"http://127.0.0.1:{self.ports[server]}"

    def health(self, server: str) -> dict[str, Any]:
        """The body of /healthz; not ok if the server is away."""
        try:
            with urllib.request.urlopen(f"{self.url(server)}/healthz", timeout=2) as response:
                return dict(json.load(response))
        except OSError:
            return {"ok": False}

    def is_well(self) -> bool:
        return bool(self.health("stream_manager")["ok"] and self.health("analyzer")["ok"])


@contextmanager
def running_node(folder: Path, sources: list[dict[str, Any]], **sections: dict[str, Any]) -> Iterator[Node]:
    """A node that has started without a fault."""
    node = Node(folder, sources, **sections)
    try:
        started = node.start()
        assert started.returncode == 0, started.stdout + started.stderr
        yield node
    finally:
        node.end()
