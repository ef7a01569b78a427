"""The shared memory between camera and tone."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from examples.theremin.hand_memory import NO_HAND, HandMemory, HandReading

WRITER = """
import sys
from examples.theremin.hand_memory import HandMemory, HandReading
memory = HandMemory(int(sys.argv[1]))
print("writing", flush=True)
number = 1
while True:
    memory.write(HandReading(float(number), float(-number)))
    number = number % 1_000_000 + 1
"""


@pytest.fixture
def created() -> Iterator[tuple[HandMemory, int]]:
    memory, fd = HandMemory.create()
    yield memory, fd
    os.close(fd)


def test_a_new_memory_holds_no_hand(created: tuple[HandMemory, int]) -> None:
    assert not created[0].read().is_hand


def test_what_is_attached_later_reads_the_latest_reading(created: tuple[HandMemory, int]) -> None:
    memory, fd = created
    for area in (0.25, 0.5):
        memory.write(HandReading(area, 0.125))
    other = HandMemory(fd)
    assert (other.read(), other.count) == (HandReading(0.5, 0.125), 3)


def test_no_reading_mixes_two_that_another_process_writes(created: tuple[HandMemory, int]) -> None:
    memory, fd = created
    argv = [sys.executable, "-c", WRITER, str(fd)]
    with subprocess.Popen(argv, pass_fds=[fd], stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        seen: set[HandReading] = set()
        deadline_s = time.monotonic() + 20
        while len(seen) < 100 and time.monotonic() < deadline_s:
            seen |= {reading for _ in range(100) if (reading := memory.read()).is_hand}
        writer.kill()
    assert len(seen) >= 100
    assert all(reading.area == -reading.loudness for reading in seen)


def test_an_area_of_nan_is_no_hand() -> None:
    assert not NO_HAND.is_hand
