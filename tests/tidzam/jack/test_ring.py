import os
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidzam.errors import AudioError
from tidzam.jack.ring import CLOCK, Lapped, Ring, RingGap, RingReader, RingWriter, wrapped_difference

PERIOD = 16
CAPACITY = 100  # no multiple of the period: blocks wrap
WRAP = 1 << 32


@pytest.fixture
def memory() -> Iterator[int]:
    fd = os.memfd_create("ring")
    yield fd
    os.close(fd)


def new_ring(fd: int, *, slots: int = 3) -> Ring:
    return Ring.create(fd, slots=slots, capacity_frames=CAPACITY, rate_hz=48000)


def value_of(frame: int) -> int:
    """What the test writes at a frame."""
    return frame % 60013


def write(writer: RingWriter, clock: int, *, slots: int = 3, torn: bool = False) -> int:
    """A block whose samples tell their own frame and slot."""
    start = writer.begin(clock % WRAP, PERIOD)
    frames = np.array([value_of(start + index) for index in range(PERIOD)], np.float32)
    for slot in range(slots):
        writer.copy(slot, start, frames + slot)
    writer.commit(start, PERIOD, torn=torn)
    return start


def test_windows_hold_the_frames_written(memory: int) -> None:
    ring = new_ring(memory)
    writer = RingWriter(ring, CLOCK)
    for block in range(20):
        write(writer, 1000 + block * PERIOD)
    reader = RingReader(Ring.attach(memory))
    start = reader.ring.written_until() - 40
    window, lost = reader.read([(2, CLOCK), (0, CLOCK)], start, 40)
    expected = np.array([value_of(start + index) for index in range(40)], np.float32)
    assert lost == (0, 0)
    np.testing.assert_array_equal(window, [expected + 2, expected])
    assert (reader.ring.first_frame(), reader.ring.rate_hz, reader.ring.slots) == (1000, 48000, 3)


@given(st.integers(0, WRAP - 1), st.lists(st.integers(0, 5), min_size=1, max_size=30))
def test_every_skipped_frame_is_counted_across_the_wrap_of_the_clock(first: int, skipped: list[int]) -> None:
    fd = os.memfd_create("ring")
    try:
        ring = new_ring(fd)
        writer, reader = RingWriter(ring, CLOCK), RingReader(ring)
        write(writer, first)
        clock = first + PERIOD
        for blocks in skipped:
            clock += blocks * PERIOD
            write(writer, clock)
            clock += PERIOD
        gaps = reader.new_gaps(CLOCK)
        assert sum(gap.frames for gap in gaps) == PERIOD * sum(skipped)
        assert ring.first_frame() == first
        assert writer.next_frame == clock
    finally:
        os.close(fd)


def test_lost_frames_are_zeros_and_are_counted(memory: int) -> None:
    ring = new_ring(memory)
    writer, reader = RingWriter(ring, CLOCK), RingReader(ring)
    for block in (0, 1, 3, 4):
        write(writer, 16 + block * PERIOD)
    assert reader.new_gaps(CLOCK) == [RingGap(48, PERIOD)]
    window, lost = reader.read([(1, CLOCK)], 40, 40)
    assert lost == (PERIOD,)
    expected = [0 if 48 <= frame < 64 else value_of(frame) + 1 for frame in range(40, 80)]
    np.testing.assert_array_equal(window[0], expected)


def test_the_block_after_a_gap_waits_until_it_is_sure(memory: int) -> None:
    ring = new_ring(memory)
    writer, reader = RingWriter(ring, CLOCK), RingReader(ring)
    write(writer, 16)
    write(writer, 16 + 4 * PERIOD)
    assert ring.written_until() == 16 + 4 * PERIOD
    write(writer, 16 + 4 * PERIOD)  # announced again, now with the right samples
    assert ring.written_until() == 16 + 5 * PERIOD
    assert reader.new_gaps(CLOCK) == [RingGap(32, 3 * PERIOD)]


def test_a_torn_block_is_lost(memory: int) -> None:
    ring = new_ring(memory)
    writer, reader = RingWriter(ring, CLOCK), RingReader(ring)
    write(writer, 16)
    write(writer, 32, torn=True)
    write(writer, 48)
    assert reader.new_gaps(CLOCK) == [RingGap(32, PERIOD)]
    assert reader.read([(0, CLOCK)], 16, 48)[1] == (PERIOD,)


