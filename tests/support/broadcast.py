"""A live stream over HTTP whose content a test changes while it runs."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np

from tests.support.sound import tones
from tests.support.web import serve_in_thread
from tidzam.types import Float32

RATE_HZ = 44100
SEGMENT_S = 0.25
_ENDLESS = 0x7FFFFFFF
NOISE_FLOOR = 1 / 32768
"""One step of 16 bits: the noise floor of the quietest microphone."""


class Broadcast:
    """`content` is what is sent now: "tone", "zeros", "floor" (the least noise there is) or "garbage" (no frames)."""

    def __init__(self, port: int, mp3: bytes | None) -> None:
        self.url = f"http://127.0.0.1:{port}/live"
        self.content = "tone"
        self.mp3 = mp3

    def beginning(self) -> bytes:
        """The bytes that a listener receives first."""
        if self.mp3 is not None:
            return self.mp3
        size = _ENDLESS.to_bytes(4, "little")
        rate = RATE_HZ.to_bytes(4, "little") + (2 * RATE_HZ).to_bytes(4, "little")
        header = b"RIFF" + size + b"WAVEfmt " + (16).to_bytes(4, "little") + b"\1\0\1\0" + rate + b"\2\0\x10\0"
        return header + b"data" + size + self.piece() * 4

    def piece(self) -> bytes:
        """The next SEGMENT_S seconds."""
        frames = round(SEGMENT_S * RATE_HZ)
        noise = np.random.default_rng(0)
        samples: Float32
        match self.content:
            case "garbage":
                return noise.bytes(4000)
            case "zeros":
                samples = np.zeros(frames, np.float32)
            case "floor":
                samples = (NOISE_FLOOR * noise.integers(-1, 2, frames)).astype(np.float32)
            case _:
                samples = tones(1, seconds=SEGMENT_S)[:, 0]
        return np.asarray(samples * 32768, "<i2").tobytes()


@contextmanager
def broadcast(mp3: bytes | None = None) -> Iterator[Broadcast]:
    """A live WAV stream; with `mp3`, one that begins with that audio and continues with garbage."""

    class Listener(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "audio/mpeg" if mp3 else "audio/wav")
            self.end_headers()
            try:
                self.wfile.write(live.beginning())
                while not ended.wait(SEGMENT_S - time.monotonic() % SEGMENT_S):
                    self.wfile.write(live.piece())
            except OSError:  # it has left
                pass

        def log_message(self, format: str, *args: object) -> None:
            pass

    ended = threading.Event()
    with ThreadingHTTPServer(("127.0.0.1", 0), Listener) as server:
        server.daemon_threads = True
        live = Broadcast(server.server_port, mp3)
        live.content = "garbage" if mp3 else "tone"
        serve_in_thread(server)
        try:
            yield live
        finally:
            ended.set()
            server.shutdown()
