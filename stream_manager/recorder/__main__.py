"""`python -m stream_manager.recorder OPTIONS`: record the channels of one source to files.

Its JACK client `SOURCE-rec` has the ports `input_1` to `input_N`, which the stream manager connects, unless the options
name ports to connect to. It ends at TERM or
INT, once the file in progress is complete and its client is closed, and when the JACK server shuts down.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Final

import jack

from stream_manager.recorder.encoder import SUFFIXES, Encoder, encoder_argv
from stream_manager.recorder.events import BEAT_S, MESSAGES, RecorderEvent, RecorderFailed
from stream_manager.recorder.folder import RecordingFolder
from stream_manager.recorder.options import RecorderOptions
from stream_manager.recorder.recording import RecordingInProgress
from stream_manager.recorder.worker import Worker, clear_unfinished_repairs
from tidzam.errors import JackError, TidzamError
from tidzam.jack.callback_watch import CallbackWatch
from tidzam.jack.clock import read_clocks
from tidzam.jack.reader import JackReader
from tidzam.jack.ring import CLOCK, Ring, RingWriter
from tidzam.naming import RECORDER_SUFFIX, SESSION_CLIENT, output_client
from tidzam.segments import SegmentIndex

RING_S: Final = 8.0
"""For how long a disk may block before audio is lost."""
_STEP_S: Final = 0.05
_CLOCK_S: Final = 1.0
_REPAIRS_S: Final = 4.0
_LEAVE_S: Final = 4.0
"""How long the client may take to be closed: two cycles, and those of the clients that are closed before it."""
_FORGOTTEN_S: Final = 30.0
"""For how long JACK may not call the recorder while its cycles run: a player that hangs delays it until replaced."""
_SWITCH_INTERVAL_S: Final = 0.0005
"""How long other threads of this process may keep the GIL from the JACK callback; Python's default is 5 ms."""
_writing = threading.Lock()


def main() -> int:
    sys.setswitchinterval(_SWITCH_INTERVAL_S)
    jack.set_error_function(lambda message: None)  # the result of every call is checked
    jack.set_info_function(lambda message: None)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    options = RecorderOptions.parse(sys.argv[1])
    try:
        _record(options, stop)
    except TidzamError as error:
        _send(RecorderFailed(str(error)))
        return 1
    except (OSError, TimeoutError, sqlite3.Error) as error:
        _send(RecorderFailed(f"{options.folder} cannot be used: {error}"))
        return 1
    return 0


def _record(options: RecorderOptions, stop: threading.Event) -> None:
    """Record until `stop`. Raises JackError, OSError and TimeoutError."""
    by_day = options.threshold is not None
    folder = RecordingFolder(
        options.folder, options.source, SUFFIXES[options.format], by_day=by_day, is_held=options.is_held
    )
    lock = folder.lock()
    faults: SimpleQueue[str] = SimpleQueue()
    index = SegmentIndex(options.folder) if by_day else None
    worker = Worker(folder, _send, faults.put, index)
    clear_unfinished_repairs(folder)
    ended_s = folder.ended_s()
    leftovers = folder.leftovers()
    try:
        jack_input = JackInput(client_name(options), options.channels, options.ports)
    except jack.JackError as error:
        hint = "Unload a source, or raise jack.port_max. The number of clients cannot be raised."
        raise JackError(f"JACK refuses the recorder: {error}.", hint=hint) from error
    for part in leftovers:  # only now: the client's priority is that of every thread that exists when it begins
        worker.repair(part)
    if index is not None:
        worker.complete_index()
    rate_hz = jack_input.ring.rate_hz

    def start(part: Path) -> Encoder:
        argv = encoder_argv(part, rate_hz, options)
        return Encoder(argv, bytes_per_s=4 * options.channels * rate_hz, keep_fds=(lock,))

    recording = RecordingInProgress(options, jack_input.ring, folder, worker, start, _send, ended_s=ended_s)
    try:
        _follow(recording, jack_input, faults, stop)
    finally:
        recording.close()
        worker.close(repairs_s=_REPAIRS_S)
        jack_input.close(_LEAVE_S)
    if jack_input.gone.is_set():
        raise JackError("The JACK server has shut down.")


