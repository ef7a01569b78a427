"""The requests that change the classifiers of a running analyzer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from analyzer.classifiers.reload import ClassifierReloader
from analyzer.sinks.socketio import ClassifierCommand
from tidzam.bundle.choice import CascadeChoice
from tidzam.bundle.versions import model_name
from tidzam.errors import RequestError, UnauthorizedError
from tidzam.protocol.classifiers import PROMOTE, RELOAD, ROLLBACK, SHADOW, ReloadAnswer
from tidzam.protocol.messages import Message
from tidzam.protocol.shadow import (
    OtherClassifiers,
    PromoteClassifiers,
    RollBackClassifiers,
    ShadowStatus,
    StartShadow,
)


class ClassifierRequests:
    """Answers them. `has_token` says whether a client has presented the node's token: only then may it name folders."""

    def __init__(self, reloader: ClassifierReloader, has_token: Callable[[str], bool]) -> None:
        self._reloader, self._has_token = reloader, has_token

    @property
    def commands(self) -> Mapping[str, ClassifierCommand]:
        """The commands, by their names on the wire."""
        return {RELOAD: self._reload, SHADOW: self._shadow, PROMOTE: self._promote, ROLLBACK: self._roll_back}

    async def _reload(self, sid: str, content: Message) -> ReloadAnswer:
        return await self._reloader.reload()

    async def _promote(self, sid: str, content: Message) -> ReloadAnswer:
        assert isinstance(content, PromoteClassifiers)
        return await self._reloader.promote((lambda: self._choice(sid, content)) if content.model_fields_set else None)

    async def _roll_back(self, sid: str, content: Message) -> ReloadAnswer:
        assert isinstance(content, RollBackClassifiers)
        return await self._reloader.roll_back(content.promotions)

    async def _shadow(self, sid: str, content: Message) -> ShadowStatus:
        assert isinstance(content, StartShadow)
        if content.stop:
            if content.model_fields_set != {"stop"}:
                raise _unclear()
            await self._reloader.stop_shadow()
            return ShadowStatus(state="off")
        return await self._reloader.start_shadow(lambda: self._choice(sid, content))

    def _choice(self, sid: str, content: OtherClassifiers) -> CascadeChoice:
        changes = bool(content.add or content.remove)
        if bool(content.nn or content.models) == changes:
            raise _unclear()
        if content.nn is not None and not self._has_token(sid):
            raise UnauthorizedError
        return self._changed(content) if changes else _named(content)

    def _changed(self, content: OtherClassifiers) -> CascadeChoice:
        """The live cascade with some models, and without others."""
        live = self._reloader.live_choice
        running = [model_name(name) for name in live.models]
        if foreign := [name for name in content.remove if name not in running]:
            raise RequestError(
                f"{foreign[0]!r} is no installed model that runs live.",
                hint=f"Those are: {', '.join(running) or 'none'}. Others are part of a folder of bundles.",
                code="model_not_live",
                field="remove",
            )
        choice = live.changed(add=content.add, remove=content.remove)
        if choice.nn is None and not choice.models:
            raise RequestError(
                "No classifier would remain.", hint="Try others in place of the live ones.", code="bundle_cascade"
            )
        return choice


def _named(content: OtherClassifiers) -> CascadeChoice:
    return CascadeChoice(None if content.nn is None else Path(content.nn), content.models)


def _unclear() -> RequestError:
    return RequestError(
        "Specify nn or models of other classifiers, or what to add to the live classifiers and to remove from them; or "
        "stop alone, to end a shadow."
    )
