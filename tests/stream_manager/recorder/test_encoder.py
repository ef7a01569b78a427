"""The command line of ffmpeg, and an encoder that fails."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from stream_manager.recorder.encoder import Encoder, EncoderError, encoder_argv, is_out_of_room
from stream_manager.recorder.options import RecorderOptions, recorder_argv
from tests.stream_manager.recorder.harness import recorder_options

INPUT = (
    "ffmpeg -hide_banner -nostats -loglevel error -n -probesize 32 -analyzeduration 0 -guess_layout_max 0 "
    "-f f32le -ar 48000 -ac {} -i pipe:0 "
)
OUTPUT = " -map_metadata -1 -flush_packets 1 file:/r/x.part"


@pytest.mark.parametrize(
    ("kind", "channels", "depth", "codec"),
    [
        ("opus", 1, 16, "-c:a libopus -b:a 64k -page_duration 200000 -f opus"),
        ("opus", 2, 16, "-c:a libopus -b:a 128k -page_duration 200000 -f opus"),
        ("opus", 30, 16, "-c:a libopus -b:a 1920k -mapping_family 255 -page_duration 200000 -f opus"),
        ("flac", 2, 16, "-c:a flac -sample_fmt s16 -f flac"),
        ("flac", 2, 24, "-c:a flac -sample_fmt s32 -bits_per_raw_sample 24 -f flac"),
        ("wav", 30, 16, "-c:a pcm_s16le -rf64 auto -f wav"),
        ("wav", 2, 24, "-c:a pcm_s24le -rf64 auto -f wav"),
    ],
)
def test_command_lines(kind: str, channels: int, depth: int, codec: str) -> None:
    options = recorder_options(Path("/r"), channels, format=kind, bit_depth=depth)
    assert " ".join(encoder_argv(Path("/r/x.part"), 48000, options)) == INPUT.format(channels) + codec + OUTPUT


def test_the_recorder_receives_its_options_as_one_argument() -> None:
    options = recorder_options(Path("/r/a folder"), threshold=0.5)
    assert RecorderOptions.parse(recorder_argv(options)[-1]) == options


def test_an_encoder_that_ends_is_noticed_with_its_last_message() -> None:
    encoder = Encoder(["sh", "-c", "echo first >&2; echo last >&2; exit 3"], bytes_per_s=1)
    with pytest.raises(EncoderError, match="status 3: last"):
        while True:
            encoder.check()
            time.sleep(0.01)


def test_an_encoder_that_reads_nothing_does_not_block() -> None:
    encoder = Encoder(["sleep", "60"], bytes_per_s=1)
    data = memoryview(bytes(1 << 20))
    written = sum(iter(lambda: encoder.write(data), 0))
    assert 0 < written < 1 << 20
    encoder.kill()


def test_a_program_that_is_missing_is_an_error_of_the_encoder() -> None:
    with pytest.raises(EncoderError, match="cannot be started"):
        Encoder(["/no/such/ffmpeg"], bytes_per_s=1)


def test_a_full_disk_differs_from_other_errors() -> None:
    assert is_out_of_room("av_interleaved_write_frame(): No space left on device")
    assert not is_out_of_room("Invalid argument")
