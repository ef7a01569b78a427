"""A folder over HTTP on the loopback."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from http.server import HTTPServer, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Literal

STOP_POLL_S = 0.02


def serve_in_thread(server: HTTPServer) -> None:
    """Serve until `server.shutdown`, which waits for half a second by default."""
    threading.Thread(target=server.serve_forever, args=(STOP_POLL_S,), daemon=True).start()


class QuietHandler(SimpleHTTPRequestHandler):
    """Serves files, and logs nothing."""

    def log_message(self, format: str, *args: object) -> None:
        pass


Framing = Literal["chunked", "closed"]
"""How the end of a body is known whose length is not stated: by an empty chunk, or by that of the connection."""


def _without_length(framing: Framing) -> type[QuietHandler]:
    class WithoutLength(QuietHandler):
        """Serves files without their length, and no parts of them."""

        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            data = Path(self.translate_path(self.path)).read_bytes()
            self.close_connection = True
            self.send_response(200)
            self.send_header("Content-Type", self.guess_type(self.path))
            if framing == "chunked":
                self.send_header("Transfer-Encoding", "chunked")
                data = b"%x\r\n%b\r\n0\r\n\r\n" % (len(data), data)
            self.end_headers()
            with suppress(OSError):  # it has left
                self.wfile.write(data)

    return WithoutLength


@contextmanager
def web_server_without_lengths(folder: Path, framing: Framing) -> Iterator[str]:
    """HOST:PORT of a server of `folder` that states no length of a file."""
    with _served(partial(_without_length(framing), directory=folder)) as host_and_port:
        yield host_and_port


@contextmanager
def web_server(folder: Path) -> Iterator[str]:
    """HOST:PORT of a server of `folder`."""
    with _served(partial(QuietHandler, directory=folder)) as host_and_port:
        yield host_and_port


@contextmanager
def _served(handler: Callable[..., SimpleHTTPRequestHandler]) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        serve_in_thread(server)
        try:
            yield f"127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
