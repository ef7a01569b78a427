"""The health of the signal of each channel, through a real player and JACK."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator

import numpy as np
import pytest
import soundfile

from tests.support.manager import Manager, stream_manager
from tests.support.signals import RATE_HZ, clipped, crickets, hum, narrow, noise, stuck

pytestmark = pytest.mark.timeout(60)
CHANNELS = {
    "well": crickets(),
    "digital_silence": 0 * noise(),
    "stuck": stuck(441),
    "clipping": clipped(),
    "hum": hum(),
    "narrow_band": narrow(),
}
"""Signals by the state that they should have; each is a file's channel, and can be repeated without a click."""


@pytest.fixture(scope="module")
def manager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Manager]:
    folder = tmp_path_factory.mktemp("signals")
    soundfile.write(folder / "field.flac", np.stack(list(CHANNELS.values()), axis=1), RATE_HZ, subtype="PCM_16")
    source = {"name": "field", "url": str(folder / "field.flac"), "loop": True, "outputs": []}
    with stream_manager(folder, [source], period=2048, signal={"interval_s": 0.5, "after_s": 2}) as running:
        running.until_well()
        yield running


def states(manager: Manager) -> list[str]:
    return [signal["state"] for signal in manager.source("field")["signals"]]


def test_each_channel_has_the_state_of_its_signal(manager: Manager) -> None:
    manager.until(lambda: states(manager) == list(CHANNELS), within_s=20)


def test_the_metrics_name_the_state_of_each_channel(manager: Manager) -> None:
    manager.until(lambda: states(manager) == list(CHANNELS), within_s=20)
    with urllib.request.urlopen(f"{manager.url}/metrics", timeout=5) as answer:
        metrics = answer.read().decode()
    assert 'tidzam_channel_signal{port="field:out_2",state="stuck"} 1.0' in metrics
    assert 'tidzam_channel_level_dbfs{port="field:out_1"} -200.0' in metrics


def test_the_fault_of_a_signal_is_none_of_the_source(manager: Manager) -> None:
    assert manager.source("field")["ok"]
