"""The component that shows and plays sound, in a real browser, under the console's Content-Security-Policy."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from fastapi import APIRouter
from playwright.sync_api import Browser, Page, Route, expect
from starlette.responses import HTMLResponse

from console.web.permissions import public
from tests.support.accessibility import screen_faults
from tests.support.console_server import serving_console
from tests.support.recordings import write_recording
from tests.support.sound import tone
from tidzam.types import Float32

pytestmark = pytest.mark.browser

RATE_HZ = 44100
BURST_HZ, BURST_S, END_S, DURATION_S = 3000, 1.0, 1.5, 3.0
STYLES = "".join(
    f'<link rel="stylesheet" href="/static/css/{name}.css">'
    for name in ("tokens", "base", "layout", "components", "sound")
)
PAGE = f"""<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Sound</title>
<link rel="icon" href="/static/favicon.svg">{STYLES}<script src="/static/js/theme.js"></script></head>
<body><main class="page"><h1>Sound</h1>
<sound-view label="Pond" zone="Europe/Paris"
 src="/api/v1/sound?channel=pond:out_0&amp;start=2026-05-01T06:30:00Z&amp;duration_s=4&amp;format=wav"></sound-view>
<sound-overview label="Minute" zone="Europe/Paris" start="2026-05-01T06:30:00Z" duration="12"
 src="/api/v1/sound/peaks?channel=pond:out_0&amp;start=2026-05-01T06:30:00Z&amp;duration_s=12"></sound-overview>
