"""A real stream manager for a test, with its JACK server and Icecast."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import yaml

from tests.support.eventually import eventually
from tests.support.icecast import IcecastServer, icecast_server
from tests.support.jack import JackServer, jack_server
from tests.support.ports import free_port
from tidzam.addresses import url_host


class Manager:
    """A running stream manager; `log` is what it wrote."""

    def __init__(
        self,
        folder: Path,
        jack: JackServer,
        icecast: IcecastServer,
        sources: Sequence[Mapping[str, object]],
        options: dict[str, Any] | None = None,
        *,
        host: str = "127.0.0.1",
        sections: dict[str, Any] | None = None,
        env: Mapping[str, str] | None = None,
        arguments: Sequence[str] = (),
    ) -> None:
        """`options` are settings of the stream manager's section, `sections` those of others, and of none.

        `arguments` are further ones of the command line, in which PORT stands for the port.
        """
        self.jack, self.icecast, self._host = jack, icecast, host
        self.port = free_port()
        self.media_root = folder / "media"
        self.media_root.mkdir(exist_ok=True)
        self._log = folder / "stream_manager.log"
        self._profile = folder / "profile.yaml"
        self._env = {**os.environ, **icecast.env, **(env or {})}
        self._arguments = [str(self.port) if word == "PORT" else word for word in arguments]
        settings: dict[str, Any] = {
            "jack": {"server": jack.name, "rate_hz": jack.rate_hz, "port_max": jack.settings.port_max},
            "icecast": {"host": icecast.settings.host, "port": icecast.settings.port},
            "stream_manager": {
                "host": host,
                "port": self.port,
                "media_roots": [str(self.media_root)],
                "allow_private_addresses": True,
                **(options or {}),
            },
            "sources": sources,
        }
        for name, section in (sections or {}).items():
            settings[name] = {**settings.get(name, {}), **section} if isinstance(section, dict) else section
        self._profile.write_text(yaml.safe_dump(settings), encoding="utf-8")
        self._log.touch()
        self.start()

    def start(self) -> None:
        """Run it. After `kill`, the next one has the same settings, and appends to the same log."""
        # It ends when the test run is killed.
        argv = ["setpriv", "--pdeathsig=TERM", "--", sys.executable, "-m", "stream_manager"]
        with self._log.open("ab") as log:
            argv += ["--profile", str(self._profile), *self._arguments]
            self.process = subprocess.Popen(argv, env=self._env, stderr=log)

    def kill(self) -> None:
        """End it as the kernel does when memory is short."""
        self.process.kill()
        self.process.wait()

    @property
    def url(self) -> str:
        return f"http://{url_host(self._host)}:{self.port}"

    @property
    def log(self) -> str:
        return self._log.read_text(encoding="utf-8")

    def health(self) -> dict[str, Any]:
        try:
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=5) as answer:
                return json.load(answer)  # type: ignore[no-any-return]
        except urllib.error.HTTPError as error:
            return json.load(error)  # type: ignore[no-any-return]
        except OSError as error:
            return {"ok": False, "reasons": [str(error)], "detail": {"sources": []}}

    def source(self, name: str) -> dict[str, Any]:
        """Its status; empty if it is not loaded."""
        return next((row for row in self.health()["detail"]["sources"] if row["name"] == name), {})

    def until(self, holds: Callable[[], bool], *, within_s: float) -> float:
        """Wait until `holds`; returns the seconds that took."""
        return eventually(holds, within_s=within_s, what=lambda: f"the stream manager: {self.health()}\n{self.log}")

    def until_well(self, *, within_s: float = 20.0) -> float:
        return self.until(lambda: self.health()["ok"], within_s=within_s)

    def child(self, program: str, source: str) -> psutil.Process:
        """The `mpv` or `ffmpeg` of a source."""
        return self.running(program, source)[0]

    def replaced(self, program: str, source: str, old: psutil.Process) -> bool:
        """Whether another runs in place of `old`."""
        return any(child.pid != old.pid for child in self.running(program, source))

    def running(self, program: str, source: str) -> list[psutil.Process]:
        """Every `mpv` or `ffmpeg` of a source."""
        mark = {"mpv": f"--jack-name={source}", "ffmpeg": f"{source}-ice"}[program]
        return [child for child in self.children() if mark in command_line(child)]

    def children(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def stop(self) -> None:
        """End it, also if a test that failed left it stopped."""
        self.process.send_signal(signal.SIGTERM)
        self.process.send_signal(signal.SIGCONT)
        try:
            self.process.wait(10)
        finally:
            self.process.kill()
            self.process.wait()


def command_line(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:  # it has just ended
        return []


@contextmanager
def stream_manager(
    folder: Path,
    sources: Sequence[Mapping[str, object]],
    *,
    period: int = 1024,
    port_max: int = 512,
    host: str = "127.0.0.1",
    env: Mapping[str, str] | None = None,
    sections: dict[str, Any] | None = None,
    **options: Any,
) -> Iterator[Manager]:
    """A stream manager with `sources` that has begun to start. `options` are settings of its section."""
    with jack_server(period=period, port_max=port_max) as jack, icecast_server(folder, host=host) as icecast:
        manager = Manager(folder, jack, icecast, sources, options, host=host, sections=sections, env=env)
        try:
            yield manager
        finally:
            manager.stop()
