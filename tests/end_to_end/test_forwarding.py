"""Forwarding between real programs over a slow link, while both ends are killed in the middle of a clip."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml
from sqlalchemy import select

from tests.support.console import StoppedClock
from tests.support.eventually import eventually_async
from tests.support.forward_sink import NODE, write_noise
from tests.support.link_proxy import LinkProxy, link_proxy
from tests.support.ports import free_port
from tidzam.accounts.audit import Actor
from tidzam.accounts.node_tokens import renew_node_token
from tidzam.accounts.roles import Role
from tidzam.accounts.users import add_user
from tidzam.config.store import StoreSettings
from tidzam.store.database import open_store
from tidzam.store.tables.detections import DetectionRow

SIZE = 160_000
NAMES = [f"birds-wren/pond-out_0_2026-05-01-06-30-0{number}.000.flac" for number in range(3)]
pytestmark = [pytest.mark.unit, pytest.mark.timeout(240)]  # it needs no JACK server


def prepared(home: Path, port: int) -> str:
    """Prepare the home of a receiving node. Returns the token of the other node."""
    home.mkdir()
    profile = {
        "home": str(home),
        "node": {"name": "hub"},
        "console": {"port": port},
        "access": {"hosts": ["127.0.0.1"]},
    }
    (home / "profile.yaml").write_text(yaml.safe_dump(profile))
    now, by = StoppedClock()(), Actor(name="test")
    with open_store(StoreSettings(), home) as store, store.write() as session:
        user = add_user(session, NODE, Role.NODE, None, by=by, now=now)
        return renew_node_token(session, user, by=by, now=now)


@contextmanager
def program(*argv: str) -> Iterator[subprocess.Popen[bytes]]:
    """A program, killed at the end."""
    process = subprocess.Popen([sys.executable, "-m", *argv], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def forwarder(link: LinkProxy, token: str, folder: Path, *names: str) -> tuple[str, ...]:
    """The arguments of a sender."""
    home, clips = str(folder / "edge"), str(folder / "clips")
    return ("tests.support.forward_process", link.url, token, home, clips, *names)


async def more_sent(link: LinkProxy, count: int) -> None:
    """Wait until so much more has passed the link."""
    before = link.sent
    await eventually_async(lambda: link.sent > before + count, within_s=90, what=f"{count} bytes are on their way")


async def test_whatever_is_killed_every_clip_arrives_whole_and_every_detection_once(tmp_path: Path) -> None:
    port, hub = free_port(), tmp_path / "hub"
    token, console = prepared(hub, port), ("console", "--profile", str(hub / "profile.yaml"))
    contents = {name: write_noise(tmp_path / "clips", name, SIZE) for name in NAMES}

    def arrived() -> dict[str, bytes]:
        return {name: path.read_bytes() for name in NAMES if (path := hub / "forwarded" / NODE / name).is_file()}

    async with link_proxy(f"http://127.0.0.1:{port}", delay_s=0.01) as link:
        with program(*console) as receiver:
            with program(*forwarder(link, token, tmp_path, *NAMES)) as sender:
                assert sender.stdout is not None
                assert await asyncio.to_thread(sender.stdout.readline) == b"kept\n"
                await more_sent(link, SIZE // 2)
                sender.kill()
            with program(*forwarder(link, token, tmp_path)):
                await more_sent(link, SIZE)
                receiver.kill()
                receiver.wait()
                with program(*console):
                    await eventually_async(lambda: arrived() == contents, within_s=90, what="all clips arrive")
        assert link.sent < 1.3 * SIZE * len(NAMES)
    with open_store(StoreSettings(), hub) as store, store.read() as session:
        assert sorted(map(str, session.scalars(select(DetectionRow.clip)))) == [f"{NODE}/{name}" for name in NAMES]
