"""Requests to the stream manager and the analyzer as one of their clients, over socket.io."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from tidzam.errors import NodeError, RequestError


def request_sys_at(
    url: str, token: str | None, server: str, command: Mapping[str, Any], *, timeout_s: float
) -> Mapping[str, Any]:
    """The response of the server at `url` to a `sys` request. It blocks, and needs a thread without an event loop.

    Raises RequestError with the reason of a refusal, and NodeError if the server does not answer in time.
    """
    return asyncio.run(_request(url, token, server, command, timeout_s))


async def _request(
    url: str, token: str | None, server: str, command: Mapping[str, Any], timeout_s: float
) -> Mapping[str, Any]:
    import socketio  # slow to import

    client = socketio.AsyncClient(reconnection=False, handle_sigint=False)  # its handler would replace ours
    try:
        await client.connect(url, auth={"token": token, "keeps_audit": True} if token else None)
        answer: dict[str, Any] = await client.call("sys", {"sys": dict(command)}, timeout=timeout_s)
    except socketio.exceptions.SocketIOError as error:
        raise NodeError(
            f"The {server.replace('_', ' ')} at {url} does not answer: {error or 'no response'}.",
            hint="See `tidzam status`.",
        ) from None
    finally:
        await client.disconnect()
    if not answer["ok"]:
        refusal = answer["error"]
        raise RequestError(refusal["message"], code=refusal["code"], field=refusal["field"])
    return dict(answer["sys"])
