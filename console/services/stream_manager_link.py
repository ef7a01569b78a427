"""Requests to the stream manager, with the token of the node."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final

import socketio

from tidzam.errors import RequestError

CONNECT_TIMEOUT_S: Final = 5.0
ANSWER_TIMEOUT_S: Final = 40.0
"""The stream manager answers after 25 s at the latest, when a source neither plays nor fails."""
AT_ONCE: Final = 8
"""Requests that are under way at the same time; more wait."""


class StreamManagerLink:
    """Sends requests on the event `sys`, each over a connection of its own, so that nothing depends on one."""

    def __init__(self, url: str, *, token: str | None) -> None:
        self.url, self._token = url, token
        self._turns = asyncio.Semaphore(AT_ONCE)

    @property
    def credentials(self) -> dict[str, Any] | None:
        """What a connection presents. The console records changes in the audit log itself."""
        return {"token": self._token, "keeps_audit": True} if self._token else None

    async def ask(self, **command: Any) -> Mapping[str, Any]:
        """The answer to a request, such as `unloadsource={"name": "pond"}`.

        Raises RequestError with the reason of a refusal, and with the code `stream_manager_away`.
        """
        async with self._turns:
            client = socketio.AsyncClient(reconnection=False, handle_sigint=False)
            try:
                await client.connect(self.url, auth=self.credentials, wait_timeout=CONNECT_TIMEOUT_S)
                answer: Any = await client.call("sys", {"sys": command}, timeout=ANSWER_TIMEOUT_S)
            except (socketio.exceptions.SocketIOError, OSError, TimeoutError):
                raise manager_away() from None
            finally:
                await client.disconnect()
        return answer_of(answer)


def answer_of(answer: Any) -> Mapping[str, Any]:
    """The keys of a response. Raises RequestError if it is a refusal."""
    if not isinstance(answer, Mapping) or "ok" not in answer:
        raise manager_away()
    if answer["ok"] is not True:
        refusal = answer["error"]
        raise RequestError(refusal["message"], code=refusal["code"], field=refusal["field"])
    return dict(answer["sys"])


def manager_away() -> RequestError:
    """The error of whatever needs the stream manager while it does not answer."""
    hint = "See `tidzam status`, and try again when it runs."
    return RequestError("The stream manager does not answer.", hint=hint, code="stream_manager_away")
