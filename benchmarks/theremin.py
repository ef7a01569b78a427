"""The time from a picture of a hand to the tone of its area, by flashes in a video that are found in the sound."""

from __future__ import annotations

import asyncio
import os
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import jack
import numpy as np
from numpy.typing import NDArray

from examples.theremin.hand_memory import HandReading
from examples.theremin.notes import DEFAULT_RANGE, note_of
from examples.theremin.pitch import periods
from examples.theremin.server import PERIOD, jack_server
from examples.theremin.tone import PORT
from tidzam.errors import NodeError
from tidzam.jack.clock import read_clocks
from tidzam.jack.reader import JackReader
from tidzam.jack.ring import CLOCK, Ring, RingReader, RingWriter
from tidzam.types import Float32

TITLE = "from a picture of a hand to the change of the tone in JACK, at 30 pictures per second: percentiles"

FPS: Final = 30.0
SMALL: Final = HandReading(0.05, 1.0)
LARGE: Final = HandReading(0.2, 1.0)
PERCENTILES: Final = (50, 95, 99)
_SPACING: Final = (11, 19)
"""Pictures between two flashes, at random, so that they fall anywhere in JACK's cycles."""
_BEFORE_S, _AFTER_S = 0.02, 0.3
_CLOCK_S: Final = 0.05
_EXTRA_S: Final = 30.0


def run(say: Callable[[str], None], *, seconds: str = "60", seed: str = "1") -> dict[str, Any]:
    """A video of `seconds` in which the hand alternates between two areas plays in place of a camera, decoded when each
    picture is due; camera and tone run as they do for a player, on a JACK server of their own. A flash is heard when
    the pitch passes the middle between the two notes. The waits of a real hand for the camera's next picture, up to
    1 / 30 s, are in the figures `with_wait`; a sound card adds its buffer, usually two or three periods of JACK."""
    from examples.theremin.demo_video import picture, write_video  # OpenCV is optional

    areas = flashing(float(seconds), np.random.default_rng(int(seed)))
    with tempfile.TemporaryDirectory() as folder:
        say(f"a video of {float(seconds):g} s, {len(flashes_of(areas))} flashes")
        video = write_video(Path(folder) / "flashes.avi", (picture(area) for area in areas))
        heard = HeardTone()
        asyncio.run(_perform(video, Path(folder), heard, float(seconds)))
        due_s = due_times(Path(folder) / "hand.csv")
    return {"pictures_per_s": FPS, "period_frames": PERIOD, **figures_of(latencies(areas, due_s, heard))}


def flashing(seconds: float, generator: np.random.Generator) -> list[float]:
    """The area of the hand in each picture."""
    areas: list[float] = []
    while len(areas) < seconds * FPS:
        area = SMALL.area if not areas or areas[-1] == LARGE.area else LARGE.area
        areas += [area] * int(generator.integers(*_SPACING))
    return areas[: round(seconds * FPS)]


def flashes_of(areas: Sequence[float]) -> list[int]:
    """The pictures that differ from the ones before them."""
    return [number for number in range(1, len(areas)) if areas[number] != areas[number - 1]]


@dataclass
class HeardTone:
    """What was recorded: `samples`, shape (frames,), from the JACK frame `first` on; and readings of both clocks."""

    samples: Float32 = field(default_factory=lambda: np.zeros(0, np.float32))
    first: int = 0
    rate_hz: int = 0
    frames: list[int] = field(default_factory=list)
    times_s: list[float] = field(default_factory=list)

    def utc_s(self, frames: NDArray[np.floating]) -> NDArray[np.floating]:
        """When frames of the JACK clock were (seconds since 1970)."""
        return np.asarray(np.interp(frames, self.frames, self.times_s))


async def _perform(video: Path, folder: Path, heard: HeardTone, seconds: float) -> None:
    from examples.theremin.performance import PerformanceOptions, perform

    async with jack_server(None, sound_card=None) as env:
        options = PerformanceOptions(out=folder, camera=str(video), song=None, jack=env["JACK_DEFAULT_SERVER"])
        with _recording(env["JACK_DEFAULT_SERVER"], heard, seconds + _EXTRA_S):
            await perform(options, asyncio.Event(), lambda text: None)


