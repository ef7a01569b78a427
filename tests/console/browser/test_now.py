"""The page Now in a real browser: a channel plays with its spectrogram, and the chart of the last hours goes on."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
import soundfile
from playwright.sync_api import Page, expect

from tests.console.browser.conftest import ServedConsole
from tests.support import live_events
from tests.support.store_records import detection
from tidzam.store.writer import StoreWriter

pytestmark = pytest.mark.browser

_HIGHEST = """() => {
  const canvas = document.getElementById("spectrogram");
  const {width, height} = canvas;
  const {data} = canvas.getContext("2d").getImageData(width - 60, 0, 50, height);
  const rows = Array.from({length: height}, (_, y) => {
    let sum = 0;
    for (let x = 0; x < 50; x += 1) sum += data[4 * (50 * y + x)];
    return sum;
  });
  const least = Math.min(...rows);
  return Math.max(...rows) - least < 500 ? null : 1 - rows.indexOf(least) / height;
}"""
"""The place of the loudest frequency in the last second, 0 at the bottom; null while nothing stands out."""


def test_a_channel_plays_with_its_spectrogram_and_stops(page: Page, served: ServedConsole, tmp_path: Path) -> None:
    tone = 0.3 * np.sin(2 * np.pi * 6000 * np.arange(20 * 44100) / 44100)
    soundfile.write(tmp_path / "tone.ogg", tone, 44100)
    page.route("**/listen/*", lambda route: route.fulfill(path=tmp_path / "tone.ogg", content_type="application/ogg"))
    served.enter(page, "viewer")
    page.goto(served.url)
    expect(page.locator('[data-port="wetland:out_0"] rect.bar')).to_be_visible()  # its level
    page.get_by_role("button", name="Listen to wetland 1").click()
    expect(page).to_have_title("▶ wetland 1 · Now · marsh")
    expect(page.get_by_role("button", name="Listen to wetland 1")).to_have_attribute("aria-pressed", "true")
    page.wait_for_function(_HIGHEST)
    assert page.evaluate(_HIGHEST) == pytest.approx(0.5, abs=0.05)  # 6 of 12 kHz
    page.keyboard.press("Escape")
    expect(page.get_by_label("Spectrogram")).to_be_hidden()
    expect(page).to_have_title("Now · marsh")


def test_the_chart_of_the_last_hours_follows_what_is_heard_of_the_chosen_model(
    page: Page, served: ServedConsole
) -> None:
    console, start = served.console, served.console.clock() - timedelta(minutes=10)

    def hear(number: int, model: str) -> None:
        end = start + timedelta(seconds=2)
        record = detection(number, path=("birds", "wren"), start=start, end=end, model=model, version="1")
        StoreWriter(console.store).write([record])

    hear(1, "birds")
    served.enter(page, "viewer")
    page.goto(served.url)
    total = page.locator("#hours-total")
    expect(total).to_have_text("1")
    expect(page.locator("#live-state")).not_to_have_text("Connecting")
    hear(2, "birds")
    hear(3, "frogs")
    console.runtime.live.state.add_detection(live_events.detection())
    expect(total).to_have_text("3", timeout=20_000)
    page.get_by_label("Model").select_option("birds@1")
    expect(total).to_have_text("2")
    page.locator("#hours .plot-box").hover(position={"x": 1, "y": 1})
    expect(page.locator("#hours [data-readout]")).to_contain_text(": 0")
