"""Our Socket.IO clients reach servers of this machine even if the environment sets a proxy."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.ports import free_port
from tests.support.server import client, serving

ROOT = Path(__file__).parents[3]
pytestmark = pytest.mark.timeout(60)


@pytest.mark.parametrize("transport", ["polling", "websocket"])
async def test_a_client_uses_no_proxy_of_the_environment(transport: str, monkeypatch: pytest.MonkeyPatch) -> None:
    dead = f"http://127.0.0.1:{free_port()}"
    for name in ("http_proxy", "https_proxy", "all_proxy", "ws_proxy", "wss_proxy"):
        monkeypatch.setenv(name, dead)
        monkeypatch.setenv(name.upper(), dead)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    async with serving() as place, client(place, transport=transport) as io:
        assert (await io.call("read", 1))["ok"]


@pytest.mark.parametrize("package", ["tidzam", "analyzer", "stream_manager", "benchmarks"])
def test_no_part_uses_a_client_that_reads_the_environment(package: str) -> None:
    """python-socketio's synchronous clients go through requests and websocket-client, which take proxies from it."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / package).rglob("*.py"))
    assert re.search(r"socketio\.(Simple)?Client\(", text) is None
