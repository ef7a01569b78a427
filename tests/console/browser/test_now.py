"""The page Now in a real browser: a channel plays, its spectrogram shows what is heard, and it stops again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from playwright.sync_api import Page, expect

from tests.console.browser.conftest import ServedConsole

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
    page.get_by_role("button", name="Listen to wetland 1").click()
    expect(page).to_have_title("▶ wetland 1 · Now · marsh")
    expect(page.get_by_role("button", name="Listen to wetland 1")).to_have_attribute("aria-pressed", "true")
    page.wait_for_function(_HIGHEST)
    assert page.evaluate(_HIGHEST) == pytest.approx(0.5, abs=0.05)  # 6 of 12 kHz
    page.keyboard.press("Escape")
    expect(page.get_by_label("Spectrogram")).to_be_hidden()
    expect(page).to_have_title("Now · marsh")
