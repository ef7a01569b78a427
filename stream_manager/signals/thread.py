"""The thread of the JACK agent that measures the signals of the sources."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Mapping

import jack

from stream_manager.signals.measurement import SignalMeasurement
from tidzam.naming import is_channel_port

Measured = Callable[[Mapping[str, SignalMeasurement]], None]


def start_measuring(
    client: jack.Client, ports: Callable[[], Collection[str]], interval_s: float, measured: Measured
) -> None:
    """From now on, measure every channel among `ports` once per `interval_s`, and pass on what was found.

    Nothing waits for this thread. If it fails, signals are no longer measured, and the traceback is printed.
    """
    threading.Thread(target=_measure, args=(client, ports, interval_s, measured), daemon=True).start()


def _measure(client: jack.Client, ports: Callable[[], Collection[str]], interval_s: float, measured: Measured) -> None:
    # NumPy takes a while to import, and the agent's first beat must not wait for it.
    from stream_manager.signals.analysis import measure
    from stream_manager.signals.excerpt_reader import ExcerptReader

    reader = ExcerptReader(client)
    while True:
        began_s = time.monotonic()
        excerpts = reader.read(sorted(filter(is_channel_port, ports())))
        measured({port: measure(samples, client.samplerate) for port, samples in excerpts.items()})
        time.sleep(max(interval_s / 4, began_s + interval_s - time.monotonic()))
