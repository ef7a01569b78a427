"""The requests to the stream manager that `tidzam sources` sends."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from tidzam.config import Settings
from tidzam.errors import NodeError, RequestError
from tidzam.node.home import Home
from tidzam.node.status import node_urls
from tidzam.tokens import find_token

TIMEOUT_S = 40.0
"""The stream manager answers after 25 s at the latest, when a source neither plays nor fails."""


def request_sources(place: Home, settings: Settings, **command: Any) -> Mapping[str, Any]:
    """The response to a `sys` request, such as `unloadsource={"name": "pond"}`.

    Raises RequestError with the reason of a refusal, and NodeError if the stream manager does not answer.
    """
    return asyncio.run(_request(node_urls(settings)["stream_manager"], find_token(place.root), command))


async def _request(url: str, token: str | None, command: Mapping[str, Any]) -> Mapping[str, Any]:
    import socketio  # slow to import

    client = socketio.AsyncClient(reconnection=False)
    try:
        await client.connect(url, auth={"token": token} if token else None)
        answer: dict[str, Any] = await client.call("sys", {"sys": dict(command)}, timeout=TIMEOUT_S)
    except socketio.exceptions.SocketIOError as error:
        raise NodeError(
            f"The stream manager at {url} does not answer: {error or 'no response'}.", hint="See `tidzam status`."
        ) from None
    finally:
        await client.disconnect()
    if not answer["ok"]:
        refusal = answer["error"]
        raise RequestError(refusal["message"], code=refusal["code"], field=refusal["field"])
    return dict(answer["sys"])
