"""Files are cut on the clock, and no sample is lost or repeated between them, whatever fails meanwhile."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import numpy as np
import pytest

from stream_manager.recorder.encoder import Encoder, encoder_argv
from stream_manager.recorder.events import FileFinished, Lost, Notice, Repaired
from stream_manager.recorder.loudness import Loudness
from stream_manager.recorder.open_file import ContinuousFile, OpenFile
from stream_manager.recorder.recording import next_cut_s
from tests.stream_manager.recorder.harness import Harness, decoded, recorder_options
from tests.support.ring_source import RingSource, code, noise, ring_source
from tidzam.recorded_sound.sections import encode_peaks
from tidzam.types import Float32

pytestmark = pytest.mark.timeout(60)

LEAD_FRAMES = 2000
"""A source begins a quarter of a second after a whole second: silence precedes its first sample."""


@pytest.fixture
def source() -> Iterator[RingSource]:
    with ring_source() as made:
        yield made


def expected(source: RingSource, frames: int, first_frame: int) -> Float32:
    """What `frames` frames of a source are, from `first_frame` on, after the silence that precedes them."""
    numbers = np.arange(first_frame, first_frame + frames - LEAD_FRAMES)
    played = np.stack([code(numbers, channel) for channel in range(source.channels)], axis=1)
    return np.concatenate([np.zeros((LEAD_FRAMES, source.channels), np.float32), played])


def began(harness: Harness) -> int:
    """Let the source begin; returns its first frame that is recorded."""
    harness.source.play()
    harness.source.set_clock(-harness.source.period / harness.source.rate_hz)
    harness.step()
    return harness.source.frame


@pytest.mark.parametrize(
    ("kind", "channels", "depth"),
    [("wav", 1, 16), ("wav", 2, 24), ("wav", 30, 16), ("flac", 1, 16), ("flac", 2, 24)]
    + [("flac", channels, 16) for channels in (3, 6, 8)],
)
def test_files_join_sample_by_sample_with_each_channel_in_its_place(
    tmp_path: Path, kind: str, channels: int, depth: int
) -> None:
    with ring_source(channels=channels) as source:
        harness = Harness(source, recorder_options(tmp_path, channels, format=kind, bit_depth=depth))
        first = began(harness)
        harness.play(7)
        harness.close()
        names = [path.name for path in harness.files()]
        assert names == [f"pond-2023-11-14-22-13-{second}.{kind}" for second in (20, 22, 24, 26)]
        recorded = harness.recorded()
        assert np.array_equal(recorded, expected(source, len(recorded), first))
        assert len(recorded) == LEAD_FRAMES + 7 * source.rate_hz
        assert harness.recording.beat().lost_frames == 0


def test_the_peaks_of_the_sections_of_each_file_are_reported(tmp_path: Path, source: RingSource) -> None:
    harness = Harness(source, recorder_options(tmp_path, 2, format="wav"))
    began(harness)
    harness.play(3)
    harness.close()
    reported = {Path(one.file): Loudness.parse(one.max_amp, one.sections) for one in harness.of(FileFinished)}
    assert len(reported) == 2
    for path, loudness in reported.items():
        peaks = np.abs(decoded(path, 2)).max(axis=0, keepdims=True)
        assert loudness.section_peaks == encode_peaks(peaks)


@pytest.mark.parametrize("channels", [1, 2, 3, 30])
def test_opus_files_have_exactly_the_length_of_what_was_played(tmp_path: Path, channels: int) -> None:
    with ring_source(channels=channels, rate_hz=48000, period=960, ring_s=2) as source:
        harness = Harness(source, recorder_options(tmp_path, channels, format="opus"))
        began(harness)
        harness.play(3.5)
        harness.close()
        assert [len(decoded(path, channels)) for path in harness.files()] == [2 * 48000, round(1.75 * 48000)]


def test_opus_files_join_without_a_shift(tmp_path: Path) -> None:
    with ring_source(noise, channels=1, rate_hz=48000, period=960, ring_s=2) as source:
        harness = Harness(source, recorder_options(tmp_path, 1, format="opus", length_s=1))
        first = began(harness)
        harness.play(3.5)
        harness.close()
        recorded = harness.recorded()[:, 0]
        lead = 48000 // 4
        played = noise(np.arange(first, first + len(recorded) - lead), 0)
        shifts = [shift(recorded[at : at + 4800], played[at - lead :][:4800]) for at in range(24000, 140000, 4800)]
        assert shifts == [0] * len(shifts)


def shift(one: Float32, other: Float32) -> int:
    """By how many samples `one` is later than `other`: where their correlation is largest."""
    size = 2 * len(one)
    spectrum = np.fft.rfft(one - one.mean(), size) * np.fft.rfft(other - other.mean(), size).conj()
    found = int(np.argmax(np.fft.irfft(spectrum)))
    return found if found < len(one) else found - size


def test_opus_of_another_rate_keeps_its_length_to_a_sample(tmp_path: Path) -> None:
    with ring_source(rate_hz=44100, period=441, ring_s=2) as source:
        harness = Harness(source, recorder_options(tmp_path, format="opus"))
        began(harness)
        harness.play(3.75)
        harness.close()
        frames = [len(decoded(path, 2)) for path in harness.files()]
        assert frames == pytest.approx([96000, 96000], abs=1)


def test_only_complete_files_are_visible(tmp_path: Path, source: RingSource) -> None:
    harness = Harness(source, recorder_options(tmp_path))
    began(harness)
    harness.play(1)
    harness.wait_until_encoding()
    assert [path.name for path in tmp_path.iterdir()] == [".pond-2023-11-14-22-13-20.wav.part"]
    harness.close()
    assert [path.name for path in tmp_path.iterdir()] == ["pond-2023-11-14-22-13-20.wav"]


def test_frames_that_jack_skipped_are_silence_and_reported(tmp_path: Path, source: RingSource) -> None:
    harness = Harness(source, recorder_options(tmp_path))
    first = began(harness)
    harness.play(1)
    gap_at = source.frame
    source.skip(800)
    harness.play(2)
    harness.close()
    recorded = harness.recorded()
    wanted = expected(source, len(recorded), first)
    wanted[LEAD_FRAMES + gap_at - first :][:800] = 0
    assert np.array_equal(recorded, wanted)
    assert sum(lost.seconds for lost in harness.of(Lost)) == pytest.approx(0.1)


@pytest.mark.parametrize("kind", ["wav", "flac"])
def test_a_killed_encoder_costs_no_sample(tmp_path: Path, source: RingSource, kind: str) -> None:
    harness = Harness(source, recorder_options(tmp_path, format=kind, length_s=60))
    first = began(harness)
    harness.play(6)
    harness.wait_until_encoding()
    kill_encoder(harness)
    harness.play(4)
    harness.close()
    assert len(harness.of(Repaired)) == 1
    assert len(harness.files()) == 2
    recorded = harness.recorded()
    assert np.array_equal(recorded, expected(source, len(recorded), first))
    assert len(recorded) == LEAD_FRAMES + 10 * source.rate_hz
    assert not list(tmp_path.glob(".*"))


def test_an_encoder_of_opus_that_is_killed_costs_no_sample(tmp_path: Path) -> None:
    with ring_source(rate_hz=48000, period=960) as source:
        harness = Harness(source, recorder_options(tmp_path, format="opus", length_s=60))
        began(harness)
        harness.play(6)
        harness.wait_until_encoding()
        kill_encoder(harness)
        harness.play(4)
        harness.close()
        assert len(harness.files()) == 2
        assert len(harness.recorded()) == 10.25 * 48000


def test_an_encoder_that_is_killed_soon_leaves_no_file_of_its_own(tmp_path: Path, source: RingSource) -> None:
    harness = Harness(source, recorder_options(tmp_path, length_s=60))
    first = began(harness)
    harness.play(0.5)
    kill_encoder(harness)
    harness.play(1)
    harness.close()
    recorded = harness.recorded()
    assert len(harness.files()) == 1
    assert np.array_equal(recorded, expected(source, len(recorded), first))


def test_an_encoder_that_was_suspended_costs_no_sample(tmp_path: Path, source: RingSource) -> None:
    harness = Harness(source, recorder_options(tmp_path, length_s=60))
    first = began(harness)
    harness.play(3)
    harness.wait_until_encoding()
    file = harness.recording.file
    os.kill(pid_of(file), signal.SIGSTOP)
    while harness.recording.file is file:
        source.play(10)
        harness.recording.note_clock(source.clock)
        harness.recording.step(connected=True, now_s=harness.now_s)
    harness.play(3)
    harness.close()
    recorded = harness.recorded()
    assert len(harness.files()) == 2
    assert np.array_equal(recorded, expected(source, len(recorded), first))
    assert harness.recording.beat().lost_frames == 0


@pytest.mark.parametrize("seed", range(2))
def test_whatever_happens_every_sample_is_recorded_once(tmp_path: Path, source: RingSource, seed: int) -> None:
    """Encoders are killed at random moments, JACK skips frames, and steps are of any length."""
    random = Random(seed)
    harness = Harness(source, recorder_options(tmp_path, length_s=random.choice([5, 12])))
    first = began(harness)
    skipped: list[tuple[int, int]] = []
    for _ in range(3):
        for _ in range(random.randrange(3, 8)):
            harness.play(random.uniform(0.1, 2.0))
            skipped.append((source.frame, random.randrange(1, 2000)))
            source.skip(skipped[-1][1])
        harness.play(10)  # rare failures are not taken for a fault that persists
        kill_encoder(harness)
    harness.play(3)
    harness.close()
    recorded = harness.recorded()
    wanted = expected(source, len(recorded), first)
    for frame, length in skipped:
        wanted[LEAD_FRAMES + frame - first :][:length] = 0
    assert np.array_equal(recorded, wanted)
    assert len(recorded) == LEAD_FRAMES + source.frame - first
    lost_frames = sum(lost.seconds for lost in harness.of(Lost)) * source.rate_hz
    assert lost_frames == pytest.approx(sum(length for _, length in skipped))


def kill_encoder(harness: Harness) -> None:
    file = harness.recording.file
    pid = pid_of(file)
    os.kill(pid, signal.SIGKILL)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)


def pid_of(file: OpenFile | None) -> int:
    """The process of the ffmpeg that writes `file`."""
    assert isinstance(file, ContinuousFile)
    assert isinstance(file.encoder, Encoder)
    return file.encoder.pid


def test_encoders_that_keep_failing_pause_the_recording_for_longer_and_longer(
    tmp_path: Path, source: RingSource
) -> None:
    harness = Harness(source, recorder_options(tmp_path))
    start = harness.start
    harness.start = lambda part: Encoder(["false"], bytes_per_s=1)
    began(harness)
    harness.play(9)
    failures = [notice for notice in harness.of(Notice) if "recording failed" in notice.text]
    assert 2 <= len(failures) <= 8
    assert harness.recording.beat().code == "recording_failed"
    harness.start = start
    harness.play(32)
    assert harness.recording.beat().state == "recording"
    harness.close()
    assert harness.recording.beat().lost_frames > 0


def test_a_full_disk_pauses_the_recording_until_there_is_room(tmp_path: Path, source: RingSource) -> None:
    harness = Harness(source, recorder_options(tmp_path))
    start = harness.start
    argv = [*encoder_argv(Path("/dev/full"), source.rate_hz, harness.options), "-y"]
    argv.remove("-n")
    harness.start = lambda part: Encoder(argv, bytes_per_s=1)
    began(harness)
    while not harness.recording.beat().code:
        harness.play(0.2)
        time.sleep(0.01)
    paused = harness.recording.beat()
    assert (paused.code, "`record.keep`" in paused.problem) == ("recording_disk_full", True)
    harness.play(0.2)
    assert harness.recording.beat().lost_frames > paused.lost_frames
    harness.start = start
    harness.play(4)
    harness.close()
    assert harness.recording.beat().state == "waiting"
    assert harness.of(FileFinished)
    assert [lost.reason for lost in harness.of(Lost)] == ["paused"]


def test_a_file_ends_when_the_system_clock_is_set(tmp_path: Path, source: RingSource) -> None:
    harness = Harness(source, recorder_options(tmp_path, length_s=60))
    began(harness)
    harness.play(1)
    source.set_clock(+3600)
    harness.play(1)
    source.set_clock(-3600)
    harness.play(1)
    harness.close()
    names = [path.name for path in harness.files()]
    assert names == [f"pond-2023-11-14-{time}.wav" for time in ("22-13-20", "22-13-22", "23-13-21")]
    assert harness.recording.beat().lost_frames == 0


def test_a_file_starts_after_the_last_one_of_an_earlier_recorder(tmp_path: Path, source: RingSource) -> None:
    harness = Harness(source, recorder_options(tmp_path), ended_s=1_700_000_000.1)
    began(harness)
    harness.play(2)
    harness.close()
    assert [path.name for path in harness.files()] == [
        "pond-2023-11-14-22-13-21.wav",
        "pond-2023-11-14-22-13-22.wav",
    ]
    assert len(harness.recorded()) == 1.25 * source.rate_hz


def test_no_file_is_replaced_when_the_clock_is_set_back(tmp_path: Path, source: RingSource) -> None:
    harness = Harness(source, recorder_options(tmp_path, length_s=60))
    began(harness)
    harness.play(1)
    source.set_clock(-1.0)
    harness.play(0.4)
    harness.close()
    names = [path.name for path in harness.files()]
    assert names == ["pond-2023-11-14-22-13-20.001.wav", "pond-2023-11-14-22-13-20.wav"]


def test_a_file_is_completed_with_silence_and_none_begins_while_there_is_no_source(
    tmp_path: Path, source: RingSource
) -> None:
    harness = Harness(source, recorder_options(tmp_path))
    began(harness)
    harness.play(1)
    harness.connected = False
    harness.play(5, level=0)
    assert harness.recording.beat().state == "waiting"
    harness.connected = True
    harness.play(1)
    harness.close()
    names = [path.name for path in harness.files()]
    assert names == ["pond-2023-11-14-22-13-20.wav", "pond-2023-11-14-22-13-26.wav"]


def test_a_hole_longer_than_the_ring_ends_the_file(tmp_path: Path, source: RingSource) -> None:
    harness = Harness(source, recorder_options(tmp_path, length_s=60))
    began(harness)
    harness.play(1)
    source.skip(100 * source.rate_hz)
    harness.play(1)
    harness.close()
    assert len(harness.files()) == 2
    assert sum(lost.seconds for lost in harness.of(Lost)) == pytest.approx(100, abs=0.2)


def test_audio_that_is_overwritten_before_it_is_read_is_silence_and_reported(tmp_path: Path) -> None:
    with ring_source(ring_s=1) as source:
        harness = Harness(source, recorder_options(tmp_path, length_s=60))
        first = began(harness)
        harness.play(1)
        source.play(49)  # 0.98 s at once
        harness.step()
        harness.play(1)
        harness.close()
        recorded = harness.recorded()
        wanted = expected(source, len(recorded), first)
        differs = (recorded != wanted).any(axis=1)
        assert not recorded[differs].any()
        assert sum(lost.seconds for lost in harness.of(Lost)) * source.rate_hz >= differs.sum() > 0


@pytest.mark.parametrize(("start_s", "length_s", "cut_s"), [(0, 600, 600), (599, 600, 600), (600, 600, 1200)])
def test_a_file_ends_at_the_next_multiple_of_its_length(start_s: int, length_s: int, cut_s: int) -> None:
    assert next_cut_s(start_s, length_s) == cut_s
