"""A web server whose live streams have the faults that a test chooses, while they run."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal

import numpy as np

from tests.support.signals import noise
from tests.support.sound import tones
from tests.support.web import serve_in_thread

SEGMENT_S = 0.25
SLOW_PIECE_S = 2 * SEGMENT_S
_ENDLESS = 0x7FFFFFFF

Fault = Literal[
    "", "mute", "hangs", "slow", "html", "mislabeled", "redirects", "missing", "denied", "ends", "garbage", "stuck"
]
"""What is wrong with a stream: nothing; it accepts and never answers; it sends a second of audio and nothing more; it
sends at half the speed; it sends a web page as audio; it sends audio as a web page; it redirects to itself; 404; 401;
it ends; it sends no audio; it repeats 10 ms of noise."""


@dataclass
class FaultyStream:
    """A live stream. `fault` and the format may be changed at any time; a format holds for new listeners."""

    fault: Fault = ""
    channels: int = 1
    rate_hz: int = 44100
    mp3: bytes = b""
    """Frames that are sent again and again instead of WAV."""
    listeners: int = 0
    """How many there have been."""
    slow_pieces: int = 0
    """How many pieces it has sent slowly, each in SLOW_PIECE_S."""

    def header(self) -> bytes:
        if self.mp3:
            return b""
        frame_bytes = 2 * self.channels
        sizes = (self.rate_hz.to_bytes(4, "little"), (frame_bytes * self.rate_hz).to_bytes(4, "little"))
        layout = b"\1\0" + self.channels.to_bytes(2, "little") + b"".join(sizes)
        layout += frame_bytes.to_bytes(2, "little") + b"\x10\0"
        size = _ENDLESS.to_bytes(4, "little")
        return b"RIFF" + size + b"WAVEfmt " + (16).to_bytes(4, "little") + layout + b"data" + size

    def piece(self) -> bytes:
        """The next SEGMENT_S seconds."""
        if self.fault == "garbage":
            return np.random.default_rng(0).bytes(4000)
        if self.mp3:
            return self.mp3
        if self.fault == "stuck":
            samples = np.resize(noise(frames=self.rate_hz // 100), (round(SEGMENT_S * self.rate_hz), self.channels))
            return np.asarray(samples * 32768, "<i2").tobytes()
        samples = tones(self.channels, seconds=SEGMENT_S, rate_hz=self.rate_hz)
        return np.asarray(samples * 32768, "<i2").tobytes()


@dataclass
class FaultyServer:
    """The streams of a server, by name; `url` is the address of one. `stop` closes its port, `start` opens it again."""

    streams: dict[str, FaultyStream] = field(default_factory=dict)
    port: int = 0
    _ended: threading.Event = field(default_factory=threading.Event)
    _server: ThreadingHTTPServer | None = None

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.port}/{name}"

    def start(self) -> None:
        self._ended = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), _handler(self.streams, self._ended))
        self._server.daemon_threads, self.port = True, self._server.server_port
        serve_in_thread(self._server)

    def stop(self) -> None:
        self._ended.set()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None


def _handler(streams: dict[str, FaultyStream], ended: threading.Event) -> type[BaseHTTPRequestHandler]:
    class Listener(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            stream = streams[self.path.strip("/")]
            stream.listeners += 1
            with suppress(OSError):  # it has left
                self._answer(stream)

        def _answer(self, stream: FaultyStream) -> None:
            match stream.fault:
                case "mute":
                    ended.wait()
                case "redirects":
                    self._head(302, Location=self.path)
                case "missing":
                    self.send_error(404)
                case "denied":
                    self.send_error(401)
                case "html":
                    self._head(200, **{"Content-Type": "audio/mpeg"})
                    self.wfile.write(b"<html><body>Sorry, we are off the air.</body></html>" * 100)
                case _:
                    kind = "audio/mpeg" if stream.mp3 else "audio/wav"
                    self._head(200, **{"Content-Type": "text/html" if stream.fault == "mislabeled" else kind})
                    self._stream(stream)

        def _head(self, status: int, **headers: str) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()

        def _stream(self, stream: FaultyStream) -> None:
            self.wfile.write(stream.header() + stream.piece() * 4)
            while not ended.wait(SEGMENT_S - time.monotonic() % SEGMENT_S):
                if stream.fault == "ends":
                    return
                if stream.fault == "slow":
                    ended.wait(SEGMENT_S)
                    stream.slow_pieces += 1
                if stream.fault != "hangs":
                    self.wfile.write(stream.piece())

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Listener


@contextmanager
def faulty_server(**streams: FaultyStream) -> Iterator[FaultyServer]:
    """A server with `streams`."""
    server = FaultyServer(streams)
    server.start()
    try:
        yield server
    finally:
        server.stop()
