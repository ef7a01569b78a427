"""Messages of JACK helper processes to their parent: one JSON object per line on standard output.

libjack may hang, or abort the process, when its server dies. Programs therefore leave it to helper processes that can
be replaced at any time. A helper's messages are frozen dataclasses of numbers, strings and tuples of them; each program
defines its own.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any, Generic, TypeVar, cast

M = TypeVar("M")


class HelperMessages(Generic[M]):
    """The messages that one kind of helper sends; their names are those of their classes, in lower case.

    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Ready:
    ...     rate_hz: int
    >>> messages = HelperMessages[Ready](Ready)
    >>> messages.encode(Ready(48000))
    '{"event":"ready","rate_hz":48000}'
    """

    def __init__(self, *types: type[M]) -> None:
        self._types = {one.__name__.lower(): one for one in types}

    def encode(self, message: M) -> str:
        """`message` as one line, without its end."""
        return json.dumps(
            {"event": type(message).__name__.lower(), **asdict(cast(Any, message))}, separators=(",", ":")
        )

    def decode(self, line: str | bytes) -> M:
        """The inverse of `encode`. Raises ValueError, KeyError or TypeError for anything else."""
        fields = json.loads(line)
        if not isinstance(fields, dict):
            raise ValueError("a message must be a JSON object")
        message_type = self._types[fields.pop("event")]
        return message_type(**{name: tuple(v) if isinstance(v, list) else v for name, v in fields.items()})


@contextmanager
def reporting(send: Callable[[], None], *, every_s: float) -> Iterator[None]:
    """Call `send` in a thread while the context is open: at once, then every `every_s` seconds, and last at its end.

    No two calls overlap, so that each may write a line to a pipe that has no other writer.
    """
    ended = threading.Event()

    def report() -> None:
        send()
        while not ended.wait(every_s):
            send()
        send()

    thread = threading.Thread(target=report, name="reports", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
