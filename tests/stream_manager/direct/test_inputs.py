"""What a direct recorder takes audio from: files, and programs that write samples."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from stream_manager.direct.device import capture_program
from stream_manager.direct.file_input import FileInput
from stream_manager.direct.inputs import DirectInput, InputError
from stream_manager.direct.pipe_input import PipeInput
from tests.support.eventually import eventually
from tidzam.types import Float32

pytestmark = pytest.mark.timeout(60)


def ramp(frames: int, channels: int = 1) -> Float32:
    """Samples that show their frame and their channel, exact in 16 bits."""
    numbers = np.arange(frames)[:, None] + 1000 * np.arange(channels)
    return (numbers % 30000 / (1 << 15)).astype(np.float32)


def taken(source: DirectInput, frames: int) -> Float32:
    """So many frames of `source`."""
    blocks: list[Float32] = []
    while (left := frames - sum(map(len, blocks))) > 0:
        eventually(source.waiting)
        blocks.append(source.take(left))
    return np.concatenate(blocks)


def sound_file(folder: Path, samples: Float32) -> Path:
    path = folder / "pond.flac"
    soundfile.write(path, samples, 8000)
    return path


def printing(
    code: str, *, samples: str = "<i2", channels: int = 1, selected: tuple[int, ...] | None = None
) -> PipeInput:
    """The input from a program in Python that writes samples."""
    argv = [sys.executable, "-c", f"import sys, time, numpy as np\nout = sys.stdout.buffer\n{code}"]
    return PipeInput(
        argv, name="input", rate_hz=8000, channels=channels, samples=samples, target_s=0.1, selected=selected
    )


def test_a_loop_is_repeated_without_a_gap(tmp_path: Path) -> None:
    source = FileInput(sound_file(tmp_path, ramp(5000)), loop=True)
    assert np.array_equal(taken(source, 12000)[:, 0], np.resize(ramp(5000), 12000))
    source.close()


def test_a_file_ends(tmp_path: Path) -> None:
    source = FileInput(sound_file(tmp_path, ramp(5000)))
    assert np.array_equal(taken(source, 5000), ramp(5000))
    with pytest.raises(InputError, match="ended"):
        source.waiting()


def test_channels_of_a_file_are_selected_in_their_order(tmp_path: Path) -> None:
    source = FileInput(sound_file(tmp_path, ramp(3000, 3)), channels=(2, 0))
    assert np.array_equal(taken(source, 3000), ramp(3000, 3)[:, [2, 0]])


def test_a_channel_that_a_file_lacks_is_refused_for_good(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="0 to 0") as raised:
        FileInput(sound_file(tmp_path, ramp(3000)), channels=(1,))
    assert raised.value.is_final


def test_a_file_that_is_missing_is_an_error_of_the_input(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="none"):
        FileInput(tmp_path / "none.flac")


@pytest.mark.parametrize(("samples", "scale"), [("<i2", 1 << 15), ("<i4", 1 << 31), ("<f4", 1)])
def test_all_that_a_program_writes_arrives_in_order(samples: str, scale: int) -> None:
    code = f"values = np.arange(20000) % 30000 / 32768 * {scale}\nout.write(values.astype('{samples}').tobytes())"
    source = printing(code, samples=samples)
    assert np.array_equal(taken(source, 20000), ramp(20000))
    with pytest.raises(InputError, match="status 0"):
        eventually(source.waiting)
    source.close()


def test_a_frame_that_comes_in_two_pieces_is_whole() -> None:
    code = "data = np.arange(4, dtype='<i2').tobytes()\nfor one in (data[:3], data[3:]):\n"
    code += "    out.write(one)\n    out.flush()\n    time.sleep(0.2)"
    source = printing(code, channels=2)
    assert np.array_equal(taken(source, 2) * (1 << 15), [[0, 1], [2, 3]])
    source.close()


def test_channels_of_a_program_are_selected_in_their_order() -> None:
    source = printing("out.write(np.arange(6, dtype='<i2').tobytes())", channels=3, selected=(2, 0))
    assert np.array_equal(taken(source, 2) * (1 << 15), [[2, 0], [5, 3]])
    source.close()


def test_the_reason_is_the_last_line_that_a_program_wrote() -> None:
    source = printing("sys.exit('first\\nhw:1: no such device')")
    with pytest.raises(InputError, match=r"^hw:1: no such device$"):
        eventually(source.waiting)
    source.close()


def test_a_program_that_ignores_a_termination_is_killed() -> None:
    code = "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nout.write(bytes(2))\nout.flush()\n"
    source = printing(f"{code}time.sleep(60)")
    taken(source, 1)
    source.close()
    assert not source.is_running


def test_a_sound_card_is_captured_by_arecord() -> None:
    program = capture_program("plughw:1", rate_hz=44100, channels=2, bit_depth=16, has_arecord=True)
    assert " ".join(program.argv) == "arecord -q -D plughw:1 -t raw -f S16_LE -c 2 -r 44100 --buffer-time=2000000"
    assert program.samples == "<i2"


def test_a_sound_card_is_captured_by_ffmpeg_where_there_is_no_arecord() -> None:
    program = capture_program("hw:Mic", rate_hz=48000, channels=1, bit_depth=24, has_arecord=False)
    assert " ".join(program.argv) == (
        "ffmpeg -nostdin -hide_banner -loglevel warning -nostats -f alsa -channels 1 -sample_rate 48000 -i hw:Mic "
        "-c:a pcm_s32le -f s32le -flush_packets 1 pipe:1"
    )
    assert program.samples == "<i4"
