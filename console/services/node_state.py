"""The state of the node as the console shows it: its programs, sources and channels. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar

from pydantic import BaseModel, Field, ValidationError

from console.services.models import ConsoleModel
from tidzam.protocol.analyzer import AnalyzerHealth
from tidzam.protocol.signals import SignalState
from tidzam.protocol.source_status import SourceState, SourceStatus
from tidzam.protocol.stream_manager import StreamManagerHealth

_Detail = TypeVar("_Detail", bound=BaseModel)


class ProgramCondition(StrEnum):
    """Whether a program works; one that is `away` does not answer."""

    WELL = "well"
    FAULTY = "faulty"
    AWAY = "away"


class ProgramReport(ConsoleModel):
    """What a program reports about itself."""

    name: str = Field(description="Name of the program")
    title: str = Field(description="Its name for people")
    state: ProgramCondition = Field(description="Whether it works")
    reasons: tuple[str, ...] = Field(description="What is wrong, and what to do")


class ChannelView(ConsoleModel):
    """A channel of a source."""

    port: str = Field(description="JACK port")
    name: str = Field(description="Name in the profile, or number")
    signal: SignalState = Field(description="What its signal is like; `unknown` while it is examined")
    level_dbfs: float | None = Field(description="Level relative to a full-scale sine; null while it is unknown")
    is_analyzed: bool | None = Field(description="Whether the analyzer hears it; null if the analyzer is away")


class SourceView(ConsoleModel):
    """A source and its channels."""

    name: str = Field(description="Name of the source")
    state: SourceState = Field(description="What it does at present")
    is_well: bool = Field(description="It plays, is not silent because of a fault, and all its outputs work")
    url: str = Field(description="Its address or file, without credentials")
    started: datetime | None = Field(description="When it began to play, UTC")
    gap_s: float = Field(description="Seconds without valid audio since it was loaded")
    last_error: str | None = Field(description="Why it last failed, and what to do")
    channels: tuple[ChannelView, ...] = Field(description="Its channels")
    mounts: tuple[str, ...] = Field(description="Names below `/api/v1/listen` at which they are heard")


class NodeView(ConsoleModel):
    """The node at one time. Sources are those that the stream manager reports; none if it is away."""

    name: str = Field(description="Name of the node")
    time: datetime = Field(description="When this was found out, UTC")
    is_well: bool = Field(description="Whether all programs work")
    programs: tuple[ProgramReport, ...] = Field(description="The programs on which the console depends")
    sources: tuple[SourceView, ...] = Field(description="The sources")
    classifiers: tuple[str, ...] = Field(description="The classifiers that run; none if the analyzer is away")
    windows_per_s: float | None = Field(description="Windows analyzed per second; null if the analyzer is away")
    lag_s: float | None = Field(description="Seconds from the end of a window to its results; null if unknown")


class Answer(BaseModel):
    """The answer of a program to `/healthz`."""

    ok: bool
    reasons: tuple[str, ...] = ()
    detail: Mapping[str, Any] = {}


def node_view(name: str, manager: Answer | None, analyzer: Answer | None, *, now: datetime) -> NodeView:
    """The state of the node from the answers of the two programs; None stands for a program that does not answer."""
    sources = _detail(StreamManagerHealth, manager)
    analysis = _detail(AnalyzerHealth, analyzer)
    programs = (
        _program("stream_manager", "Stream manager", manager, is_understood=sources is not None),
        _program("analyzer", "Analyzer", analyzer, is_understood=analysis is not None),
    )
    heard = None if analysis is None else frozenset(analysis.channels)
    return NodeView(
        name=name,
        time=now,
        is_well=all(program.state is ProgramCondition.WELL for program in programs),
        programs=programs,
        sources=tuple(_source(source, heard) for source in sources.sources) if sources else (),
        classifiers=analysis.classifiers if analysis else (),
        windows_per_s=analysis.windows_per_s if analysis else None,
        lag_s=analysis.lag_s if analysis else None,
    )


def analyzer_health(answer: Answer | None) -> AnalyzerHealth | None:
    """The detailed report of the analyzer; None if there is none."""
    return _detail(AnalyzerHealth, answer)


def manager_health(answer: Answer | None) -> StreamManagerHealth | None:
    """The detailed report of the stream manager; None if it is away, or of another version."""
    return _detail(StreamManagerHealth, answer)


def _detail(message: type[_Detail], answer: Answer | None) -> _Detail | None:
    """The detailed report in an answer; None if there is none, or one of another version."""
    try:
        return message.model_validate(answer.detail) if answer else None
    except ValidationError:
        return None


def _program(name: str, title: str, answer: Answer | None, *, is_understood: bool) -> ProgramReport:
    if answer is None:
        reasons: tuple[str, ...] = (f"The {title.lower()} does not answer. See `tidzam status`.",)
        return ProgramReport(name=name, title=title, state=ProgramCondition.AWAY, reasons=reasons)
    reasons = answer.reasons
    if not is_understood:
        reasons += (f"The {title.lower()} reports its state to nobody without the token, or in another version.",)
    is_well = answer.ok and is_understood
    return ProgramReport(
        name=name, title=title, state=ProgramCondition.WELL if is_well else ProgramCondition.FAULTY, reasons=reasons
    )


def _source(source: SourceStatus, heard: frozenset[str] | None) -> SourceView:
    signals = {signal.port: signal for signal in source.signals}
    names = source.channel_names or tuple(map(str, range(len(source.ports))))
    channels = tuple(
        ChannelView(
            port=port,
            name=name,
            signal=signals[port].state if port in signals else SignalState.UNKNOWN,
            level_dbfs=signals[port].level_dbfs if port in signals else None,
            is_analyzed=None if heard is None else port in heard,
        )
        for port, name in zip(source.ports, names, strict=False)
    )
    return SourceView(
        name=source.name,
        state=source.state,
        is_well=source.ok,
        url=source.url,
        started=source.started,
        gap_s=source.gap_s,
        last_error=None if source.ok else source.last_error,
        channels=channels,
        mounts=tuple(mount.rpartition("/")[2] for mount in source.mounts),
    )
