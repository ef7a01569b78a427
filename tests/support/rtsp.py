"""A real RTSP server for a test: that of aio-rtsp-toolkit, which serves the files of a folder over TCP."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.eventually import eventually
from tests.support.ports import free_port

_SERVE = """
import asyncio, sys
from aio_rtsp_toolkit.server import serve
asyncio.run(serve(sys.argv[1], sys.argv[2], int(sys.argv[3])))
"""


@contextmanager
def rtsp_server(folder: Path) -> Iterator[str]:
    """HOST:PORT of an RTSP server of `folder`. Files repeat for ever with `?play_count=0`."""
    host, port = "127.0.0.1", free_port()
    argv = ["setpriv", "--pdeathsig=KILL", "--", sys.executable, "-c", _SERVE, str(folder), host, str(port)]
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        eventually(lambda: _listens(host, port), what="the RTSP server")
        yield f"{host}:{port}"
    finally:
        process.kill()
        process.wait()


def _listens(host: str, port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex((host, port)) == 0
