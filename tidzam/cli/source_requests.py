"""The requests to the stream manager that `tidzam sources` sends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tidzam.config import Settings
from tidzam.node.home import Home
from tidzam.node.sys_requests import request_sys

TIMEOUT_S = 40.0
"""The stream manager answers after 25 s at the latest, when a source neither plays nor fails."""


def request_sources(place: Home, settings: Settings, **command: Any) -> Mapping[str, Any]:
    """The response to a `sys` request, such as `unloadsource={"name": "pond"}`.

    Raises RequestError with the reason of a refusal, and NodeError if the stream manager does not answer.
    """
    return request_sys(place, settings, "stream_manager", command, timeout_s=TIMEOUT_S)
