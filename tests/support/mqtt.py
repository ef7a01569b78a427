"""A real MQTT broker for a test: mosquitto, with a password and TLS if wanted, and a listener to its messages."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import aiomqtt

from tests.support.eventually import eventually
from tests.support.ports import free_port

USER, PASSWORD = "tidzam", "p@ss:w0rd/long"
PROGRAM = shutil.which("mosquitto", path=os.environ["PATH"] + ":/usr/sbin") or "mosquitto"


@dataclass(frozen=True)
class Broker:
    """A broker. `ca_file` is the certificate that it shows, if it uses TLS; `pid` is its process."""

    port: int
    ca_file: Path | None = None
    has_password: bool = False
    pid: int = 0

    def client(self) -> aiomqtt.Client:
        """A client that may log in."""
        tls = ssl.create_default_context(cafile=self.ca_file) if self.ca_file else None
        user, password = (USER, PASSWORD) if self.has_password else (None, None)
        return aiomqtt.Client("localhost", self.port, username=user, password=password, tls_context=tls)


@contextmanager
def mqtt_broker(folder: Path, *, password: bool = False, tls: bool = False, port: int = 0) -> Iterator[Broker]:
    """A broker on the loopback while the context is open. Its files are in `folder`."""
    broker = Broker(port or free_port(), folder / "broker.pem" if tls else None, password)
    lines = [f"listener {broker.port} 127.0.0.1", f"allow_anonymous {str(not password).lower()}", "user root"]
    if password:
        logins = folder / "logins"
        subprocess.run(["mosquitto_passwd", "-b", "-c", logins, USER, PASSWORD], check=True, capture_output=True)
        lines.append(f"password_file {logins}")
    if broker.ca_file is not None:
        key = folder / "broker.key"
        _certify(broker.ca_file, key)
        lines += [f"certfile {broker.ca_file}", f"keyfile {key}"]
    config = folder / "mosquitto.conf"
    config.write_text("\n".join(lines))
    argv = ["setpriv", "--pdeathsig=KILL", "--", PROGRAM, "-c", str(config)]
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        eventually(lambda: _listens(broker.port), what="mosquitto")
        yield replace(broker, pid=process.pid)
    finally:
        process.kill()
        process.wait()


def _certify(certificate: Path, key: Path) -> None:
    """A certificate for localhost that is its own authority."""
    if not certificate.exists():
        argv = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
        names = ["-addext", "subjectAltName=DNS:localhost"]
        subprocess.run([*argv, *names, "-keyout", key, "-out", certificate], check=True, capture_output=True)


def _listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


@asynccontextmanager
async def listening(broker: Broker, topics: str = "#") -> AsyncIterator[list[tuple[str, str, bool]]]:
    """The messages of a broker as they arrive: topic, payload, and whether it had been retained."""
    heard: list[tuple[str, str, bool]] = []
    async with broker.client() as client:
        await client.subscribe(topics)

        async def listen() -> None:
            async for message in client.messages:
                assert isinstance(message.payload, bytes)
                heard.append((str(message.topic), message.payload.decode(), message.retain))

        task = asyncio.create_task(listen())
        try:
            yield heard
        finally:
            task.cancel()
            await asyncio.wait([task])
