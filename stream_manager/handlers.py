"""Handles the requests of clients on the events `sys` and `audio`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from stream_manager.live.streams import LiveStreams
from stream_manager.recordings.databases import RecordingDatabases
from stream_manager.source_probe import SourceProbes
from stream_manager.sources import Sources
from tidzam.accounts.audit import AuditAction
from tidzam.accounts.client_audit import ClientAudit
from tidzam.config import SourceSettings
from tidzam.protocol.live_streams import AddLiveStream, DeleteLiveStream, parse_audio
from tidzam.protocol.recordings import ListDatabases
from tidzam.protocol.source_requests import (
    ListSources,
    ListTransitions,
    LoadSource,
    ProbeSource,
    ReleaseSource,
    SwitchRecording,
    UnloadSource,
)
from tidzam.protocol.source_status import SourceList
from tidzam.protocol.stream_manager import parse_request
from tidzam.scrub import scrub_address
from tidzam.server.access import Client


class RequestHandler:
    """Handles requests about `sources`, `live` streams and `databases`; `probes` look at addresses.

    `client` returns who is connected under an id; `audit` takes what clients change.
    """

    def __init__(
        self,
        sources: Sources,
        live: LiveStreams,
        databases: RecordingDatabases,
        probes: SourceProbes,
        client: Callable[[str], Client],
        audit: ClientAudit,
    ) -> None:
        self._sources, self._live, self._databases, self._probes = sources, live, databases, probes
        self._client, self._audit = client, audit

    async def sys(self, sid: str, data: Any) -> dict[str, Any]:
        """The response to a request. Raises TidzamError if it cannot be carried out."""
        client = self._client(sid)  # it may leave before the request is carried out
        match parse_request(data):
            case LoadSource() as wanted:
                settings = source_settings(wanted, now=datetime.now(UTC))
                action = AuditAction.SOURCE_CHANGED if wanted.name in self._sources else AuditAction.SOURCE_ADDED
                source = await self._sources.load(settings, sid, trusted=client.has_token)
                kept = "yes" if wanted.is_permanent else "no"
                self._audit.record(client, action, wanted.name, url=scrub_address(wanted.url or ""), permanent=kept)
                response: dict[str, Any] = {"loadsource": source.status().model_dump(mode="json")}
            case ProbeSource() as wanted:
                found = await self._probes.probe(wanted, trusted=client.has_token)
                response = {"probesource": found.model_dump(mode="json")}
            case UnloadSource(name=name):
                await self._sources.unload(name)
                self._audit.record(client, AuditAction.SOURCE_REMOVED, name)
                response = {"unloadsource": {"name": name}}
            case ReleaseSource(name=name):
                await self._sources.release(name)
                self._audit.record(client, AuditAction.SOURCE_RELOADED, name)
                response = {"loadsource": {"name": name}}
            case SwitchRecording(name=name, on=on):
                await self._sources.switch_recording(name, on=on)
                self._audit.record(client, AuditAction.RECORDING_SWITCHED, name, recording="on" if on else "off")
                response = {"record": {"name": name, "on": on}}
            case ListSources():
                response = SourceList(sources=self._sources.statuses()).model_dump(mode="json")
            case AddLiveStream():
                response = (await self._live.add(sid)).model_dump(mode="json")
            case DeleteLiveStream():
                self._live.remove(sid)
                response = {"del_livestream": ""}
            case ListTransitions(name=name):
                response = {"transitions": self._sources.transitions(name).model_dump(mode="json")}
            case ListDatabases(name=name):
                response = (await self._databases.answer(name)).model_dump(mode="json")
        return {"sys": response}

    async def audio(self, sid: str, data: Any) -> None:
        """A packet of a live stream. Raises TidzamError if it cannot be played."""
        self._live.receive(sid, parse_audio(data))

    async def disconnected(self, sid: str) -> None:
        self._live.leave(sid)
        await self._sources.leave(sid)


def source_settings(wanted: LoadSource, *, now: datetime) -> SourceSettings:
    """The settings of the source that a client requests. With a date in the future, it plays its live address."""
    is_replay = wanted.date is not None and wanted.date <= now
    database = (wanted.database or wanted.name) if is_replay or wanted.url is None else None
    return SourceSettings(
        name=wanted.name,
        url=wanted.url,
        database=database,
        date=wanted.date if is_replay else None,
        channels=wanted.channels,
        is_permanent=wanted.is_permanent,
        loop=wanted.loop,
        format=wanted.format,
    )
