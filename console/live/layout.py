"""The sources and channels that the present is shown of. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from console.services.node_state import NodeView, SourceView
from tidzam.naming import channel_number, copied_mount_name, mount_name, source_of
from tidzam.protocol.signals import SignalState
from tidzam.protocol.source_status import SourceState


@dataclass(frozen=True)
class NowChannel:
    """A channel: `mount` is its name below `/api/v1/listen`, None if it cannot be heard. `is_analyzed` is None if that
    is not known. The port of a source that is only passed on, without JACK, is its name."""

    port: str
    name: str
    mount: str | None
    signal: SignalState
    is_analyzed: bool | None


@dataclass(frozen=True)
class NowSource:
    """A source and its channels; `state` is None for one that only the analyzer reports."""

    name: str
    state: SourceState | None
    problem: str | None
    channels: tuple[NowChannel, ...]


def now_sources(view: NodeView, heard: Iterable[str]) -> tuple[NowSource, ...]:
    """The sources that the stream manager reports, and those of further ports that are `heard`."""
    known = tuple(map(_source, view.sources))
    ports = {channel.port for source in known for channel in source.channels}
    further: dict[str, list[NowChannel]] = {}
    for port in sorted(set(heard) - ports):
        channel = NowChannel(port, port.partition(":out_")[2] or port, None, SignalState.UNKNOWN, is_analyzed=True)
        further.setdefault(source_of(port), []).append(channel)
    return known + tuple(NowSource(name, None, None, tuple(channels)) for name, channels in further.items())


def _source(source: SourceView) -> NowSource:
    channels = tuple(
        NowChannel(channel.port, channel.name, _mount(source, channel.port), channel.signal, channel.is_analyzed)
        for channel in source.channels
    )
    copied = copied_mount_name(source.name).removeprefix("/")
    if not channels and copied in source.mounts:
        channels = (NowChannel(source.name, "all", copied, SignalState.UNKNOWN, is_analyzed=False),)
    return NowSource(source.name, source.state, source.last_error, channels)


def _mount(source: SourceView, port: str) -> str | None:
    number = channel_number(port.partition(":")[2])
    mount = None if number is None else mount_name(source.name, number).removeprefix("/")
    return mount if mount in source.mounts else None
