"""Changes of sources: each is tested, asked of the stream manager, and entered in the audit log."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from console.accounts.visitor import Visitor
from console.services.models import ConsoleModel
from console.services.node_monitor import NodeMonitor
from console.services.sources.views import ManagedSource, SourceKind, SourceOverview, managed_source, source_overview
from console.services.stream_manager_link import StreamManagerLink
from tidzam.accounts.audit import AuditAction, record
from tidzam.config import SourceSettings
from tidzam.errors import RequestError
from tidzam.protocol.messages import parse
from tidzam.protocol.source_requests import ProbeSource, WireChannels, require_probeable
from tidzam.protocol.source_status import SourceProbe, SourceStatus, TransitionList
from tidzam.scrub import scrub_address
from tidzam.store.database import Store

Address = Annotated[
    str, Field(min_length=1, max_length=2048, description="http, https, rtsp or icecast address, or a media file")
]


class SourceTest(ConsoleModel):
    """An address to be tested."""

    url: Address
    channels: WireChannels | None = Field(None, description="Numbers of the channels to load; null for all")
    format: Literal["ogg", "copy"] = Field("ogg", description="`copy` passes the stream on as it is, not analyzed")


class SourceChange(SourceTest):
    """What a source is to play. It is tested first."""

    loop: bool = Field(False, description="Repeat a file")
    skip_test: bool = Field(False, description="Load it although it cannot be played now; it is tried again")


class NewSource(SourceChange):
    """A source to add."""

    name: Annotated[str, Field(min_length=1, max_length=59, description="1 to 59 letters, digits and `_ . -`")]


@dataclass(frozen=True, kw_only=True)
class SourceManager:
    """Changes sources of the node, whose `profile` has some of them."""

    link: StreamManagerLink
    monitor: NodeMonitor
    store: Store
    profile: Sequence[SourceSettings]
    now: Callable[[], datetime]

    @property
    def overview(self) -> SourceOverview:
        """All sources, as they were at most a few seconds ago."""
        return source_overview(self.monitor.manager_health, self.profile)

    def find(self, name: str) -> ManagedSource:
        """A source. Raises RequestError (`source_unknown`)."""
        found = next((one for one in self.overview.sources if one.name == name), None)
        if found is None:
            raise RequestError(f"There is no source {name}.", code="source_unknown", field="name")
        return found

    async def transitions(self, name: str) -> TransitionList:
        """Its last transitions. Raises RequestError."""
        answer = await self.link.ask(transitions={"name": name})
        return parse(TransitionList, answer["transitions"])

    async def test(self, wanted: SourceTest) -> SourceProbe:
        """What is at an address. Raises RequestError with the reason why it cannot be played."""
        request = ProbeSource(url=wanted.url, channels=wanted.channels, format=wanted.format)
        answer = await self.link.ask(probesource=require_probeable(request).model_dump(mode="json"))
        return parse(SourceProbe, answer["probesource"])

    async def add(self, visitor: Visitor, new: NewSource) -> ManagedSource:
        """Add a source, which remains after a restart. Raises RequestError, also if there is one of this name."""
        await self.monitor.refresh()
        if any(one.name == new.name for one in self.overview.sources):
            hint = "Choose another name, or change that source."
            raise RequestError(f"There is a source {new.name} already.", hint=hint, code="source_exists", field="name")
        return await self._load(visitor, AuditAction.SOURCE_ADDED, new.name, new)

    async def change(self, visitor: Visitor, name: str, change: SourceChange) -> ManagedSource:
        """Load a source with other settings, also after a restart. One of the profile is replaced until this one is
        removed. Raises RequestError."""
        _require_own(self.find(name))
        return await self._load(visitor, AuditAction.SOURCE_CHANGED, name, change)

    async def remove(self, visitor: Visitor, name: str) -> None:
        """Unload a source, and forget it if it was added; one of the profile returns when the node restarts.

        Raises RequestError.
        """
        kind = _require_own(self.find(name)).kind
        await self.link.ask(unloadsource={"name": name})
        await self._done(visitor, AuditAction.SOURCE_REMOVED, name, kind=kind.value)

    async def reload(self, visitor: Visitor, name: str) -> None:
        """Load a source of the profile again as the profile has it. Raises RequestError."""
        if all(one.name != name for one in self.profile):
            hint = "Change it to load it again."
            raise RequestError(f"The profile has no source {name}.", hint=hint, code="source_unknown", field="name")
        await self.link.ask(loadsource={"name": name})
        await self._done(visitor, AuditAction.SOURCE_RELOADED, name)

    async def switch_recording(self, visitor: Visitor, name: str, *, on: bool) -> None:
        """Record a source from now on, or no longer. Raises RequestError (`not_recordable`)."""
        await self.link.ask(record={"name": name, "on": on})
        await self._done(visitor, AuditAction.RECORDING_SWITCHED, name, recording="on" if on else "off")

    async def _load(self, visitor: Visitor, action: AuditAction, name: str, wanted: SourceChange) -> ManagedSource:
        if not wanted.skip_test:
            await self.test(wanted)
        fields = wanted.model_dump(mode="json", exclude={"skip_test", "name"})
        answer = await self.link.ask(loadsource={**fields, "name": name, "is_permanent": True})
        status = parse(SourceStatus, answer["loadsource"])
        detail = {"url": scrub_address(wanted.url), "format": wanted.format}
        if wanted.channels is not None:
            detail["channels"] = ",".join(wanted.channels)
        await self._done(visitor, action, name, **detail)
        return managed_source(status)

    async def _done(self, visitor: Visitor, action: AuditAction, name: str, **detail: str) -> None:
        """Enter a change in the audit log, and look at the sources again."""
        await asyncio.to_thread(self._record, visitor, action, name, detail)
        await self.monitor.refresh()

    def _record(self, visitor: Visitor, action: AuditAction, name: str, detail: dict[str, str]) -> None:
        with self.store.write() as session:
            record(session, visitor.actor, action, name, now=self.now(), **detail)


def _require_own(source: ManagedSource) -> ManagedSource:
    """Raises RequestError for the source of live streams, which belong to their clients."""
    if source.kind is SourceKind.LIVE:
        message = "Live streams are ended by the clients that send them."
        raise RequestError(message, code="request", field="name")
    return source
