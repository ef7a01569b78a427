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
from tests.support.eventually import eventually
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
    expect(page.get_by_label("Spectrogram of what is heard")).to_be_hidden()
    expect(page).to_have_title("Now · marsh")


_NO_OGG = """() => {
  const known = HTMLMediaElement.prototype.canPlayType;
  HTMLMediaElement.prototype.canPlayType = function (type) {
    return type.includes("ogg") ? "" : known.call(this, type);
  };
}"""
"""As in Safari before 18.4."""


def test_a_browser_without_ogg_plays_mp3(page: Page, served: ServedConsole, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "tone.mp3", 0.3 * np.sin(np.arange(10 * 44100) / 7), 44100)
    page.add_init_script(f"({_NO_OGG})()")
    page.route("**/listen/*", lambda route: route.fulfill(path=tmp_path / "tone.mp3", content_type="audio/mpeg"))
    served.enter(page, "viewer")
    page.goto(served.url)
    with page.expect_request("**/listen/*") as asked:
        page.get_by_role("button", name="Listen to wetland 1").click()
    assert "/api/v1/listen/wetland-out_1.ogg?format=mp3" in asked.value.url
    expect(page.locator("#listening-state")).to_have_text("Live")


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


_LOUD = """(port) => {
  const canvas = document.querySelector(`[data-port="${port}"] .channel-spectrogram canvas`);
  const {width, height} = canvas;
  const {data} = canvas.getContext("2d").getImageData(0, 0, width, height);
  const rgb = (y) => [0, 1, 2].map((part) => data[4 * (y * width + width - 2) + part]).join();
  const known = [...Array(width).keys()].filter((x) => data[4 * x + 3] > 0).length / width;
  return rgb(2) === rgb(height - 3) ? null : Math.round(30 * known);
}"""
"""How many seconds are drawn, once the lower half is another color than the upper one at the right edge; else null."""


def test_the_spectrogram_of_a_channel_is_drawn_as_it_comes(page: Page, served: ServedConsole) -> None:
    live = served.console.runtime.live
    served.enter(page, "viewer")
    page.goto(served.url)
    eventually(lambda: live.spectrograms.are_viewed, what="the page asks for spectrograms")
    for number in range(4):
        live.spectrograms.add(live_events.spectrogram(number, "wetland:out_1"))
    assert page.wait_for_function(_LOUD, arg="wetland:out_1").json_value() in (2, 3, 4)
    assert page.evaluate(_LOUD, "wetland:out_0") is None
    scale = page.locator('[data-port="wetland:out_1"] .channel-scale')
    expect(scale).to_have_text("1 kHz3 kHz8 kHz")
    with page.expect_request(lambda request: "/live/events?spectrogram=" in request.url) as asked:
        page.reload()
    assert "wetland%3Aout_1" in asked.value.url


_COLUMNS = """async (starts) => {
  const {Columns} = await import("/static/js/now/channel-spectrograms.js");
  const event = {bands: 1, lowest_hz: 50, highest_hz: 12000, lowest_db: -100, highest_db: -20};
  const part = (at) => ({start: new Date(1000 * at).toISOString(), column_s: 0.5, columns: btoa("\x02\x03")});
  const columns = new Columns(event, 0.5);
  return starts.map((at) => columns.takes(event, part(at)) && columns.add(part(at), at + 2)).concat(
    [...columns.values.slice(0, columns.head)].join(""), columns.behindS(columns.endS + 1));
}"""
"""How many columns were appended at each start, those there are in the end, and how late the newest one is."""


def test_columns_follow_the_time_of_their_sound(page: Page, served: ServedConsole) -> None:
    page.goto(f"{served.url}/login")
    *appended, columns, late_s = page.evaluate(_COLUMNS, [0, 1, 1, 3.5, 1000])
    assert appended == [2, 2, 0, 5, False]  # the third is known, before the fourth there is a gap, the last is a jump
    assert columns == "232300023"
    assert late_s == -1.75  # it is drawn when the next ones may have come


def test_a_detection_appears_in_the_feed_as_it_comes(page: Page, served: ServedConsole) -> None:
    state = served.console.runtime.live.state
    served.enter(page, "viewer")
    page.goto(served.url)
    expect(page.locator("#live-state")).not_to_have_text("Connecting")
    state.add_detection(live_events.detection(41))
    newest = page.locator("#feed li").first
    expect(newest).to_contain_text("wren")
    expect(newest).to_contain_text("now")
    state.add_detection(live_events.detection(41, "end", peak_probability=0.97))
    expect(newest).to_contain_text("1.0 s")
    expect(newest).to_contain_text("97 %")


def test_a_detection_of_the_feed_leads_to_itself_also_before_it_is_stored(page: Page, served: ServedConsole) -> None:
    start = served.console.clock().replace(microsecond=250_000) - timedelta(seconds=30)
    times = {"start": start.isoformat(), "end": (start + timedelta(seconds=1)).isoformat()}
    served.console.runtime.live.state.add_detection(
        live_events.detection(42, "end", path=("birds", "bittern"), **times)
    )
    served.enter(page, "viewer")
    page.goto(served.url)
    page.locator("#feed li", has_text="bittern").get_by_role("link").click()
    page.wait_for_load_state()
    assert page.locator("li.is-current").count() == 0
    end = start + timedelta(seconds=1)
    record = detection(42, path=("birds", "bittern"), start=start, end=end, channel=live_events.PORT)
    StoreWriter(served.console.store).write([record])
    expect(page.locator("li.is-current .detection-channel")).to_have_text(live_events.PORT, timeout=15_000)
