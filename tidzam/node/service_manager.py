"""Reports to systemd what a service is doing: the protocol of `sd_notify(3)`, a datagram to a socket that it names."""

from __future__ import annotations

import os
import socket
from collections.abc import MutableMapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

SOCKET_ENV = "NOTIFY_SOCKET"
WATCHDOG_ENV = "WATCHDOG_USEC"
WATCHDOG_PID_ENV = "WATCHDOG_PID"


@dataclass(frozen=True)
class ServiceManager:
    """The service manager that started this process; `address` is None if there is none, and nothing is sent.

    `watchdog_s` is within how many seconds it expects a sign of life, None if it expects none.
    """

    address: str | None
    watchdog_s: float | None

    @classmethod
    def take(cls, env: MutableMapping[str, str]) -> Self:
        """The one that `env` names; it is removed there, so that child processes do not speak for the service."""
        address, limit_us = env.pop(SOCKET_ENV, ""), env.pop(WATCHDOG_ENV, "")
        is_for_another = env.pop(WATCHDOG_PID_ENV, str(os.getpid())) != str(os.getpid())
        watchdog_s = int(limit_us) / 1e6 if limit_us.isdigit() and not is_for_another else None
        return cls(address or None, watchdog_s)

    def export(self, env: MutableMapping[str, str]) -> None:
        """The inverse of `take`, for a program that takes the place of this one."""
        if self.address is not None:
            env[SOCKET_ENV] = self.address
        if self.watchdog_s is not None:
            env[WATCHDOG_ENV] = f"{self.watchdog_s * 1e6:.0f}"

    def ready(self, status: str) -> None:
        """The service works."""
        self._send(f"READY=1\nSTATUS={status}")

    def alive(self, status: str) -> None:
        """The service still works: a sign of life."""
        self._send(f"WATCHDOG=1\nSTATUS={status}")

    def faulty(self, status: str) -> None:
        """The service does not work, which is no sign of life."""
        self._send(f"STATUS={status}")

    def stopping(self) -> None:
        """The service is about to end."""
        self._send("STOPPING=1")

    def _send(self, message: str) -> None:
        if self.address is None:
            return
        name = f"\0{self.address[1:]}" if self.address.startswith("@") else self.address
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:  # systemd is restarting
            channel.sendto(message.encode(), name)