@contextmanager
def _recording(server: str, heard: HeardTone, seconds: float) -> Iterator[None]:
    """Record the tone while the context is open, with the frame of JACK's clock of each sample."""
    jack.set_error_function(lambda message: None)
    client = jack.Client("latency", no_start_server=True, servername=server)
    heard.rate_hz = client.samplerate
    capacity = round(seconds * client.samplerate)
    ring = Ring.create(os.memfd_create("latency"), slots=1, capacity_frames=capacity, rate_hz=client.samplerate)
    reader = JackReader(client, RingWriter(ring, CLOCK), lambda: None)
    port = client.inports.register("in_0")
    reader.inputs = ((0, port),)
    ended = threading.Event()
    thread = threading.Thread(target=_follow, args=(client, port, ring, heard, ended))
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        reader.close()
    heard.first, end = max(ring.first_frame(), ring.written_until() - capacity), ring.written_until()
    samples = RingReader(ring)
    samples.new_gaps(CLOCK)
    heard.samples = samples.read([(0, CLOCK)], heard.first, end - heard.first)[0][0]


def _follow(client: jack.Client, port: jack.OwnPort, ring: Ring, heard: HeardTone, ended: threading.Event) -> None:
    """Connect the tone when it appears, and read both clocks at regular intervals."""
    while not ended.wait(_CLOCK_S):
        if not port.number_of_connections and client.get_ports(f"^{PORT}$"):
            client.connect(PORT, port)
        near = ring.written_until()
        if near and (pair := read_clocks(client, near)) is not None:
            heard.frames.append(pair.frame)
            heard.times_s.append(pair.utc_s)


def due_times(log: Path) -> dict[int, float]:
    """When each picture was there to be seen (seconds since 1970), by its number, from the log of the camera."""
    rows = [line.split(",") for line in log.read_text(encoding="utf-8").splitlines()[1:]]
    return {int(row[0]): float(row[1]) for row in rows}


def latencies(areas: Sequence[float], due_s: dict[int, float], heard: HeardTone) -> list[float]:
    """Seconds from each flash to the change of the tone. Flashes that were not seen or heard are left out."""
    middle_s, frequencies_hz = periods(heard.samples, heard.rate_hz)
    times_s = heard.utc_s(middle_s * heard.rate_hz + heard.first)
    notes = np.array([note_of(hz) for hz in frequencies_hz])
    limit = (DEFAULT_RANGE.note_of_area(SMALL.area) + DEFAULT_RANGE.note_of_area(LARGE.area)) / 2
    found = []
    for number in flashes_of(areas):
        if number not in due_s:
            continue
        near = slice(*np.searchsorted(times_s, [due_s[number] - _BEFORE_S, due_s[number] + _AFTER_S]))
        beyond = (notes[near] > limit) == (areas[number] == LARGE.area)
        if beyond.any() and not beyond.all():
            found.append(float(times_s[near][int(np.argmax(beyond))]) - due_s[number])
    return found


def figures_of(found_s: Sequence[float]) -> dict[str, Any]:
    """The percentiles, without and with the wait of a hand for the next picture. Raises NodeError without flashes."""
    if not found_s:
        raise NodeError("No flash was found in the sound.", hint="Run the example by itself to see why.")
    found_ms = 1000 * np.array(found_s)
    waits_ms = np.linspace(0, 1000 / FPS, 101)
    waiting_ms = (found_ms[:, np.newaxis] + waits_ms).ravel()
    return {
        "flashes": len(found_ms),
        **{f"p{share}_ms": round(float(np.percentile(found_ms, share)), 1) for share in PERCENTILES},
        **{f"with_wait_p{share}_ms": round(float(np.percentile(waiting_ms, share)), 1) for share in PERCENTILES},
        "max_ms": round(float(found_ms.max()), 1),
    }
