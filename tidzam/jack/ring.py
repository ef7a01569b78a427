"""Captured audio in memory shared by two processes: one writes blocks, the other reads windows.

    header    8 int64: magic number, dimensions and rate
    lanes     (LANES, 4) int64: per source, how far it is written and how many gaps it had
    gap log   (LANES, 512, 2) int64: the last gaps of each lane, as (start, frames)
    samples   (slots, capacity_frames) float32; frame f of a slot is at f % capacity_frames; slots begin at a page

Frames are those of the JACK frame clock, unwrapped to 64 bits, so that all slots share one timeline and are unaffected
by channels that come or go. The channels of a source share a *lane*: a source that hangs stops only its own lane.
Lane 0 is the clock: it has no channels, waits for no source, and advances in every cycle.

There is no lock: each lane has one writer, which publishes its position after the samples are written, and never waits;
the reader detects that it was lapped. Aligned 64-bit stores are atomic, and both processes see them in order on x86;
elsewhere the interpreter's memory barriers between two stores preserve their order. Only pages with written frames
take memory: an unused slot costs nothing, and the memory of one that is no longer used can be given back.
"""

from __future__ import annotations

import mmap
import os
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tidzam.errors import AudioError
from tidzam.types import Float32

LANES: Final = 257
"""One for the clock, and one for each client that JACK can have."""
CLOCK: Final = 0

