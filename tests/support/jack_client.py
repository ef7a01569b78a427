"""Clients of a JACK server, for processes of a test. It imports little, since each of these processes does."""

from __future__ import annotations

import time
from typing import Any

import jack

OPEN_TIMEOUT_S = 10.0


def open_client(name: str, **options: Any) -> jack.Client:
    """A JACK client. While its graph changes a server may refuse a client temporarily: it is tried again."""
    deadline = time.monotonic() + OPEN_TIMEOUT_S
    while True:
        try:
            return jack.Client(name, no_start_server=True, **options)
        except jack.JackOpenError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


jack.set_error_function(lambda message: None)
jack.set_info_function(lambda message: None)
