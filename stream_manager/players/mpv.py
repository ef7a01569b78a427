"""One run of mpv: from its start to the reason why its sound is over."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass

from stream_manager.argv import mpv_argv
from stream_manager.credentials_fd import may_hold_credentials, playlist_of, text_descriptor
from stream_manager.faults import SourceFailure, SourceFault, classify_stderr
from stream_manager.jack_graph import JackGraph
from stream_manager.liveness import Liveness, LivenessLimits, LivenessSample
from stream_manager.players.mpv_ipc import MpvIpc, mpv_ipc
from stream_manager.probe import Probe
from stream_manager.source_state import SourceEvent
from tidzam.addresses import is_address
from tidzam.aio import first_completed
from tidzam.naming import port_name
from tidzam.process import Child, child_process

START_TIMEOUT_S = 20.0
NAME_TIMEOUT_S = 5.0
"""How long JACK may take to notice that the source's last player is gone."""

GRACE_S = 5.0
"""A JACK client that is killed while it takes its leave holds up the others' changes: better wait."""
END_S = 1.0
TRUNCATED_AFTER_S = 1.0
"""A file that is over so much sooner than it says breaks off."""

LOOK_S = 1.0
"""How often a player is asked where it is."""

UNDERRUN = "underrun"
CORRUPT = "packet corrupt"

Ending = tuple[SourceEvent, SourceFailure | None]


@dataclass(frozen=True)
class Track:
    """What is to be played, and as whom."""

    source: str
    media: str
    probe: Probe
    channels: int
    picked: tuple[int, ...] | None
    loop: bool
    buffer_s: float
    follow: bool
    """Whether redirections are followed; not by the player of a client whose reach is bounded."""
    limits: LivenessLimits

    @property
    def ends(self) -> bool:
        """Whether it has an end, and so a beginning that should be heard; a live stream has neither."""
        return self.probe.duration_s is not None and not self.loop

    @property
    def ports(self) -> frozenset[str]:
        return frozenset(port_name(self.source, channel) for channel in range(self.channels))


@dataclass(frozen=True)
class Reports:
    """The callbacks for: all ports of a track exist; its sound broke off for a moment; digital silence begins (True)
    or ends (False).
    """

    sound: Callable[[], None]
    gap: Callable[[], None]
    silence: Callable[[bool], None]


async def play(track: Track, graph: JackGraph, env: dict[str, str], reports: Reports) -> Ending:
    """Play `track` until it ends, fails or loses JACK, or until its player has to be replaced."""
    try:
        async with asyncio.timeout(NAME_TIMEOUT_S):
            await graph.until(lambda g: not g.has_client(track.source))
    except TimeoutError:
        return SourceEvent.FAILED, SourceFailure(SourceFault.NAME_TAKEN)
    corrupt = False

    def listen(line: str) -> None:
        nonlocal corrupt
        corrupt = corrupt or CORRUPT in line.lower()
        if UNDERRUN in line.lower():
            reports.gap()

    async with AsyncExitStack() as stack:
        mpv, channel = await _start(stack, track, env, listen)
        sounded = await first_completed(
            graph.until(lambda g: track.ports <= g.ports or not g.up), mpv.wait(), _start_timeout(graph)
        )
        began_s = time.monotonic()
        if sounded == 0 and graph.up:
            reports.sound()
            failure = await _sound(track, graph, mpv, channel, reports.silence)
            if failure is not None:
                return SourceEvent.FAILED, failure
        played_s = time.monotonic() - began_s if sounded == 0 else 0.0
        await _let_it_end(graph, mpv)
        if not graph.up:
            mpv.kill()  # libjack may wait for ever to take leave of a server that is gone
    if not graph.up:
        return SourceEvent.JACK_LOST, None
    return _ending(track, mpv.returncode if sounded != 2 else None, tuple(mpv.tail), played_s, corrupt=corrupt)


async def _start(
    stack: AsyncExitStack, track: Track, env: dict[str, str], listen: Callable[[str], None]
) -> tuple[Child, MpvIpc]:
    """An mpv that lives while `stack` is open, and the channel to it. No command line shows credentials."""
    playlist = None
    if may_hold_credentials(track.media):
        playlist = stack.enter_context(text_descriptor(playlist_of(track.media)))
    program, *arguments = mpv_argv(
        track.source,
        track.media,
        channels=track.picked,
        loop=track.loop,
        lead_in=track.ends,
        buffer_s=track.buffer_s,
        playlist=playlist,
        follow=track.follow,
    )
    channel = await stack.enter_async_context(mpv_ipc())
    child = child_process(
        [program, channel.option, *arguments],
        name=f"{track.source} mpv",
        env=env,
        pass_fds=[channel.fd] if playlist is None else [channel.fd, playlist],
        merge_output=True,
        grace_s=GRACE_S,
        on_line=listen,
    )
    mpv = await stack.enter_async_context(child)
    await channel.started()
    return mpv, channel


