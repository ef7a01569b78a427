"""Replays the recordings of a source from a date, one after the other, joined sample by sample."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from bisect import bisect_right
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass
from typing import Final, NoReturn

from stream_manager.faults import PlaybackError, SourceFailure, SourceFault, classify_stderr
from stream_manager.media import Media, PlayRequest, Track
from stream_manager.players.base import PlayerReports
from stream_manager.players.decoder_argv import LEAD_IN_S
from stream_manager.players.reader_protocol import MESSAGES, Differs, ReadFailed, ReadFinished, ReadOrder
from stream_manager.recordings.database import RecordingDatabase
from stream_manager.recordings.sequence import Passage
from stream_manager.replay import MediaTime, Replay, utc
from stream_manager.services import Services
from tidzam.audio.file_length import file_length
from tidzam.errors import JackError
from tidzam.gaps import Gap, GapReason
from tidzam.jack.feeder_client import Feeder, feeder
from tidzam.jack.feeder_protocol import FeederStatus, Pacing
from tidzam.process import Child, child_process
from tidzam.text import shown

log = logging.getLogger(__name__)

INDEX_TIMEOUT_S: Final = 20.0
"""How long it may take until the folder of the recordings has been read."""
ANCHOR_EVERY_S: Final = 600.0
"""How often the time is reported again: JACK's clock of 32 bits returns to the same frame every day."""
NEARLY_S: Final = 1.0
"""When less than this is left to be played, no further recording is waited for."""
ANNOUNCED_S: Final = 1.5
"""How long before a passage its time is reported; at least two reports of the feeder."""
RECORDED_HOLE_S: Final = 86400.0
"""The longest hole that is entered in the gap ledger, which has a file per day."""
GRACE_S: Final = 1.0
WRAP: Final = 1 << 32


@dataclass(frozen=True)
class _Begun:
    """A passage, and the number of frames of JACK that are played before it."""

    frame: float
    passage: Passage


class _FeederEndedError(Exception):
    """The feeder does not take any more samples; its exit code is the reason."""


