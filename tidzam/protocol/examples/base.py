"""What an example consists of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tidzam.protocol.messages import Message


@dataclass(frozen=True)
class RequestExample:
    """A request on `event`, and its acknowledgement. `message` is the content's type, None for one without content."""

    title: str
    event: str
    message: type[Message] | None
    request: Any
    acknowledgement: dict[str, Any]
    note: str = ""


@dataclass(frozen=True)
class EventExample:
    """An event that a server sends."""

    title: str
    event: str
    message: type[Message]
    data: Any
    note: str = ""
