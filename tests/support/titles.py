"""A station that sends its titles to Icecast as a chained Ogg stream: each title is a logical stream of its own."""

from __future__ import annotations

import base64
import itertools
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.icecast import PASSWORD, IcecastServer

TITLE_S = 2.0
PIECE_S = 0.25


def title(number: int, *, frequency_hz: int, channels: int = 1, rate_hz: int = 44100) -> bytes:
    """TITLE_S of a tone in Vorbis."""
    tone = f"sine=frequency={frequency_hz}:sample_rate={rate_hz}:duration={TITLE_S:g}"
    argv = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", tone, "-ac", str(channels), "-c:a", "libvorbis"]
    argv += ["-metadata", f"title=number {number}", "-serial_offset", str(number), "-f", "ogg", "-"]
    return subprocess.run(argv, stdout=subprocess.PIPE, check=True, timeout=20).stdout


def _split(content: bytes, count: int) -> Iterator[bytes]:
    for index in range(count):
        yield content[len(content) * index // count : len(content) * (index + 1) // count]


@contextmanager
def station(icecast: IcecastServer, mount: str, *, frequency_hz: int) -> Iterator[str]:
    """The address of a mount whose title changes every TITLE_S, without a pause, after a burst of three titles."""
    titles = [title(number, frequency_hz=frequency_hz) for number in range(1, 4)]
    pieces = [piece for content in titles for piece in _split(content, round(TITLE_S / PIECE_S))]
    login = base64.b64encode(f"source:{PASSWORD}".encode()).decode()
    head = f"PUT {mount} HTTP/1.0\r\nAuthorization: Basic {login}\r\nContent-Type: application/ogg\r\n\r\n"
    ended = threading.Event()
    with socket.create_connection((icecast.settings.host, icecast.settings.port)) as connection:

        def send() -> None:
            connection.sendall(b"".join(titles))
            for piece in itertools.cycle(pieces):
                if ended.wait(PIECE_S - time.monotonic() % PIECE_S):
                    return
                connection.sendall(piece)

        connection.sendall(head.encode())
        assert b" 200 " in connection.recv(1024)
        sender = threading.Thread(target=send, daemon=True)
        sender.start()
        try:
            yield f"{icecast.url}{mount}"
        finally:
            ended.set()
            sender.join()
