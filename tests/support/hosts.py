"""Several hosts on one machine: network namespaces on a bridge, each with its address."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def _ip(*words: str, check: bool = True) -> str:
    return subprocess.run(["ip", *words], capture_output=True, text=True, check=check).stdout


def why_not() -> str | None:
    """Why there can be no hosts here, or None."""
    probe = f"tz-probe-{os.getpid()}"
    try:
        _ip("netns", "add", probe)
        _ip("netns", "del", probe)
    except (OSError, subprocess.CalledProcessError) as error:
        return f"network namespaces are not permitted: {getattr(error, 'stderr', '') or error}".strip()
    return None


@contextmanager
def hosts(count: int) -> Iterator[list[tuple[str, str]]]:
    """(name for `on`, address) of each of `count` hosts that reach one another and nothing else."""
    tag = f"tz{os.getpid() % 100000}"
    made = [(f"{tag}-{number}", f"10.77.7.{number + 1}") for number in range(count)]
    try:
        _ip("link", "add", f"{tag}br", "type", "bridge")
        _ip("link", "set", f"{tag}br", "up")
        for number, (name, address) in enumerate(made):
            _ip("netns", "add", name)
            _ip("link", "add", f"{tag}v{number}", "type", "veth", "peer", "name", "eth0", "netns", name)
            _ip("link", "set", f"{tag}v{number}", "master", f"{tag}br", "up")
            _ip("-n", name, "addr", "add", f"{address}/24", "dev", "eth0")
            _ip("-n", name, "link", "set", "eth0", "up")
            _ip("-n", name, "link", "set", "lo", "up")
        yield made
    finally:
        for name, _ in made:
            for pid in _ip("netns", "pids", name, check=False).split():
                os.kill(int(pid), signal.SIGKILL)
            _ip("netns", "del", name, check=False)
        for number in range(count):
            _ip("link", "del", f"{tag}v{number}", check=False)
        _ip("link", "del", f"{tag}br", check=False)


def on(host: str | None, argv: list[str], *, hidden: Path | None = None) -> list[str]:
    """`argv` as it is to be run on `host` (None: this one), where the folder `hidden` is another, empty one."""
    if host is None:
        return argv
    inside = argv if hidden is None else ["sh", "-c", 'mount -t tmpfs none "$0" && exec "$@"', str(hidden), *argv]
    return ["ip", "netns", "exec", host, *inside]
