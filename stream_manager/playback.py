"""One run of a player, supervised: from its start to the reason why it is over."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass

from stream_manager.faults import PlaybackError, SourceFailure, SourceFault
from stream_manager.jack.graph import JackGraph
from stream_manager.jack.openings import Opener
from stream_manager.liveness import Liveness, LivenessLimits, LivenessSample
from stream_manager.media import Track
from stream_manager.players.base import Player, PlayerReports
from stream_manager.players.registry import PlayerType
from stream_manager.replay import MediaTime
from stream_manager.services import Services
from stream_manager.source_state import SourceEvent
from tidzam.addresses import is_address
from tidzam.aio import first_completed
from tidzam.gaps import GapReason
from tidzam.naming import port_name

NAME_TIMEOUT_S = 5.0
"""How long JACK may take to remove the client of the source's last player."""

SETTLE_S = 0.2
"""When a player ends, JACK may have gone as well: after this time, both are known."""
END_S = 1.0
"""How long a player may take to end once its ports are gone."""
TRUNCATED_AFTER_S = 1.0
"""A file that ends sooner than its duration by more than this is truncated."""

BEGIN_POLL_S = 0.1
SAMPLE_INTERVAL_S = 1.0
"""How often a player is asked for its position."""

Outcome = tuple[SourceEvent, SourceFailure | None]


@dataclass(frozen=True)
class PlaybackReports:
    """Callbacks: all ports of the track exist; its audio was interrupted, for a reason and as many seconds; digital
    silence begins (True) or ends (False); by how much the clock of the source is faster than that of JACK, in parts per
    million; the time of recorded media.
    """

    started: Callable[[], None]
    gap: Callable[[GapReason, float], None]
    silence: Callable[[bool], None]
    drift: Callable[[float], None] = lambda ppm: None
    time: Callable[[MediaTime], None] = lambda time: None
    overrun: Callable[[], None] = lambda: None


async def play(
    player_type: PlayerType, track: Track, services: Services, limits: LivenessLimits, reports: PlaybackReports
) -> Outcome:
    """Play `track` until it ends, fails or loses JACK, or until its player has to be replaced.

    Other exceptions of the player than PlaybackError are raised as they are, once it has ended.
    """
    graph = services.graph
    try:
        async with asyncio.timeout(NAME_TIMEOUT_S):
            await graph.until(lambda g: not g.has_client(track.source))
    except TimeoutError:
        return SourceEvent.FAILED, SourceFailure(SourceFault.NAME_TAKEN)
    is_corrupt = False

    def corrupt() -> None:
        nonlocal is_corrupt
        is_corrupt = True

    player_reports = PlayerReports(
        gap=reports.gap, corrupt=corrupt, drift=reports.drift, overrun=reports.overrun, time=reports.time
    )
    player = player_type(track, services, player_reports)
    async with services.openings.turn(track.source, Opener.PLAYER) if track.ports else nullcontext():
        playing = asyncio.create_task(player.play(), name=f"{track.source} player")
        try:
            failure, played_s = await _until_over(player, playing, track, graph, limits, reports)
        finally:
            await _end(player, playing, graph)
    if not graph.up:
        return SourceEvent.JACK_LOST, None
    if failure is not None:
        return SourceEvent.FAILED, failure
    return _outcome(track, playing, played_s, is_corrupt=is_corrupt)


async def _until_over(
    player: Player,
    playing: asyncio.Task[None],
    track: Track,
    graph: JackGraph,
    limits: LivenessLimits,
    reports: PlaybackReports,
) -> tuple[SourceFailure | None, float]:
    """Why the player has to be replaced, None if it has ended; and for how many seconds its ports existed."""
    first = await first_completed(
        _began(player, track, graph), _done(playing), _start_timeout(graph, limits.start_timeout_s)
    )
    if first == 2:
        return SourceFailure(SourceFault.SILENT, f"waited {limits.start_timeout_s:.0f} s"), 0.0
    failure, began_s = None, time.monotonic()
    has_begun = first == 0 or await _has_written(player, track)
    if has_begun and graph.up:
        reports.started()
        failure = await _supervise(player, playing, track, graph, limits, reports.silence)
    played_s = time.monotonic() - began_s if has_begun else 0.0
    if failure is None:
        await asyncio.sleep(SETTLE_S)
        if not playing.done() and graph.up:
            await asyncio.wait([playing], timeout=END_S)
    return failure, played_s


async def _began(player: Player, track: Track, graph: JackGraph) -> None:
    """Wait until all ports of `track` exist, or JACK is gone; if it has no ports, until its player has a position."""
    if track.ports:
        await graph.until(lambda g: track.ports <= g.ports or not g.up)
        return
    while True:
        if not graph.up or await player.position_s() is not None:
            return
        await asyncio.sleep(BEGIN_POLL_S)


