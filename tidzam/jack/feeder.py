"""A process that plays PCM from its standard input, or a test signal, in JACK: `python -P -m tidzam.jack.feeder`.

It owns the JACK client and its ports `out_0` …, so that libjack, which may hang or abort, and the decoder, which may do
the same, are apart from the program and from each other. The input is interleaved float32, little-endian. It reports a
FeederStatus every STATUS_S on standard output, plays what is left when the input ends, and exits with 0. It ends at
once when the JACK server goes, or its parent.
"""

from __future__ import annotations

import argparse
import gc
import os
import signal
import sys
import time
from collections.abc import Iterator
from itertools import chain

import jack
import numpy as np

from tidzam.audio.signals import Noise, Signal, Silence, Tone
from tidzam.jack.feed import Feed
from tidzam.jack.feed_input import PUSH_S, FeedInput, make_feed
from tidzam.jack.feeder_protocol import EXIT_NO_SERVER, EXIT_REFUSED, EXIT_SERVER_GONE, MESSAGES, Pacing
from tidzam.jack.helper_protocol import reporting
from tidzam.jack.priority import run_first
from tidzam.jack.term import term_deferred
from tidzam.jack.writer import JackWriter
from tidzam.types import Float32

STATUS_S = 0.5
CHUNK_S = 0.1
"""At most this much is read at once."""
AFTER_END_PERIODS = 4
"""JACK cycles that are played after the last sample, which passes through other clients first."""
SIGNALS = ("tone", "noise", "silence")
SWITCH_INTERVAL_S = 0.0005
"""How long other threads of this process may keep the GIL from the JACK callback; Python's default is 5 ms."""


def main() -> int:
    options = _options()
    gc.disable()  # the callback must not wait for it, and nothing here makes cycles of references
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    signal.signal(signal.SIGTERM, _stop)
    jack.set_error_function(_mute)
    jack.set_info_function(_mute)
    try:
        with term_deferred():
            client = jack.Client(options.client, use_exact_name=True, no_start_server=True)
    except jack.JackOpenError as error:
        print(_refusal(error), file=sys.stderr)
        return EXIT_NO_SERVER if error.status.server_failed else EXIT_REFUSED
    # Once the server has gone, libjack is not reliable, not even for closing the client.
    client.set_shutdown_callback(lambda status, reason: os._exit(EXIT_SERVER_GONE))
    return _play(client, options)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -P -m tidzam.jack.feeder")
    parser.add_argument("--client", required=True, help="name of the JACK client")
    parser.add_argument("--channels", type=int, required=True, help="number of channels and of ports")
    parser.add_argument("--pacing", type=Pacing, required=True, help="who sets the pace: pull (JACK) or push (writer)")
    parser.add_argument("--delay-s", type=float, default=0.5, help="seconds that are buffered before playing")
    parser.add_argument("--ahead-s", type=float, default=PUSH_S, help="seconds of live audio that can wait besides")
    parser.add_argument("--rate-hz", type=int, help="sample rate of the input; that of JACK by default")
    parser.add_argument("--ports-with-audio", action="store_true", help="register the ports when audio arrives")
    parser.add_argument("--signal", choices=SIGNALS, help="play this instead of the input")
    parser.add_argument("--frequency-hz", type=float, default=440.0, help="of a tone")
    parser.add_argument("--level-dbfs", type=float, default=-20.0, help="of a tone (peak) or of noise (RMS)")
    parser.add_argument("--seed", type=int, default=0, help="of noise")
    return parser.parse_args()


def _signal_of(options: argparse.Namespace) -> Signal:
    match options.signal:
        case "tone":
            return Tone(options.frequency_hz, options.level_dbfs)
        case "noise":
            return Noise(options.level_dbfs, options.seed)
        case _:
            return Silence()


def _play(client: jack.Client, options: argparse.Namespace) -> int:
    rate_hz = client.samplerate
    feed = make_feed(
        options.channels,
        rate_hz,
        options.pacing,
        options.delay_s,
        period=client.blocksize,
        ahead_s=options.ahead_s,
    )
    feed_input = FeedInput(
        feed,
        channels=options.channels,
        rate_hz=options.rate_hz or rate_hz,
        jack_rate_hz=rate_hz,
        pacing=options.pacing,
        delay_s=options.delay_s,
        frame_time=lambda: client.frame_time,
    )
    if options.signal is None:
        blocks = _input_blocks(options.channels, options.rate_hz or rate_hz)
    else:
        blocks = _signal_of(options).blocks(options.channels, rate_hz, round(CHUNK_S * rate_hz))
    if options.ports_with_audio:
        _send(feed_input)
        blocks = _begun(blocks)
    try:
        writer = JackWriter(client, options.channels, feed.fill)
    except jack.JackError:
        client.close()
        print(f"unable to register port: {options.channels} are needed", file=sys.stderr)
        return EXIT_REFUSED
    with writer, reporting(lambda: _send(feed_input), every_s=STATUS_S):
        run_first()  # all threads: one of a lower priority might hold the interpreter that the callback waits for
        for samples in blocks:
            feed_input.write(samples)
        feed_input.end()
        _drain(feed, client.blocksize / rate_hz)
    return 0


def _input_blocks(channels: int, rate_hz: int) -> Iterator[Float32]:
    """What arrives on standard input, as arrays of shape (frames, channels) that are valid until the next one."""
    frame_bytes = 4 * channels
    buffer = bytearray(max(1, round(CHUNK_S * rate_hz)) * frame_bytes)
    view, held = memoryview(buffer), 0
    while count := os.readv(sys.stdin.fileno(), [view[held:]]):
        held += count
        whole = held - held % frame_bytes
        yield np.frombuffer(buffer, "<f4", whole // 4).reshape(-1, channels)
        buffer[: held - whole] = buffer[whole:held]
        held -= whole


def _begun(blocks: Iterator[Float32]) -> Iterator[Float32]:
    """The same blocks, once the first of them is there."""
    first = next(blocks, None)
    return blocks if first is None else chain((first,), blocks)


def _drain(feed: Feed, period_s: float) -> None:
    """Return when everything has been played and passed on."""
    while not feed.is_drained:
        time.sleep(period_s / 2)
    time.sleep(AFTER_END_PERIODS * period_s)


def _send(feed_input: FeedInput) -> None:
    try:
        print(MESSAGES.encode(feed_input.status()), flush=True)
    except BrokenPipeError:  # the parent has gone
        os._exit(0)


def _stop(*_: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.exit(0)


def _refusal(error: jack.JackOpenError) -> str:
    if error.status.server_failed:
        return "no server"
    return f"cannot open server: it refuses, or the name is taken: {error}"


def _mute(message: str) -> None:
    """Discard libjack's own messages: what matters is raised as an error."""


if __name__ == "__main__":
    try:
        code = main()
    except SystemExit as ended:  # by TERM
        code = ended.code if isinstance(ended.code, int) else 1
    except jack.JackError as error:
        print(f"cannot open server: it refuses: {error}", file=sys.stderr)
        code = EXIT_REFUSED
    sys.stderr.flush()
    os._exit(code)  # not by sys.exit: it would wait for libjack's threads, which may hang
