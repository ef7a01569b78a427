"""The player and the output of docs/extending.md, installed as packages, in a real stream manager."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import yaml

from tests.support.manager import Manager, stream_manager
from tests.support.packages import write_package

DOCUMENT = Path(__file__).parents[2] / "docs" / "extending.md"
EXAMPLES = {
    "sine_player": ("tidzam.players", "sine = sine_player:SinePlayer"),
    "wav_output": ("tidzam.outputs", "wav = wav_output:WavOutput"),
}
pytestmark = pytest.mark.timeout(120)


def example(module: str) -> str:
    """The block of the document that begins with the name of `module`."""
    found = re.search(rf"```python\n(# {module}\.py\n.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    assert found, module
    return found[1]


def documented_sources() -> list[dict[str, Any]]:
    """The sources of the document's last profile."""
    blocks = re.findall(r"```yaml\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    profiles = [yaml.safe_load(block) for block in blocks]
    sources: list[dict[str, Any]] = next(one["sources"] for one in reversed(profiles) if "wav" in str(one))
    return sources


@pytest.fixture(scope="module")
def wav_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("wav")


@pytest.fixture(scope="module")
def manager(tmp_path_factory: pytest.TempPathFactory, wav_folder: Path) -> Iterator[Manager]:
    packages = tmp_path_factory.mktemp("packages")
    for module, (group, entry_point) in EXAMPLES.items():
        write_package(packages, module, example(module), group, entry_point)
    env = {"PYTHONPATH": str(packages), "WAV_FOLDER": str(wav_folder)}
    with stream_manager(tmp_path_factory.mktemp("manager"), documented_sources(), env=env) as started:
        started.until_well(within_s=30)
        yield started


def test_the_player_of_a_package_plays_and_the_built_in_output_takes_it(manager: Manager) -> None:
    status = manager.source("beep")
    assert (status["state"], status["ports"], len(status["mounts"])) == ("playing", ["beep:out_0"], 1)


def test_the_output_of_a_package_gets_the_audio_of_the_player(manager: Manager, wav_folder: Path) -> None:
    manager.until(lambda: sum(path.stat().st_size for path in wav_folder.glob("*.wav")) > 3 * 88200, within_s=30)
    (path,) = wav_folder.glob("*.wav")
    assert re.fullmatch(r"beep-\d{4}(-\d\d){5}\.wav", path.name)
    samples, rate_hz = soundfile.read(path, frames=132300, dtype="float32")
    spectrum = np.abs(np.fft.rfft(samples[-44100:]))
    assert abs(int(spectrum.argmax()) * rate_hz / 44100 - 440) < 2


def test_a_player_that_is_killed_is_replaced_like_a_built_in_one(manager: Manager) -> None:
    player = next(child for child in manager.children() if "sine_player" in child.cmdline())
    player.kill()
    manager.until(lambda: manager.source("beep")["restarts"] >= 1 and manager.source("beep")["ok"], within_s=20)
