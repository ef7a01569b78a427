"""Requests to the servers of a running node, over socket.io."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tidzam.config import Settings
from tidzam.errors import NodeError
from tidzam.node.home import Home
from tidzam.node.status import node_urls
from tidzam.server.sys_requests import request_sys_at
from tidzam.tokens import find_token


def request_sys(
    place: Home, settings: Settings, server: str, command: Mapping[str, Any], *, timeout_s: float
) -> Mapping[str, Any]:
    """The response of a server (`stream_manager` or `analyzer`) of a node to a `sys` request.

    Raises the errors of `request_sys_at`, and NodeError if the node has no such server.
    """
    if settings.edge.enabled:
        raise NodeError(
            f"An edge node has no {server.replace('_', ' ')}.",
            hint="Change its profile and use `tidzam restart`; `tidzam status` shows its sources and detections.",
            code="edge_node",
        )
    return request_sys_at(node_urls(settings)[server], find_token(place.root), server, command, timeout_s=timeout_s)