def test_a_lapped_reader_gets_the_number_of_frames_overwritten(memory: int) -> None:
    ring = new_ring(memory)
    writer, reader = RingWriter(ring, CLOCK), RingReader(ring)
    for block in range(10):
        write(writer, 16 + block * PERIOD)
    free = 16 + 10 * PERIOD + 2 * PERIOD - CAPACITY
    with pytest.raises(Lapped) as caught:
        reader.read([(0, CLOCK)], free - 7, 30)
    assert caught.value.frames == 7
    reader.read([(0, CLOCK)], free, 30)


def test_a_lane_that_hangs_loses_its_own_frames_and_no_other(memory: int) -> None:
    ring = new_ring(memory)
    clock, hung = RingWriter(ring, CLOCK), RingWriter(ring, 7, near=32)
    reader = RingReader(ring)
    for block in range(4):
        write(clock, 16 + block * PERIOD, slots=2)
    hung.copy(2, hung.begin(32, PERIOD), np.full(PERIOD, 9, np.float32))
    hung.commit(32, PERIOD, torn=False)
    window, lost = reader.read([(2, 7), (0, CLOCK)], 32, 48)
    assert lost == (32, 0)
    np.testing.assert_array_equal(window[0], [9] * PERIOD + [0] * 32)
    hung.commit(hung.begin(80, PERIOD), PERIOD, torn=False)
    assert (reader.new_gaps(7), reader.new_gaps(CLOCK)) == ([RingGap(48, 32)], [])


@given(st.integers(1, 5), st.integers(0, WRAP - 1))
def test_a_lane_that_begins_late_is_on_the_turn_of_the_clock(turns: int, first: int) -> None:
    fd = os.memfd_create("ring")
    try:
        ring = new_ring(fd)
        late = RingWriter(ring, 1, near=turns * WRAP + first)
        assert late.begin((first + 3 * PERIOD) % WRAP, PERIOD) == turns * WRAP + first + 3 * PERIOD
        assert RingReader(ring).new_gaps(1) == []
    finally:
        os.close(fd)


def test_more_gaps_than_the_log_holds_hide_no_loss(memory: int) -> None:
    ring = new_ring(memory, slots=1)
    writer, reader = RingWriter(ring, CLOCK), RingReader(ring)
    for block in range(5000):
        write(writer, 16 + 2 * block * PERIOD, slots=1)
    gaps = reader.new_gaps(CLOCK)
    assert gaps[0].start == ring.first_frame()
    assert sum(gap.frames for gap in gaps) >= 4999 * PERIOD
    assert reader.new_gaps(CLOCK) == []


def test_memory_without_a_ring_is_refused(memory: int) -> None:
    with pytest.raises(AudioError):
        Ring.attach(memory)
    os.ftruncate(memory, 1 << 20)
    with pytest.raises(AudioError):
        Ring.attach(memory)


@given(st.integers(0, 1 << 50), st.integers(-(1 << 31), (1 << 31) - 1))
def test_wrapped_difference_undoes_the_wrap(expected: int, ahead: int) -> None:
    assert wrapped_difference((expected + ahead) % WRAP, expected) == ahead


def held_bytes(fd: int) -> int:
    return os.fstat(fd).st_blocks * 512


def test_only_slots_that_were_written_take_memory(memory: int) -> None:
    ring = Ring.create(memory, slots=64, capacity_frames=100_000, rate_hz=48000)
    empty = held_bytes(memory)
    ring.samples[5] = 1
    assert held_bytes(memory) - empty == pytest.approx(400_000, abs=4096)


def test_memory_of_a_slot_is_given_back_without_touching_its_neighbors(memory: int) -> None:
    ring = Ring.create(memory, slots=3, capacity_frames=10_001, rate_hz=48000)
    ring.samples[:] = 1
    full = held_bytes(memory)
    ring.give_back(1)
    assert full - held_bytes(memory) >= 40_000
    assert (ring.samples[[0, 2]] == 1).all()


def test_a_slot_can_be_used_again_after_its_memory_was_given_back(memory: int) -> None:
    ring = new_ring(memory)
    ring.samples[:] = 1
    ring.give_back(0)
    assert (ring.samples[0] == 0).all()
    ring.samples[0] = 2
    assert (Ring.attach(memory).samples[0] == 2).all()