async def _start_timeout(graph: JackGraph) -> None:
    """Return once JACK has run for START_TIMEOUT_S: while it is stalled, no player can start."""
    waited_s = 0.0
    while waited_s < START_TIMEOUT_S:
        await asyncio.sleep(LOOK_S)
        waited_s += LOOK_S if graph.running else 0.0


async def _sound(
    track: Track, graph: JackGraph, mpv: Child, channel: MpvIpc, on_silence: Callable[[bool], None]
) -> SourceFailure | None:
    """Wait while `mpv` plays. Returns why it has to be replaced; None if it has ended, or is about to."""
    watch = asyncio.ensure_future(_watch(track, graph, channel, on_silence))
    ended = await first_completed(graph.until(lambda g: not track.ports <= g.ports), mpv.wait(), watch)
    if ended != 2:
        return None
    failure = watch.result()
    if failure.fault is SourceFault.HUNG:
        mpv.kill()  # a hung or suspended process does not respond to TERM
    return failure


async def _watch(track: Track, graph: JackGraph, channel: MpvIpc, on_silence: Callable[[bool], None]) -> SourceFailure:
    """Look at a player every LOOK_S until it has to be replaced; returns why."""
    liveness, is_silent = Liveness.begin(track.limits, time.monotonic()), False
    while True:
        await asyncio.sleep(LOOK_S)
        liveness = liveness.after(await _look(track, graph, channel))
        if liveness.hangs:
            return SourceFailure(SourceFault.HUNG, f"no progress for {liveness.stood_still_s:.0f} s")
        if liveness.silent_too_long:
            return SourceFailure(SourceFault.DIGITAL_SILENCE, f"for {liveness.silent_s:.0f} s")
        if liveness.is_silent != is_silent:
            is_silent = liveness.is_silent
            on_silence(is_silent)


async def _look(track: Track, graph: JackGraph, channel: MpvIpc) -> LivenessSample:
    try:
        position_s, answered = await channel.position_s(), True
    except (TimeoutError, OSError, ValueError):  # it hangs or has just ended, or its answer is malformed
        position_s, answered = None, False
    return LivenessSample(time.monotonic(), answered, position_s, track.source in graph.quiet, graph.running)


async def _let_it_end(graph: JackGraph, mpv: Child) -> None:
    """When the ports went, mpv is ending; when mpv ended, JACK may have gone: whichever it is shows in a moment."""
    await asyncio.sleep(0.2)
    if mpv.returncode is None and graph.up:
        await first_completed(mpv.wait(), asyncio.sleep(END_S))


def _ending(track: Track, code: int | None, said: tuple[str, ...], played_s: float, *, corrupt: bool) -> Ending:
    """What mpv's exit code means, given what it said. `code` is None if no sound came in time."""
    if code is None:
        return SourceEvent.FAILED, SourceFailure(SourceFault.SILENT, f"waited {START_TIMEOUT_S:.0f} s")
    if code < 0:
        return SourceEvent.FAILED, SourceFailure(SourceFault.DIED, f"signal {-code}")
    if code > 0:
        return SourceEvent.FAILED, classify_stderr(said, SourceFault.DIED)
    if played_s == 0:
        return SourceEvent.FAILED, SourceFailure(SourceFault.TRUNCATED if track.probe.duration_s else SourceFault.EMPTY)
    return SourceEvent.ENDED, _truncation(track, played_s, corrupt=corrupt)


def _truncation(track: Track, played_s: float, *, corrupt: bool) -> SourceFailure | None:
    """A file that is over before it should be. Of an address nothing can be said: it may be live."""
    duration_s = track.probe.duration_s
    if is_address(track.media) or duration_s is None or track.loop:
        return None
    if corrupt or played_s < duration_s - TRUNCATED_AFTER_S:
        return SourceFailure(SourceFault.TRUNCATED, f"after {played_s:.1f} s")
    return None
