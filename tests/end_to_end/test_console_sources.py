"""The console before a real stream manager: a source that is added plays and returns, and a browser's microphone is
heard in JACK."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import soundfile
from playwright.sync_api import expect, sync_playwright

from tests.console.browser.conftest import ServedConsole
from tests.support.chromium import CHROMIUM
from tests.support.console_server import serving_console
from tests.support.manager import Manager, stream_manager
from tests.support.recorder import record
from tests.support.sound import loudest_hz, tone

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

HEARD_HZ = 400
TONE_HZ = 1000


@pytest.fixture(scope="module")
def manager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Manager]:
    folder = tmp_path_factory.mktemp("manager")
    record = {"path": str(folder / "recordings"), "length_s": 3600}
    state = str(folder / "client-sources.json")
    with stream_manager(folder, [], live_ports=2, state_file=state, record=record) as running:
        running.until_well()
        soundfile.write(running.media_root / "wren.flac", tone(HEARD_HZ, duration_s=2), 44100)
        yield running


@pytest.fixture(scope="module")
def served(manager: Manager, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedConsole]:
    with serving_console(tmp_path_factory.mktemp("home"), manager=manager.url) as console:
        yield ServedConsole(*console)


def test_an_added_source_plays_and_is_recorded_also_after_a_restart(manager: Manager, served: ServedConsole) -> None:
    def is_recording() -> bool:
        recording = manager.source("wren").get("recording") or {}
        return bool(recording.get("state") == "recording" and recording["bytes"] > 0)

    client = served.console.logged_in("manager", base=served.url)
    added = client.post("/api/v1/sources", json={"name": "wren", "url": "wren.flac", "loop": True})
    assert (added.status_code, added.json()["state"]) == (201, "playing")
    assert client.put("/api/v1/sources/wren/recording", json={"on": True}).status_code == 204
    manager.until(is_recording, within_s=20)
    manager.kill()
    manager.start()
    manager.until(lambda: manager.source("wren").get("state") == "playing" and is_recording(), within_s=20)
    # The console sees within seconds that the stream manager is back.
    manager.until(lambda: client.delete("/api/v1/sources/wren").status_code == 204, within_s=20)
    assert not manager.source("wren")
    *_, last = sorted((manager.media_root.parent / "recordings").glob("wren-*.flac"))
    samples, rate_hz = soundfile.read(last)
    assert loudest_hz(samples, rate_hz) == HEARD_HZ


def test_the_microphone_of_a_browser_is_heard_in_jack(manager: Manager, served: ServedConsole, tmp_path: Path) -> None:
    sound = tmp_path / "tone.wav"
    soundfile.write(sound, tone(TONE_HZ, duration_s=30), 44100)
    device = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    arguments = ["--no-sandbox", *device, f"--use-file-for-fake-audio-capture={sound}"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        page = browser.new_page()
        served.enter(page, "manager")
        page.goto(f"{served.url}/microphone")
        page.get_by_role("button", name="Start").click()
        expect(page.locator("#state")).to_have_text("Streaming", timeout=20_000)
        expect(page.locator("#where")).to_contain_text("tidzam-livestreams:out_0")
        expect(page.locator("#lost")).to_have_text("0.0 s")
        recording = record(manager.jack, ["tidzam-livestreams:out_0"], tmp_path, seconds=1.0)
        assert loudest_hz(recording.samples[:, 0], manager.jack.rate_hz) == TONE_HZ
        page.get_by_role("button", name="Stop").click()
        manager.until(lambda: not manager.source("tidzam-livestreams"), within_s=5)
        browser.close()