</main><script type="module" src="/static/js/sound/sound-view.js"></script>
<script type="module" src="/static/js/sound/sound-overview.js"></script></body></html>"""

BRIGHT = """view => {
    const canvas = view.querySelector("canvas"), { width, height } = canvas;
    const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
    const xs = [], ys = [];
    for (let i = 0; i < width * height; i++) {
        if (data[4 * i] + data[4 * i + 1] + data[4 * i + 2] <= 600) continue;
        xs.push(i % width);
        ys.push(Math.floor(i / width));
    }
    const timeOf = x => view.view.startS + (x + 0.5) / width * (view.view.endS - view.view.startS);
    const hzOf = y => view.view.highHz - (y + 0.5) / height * (view.view.highHz - view.view.lowHz);
    ys.sort((a, b) => a - b);
    return [timeOf(Math.min(...xs)), timeOf(Math.max(...xs)), hzOf(ys[ys.length >> 1])];
}"""
"""When the first and the last bright pixel are, and the median frequency of all."""

DRAWN_AT = """(overview, [x, y]) => {
    const canvas = overview.querySelector("canvas"), { width, height } = canvas;
    return canvas.getContext("2d").getImageData(Math.floor(x * width), Math.floor(y * height), 1, 1).data[3] > 0;
}"""
"""Whether something is drawn at a place of an overview."""

PICKED = """() => {
    window.picked = new Promise(resolve => document.addEventListener("sound-pick",
        event => resolve(event.detail.time.toISOString()), { once: true }));
}"""

BAND = """async () => {
    const { bandPass } = await import("/static/js/sound/filters.js");
    const levelOf = async hz => {
        const context = new OfflineAudioContext(1, 44100, 44100);
        const source = new OscillatorNode(context, { frequency: hz });
        const filter = bandPass(context, { lowHz: 2000, highHz: 4000 });
        source.connect(filter.input);
        filter.output.connect(context.destination);
        source.start();
        const heard = (await context.startRendering()).getChannelData(0).subarray(22050);
        return 20 * Math.log10(Math.max(...heard));
    };
    return [await levelOf(1000), await levelOf(2800), await levelOf(8000)];
}"""


def burst() -> Float32:
    """Three seconds of faint noise, in which a tone sounds for half a second."""
    samples = np.random.default_rng(1).normal(0, 1e-4, round(DURATION_S * RATE_HZ)).astype(np.float32)
    samples[round(BURST_S * RATE_HZ) : round(END_S * RATE_HZ)] += tone(BURST_HZ, duration_s=END_S - BURST_S)
    return samples


@dataclass
class Seen:
    """A page with a sound, and what its browser complained about."""

    page: Page
    errors: list[str] = field(default_factory=list)

    def view(self, expression: str) -> Any:
        """The value of an expression with the element as `view`."""
        return self.page.locator("sound-view").evaluate(f"view => {expression}")

    def drawn(self) -> None:
        """Wait until the spectrogram is complete."""
        self.page.wait_for_selector("sound-view[data-drawn]")

    def press(self, key: str) -> None:
        self.page.locator(".sound-stage").press(key)

    def ticks(self, axis: str) -> list[str]:
        return self.page.locator(f".sound-{axis} .sound-tick").all_text_contents()

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Pixels of a place in the spectrogram, by fractions of its width and of its height from the top."""
        box = self.page.locator(".sound-stage").bounding_box()
        assert box is not None
        return box["x"] + x * box["width"], box["y"] + y * box["height"]

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        self.page.mouse.move(*self.at(*start))
        self.page.mouse.down()
        self.page.mouse.move(*self.at(*end), steps=3)
        self.page.mouse.up()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A page of a console whose source `pond` was recorded: the last second of four is missing."""
    home, router = tmp_path_factory.mktemp("home"), APIRouter()
    write_recording(home / "recordings", burst(), suffix="flac")

    @router.get("/sound-test", dependencies=[public()])
    def page() -> HTMLResponse:
        return HTMLResponse(PAGE)

    sources = [{"name": "pond", "url": "pond.wav", "record": {"path": home / "recordings"}}]
    with serving_console(home, with_programs=False, profile={"sources": sources}, anonymous=True) as (url, console):
        console.app.include_router(router)
        yield f"{url}/sound-test"


@pytest.fixture(scope="module")
def opened(browser: Browser, address: str) -> Iterator[Seen]:
    context = browser.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
    seen = Seen(context.new_page())
    seen.page.on("console", lambda message: seen.errors.append(message.text) if message.type == "error" else None)
    seen.page.on("pageerror", lambda error: seen.errors.append(str(error)))
    seen.page.goto(address)
    seen.drawn()
    seen.view("view.addEventListener('sound-selection', event => window.found?.push(event.detail))")
    yield seen
    context.close()


@pytest.fixture
def seen(opened: Seen) -> Seen:
    """The page, as it is at the beginning."""
    opened.view("{ view.playback.pause(); view.marks = []; view.select(null); view.showAll(); window.found = []; }")
    opened.drawn()
    return opened


def test_a_tone_is_drawn_at_its_time_and_frequency(seen: Seen) -> None:
    start_s, end_s, middle_hz = seen.page.locator("sound-view").evaluate(BRIGHT)
    assert (start_s, end_s, middle_hz / BURST_HZ) == pytest.approx((BURST_S, END_S, 1.0), abs=0.05)


def test_a_sound_that_is_still_being_recorded_is_shown_when_it_is_there(browser: Browser, address: str) -> None:
    page, answered = browser.new_page(), threading.Event()
    error = {"error": {"code": "still_recording", "message": "The sound is still being recorded.", "field": None}}

    def answer(route: Route) -> None:
        if answered.is_set():
            route.continue_()
        else:
            answered.set()
            route.fulfill(status=503, headers={"Retry-After": "2"}, json=error)

    page.route("**/api/v1/sound?*", answer)
    page.goto(address)
    expect(page.locator(".sound-message").first).to_have_text("Being recorded; ready in about 2 s.")
    page.wait_for_selector("sound-view[data-drawn]")
    page.close()


def test_a_tone_is_drawn_at_its_frequency_when_it_is_zoomed(seen: Seen) -> None:
    seen.view("view.show({ startS: 0.9, endS: 1.6, lowHz: 2500, highHz: 3500 })")
    seen.drawn()
    assert seen.page.locator("sound-view").evaluate(BRIGHT)[2] == pytest.approx(BURST_HZ, abs=20)


def test_the_level_of_a_tone_is_read_out(seen: Seen) -> None:
    seen.page.mouse.move(*seen.at(1.25 / 4, 1 - BURST_HZ / (RATE_HZ / 2)))
    assert seen.page.locator(".sound-readout").text_content() == "08:30:01.250  ·  3.00 kHz  ·  −14 dBFS"  # noqa: RUF001


def test_times_are_those_of_the_zone_and_their_titles_are_in_utc(seen: Seen) -> None:
    tick = seen.page.locator(".sound-times .sound-tick", has_text="08:30:01").first
    assert tick.get_attribute("title") == "2026-05-01 06:30:01.000 UTC"


OVERLAPS = """() => {
    const axis = document.querySelector(".sound-times").getBoundingClientRect();
    const ticks = [...document.querySelectorAll("sound-view .sound-times .sound-tick")]
        .map(tick => tick.getBoundingClientRect());
    const apart = ticks.slice(1).every((tick, index) => tick.left >= ticks[index].right + 2);
    return [ticks.length > 0, apart, ticks.every(tick => tick.left >= axis.left && tick.right <= axis.right)];
}"""


@pytest.mark.parametrize("width", [390, 1000, 1440])
def test_labels_of_times_are_whole_and_apart_at_every_zoom(seen: Seen, width: int) -> None:
    seen.page.set_viewport_size({"width": width, "height": 900})
    found = []
    for length_s in (4, 1.1, 0.37, 0.11, 0.04, 0.013):
        seen.view(f"view.show({{ startS: 1.2345, endS: {1.2345 + length_s}, lowHz: 0, highHz: 22050 }})")
        seen.drawn()
        found.append(seen.page.evaluate(OVERLAPS))
    seen.page.set_viewport_size({"width": 1440, "height": 900})
    assert found == [[True, True, True]] * 6


def test_zooming_in_time_by_keyboard_changes_the_scale_of_time_only(seen: Seen) -> None:
    before = seen.ticks("times"), seen.ticks("frequencies")
    seen.press("+")
    after = seen.ticks("times"), seen.ticks("frequencies")
    assert (after[0] != before[0], after[1]) == (True, before[1])


def test_zooming_in_frequency_by_button_changes_the_scale_of_frequency_only(seen: Seen) -> None:
    before = seen.ticks("times"), seen.ticks("frequencies")
    seen.page.get_by_role("button", name="Show fewer frequencies").click()
    after = seen.ticks("times"), seen.ticks("frequencies")
    assert (after[0], after[1] != before[1]) == (before[0], True)


def test_the_wheel_with_ctrl_keeps_the_time_under_the_pointer(seen: Seen) -> None:
    seen.page.mouse.move(*seen.at(0.25, 0.5))
    seen.page.keyboard.down("Control")
    seen.page.mouse.wheel(0, -200)
    seen.page.keyboard.up("Control")
    seen.page.wait_for_selector(".sound-tick")
    start_s, end_s = seen.view("[view.view.startS, view.view.endS]")
    assert (end_s - start_s < 3, start_s + 0.25 * (end_s - start_s)) == (True, pytest.approx(1.0, abs=0.01))


def test_a_dragged_selection_is_reported_with_times_and_frequencies(seen: Seen) -> None:
    seen.drag((0.25, 0.25), (0.5, 0.75))
    half = RATE_HZ / 2
    box = {"startS": 1.0, "endS": 2.0, "lowHz": 0.25 * half, "highHz": 0.75 * half}
    assert seen.page.evaluate("() => found.at(-1).selection") == pytest.approx(box, rel=0.01)


def test_the_last_report_of_a_drag_is_final(seen: Seen) -> None:
    seen.drag((0.25, 0.25), (0.5, 0.75))
    assert seen.page.evaluate("() => found.map(one => one.isFinal)")[-2:] == [False, True]


def test_a_selection_is_reported_with_its_date(seen: Seen) -> None:
    seen.view("view.select({ startS: 1.5, endS: 2, lowHz: 5000, highHz: 10000 })")
    assert seen.page.evaluate("() => found.at(-1).start.toISOString()") == "2026-05-01T06:30:01.500Z"


def test_a_corner_of_the_selection_can_be_dragged(seen: Seen) -> None:
    seen.view("view.select({ startS: 1, endS: 2, lowHz: 5000, highHz: 10000 })")
    seen.drag((0.5, 1 - 5000 / 22050), (0.75, 1 - 2500 / 22050))
    box = {"startS": 1.0, "endS": 3.0, "lowHz": 2500, "highHz": 10000}
    assert seen.view("view.selection") == pytest.approx(box, rel=0.02)


def test_the_selection_is_made_and_moved_by_keyboard(seen: Seen) -> None:
    seen.press("s")
    before = seen.view("view.selection")
    seen.page.keyboard.press("ArrowRight")
    seen.page.keyboard.press("ArrowUp")
    after = seen.view("view.selection")
    assert (after["startS"] > before["startS"], after["lowHz"] > before["lowHz"]) == (True, True)


def test_the_selection_is_resized_by_keyboard(seen: Seen) -> None:
    seen.press("s")
    before = seen.view("view.selection")
    seen.page.keyboard.press("Shift+ArrowRight")
    after = seen.view("view.selection")
    assert (after["startS"], after["endS"] > before["endS"]) == (before["startS"], True)


def test_playback_of_a_band_is_quiet_outside_of_it(seen: Seen) -> None:
    below_db, inside_db, above_db = seen.page.evaluate(BAND)
    assert (below_db < -40, inside_db > -1, above_db < -40) == (True, True, True)


def test_the_space_bar_plays(seen: Seen) -> None:
    seen.press("Home")
    seen.view(
        "{ view.moved = new Promise(resolve => view.addEventListener('sound-time', "
        "event => event.detail.timeS > 0.1 && resolve(event.detail.timeS))) }"
    )
    seen.press(" ")
    assert seen.view("view.moved") > 0.1


def test_the_chosen_colors_are_those_of_the_next_page(seen: Seen, address: str) -> None:
    seen.view("view.setColors({ map: 'gray', rangeDb: 80 })")
    other = seen.page.context.new_page()
    other.goto(address)
    found = other.locator("sound-view").evaluate("view => [view.colors.name, view.rangeDb]")
    other.close()
    seen.view("view.setColors({ map: 'marsh', rangeDb: 60 })")
    assert found == ["gray", 80]


def test_normalizing_shows_the_gain_that_brings_the_loudest_part_to_full_scale(seen: Seen) -> None:
    seen.page.get_by_role("button", name="Auto").click()
    assert seen.page.locator(".sound-gain-text").text_content() == "+13 dB"


def test_what_was_not_recorded_is_marked(seen: Seen) -> None:
    box = seen.page.locator(".sound-gap").evaluate("gap => [gap.style.left, gap.style.width]")
    assert [float(value.rstrip("%")) for value in box] == pytest.approx([75, 25], abs=0.1)


def test_a_chosen_mark_is_reported(seen: Seen) -> None:
    seen.view(
        "{ view.marks = [{ id: 'a', startS: 1, endS: 1.5, lowHz: 2000, highHz: 4000, label: 'Wren' }]; "
        "view.chosen = new Promise(resolve => view.addEventListener('sound-mark', "
        "event => resolve(event.detail.mark.id), { once: true })) }"
    )
    seen.page.get_by_role("button", name="Wren").click()
    assert seen.view("view.chosen") == "a"


@pytest.mark.parametrize(("x", "y", "is_drawn"), [(0.1, 0.2, True), (0.05, 0.2, False), (0.5, 0.5, False)])
def test_the_overview_shows_how_loud_it_was_and_what_was_not_recorded(
    seen: Seen, x: float, y: float, is_drawn: bool
) -> None:
    overview = seen.page.locator("sound-overview[complete]")
    assert overview.evaluate(DRAWN_AT, [x, y]) is is_drawn


def test_a_time_is_picked_in_the_overview(seen: Seen) -> None:
    seen.page.evaluate(PICKED)
    seen.page.get_by_role("slider", name="Minute").press("End")
    seen.page.get_by_role("slider", name="Minute").press("Enter")
    assert seen.page.evaluate("() => picked") == "2026-05-01T06:30:12.000Z"


def test_a_sound_that_is_not_there_says_so(browser: Browser, address: str) -> None:
    page = browser.new_page()
    page.goto(address)
    page.locator("sound-view").evaluate(
        "view => view.setAttribute('src', '/api/v1/sound?channel=lake:out_0&start=2026-05-01T06:30:00Z')"
    )
    page.get_by_text("was never recorded").wait_for()
    page.close()


def test_it_is_accessible_and_fits(seen: Seen) -> None:
    seen.view(
        "{ view.marks = [{ id: 'a', startS: 1, endS: 1.5, label: 'Wren' }]; "
        "view.select({ startS: 2, endS: 2.5, lowHz: 3000, highHz: 9000 }); }"
    )
    found = screen_faults(seen.page)
    seen.page.set_viewport_size({"width": 1440, "height": 900})
    seen.page.emulate_media(color_scheme="light", reduced_motion="no-preference")
    assert found == []


def test_the_browser_complains_about_nothing(opened: Seen) -> None:
    assert opened.errors == []
