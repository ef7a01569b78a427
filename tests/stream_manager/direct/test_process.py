"""The recorder process: however it ends, no audio that was written is lost, and no file is left half-written."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest
import soundfile

from stream_manager.direct.options import DirectOptions, direct_recorder_argv
from tests.stream_manager.direct.harness import RATE_HZ, direct_source, ramp, sound_file
from tests.support.eventually import eventually
from tests.support.web import web_server

pytestmark = pytest.mark.timeout(60)


def options_in(folder: Path, address: str, **changes: object) -> DirectOptions:
    source = direct_source(folder / "temp", address, **changes)
    return DirectOptions(
        sources=(source,), complete_in=folder / "complete", status=folder / "status.json", beat=folder / "beat"
    )


@contextmanager
def recorder(options: DirectOptions) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(direct_recorder_argv(options), stderr=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            process.kill()


def complete(folder: Path) -> list[Path]:
    return sorted((folder / "complete").glob("*.flac"))


def test_a_termination_completes_the_file_in_progress(tmp_path: Path) -> None:
    with recorder(options_in(tmp_path, str(sound_file(tmp_path, ramp(RATE_HZ))))) as process:
        eventually(lambda: list((tmp_path / "temp").glob(".*.part")))
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    assert not list((tmp_path / "temp").glob(".*.part"))
    assert all(soundfile.info(path).frames > 0 for path in complete(tmp_path))
    assert complete(tmp_path)


def test_whenever_it_is_killed_all_files_are_whole_and_none_is_left_behind(tmp_path: Path) -> None:
    random, options = Random(1), options_in(tmp_path, str(sound_file(tmp_path, ramp(RATE_HZ))))
    for _ in range(3):
        with recorder(options) as process:
            before = len(complete(tmp_path))
            eventually(lambda: list((tmp_path / "temp").glob(".*.part")))
            wait_for_more(tmp_path, before)
            threading.Event().wait(random.uniform(0, 0.8))
            process.kill()
    with recorder(options) as process:
        eventually(lambda: not any(is_old(part, process) for part in (tmp_path / "temp").glob(".*.part")))
        process.terminate()
        assert process.wait(20) == 0
    assert not list((tmp_path / "temp").glob(".*.part*"))
    assert all(soundfile.info(path).frames > 0 for path in complete(tmp_path))


def wait_for_more(folder: Path, before: int) -> None:
    """Wait until there are more than `before` complete files."""
    eventually(lambda: len(complete(folder)) > before)


def is_old(part: Path, process: subprocess.Popen[bytes]) -> bool:
    """Whether a part is not that of a process that runs."""
    opened = {str(link.readlink()) for link in Path(f"/proc/{process.pid}/fd").iterdir() if link.is_symlink()}
    return str(part) not in opened


def test_it_shows_what_it_does(tmp_path: Path) -> None:
    with recorder(options_in(tmp_path, str(sound_file(tmp_path, ramp(RATE_HZ))))):
        status = tmp_path / "status.json"
        eventually(lambda: status.exists() and json.loads(status.read_text())["sources"][0]["seconds"] > 0)
        assert json.loads(status.read_text())["sources"][0]["state"] == "recording"
        before = (tmp_path / "beat").stat().st_mtime_ns
        eventually(lambda: (tmp_path / "beat").stat().st_mtime_ns > before)


def test_a_recorder_of_files_ends_with_them(tmp_path: Path) -> None:
    address = str(sound_file(tmp_path, ramp(RATE_HZ)))
    with recorder(options_in(tmp_path, address, loop=False, is_permanent=False)) as process:
        assert process.wait(20) == 0
    assert sum(soundfile.info(path).frames for path in complete(tmp_path)) > RATE_HZ // 2


def test_an_address_is_recorded_by_ffmpeg(tmp_path: Path) -> None:
    sound_file(tmp_path, ramp(2 * RATE_HZ))
    with web_server(tmp_path) as server, recorder(options_in(tmp_path, f"http://{server}/played.flac", kind="address")):
        eventually(lambda: complete(tmp_path))
    assert soundfile.info(complete(tmp_path)[0]).samplerate == RATE_HZ
