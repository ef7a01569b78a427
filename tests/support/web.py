"""A folder over HTTP on the loopback."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import HTTPServer, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

STOP_POLL_S = 0.02


def serve_in_thread(server: HTTPServer) -> None:
    """Serve until `server.shutdown`, which waits for half a second by default."""
    threading.Thread(target=server.serve_forever, args=(STOP_POLL_S,), daemon=True).start()


class QuietHandler(SimpleHTTPRequestHandler):
    """Serves files, and logs nothing."""

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def web_server(folder: Path) -> Iterator[str]:
    """HOST:PORT of a server of `folder`."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietHandler, directory=folder)) as server:
        server.daemon_threads = True
        serve_in_thread(server)
        try:
            yield f"127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