async def _has_written(player: Player, track: Track) -> bool:
    """Whether a player without ports that has ended has played anything. It may be too brief to be noticed before."""
    return not track.ports and await player.position_s() is not None


async def _done(task: asyncio.Task[None]) -> None:
    """Wait for `task` without cancelling it or raising its exception."""
    await asyncio.wait([task])


async def _start_timeout(graph: JackGraph, timeout_s: float) -> None:
    """Return once JACK has run for `timeout_s`: while it is stalled, no player can start."""
    waited_s = 0.0
    while waited_s < timeout_s:
        await asyncio.sleep(SAMPLE_INTERVAL_S)
        waited_s += SAMPLE_INTERVAL_S if graph.running else 0.0


async def _supervise(
    player: Player,
    playing: asyncio.Task[None],
    track: Track,
    graph: JackGraph,
    limits: LivenessLimits,
    on_silence: Callable[[bool], None],
) -> SourceFailure | None:
    """Wait while `player` plays. Returns why it has to be replaced; None if it has ended, or is about to."""
    watch = asyncio.ensure_future(_watch(player, track, graph, limits, on_silence))
    ended = await first_completed(
        graph.until(lambda g: not track.ports <= g.ports), _done(playing), watch, _further_port(track, graph)
    )
    if ended == 3:
        return SourceFailure(SourceFault.FORMAT_CHANGED)
    if ended != 2:
        return None
    failure = watch.result()
    if failure.fault is SourceFault.HUNG:
        player.kill()  # a hung or suspended process does not respond to TERM
    return failure


async def _further_port(track: Track, graph: JackGraph) -> None:
    """Return once the source has a port that `track` lacks: its player has seen another number of channels."""
    further = port_name(track.source, track.channels)
    await graph.until(lambda g: further in g.ports)


async def _watch(
    player: Player, track: Track, graph: JackGraph, limits: LivenessLimits, on_silence: Callable[[bool], None]
) -> SourceFailure:
    """Sample a player every SAMPLE_INTERVAL_S until it has to be replaced; returns why."""
    liveness, is_silent = Liveness.begin(limits, time.monotonic()), False
    while True:
        await asyncio.sleep(SAMPLE_INTERVAL_S)
        liveness = liveness.after(await _sample(player, track, graph))
        if liveness.failure is not None:
            return liveness.failure
        if liveness.is_silent != is_silent:
            is_silent = liveness.is_silent
            on_silence(is_silent)


async def _sample(player: Player, track: Track, graph: JackGraph) -> LivenessSample:
    try:
        position_s, answered = await player.position_s(), True
    except (TimeoutError, OSError, ValueError):  # it hangs or has just ended, or its answer is malformed
        position_s, answered = None, False
    return LivenessSample(
        time.monotonic(),
        answered,
        position_s,
        quiet=track.source in graph.quiet,
        stuck=graph.signals.is_stuck(track.ports),
        has_ports=bool(track.ports),
        jack_runs=graph.running,
    )


async def _end(player: Player, playing: asyncio.Task[None], graph: JackGraph) -> None:
    """End the player if it has not ended yet."""
    if not playing.done():
        if not graph.up:
            player.kill()  # libjack may wait forever to disconnect from a server that is gone
        playing.cancel()
        await asyncio.wait([playing])
    if not playing.cancelled():
        playing.exception()  # marks it as retrieved


def _outcome(track: Track, playing: asyncio.Task[None], played_s: float, *, is_corrupt: bool) -> Outcome:
    """What the end of `play` means. Raises whatever it raised, except for PlaybackError."""
    if playing.cancelled():
        return SourceEvent.FAILED, SourceFailure(SourceFault.DIED, "its ports disappeared")
    try:
        playing.result()
    except PlaybackError as error:
        is_end = error.failure.fault is SourceFault.STREAM_ENDED
        return SourceEvent.ENDED if is_end else SourceEvent.FAILED, error.failure
    if played_s == 0:
        fault = SourceFault.TRUNCATED if track.media.duration_s else SourceFault.EMPTY
        return SourceEvent.FAILED, SourceFailure(fault)
    return SourceEvent.ENDED, _early_end(track, played_s, is_corrupt=is_corrupt)


def _early_end(track: Track, played_s: float, *, is_corrupt: bool) -> SourceFailure | None:
    """The failure of a live stream, which should not end, or of a file that ended early.

    A file on the web is not judged: its player follows it over interruptions.
    """
    if track.media.is_live:
        return SourceFailure(SourceFault.STREAM_ENDED, f"after {played_s:.0f} s")
    duration_s = track.media.duration_s
    if is_address(track.media.url) or duration_s is None or track.request.loop:
        return None
    if is_corrupt or played_s < duration_s - TRUNCATED_AFTER_S:
        return SourceFailure(SourceFault.TRUNCATED, f"after {played_s:.1f} s")
    return None
