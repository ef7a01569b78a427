"""One source: runs its player and its outputs, and reports its status."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from stream_manager.channel_selection import channel_labels, selected_channels
from stream_manager.faults import PlaybackError, SourceFailure, SourceFault
from stream_manager.icecast.own_mounts import until_served
from stream_manager.liveness import LivenessLimits
from stream_manager.media import PlayRequest, make_track
from stream_manager.network.allowed_addresses import AllowedAddresses
from stream_manager.outputs.base import OutputFault
from stream_manager.outputs.registry import OutputType
from stream_manager.outputs.runner import SourceOutputs
from stream_manager.play_queue import PlayQueue
from stream_manager.playback import Outcome, PlaybackReports, play
from stream_manager.players.registry import PlayerType, choose_player, inspect
from stream_manager.replay import Replay
from stream_manager.services import Services
from stream_manager.source_figures import SourceFigures
from stream_manager.source_gaps import SourceGaps
from stream_manager.source_history import Transition, TransitionHistory
from stream_manager.source_log import is_power_of_two, started_lines, transition_line
from stream_manager.source_registry import SourceEntry
from stream_manager.source_state import HealingPolicy, PlaybackState, SourceEvent, transition
from tidzam.config import SourceSettings
from tidzam.errors import SetupError, SourceError
from tidzam.gaps import GapReason
from tidzam.naming import port_name
from tidzam.protocol.signals import ChannelSignal
from tidzam.protocol.source_status import GapStatus, SourceRemark, SourceState, SourceStatus
from tidzam.scrub import scrub_address

log = logging.getLogger(__name__)


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Source:
    """A loaded source. `url` is an absolute path or an address; it is empty for a player that opens nothing.

    It is played by the first of `players` that can, and goes to `outputs`. `settings` are those of `entry`, with how it
    is recorded. With `replaces_profile`, the profile has
    one of the same name. `origin` is the entry that `url` and its player belong to, if it is another one; there is none
    if `players` is empty, and only the `replay` is played. `chance` gives the random numbers of the jitter, `clock` the
    time of transitions. Raises RequestError if the channels of `entry` are neither numbers nor names.
    """

    def __init__(
        self,
        entry: SourceEntry,
        url: str,
        services: Services,
        *,
        players: Mapping[str, PlayerType],
        outputs: Mapping[str, OutputType],
        settings: SourceSettings | None = None,
        replaces_profile: bool = False,
        origin: SourceEntry | None = None,
        replay: Replay | None = None,
        chance: Callable[[], float] = random.random,
        clock: Callable[[], datetime] = _utc_now,
    ) -> None:
        self.entry, self.settings, self.owner = entry, settings or entry.settings, entry.owner
        self._replaces_profile = replaces_profile
        self.playback = PlaybackState(permanent=self.settings.is_permanent)
        self.history = TransitionHistory()
        self._policy = HealingPolicy.of(services.settings.healing)
        self._chance, self._clock = chance, clock
        self._origin = origin or entry
        is_own = self._origin.owner is None
        self._services = services if is_own else services.for_client(trusted=entry.trusted)
        self._outputs = SourceOutputs(outputs, self.settings, services)
        self._gaps = SourceGaps(self.name, services.gaps, returns=self.settings.is_permanent)
        request = PlayRequest(
            settings=self._origin.settings.model_copy(update={"name": self.name, "format": self.settings.format}),
            url=url,
            channels=selected_channels(self.settings.channels, self.settings.channel_names),
            allowed=self.allowed_addresses,
        )
        self._queue = PlayQueue(request, players, replay)
        self.player_errors = 0
        """How often a player raised an unexpected exception."""
        self._figures = SourceFigures()
        self._settled = asyncio.Event()

    @property
    def name(self) -> str:
        return self.settings.name

    @property
    def allowed_addresses(self) -> AllowedAddresses | None:
        """What may be opened for it; None, for the profile's own, allows all."""
        return None if self._origin.owner is None else self._services.allowed_addresses

    @property
    def error(self) -> SourceError | None:
        """The last failure."""
        return self.playback.failure.error(self.name) if self.playback.failure else None

    async def settled(self) -> None:
        """Wait until the first attempt to play has a result."""
        await self._settled.wait()

    def status(self) -> SourceStatus:
        state, failure = self.playback.state, self.playback.failure
        figures, gaps, jack_hz = self._figures, self._gaps.totals(), self._services.graph.rate_hz
        return SourceStatus(
            name=self.name,
            state=state,
            ok=self._plays_well and not self.output_faults(),
            **self.entry.status_fields(),
            url=scrub_address(self._queue.request.settings.url or ""),
            channels=figures.channels,
            ports=figures.ports,
            channel_names=channel_labels(self._queue.request.channels, len(figures.ports), self.settings.channel_names),
            mounts=self._outputs.addresses,
            restarts=self.playback.restarts,
            last_error=str(failure) if failure else None,
            code=failure.code if failure else None,
            started=figures.started,
            bytes=self._outputs.sent_bytes,
            gaps=self.playback.gaps + figures.interruptions,
            underruns=figures.underruns,
            overruns=figures.overruns,
            drift_ppm=figures.drift_ppm,
            gap_s=round(gaps.seconds, 3),
            gap_s_by_reason={reason: round(seconds, 3) for reason, seconds in gaps.by_reason.items()},
            last_gap=GapStatus.of(gaps.last),
            rate_hz=figures.rate_hz,
            band_hz=figures.band_hz(jack_hz),
            remarks=self._remarks,
            recording=self._services.recordings.status(self.settings),
            signals=self._signals,
            replay=None if self._queue.replay is None else self._queue.replay.status(),
        )

    @property
    def _signals(self) -> tuple[ChannelSignal, ...]:
        """The health of its channels' signals, while it plays."""
        if self.playback.playing_since_s is None:
            return ()
        return tuple(map(self._services.graph.signals.of, self._figures.ports))

    def record_signals(self) -> None:
        """Record the gaps of channels that carry no valid audio although the source plays. Call it every second."""
        after_s = self._services.settings.signal.after_s
        self._gaps.follow_signals(self._signals, is_live=self._figures.is_live, ago_s=after_s)

    def output_faults(self) -> tuple[OutputFault, ...]:
        """What is wrong with its outputs at present."""
        return self._outputs.faults()

    @property
    def output_failures(self) -> Mapping[str, int]:
        """How often each of its outputs has failed."""
        return self._outputs.failures

    @property
    def _plays_well(self) -> bool:
        """Whether it plays as it should. Silence in a file is content; that of a live source is a fault."""
        state = self.playback.state
        return state is SourceState.PLAYING or (state is SourceState.SILENT and not self._figures.is_live)

    @property
    def _remarks(self) -> tuple[SourceRemark, ...]:
        found = (
            (SourceRemark.LOW_SAMPLE_RATE, self._figures.has_low_rate(self._services.graph.rate_hz)),
            (SourceRemark.REPLACED, self._replaces_profile),
            (SourceRemark.REACHED_PRESENT, self._queue.has_replayed),
        )
        return tuple(remark for remark, holds in found if holds)

    async def run(self) -> None:
        """Play, and play again after failures, until the source is final or until cancelled."""
        log.info("%s: loaded from %s", self.name, self._queue)
        self._gaps.load(len(self._figures.ports))
        self._gaps.follow(self.playback.state, is_live=self._figures.is_live)
        try:
            while not self.playback.is_final:
                await self._next_attempt()
        finally:
            self._gaps.unload()
            await self._outputs.stop()
            self._services.reservations.release(self.name)
            self._settled.set()

    async def add_output(self, name: str) -> None:
        """Output it there, too, from now on. Raises PlaybackError if JACK has no room for it."""
        await self._outputs.add(name)

    async def stop_outputs(self) -> None:
        """End its outputs now, while it still plays. Nothing is output afterwards."""
        await self._outputs.stop()

    async def _next_attempt(self) -> None:
        if self.playback.retry_at_s is not None:
            await asyncio.sleep(max(0.0, self.playback.retry_at_s - time.monotonic()))
            await self._services.graph.until(lambda graph: graph.running)
            self._handle(SourceEvent.RETRY_DUE)
        try:
            event, failure = await self._attempt()
        except SetupError as error:
            event, failure = SourceEvent.FAILED, SourceFailure(SourceFault.INTERNAL, str(error))
        except Exception:  # a fault in one source, or in a player of another package, must not affect the others
            self.player_errors += 1
            log.exception("%s: internal error", self.name)
            event, failure = SourceEvent.FAILED, SourceFailure(SourceFault.INTERNAL)
        self._handle(event, self._services.explain(failure))

    async def _attempt(self) -> Outcome:
        """Play what is next. Another attempt plays what follows."""
        request, players = self._queue.next()
        try:
            outcome = await self._play(request, players)
        except PlaybackError as error:
            outcome = SourceEvent.FAILED, error.failure
        return self._queue.after(outcome)

    async def _play(self, request: PlayRequest, players: Mapping[str, PlayerType]) -> Outcome:
        if self.settings.is_permanent:
            timeout_s = self._services.settings.healing.connect_timeout_s
            await until_served(request.url, self._services.icecast, timeout_s=timeout_s)
        media = await inspect(request, players, self._services)
        self._figures.open(media)
        track = make_track(request, media)
        player = players[choose_player(track, players)]
        channels = media.channels if request.is_copied else track.channels
        if self.settings.nb_channels not in (None, media.channels) and self._figures.channels != channels:
            message = "%s: nb_channels is %s, but the source has %d channels"
            log.warning(message, self.name, self.settings.nb_channels, media.channels)
        await self._services.reservations.reserve(
            self.name, track.channels, self._outputs.jack_suffixes, is_device=track.media.is_device
        )
        self._figures.channels = channels
        self._gaps.load(track.channels)
        self._figures.ports = tuple(port_name(self.name, channel) for channel in range(track.channels))
        await self._outputs.start(track.channels or 1)  # a copied source has one mount and no ports
        await self._services.graph.until(lambda graph: graph.running)
        limits = LivenessLimits.of(self._services.settings, is_live=media.is_live)
        reports = PlaybackReports(
            started=self._start,
            gap=self._interrupted,
            silence=self._silence,
            drift=self._figures.drift,
            overrun=self._figures.overrun,
            time=self._queue.anchor,
        )
        return await play(player, track, self._services, limits, reports)

    def _start(self) -> None:
        self._figures.started = self._clock()
        self._handle(SourceEvent.STARTED)

    def _silence(self, begins: bool) -> None:
        if not begins:
            self._handle(SourceEvent.SILENCE_ENDED)
            return
        since = self._clock() - timedelta(seconds=self._services.settings.silent_after_s)
        self._handle(
            SourceEvent.SILENCE_BEGAN, SourceFailure(SourceFault.DIGITAL_SILENCE, f"since {since:%H:%M:%S} UTC")
        )

    def _interrupted(self, reason: GapReason, seconds: float) -> None:
        self._figures.interrupted(reason)
        self._gaps.add(reason, seconds)
        count = self._figures.interruptions
        if is_power_of_two(count):
            times = "" if count == 1 else f", {count} times so far"
            log.warning("%s: its audio was interrupted for %.2f s (%s)%s", self.name, seconds, reason, times)

    def _handle(self, event: SourceEvent, failure: SourceFailure | None = None) -> None:
        now_s, before = time.monotonic(), self.playback
        after = transition(before, event, now_s, failure, policy=self._policy, chance=self._chance())
        self.playback = after
        silent_s = self._services.settings.silent_after_s if event is SourceEvent.SILENCE_BEGAN else 0.0
        self._gaps.follow(after.state, is_live=self._figures.is_live, ago_s=silent_s)
        if after.playing_since_s is None:
            self._figures.started = None
        if after.state is not SourceState.LOADING:
            self._settled.set()
        delay_s = None if after.retry_at_s is None else after.retry_at_s - now_s
        taken = Transition(self.name, self._clock(), before.state, event, after.state, failure, delay_s)
        self.history.add(taken)
        self._log(taken, before)

    def _log(self, taken: Transition, before: PlaybackState) -> None:
        if taken.event is SourceEvent.STARTED:
            lines = started_lines(self.status(), before)
        else:
            line = transition_line(taken, before, self.playback)
            lines = [line] if line else []
        for level, text in lines:
            log.log(level, text)