def client_name(options: RecorderOptions) -> str:
    """The JACK client of a recorder: one per source for the stream manager, others have one per process."""
    return f"{SESSION_CLIENT}-{os.getpid()}" if options.ports else output_client(options.source, RECORDER_SUFFIX)


class JackInput:
    """The JACK client of a recorder: ports `input_1` to `input_N`, copied into `ring`.

    It connects them to `feeds`, the JACK ports of the channels; without these, somebody else does.
    """

    def __init__(self, name: str, channels: int, feeds: Sequence[str] = ()) -> None:
        """Raises jack.JackError."""
        client = jack.Client(name, use_exact_name=True, no_start_server=True)
        self.gone = threading.Event()
        self.ring = Ring.create(
            os.memfd_create("tidzam-recorder"),
            slots=channels,
            capacity_frames=int(RING_S * client.samplerate),
            rate_hz=client.samplerate,
        )
        self._reader = JackReader(client, RingWriter(self.ring, CLOCK), self.gone.set)
        self._ports: Sequence[jack.OwnPort] = [client.inports.register(f"input_{n + 1}") for n in range(channels)]
        self._reader.inputs = tuple(enumerate(self._ports))
        self.client, self._feeds = client, feeds
        self.connect()

    def connect(self) -> None:
        """Connect its ports to `feeds`, as far as these exist at present: a source may be loaded again."""
        for feed, port in zip(self._feeds, self._ports, strict=False):
            if not port.number_of_connections:
                with suppress(jack.JackError):
                    self.client.connect(feed, port)

    @property
    def connected(self) -> bool:
        """Whether any port receives audio."""
        return any(port.number_of_connections for port in self._ports)

    def close(self, timeout_s: float) -> None:
        """Close the client, so that JACK does not wait for it, unless its server is gone. Takes at most `timeout_s`."""
        if self.gone.is_set():  # libjack may crash or hang when it disconnects from a server that is gone
            return
        closing = threading.Thread(target=self._reader.close, daemon=True)
        closing.start()
        closing.join(timeout_s)


def _follow(recording: RecordingInProgress, source: JackInput, faults: SimpleQueue[str], stop: threading.Event) -> None:
    """Record what arrives until `stop` or the end of JACK, with a beat at regular intervals.

    Raises JackError if JACK does not call the client.
    """
    clock_due = beat_due = 0.0
    watch = CallbackWatch(round(_FORGOTTEN_S * source.ring.rate_hz))
    while not source.gone.is_set():
        now_s, near = time.monotonic(), source.ring.written_until()
        if now_s >= clock_due and near and (pair := read_clocks(source.client, near)):
            recording.note_clock(pair)
            clock_due = now_s + _CLOCK_S
        if watch.is_forgotten(int(source.client.last_frame_time), near):
            raise JackError(f"JACK has not called the recorder for {_FORGOTTEN_S:.0f} s.")
        for reason in _all(faults):
            recording.fail(reason, now_s)
        recording.step(connected=source.connected, now_s=now_s, wait_s=_STEP_S)
        if now_s >= beat_due:
            source.connect()
            _send(recording.beat())
            beat_due = now_s + BEAT_S
        time.sleep(_STEP_S)  # not stop.wait: a signal handler that sets an event may block a thread that waits for it
        if stop.is_set():
            recording.step(connected=source.connected, now_s=time.monotonic())
            return


def _all(queue: SimpleQueue[str]) -> list[str]:
    found = []
    while True:
        try:
            found.append(queue.get_nowait())
        except Empty:
            return found


def _send(event: RecorderEvent) -> None:
    with _writing:
        print(MESSAGES.encode(event), flush=True)


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)  # libjack's threads may hang