_MAGIC: Final = 0x54445A52494E4732
_MAGIC_AT, _SLOTS, _CAPACITY, _RATE = range(4)
_FIRST, _WRITTEN, _GAPS, _PERIOD = range(4)
_HEADER_INTS: Final = 8
_LOG_LENGTH: Final = 512
_LANES_AT: Final = _HEADER_INTS * 8
_LOG_AT: Final = _LANES_AT + LANES * 4 * 8
_SAMPLES_AT: Final = mmap.PAGESIZE * (1 + (_LOG_AT + LANES * _LOG_LENGTH * 2 * 8) // mmap.PAGESIZE)
_WRAP: Final = 1 << 32


@dataclass(frozen=True)
class RingGap:
    """Frames from `start` on that were not captured."""

    start: int
    frames: int

    def overlap(self, start: int, frames: int) -> slice:
        """The part of the window `start … start + frames` that lies in this gap, as indices into the window."""
        low = min(max(self.start - start, 0), frames)
        return slice(low, min(max(self.start + self.frames - start, low), frames))


class Lapped(AudioError):
    """The writer overtook the reader: `frames` of the window were overwritten before they were read."""

    def __init__(self, frames: int) -> None:
        super().__init__(f"{frames} frames were overwritten before they were read.", code="lapped")
        self.frames = frames


def wrapped_difference(clock: int, expected: int) -> int:
    """The frames by which the 32-bit frame time `clock` is ahead of the 64-bit `expected`; negative if it is behind."""
    return (clock - expected + _WRAP // 2) % _WRAP - _WRAP // 2


class Ring:
    """The shared memory of a descriptor as arrays. `create` makes it in one process, `attach` opens it in another."""

    def __init__(self, memory: mmap.mmap) -> None:
        header: NDArray[np.int64] = np.frombuffer(memory, np.int64, _HEADER_INTS)
        if header[_MAGIC_AT] != _MAGIC:
            raise AudioError("The shared memory does not contain a ring.", code="ring")
        self.slots, self.capacity_frames = int(header[_SLOTS]), int(header[_CAPACITY])
        self.rate_hz = int(header[_RATE])
        self.lanes: NDArray[np.int64] = np.frombuffer(memory, np.int64, LANES * 4, _LANES_AT).reshape(LANES, 4)
        log = np.frombuffer(memory, np.int64, LANES * _LOG_LENGTH * 2, _LOG_AT)
        self.log: NDArray[np.int64] = log.reshape(LANES, _LOG_LENGTH, 2)
        self._memory, self._slot_bytes = memory, _slot_bytes(self.capacity_frames)
        samples = np.frombuffer(memory, np.float32, self.slots * self._slot_bytes // 4, _SAMPLES_AT)
        self.samples: Float32 = samples.reshape(self.slots, -1)[:, : self.capacity_frames]

    @classmethod
    def create(cls, fd: int, *, slots: int, capacity_frames: int, rate_hz: int) -> Ring:
        """Size the memory file `fd` and make an empty ring in it."""
        os.ftruncate(fd, _SAMPLES_AT + slots * _slot_bytes(capacity_frames))
        memory = mmap.mmap(fd, 0)
        header: NDArray[np.int64] = np.frombuffer(memory, np.int64, _HEADER_INTS)
        header[_SLOTS], header[_CAPACITY], header[_RATE] = slots, capacity_frames, rate_hz
        header[_MAGIC_AT] = _MAGIC
        return cls(memory)

    @classmethod
    def attach(cls, fd: int) -> Ring:
        """The ring that another process made in `fd`. Raises AudioError if `fd` holds none."""
        if os.fstat(fd).st_size < _SAMPLES_AT:
            raise AudioError("The shared memory does not contain a ring.", code="ring")
        return cls(mmap.mmap(fd, 0))

    def first_frame(self, lane: int = CLOCK) -> int:
        """The first frame of a lane; 0 before its first block."""
        return int(self.lanes[lane, _FIRST])

    def written_until(self, lane: int = CLOCK) -> int:
        """All frames of a lane before this one are written or lost; 0 before its first block."""
        return int(self.lanes[lane, _WRITTEN])

    @property
    def period(self) -> int:
        """Frames of the clock's last cycle."""
        return int(self.lanes[CLOCK, _PERIOD])

    def give_back(self, slot: int) -> None:
        """Give the memory of a slot back to the system: its samples become zeros. It can be used again.

        Raises OSError where the system cannot take it, for instance since it is locked.
        """
        self._memory.madvise(mmap.MADV_REMOVE, _SAMPLES_AT + slot * self._slot_bytes, self._slot_bytes)


def _slot_bytes(capacity_frames: int) -> int:
    """The bytes of a slot: whole pages, so that its memory can be given back."""
    return -(-capacity_frames * 4 // mmap.PAGESIZE) * mmap.PAGESIZE


class RingWriter:
    """The writing end of a lane, for a JACK callback: `begin` a block, `copy` each slot's part of it, `commit`.

    `next_frame` is where the next block is expected; before the first, it is a frame `near` it, which resolves the
    wrap-around of JACK's 32-bit clock: the default is right before the first wrap.
    """

    def __init__(self, ring: Ring, lane: int, *, near: int = _WRAP // 2) -> None:
        self._lane, self._log = ring.lanes[lane], ring.log[lane]
        self._samples, self._capacity = ring.samples, ring.capacity_frames
        self._lane[_WRITTEN] = self._lane[_FIRST] = 0
        self._begun = self._jumped = False
        self.next_frame = near

    def begin(self, clock: int, frames: int) -> int:
        """The 64-bit frame that a block of `frames` with the 32-bit frame time `clock` starts at.

        Frames that were skipped become a gap. A block that is announced twice is simply written twice.
        """
        ahead = wrapped_difference(clock, self.next_frame)
        start = self.next_frame + ahead
        self._jumped = self._begun and ahead > 0
        if not self._begun:
            self._lane[_FIRST] = self._lane[_WRITTEN] = self.next_frame = start
            self._begun = True
        if self._jumped:
            self._note_gap(self.next_frame, ahead)
        self._lane[_PERIOD] = frames
        return start

    def copy(self, slot: int, start: int, block: Float32) -> None:
        """Write a slot's block (shape (frames,), float32) at frame `start`."""
        low = start % self._capacity
        until_end = self._capacity - low
        row = self._samples[slot]
        if len(block) <= until_end:
            row[low : low + len(block)] = block
        else:
            row[low:] = block[:until_end]
            row[: len(block) - until_end] = block[until_end:]

    def commit(self, start: int, frames: int, *, torn: bool) -> None:
        """Publish the block. `torn`: JACK went on while it was copied, so the copies may mix two cycles: it is lost.

        The block after a gap is held back until the next one: JACK may announce it too early, with the samples of an
        older cycle, and once more when they are right.
        """
        if torn:
            self._note_gap(start, frames)
        end = start + frames
        self.next_frame = max(self.next_frame, end)
        published = start if self._jumped else end
        if published > self._lane[_WRITTEN]:
            self._lane[_WRITTEN] = published

    def _note_gap(self, start: int, frames: int) -> None:
        count = int(self._lane[_GAPS])
        self._log[count % _LOG_LENGTH] = start, frames
        self._lane[_GAPS] = count + 1


class RingReader:
    """Reads windows from a ring. `gaps` are those of each lane that windows may still overlap."""

    def __init__(self, ring: Ring) -> None:
        self.ring = ring
        self.gaps: dict[int, deque[RingGap]] = {}
        self._seen = [0] * LANES

    def new_gaps(self, lane: int) -> list[RingGap]:
        """A lane's gaps since the last call. If they overflowed the log, the missing ones are reported as one."""
        ring = self.ring
        known = self.gaps.setdefault(lane, deque())
        count = int(ring.lanes[lane, _GAPS])
        oldest = max(self._seen[lane], count - _LOG_LENGTH // 2)
        fresh = [RingGap(*map(int, ring.log[lane, index % _LOG_LENGTH])) for index in range(oldest, count)]
        if oldest > self._seen[lane]:
            start = known[-1].start if known else ring.first_frame(lane)
            fresh.insert(0, RingGap(start, fresh[0].start - start))
        self._seen[lane] = count
        known.extend(fresh)
        too_old = ring.written_until() - ring.capacity_frames
        while known and known[0].start + known[0].frames < too_old:
            known.popleft()
        return fresh

    def read(
        self, places: Sequence[tuple[int, int]], start: int, frames: int, *, before: int = 0
    ) -> tuple[Float32, tuple[int, ...]]:
        """A window of several places (slot, lane), and the number of frames lost in each: those are zeros.

        Returns a copy of shape (len(places), before + frames), which begins `before` frames ahead of the window: frames
        that are lost there are zeros, too, and not counted. Call `new_gaps` of the lanes first. What a lane has not
        written yet is lost. Raises Lapped if the writers have overwritten part of what is read.
        """
        ring = self.ring
        start, frames = start - before, frames + before
        low = start % ring.capacity_frames
        until_end = ring.capacity_frames - low
        missing = {lane: self._missing(lane, start, frames) for _, lane in places}
        window: Float32 = np.empty((len(places), frames), np.float32)
        for row, (slot, _) in enumerate(places):
            window[row, :until_end] = ring.samples[slot, low : low + frames]
            if frames > until_end:
                window[row, until_end:] = ring.samples[slot, : frames - until_end]
        # Up to two blocks beyond written_until may be under way: the one being copied and one held back.
        overwritten = ring.written_until() + 2 * ring.period - ring.capacity_frames - start
        if overwritten > 0:
            raise Lapped(min(overwritten, frames))
        for row, (_, lane) in enumerate(places):
            window[row, missing[lane]] = 0
        return window, tuple(int(missing[lane][before:].sum()) for _, lane in places)

    def _missing(self, lane: int, start: int, frames: int) -> NDArray[np.bool_]:
        """The frames of a window that a lane does not have."""
        missing = np.arange(start, start + frames) >= self.ring.written_until(lane)
        for gap in self.gaps.get(lane, ()):
            missing[gap.overlap(start, frames)] = True
        return missing
