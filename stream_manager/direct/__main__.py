"""`python -m stream_manager.direct OPTIONS`: record sources to files, without JACK.

`--profile FILE` instead of OPTIONS: those of an edge node. It ends at TERM or INT, once the files in progress are
complete, with status 0; and when all sources have ended.
"""

from __future__ import annotations

import logging
import signal
import sys
import threading
import time
from functools import partial
from pathlib import Path
from typing import Final

from stream_manager.direct.open_input import open_input
from stream_manager.direct.options import DirectOptions
from stream_manager.direct.recorder import DirectRecorder
from stream_manager.direct.reports import Reports
from stream_manager.direct.room import MARGIN, make_room
from stream_manager.recorder.folder import RecordingFolder
from tidzam.log import set_up_logging
from tidzam.recorder_status import RecorderStatus

log = logging.getLogger(__name__)

_STEP_S: Final = 0.1
_BEAT_S: Final = 1.0
_ROOM_S: Final = 2.0
_HUNG_S: Final = 120.0
"""A feed that shows no life for this long hangs: looking up an address takes up to 60 s. Then there is no beat."""


def main() -> int:
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    set_up_logging()
    if sys.argv[1] == "--profile":
        from stream_manager.direct.profile import become_recorder  # the settings' library: a third of the memory

        become_recorder(Path(sys.argv[2]))
    process = RecorderProcess(DirectOptions.parse(sys.argv[1]))
    try:
        process.run(stop)
    except (OSError, TimeoutError) as error:
        log.error("%s", error)
        return 1
    return 0


class RecorderProcess:
    """Records all sources of `options`."""

    def __init__(self, options: DirectOptions) -> None:
        self._options = options
        self._reports = Reports(prints=options.prints)
        self._recorders: list[DirectRecorder] = []
        self._removed = {folder.name: 0 for folder in options.removable}
        self._free_bytes = 0
        self._beat_due_s = self._room_due_s = 0.0

    def run(self, stop: threading.Event) -> None:
        """Record until `stop`, or until all sources have ended. Raises OSError and TimeoutError."""
        options = self._options
        if options.complete_in is not None:
            options.complete_in.mkdir(parents=True, exist_ok=True)
        try:
            for source in options.sources:
                opener = partial(open_input, source)
                recorder = DirectRecorder(source, opener, self._reports.event, complete_in=options.complete_in)
                self._recorders.append(recorder)
            while not stop.is_set() and (options.waits or not all(one.has_ended for one in self._recorders)):
                self._round(time.monotonic())
                time.sleep(_STEP_S)  # not stop.wait: a signal handler may set the event while this thread waits for it
        finally:
            for recorder in self._recorders:
                recorder.close()
            self._show()

    def _round(self, now_s: float) -> None:
        for recorder in self._recorders:
            recorder.step()
        if now_s >= self._room_due_s:
            self._room_due_s = now_s + _ROOM_S
            self._make_room()
        if now_s >= self._beat_due_s:
            self._beat_due_s = now_s + _BEAT_S
            self._show()
            if self._options.beat is not None and not self._hangs(now_s):
                self._options.beat.touch(mode=0o600)

    def _hangs(self, now_s: float) -> bool:
        return any(not one.has_ended and now_s - one.feed.alive_s > _HUNG_S for one in self._recorders)

    def _make_room(self) -> None:
        """Delete the oldest files of a full disk, as far as that is allowed."""
        if not self._options.sources:
            return
        folder = RecordingFolder(self._options.sources[0].record.folder, "", "")
        try:
            self._free_bytes, wanted = folder.free_bytes(), (MARGIN + 1) * folder.low_bytes()
            for path in make_room(self._options.removable, free_bytes=self._free_bytes, wanted_bytes=wanted):
                self._removed[path.parent.name] += 1
                log.warning("deleted %s: the disk is full", path)
        except OSError as error:
            log.error("no room can be made: %s", error)

    def _show(self) -> None:
        states = tuple(recorder.state() for recorder in self._recorders)
        for state in states:
            self._reports.state(state)
        if self._options.status is None:
            return
        try:
            status = RecorderStatus(sources=states, removed=self._removed, free_bytes=self._free_bytes)
            status.write(self._options.status)
        except OSError as error:
            log.error("%s cannot be written: %s", self._options.status, error)


if __name__ == "__main__":
    sys.exit(main())