class ReplayPlayer:
    """The player `replay`, see `Player`. It returns when no recording follows, or when their format changes.

    The source's Replay says where to begin, and keeps how far it has come.
    """

    def __init__(self, track: Track, services: Services, reports: PlayerReports) -> None:
        self._track, self._services, self._reports = track, services, reports
        self._feeder: Feeder | None = None
        self._reader: Child | None = None
        self._begun: list[_Begun] = []
        self._anchored: tuple[_Begun, int, int] | None = None
        self._anchored_at_s = 0.0
        self._announced: _Begun | None = None
        self._underrun_frames = 0

    @staticmethod
    async def inspect(request: PlayRequest, services: Services) -> Media:
        replay = replay_of(request)
        await _require_ready(replay.database)
        passage = replay.next()
        while passage is not None:
            path = replay.database.path(passage.recording)
            found = await asyncio.to_thread(file_length, path)
            if found is not None:
                return Media(str(path), found.channels, found.rate_hz, None)
            passage = replay.after(passage, 0.0)
        raise PlaybackError(SourceFailure(SourceFault.NO_RECORDING, f"{utc(replay.time_s):%Y-%m-%d %H:%M:%S} UTC"))

    @staticmethod
    def refusal(track: Track) -> SourceFailure | None:
        if track.request.replay is None:
            return SourceFailure(SourceFault.NO_RECORDING, "no date was requested")
        return None

    async def play(self) -> None:
        replay, media = replay_of(self._track.request), self._track.media
        stopped: Passage | None = None
        async with feeder(
            self._track.source,
            self._track.channels,
            rate_hz=media.rate_hz,
            pacing=Pacing.PULL,
            env=self._services.env,
            on_status=self._follow,
        ) as self._feeder:
            with suppress(JackError, _FeederEndedError):  # its exit code is the reason
                status = await self._feeder.started()
                stopped = await self._feed(self._feeder, media, status.jack_rate_hz / media.rate_hz)
            self._feeder.close_input()
            code = await self._feeder.wait()
            if code < 0:
                raise PlaybackError(SourceFailure(SourceFault.DIED, f"signal {-code}"))
            if code > 0:
                raise PlaybackError(classify_stderr(self._feeder.tail, SourceFault.DIED))
        if stopped is not None:
            replay.time_s = stopped.time_s
        else:
            replay.is_over = True

    async def _feed(self, feeder: Feeder, media: Media, ratio: float) -> Passage | None:
        """Feed one recording after the other; returns the first one that has another format, None at the end.

        `ratio` is the number of JACK's frames per frame of the media.
        """
        replay, request = replay_of(self._track.request), self._track.request
        frames = round(LEAD_IN_S * media.rate_hz)
        async with self._recording_reader(feeder, silence=frames * 4 * self._track.channels) as self._reader:
            passage = replay.next()
            while passage is not None:
                self._begin(_Begun(frames * ratio, passage))
                path = replay.database.path(passage.recording)
                order = ReadOrder(str(path), passage.offset_s, media.rate_hz, media.channels, request.channels)
                played = await self._read(self._reader, order, passage)
                if played is None:
                    return passage
                frames += played
                passage = await self._following(feeder, passage, played / media.rate_hz, frames * ratio)
        return None

    async def _following(self, feeder: Feeder, passage: Passage, played_s: float, frames: float) -> Passage | None:
        """What follows a passage. As long as less than `frames` were played, a recording may still be completed."""
        replay, ended = replay_of(self._track.request), asyncio.ensure_future(feeder.wait())
        try:
            while (following := replay.after(passage, played_s)) is None:
                status = feeder.status
                if ended.done() or status.played_frames + NEARLY_S * status.jack_rate_hz >= frames:
                    break
                await asyncio.wait([ended], timeout=NEARLY_S / 5)
        finally:
            ended.cancel()
        return following

    def _recording_reader(self, feeder: Feeder, *, silence: int) -> AbstractAsyncContextManager[Child]:
        """A reader that writes so many bytes of silence first: clients are connected when the audio begins."""
        module, pipe = "stream_manager.players.recording_reader", asyncio.subprocess.PIPE
        return child_process(
            [sys.executable, "-P", "-m", module, str(feeder.input_fd), str(silence)],
            name=f"{self._track.source} reader",
            stdin=pipe,
            stdout=pipe,
            pass_fds=[feeder.input_fd],
            grace_s=GRACE_S,
        )

    async def _read(self, reader: Child, order: ReadOrder, passage: Passage) -> int | None:
        """Have a recording read; returns the number of frames, None if it has another format."""
        assert reader.process.stdin is not None
        assert reader.process.stdout is not None
        reader.process.stdin.write(order.encode())
        line = await reader.process.stdout.readline()
        if not line:
            await self._explain_end(reader, passage)
        match MESSAGES.decode(line):
            case ReadFinished(frames):
                return frames
            case ReadFailed(message, frames):
                log.warning("%s: %s", self._track.source, message)
                return frames
            case Differs(rate_hz, channels):
                log.info("%s: %s has %d channels at %d Hz", self._track.source, shown(order.path), channels, rate_hz)
        return None

    async def _explain_end(self, reader: Child, passage: Passage) -> NoReturn:
        """Why the reader has ended: the feeder has, or a file crashed it. The next player then leaves that out."""
        if await reader.wait() == -signal.SIGPIPE:
            raise _FeederEndedError
        replay = replay_of(self._track.request)
        replay.time_s = passage.recording.start_s + replay.database.index.length_s(passage.recording)
        file_name = shown(passage.recording.file_name)
        raise PlaybackError(SourceFailure(SourceFault.DIED, f"the reader, at {file_name}"))

    def _begin(self, begun: _Begun) -> None:
        """Note that a passage will be played, once what is buffered has been."""
        replay, passage = replay_of(self._track.request), begun.passage
        self._begun.append(begun)
        if replay.skip(passage):
            self._services.gaps.record(_gap(self._track.source, passage))
            log.warning(
                "%s: no recordings of %s for %.1f s before %s: skipped",
                *(self._track.source, replay.database.name, passage.hole_s, f"{utc(passage.time_s):%Y-%m-%d %H:%M:%S}"),
            )

    def _follow(self, status: FeederStatus) -> None:
        """Keep how far the replay has come, and report the time of what is heard whenever it cannot be calculated."""
        if status.frame is None or not self._begun:
            return
        replay = replay_of(self._track.request)
        current = max(0, bisect_right(self._begun, float(status.played_frames), key=lambda begun: begun.frame) - 1)
        del self._begun[:current]
        begun, now_s = self._begun[0], asyncio.get_running_loop().time()
        time_s = begun.passage.time_s + (status.played_frames - begun.frame) / status.jack_rate_hz
        replay.passage, replay.time_s = begun.passage, max(time_s, begun.passage.time_s)
        anchored = begun, status.underruns, status.skipped_frames
        if anchored != self._anchored or now_s - self._anchored_at_s > ANCHOR_EVERY_S:
            self._anchored, self._anchored_at_s = anchored, now_s
            self._reports.time(MediaTime(status.frame % WRAP, utc(time_s)))
        else:
            self._announce(status, status.frame)
        lost_frames = status.underrun_frames - self._underrun_frames
        if lost_frames > 0:
            self._reports.gap(GapReason.UNDERRUN, lost_frames / status.jack_rate_hz)
        self._underrun_frames = status.underrun_frames

    def _announce(self, status: FeederStatus, frame: int) -> None:
        """Report the time of the next passage shortly before it is heard. Before that, the report would hide the last
        one from an analyzer that connects in between."""
        if len(self._begun) < 2 or self._begun[1] == self._announced:
            return
        following = self._begun[1]
        ahead = following.frame - status.played_frames
        if ahead <= ANNOUNCED_S * status.jack_rate_hz:
            self._announced = following
            self._reports.time(MediaTime((frame + round(ahead)) % WRAP, utc(following.passage.time_s)))

    async def position_s(self) -> float | None:
        status = self._feeder.status if self._feeder is not None else FeederStatus()
        return None if status.first_frame is None else status.played_frames / status.jack_rate_hz

    def kill(self) -> None:
        if self._reader is not None:
            self._reader.kill()
        if self._feeder is not None:
            self._feeder.kill()


def _gap(source: str, passage: Passage) -> Gap:
    """The hole before a passage, in the times of the recordings; of a long one, the end."""
    missing_s = min(passage.hole_s, RECORDED_HOLE_S)
    return Gap(source, utc(passage.time_s - missing_s), utc(passage.time_s), GapReason.RECORDING_MISSING)


async def _require_ready(database: RecordingDatabase) -> None:
    """Wait until the folder has been read. Raises PlaybackError if it cannot be."""
    try:
        async with asyncio.timeout(INDEX_TIMEOUT_S):
            await database.ready.wait()
    except TimeoutError:
        raise PlaybackError(SourceFailure(SourceFault.UNREADABLE, "its folder is still being read")) from None
    if database.fault is not None:
        raise PlaybackError(SourceFailure(SourceFault.UNREADABLE, f"{database.options.folder}: {database.fault}"))


def replay_of(request: PlayRequest) -> Replay:
    """What `request` replays. Raises PlaybackError if it is a request of another kind."""
    if request.replay is None:
        raise PlaybackError(SourceFailure(SourceFault.NO_RECORDING, "no date was requested"))
    return request.replay
