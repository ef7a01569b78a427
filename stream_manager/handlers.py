"""Handles the requests of clients on the events `sys` and `audio`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from stream_manager.live.streams import LiveStreams
from stream_manager.sources import Sources
from tidzam.config import SourceSettings
from tidzam.protocol.live_streams import AddLiveStream, DeleteLiveStream, parse_audio
from tidzam.protocol.stream_manager import (
    ListSources,
    ListTransitions,
    LoadSource,
    ReleaseSource,
    SourceList,
    SwitchRecording,
    UnloadSource,
    parse_request,
)


class RequestHandler:
    """Handles requests about `sources` and `live` streams. `has_token` returns whether a client presented the token."""

    def __init__(self, sources: Sources, live: LiveStreams, has_token: Callable[[str], bool]) -> None:
        self._sources, self._live, self._has_token = sources, live, has_token

    async def sys(self, sid: str, data: Any) -> dict[str, Any]:
        """The response to a request. Raises TidzamError if it cannot be carried out."""
        match parse_request(data):
            case LoadSource() as wanted:
                source = await self._sources.load(source_settings(wanted), sid, trusted=self._has_token(sid))
                response: dict[str, Any] = {"loadsource": source.status().model_dump(mode="json")}
            case UnloadSource(name=name):
                await self._sources.unload(name)
                response = {"unloadsource": {"name": name}}
            case ReleaseSource(name=name):
                await self._sources.release(name)
                response = {"loadsource": {"name": name}}
            case SwitchRecording(name=name, on=on):
                await self._sources.switch_recording(name, on=on)
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
        return {"sys": response}

    async def audio(self, sid: str, data: Any) -> None:
        """A packet of a live stream. Raises TidzamError if it cannot be played."""
        self._live.receive(sid, parse_audio(data))

    async def disconnected(self, sid: str) -> None:
        self._live.leave(sid)
        await self._sources.leave(sid)


def source_settings(wanted: LoadSource) -> SourceSettings:
    """The settings of the source that a client requests."""
    return SourceSettings(
        name=wanted.name,
        url=wanted.url,
        channels=wanted.channels,
        is_permanent=wanted.is_permanent,
        loop=wanted.loop,
        format=wanted.format,
    )
