"""What a recording relies on, of both encoders: the ffmpeg, and the one in this process."""

from __future__ import annotations

import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from stream_manager.recorder.encoder import Encoder, EncoderError, FileEncoder, encoder_argv, is_out_of_room
from stream_manager.recorder.options import RecorderOptions
from stream_manager.recorder.repair import repair
from stream_manager.recorder.soundfile_encoder import SoundFileEncoder
from tests.stream_manager.recorder.harness import decoded, recorder_options
from tests.support.eventually import eventually
from tidzam.types import Float32

pytestmark = pytest.mark.timeout(60)

RATE_HZ = 48000
Start = Callable[[Path, RecorderOptions], FileEncoder]
START: dict[str, Start] = {
    "ffmpeg": lambda part, options: Encoder(encoder_argv(part, RATE_HZ, options), bytes_per_s=1 << 20),
    "soundfile": lambda part, options: SoundFileEncoder(part, RATE_HZ, options),
}


@pytest.fixture(params=sorted(START))
def start(request: pytest.FixtureRequest) -> Start:
    return START[request.param]


def exact(frames: int, channels: int, bit_depth: int) -> Float32:
    """Noise that integers of `bit_depth` represent exactly, at full scale."""
    full = 1 << (bit_depth - 1)
    whole = np.random.default_rng(1).integers(-full, full, (frames, channels))
    return (whole / full).astype(np.float32)


def write(encoder: FileEncoder, samples: Float32) -> None:
    """Write all of `samples`, as an open file does."""
    waiting = memoryview(samples.tobytes())
    while waiting:
        encoder.wait_writable(1.0)
        waiting = waiting[encoder.write(waiting) :]


@pytest.mark.parametrize(
    ("kind", "channels", "depth"), [("flac", 1, 16), ("flac", 8, 24), ("wav", 2, 24), ("wav", 9, 16)]
)
def test_the_file_holds_exactly_what_was_written(
    tmp_path: Path, start: Start, kind: str, channels: int, depth: int
) -> None:
    samples, part = exact(RATE_HZ, channels, depth), tmp_path / f".pond.{kind}.part"
    encoder = start(part, recorder_options(tmp_path, channels, format=kind, bit_depth=depth))
    write(encoder, samples[:30000])
    encoder.check()
    encoder.finish(samples[30000:].tobytes())
    assert np.array_equal(decoded(part, channels), samples)


def test_both_round_and_clip_alike(tmp_path: Path) -> None:
    samples = np.random.default_rng(2).normal(0, 0.5, (RATE_HZ, 1)).astype(np.float32)
    found = {}
    for name, begin in START.items():
        part = tmp_path / f"{name}.flac.part"
        begin(part, recorder_options(tmp_path, 1, format="flac")).finish(samples.tobytes())
        found[name] = decoded(part, 1)
    assert np.array_equal(found["ffmpeg"], found["soundfile"])


def test_a_file_that_exists_is_not_replaced(tmp_path: Path, start: Start) -> None:
    part = tmp_path / ".pond.wav.part"
    part.write_text("precious")
    with pytest.raises(EncoderError):
        start(part, recorder_options(tmp_path, 1)).finish(bytes(4 * RATE_HZ))
    assert part.read_text() == "precious"


@pytest.mark.parametrize("kind", ["flac", "wav"])
def test_what_an_end_at_once_leaves_can_be_repaired(tmp_path: Path, start: Start, kind: str) -> None:
    samples, part = exact(4 * RATE_HZ, 2, 16), tmp_path / f".pond.{kind}.part"
    encoder = start(part, recorder_options(tmp_path, 2, format=kind))
    write(encoder, samples)
    eventually(lambda: part.exists() and part.stat().st_size > 100_000)
    encoder.kill()
    assert repair(part).frames > 0
    found = decoded(part, 2)
    assert np.array_equal(found, samples[: len(found)])


@pytest.mark.parametrize("kind", ["flac", "wav"])
def test_a_full_disk_is_known_as_such_in_this_process(tmp_path: Path, kind: str) -> None:
    options = recorder_options(tmp_path, 1, format=kind)
    with most_bytes(100_000), pytest.raises(EncoderError) as raised:
        encoder = SoundFileEncoder(tmp_path / ".pond.part", RATE_HZ, options)
        write(encoder, exact(4 * RATE_HZ, 1, 16))
        encoder.finish()
    assert is_out_of_room(str(raised.value))


def test_a_folder_that_is_missing_is_an_error_of_the_encoder(tmp_path: Path, start: Start) -> None:
    with pytest.raises(EncoderError, match="No such file or directory"):
        start(tmp_path / "none" / ".pond.part", recorder_options(tmp_path, 1)).finish(bytes(4 * RATE_HZ))


@contextmanager
def most_bytes(size: int) -> Iterator[None]:
    """No file of this process may be larger while this is open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
