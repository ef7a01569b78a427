"""The requests that change the classifiers of a running analyzer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from analyzer.classifiers.loading import CascadeChoice
from analyzer.classifiers.reload import ClassifierReloader
from analyzer.sinks.socketio import ClassifierCommand
from tidzam.errors import RequestError, UnauthorizedError
from tidzam.protocol.classifiers import PROMOTE, RELOAD, SHADOW, ReloadAnswer
from tidzam.protocol.messages import Message
from tidzam.protocol.shadow import ShadowStatus, StartShadow


class ClassifierRequests:
    """Answers them. `has_token` says whether a client has presented the node's token: only then may it name folders."""

    def __init__(self, reloader: ClassifierReloader, has_token: Callable[[str], bool]) -> None:
        self._reloader, self._has_token = reloader, has_token

    @property
    def commands(self) -> Mapping[str, ClassifierCommand]:
        """The commands, by their names on the wire."""
        return {RELOAD: self._reload, SHADOW: self._shadow, PROMOTE: self._promote}

    async def _reload(self, sid: str, content: Message) -> ReloadAnswer:
        return await self._reloader.reload()

    async def _promote(self, sid: str, content: Message) -> ReloadAnswer:
        return await self._reloader.promote()

    async def _shadow(self, sid: str, content: Message) -> ShadowStatus:
        assert isinstance(content, StartShadow)
        if content.stop == bool(content.nn or content.models):
            raise RequestError("Specify nn or models of a shadow to start, or stop alone.")
        if content.stop:
            await self._reloader.stop_shadow()
            return ShadowStatus(state="off")
        if content.nn is not None and not self._has_token(sid):
            raise UnauthorizedError
        nn = None if content.nn is None else Path(content.nn)
        return await self._reloader.start_shadow(CascadeChoice(nn, content.models))
