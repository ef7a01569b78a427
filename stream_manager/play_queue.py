"""What a source plays next: the recordings that it replays, then its live address."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace

from stream_manager.faults import SourceFault
from stream_manager.media import PlayRequest
from stream_manager.playback import Outcome
from stream_manager.players.registry import REPLAY, PlayerType, load_players
from stream_manager.replay import MediaTime, Replay, utc
from stream_manager.source_state import SourceEvent
from tidzam.scrub import scrub_address

log = logging.getLogger(__name__)


class PlayQueue:
    """The `replay`, if there is one, and then `request`, played by the first of `players` that can.

    Without `players` there is no live address, and only the replay is played. `has_replayed` is whether the replay is
    over and the live address plays.
    """

    def __init__(self, request: PlayRequest, players: Mapping[str, PlayerType], replay: Replay | None) -> None:
        self.request, self._players = request, players
        self.replay, self.has_replayed = replay, False

    def __str__(self) -> str:
        """What is played next, for the log."""
        if self.replay is None:
            return scrub_address(self.request.settings.url or "")
        return f"recordings of {self.replay.database.name} from {utc(self.replay.time_s):%Y-%m-%d %H:%M:%S} UTC"

    def next(self) -> tuple[PlayRequest, Mapping[str, PlayerType]]:
        """What is to be played now, and what may play it."""
        if self.replay is None:
            return self.request, self._players
        self.replay.anchor = None
        return replace(self.request, url="", replay=self.replay), load_players(REPLAY)

    def anchor(self, time: MediaTime) -> None:
        """Take the time that a player reported of the recordings."""
        if self.replay is not None:
            self.replay.anchor = time

    def after(self, outcome: Outcome) -> Outcome:
        """What the `outcome` of playing `next` means to the source: where more follows, it continues."""
        event, failure = outcome
        if self.replay is None:
            return outcome
        has_none = failure is not None and failure.fault is SourceFault.NO_RECORDING
        if event is SourceEvent.FAILED and has_none and self._players:
            self.replay.is_over = True
        elif event is not SourceEvent.ENDED:
            return outcome
        if not self.replay.is_over:
            return SourceEvent.CONTINUED, None  # with a recording of another format
        if not self._players:
            self.replay = Replay.of(self.replay.database, self.replay.date)
            return SourceEvent.ENDED, None
        log.info("%s: no later recording of %s; playing live", self.request.source, self.replay.database.name)
        self.replay, self.has_replayed = None, True
        return SourceEvent.CONTINUED, None
