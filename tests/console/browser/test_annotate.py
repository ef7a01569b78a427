"""Annotating in a real browser: regions are made, moved, resized, tagged and deleted, and all charts follow."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, Route, expect
from starlette.testclient import TestClient

from tests.console.browser.conftest import ServedConsole
from tests.support.accessibility import screen_faults
from tests.support.console_server import serving_console
from tests.support.eventually import eventually
from tests.support.recordings import RATE_HZ, START, write_recording
from tests.support.sound import tone
from tests.support.store_records import detection
from tidzam.store.writer import StoreWriter

pytestmark = pytest.mark.browser

CHANNEL = "pond:out_0"
LENGTH_S = 30
WINDOW_START = START + timedelta(seconds=2.5)
"""The beginning of the window of 15 s that `Annotating.open` shows."""
AT = "2026-05-01T06:30:10Z"


@dataclass(frozen=True)
class Annotating:
    """A browser in which a user annotates."""

    page: Page
    served: ServedConsole

    def open(self, query: str = f"at={AT}") -> None:
        self.page.goto(f"{self.served.url}/annotate?channel={CHANNEL}&{query}")
        self.page.wait_for_selector("sound-view[data-drawn]")
        self.page.locator(".sound-stage").scroll_into_view_if_needed()

    def at(self, time_s: float, khz: float) -> tuple[float, float]:
        """Pixels of a time in the window and a frequency."""
        box = self.page.locator(".sound-stage").bounding_box()
        assert box is not None
        return box["x"] + time_s / 15 * box["width"], box["y"] + (1 - khz * 2000 / RATE_HZ) * box["height"]

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        self.page.mouse.move(*self.at(*start))
        self.page.mouse.down()
        self.page.mouse.move(*self.at(*end), steps=3)
        self.page.mouse.up()

    def tag(self, name: str) -> None:
        self.page.keyboard.press("t")
        self.page.keyboard.type(name)
        self.page.keyboard.press("Enter")

    def region(self, tag: str) -> Any:
        return self.page.locator(".region-row", has_text=tag)


def client(served: ServedConsole, name: str) -> TestClient:
    return served.console.logged_in(name, base=served.url)


def add(served: ServedConsole, tag: str, start_s: float = 4.0, end_s: float = 6.0, **bounds: float) -> Any:
    """Make an annotation, by seconds of the window."""
    start, end = (WINDOW_START + timedelta(seconds=later_s) for later_s in (start_s, end_s))
    annotation = {"channel": CHANNEL, "start": start.isoformat(), "end": end.isoformat(), "tag": tag, **bounds}
    return client(served, "annotator").post("/api/v1/annotations", json=annotation).json()


def stored(served: ServedConsole, tag: str) -> list[tuple[float, float, float | None, float | None]]:
    """Beginning and end in seconds of the window, and the band in kHz, of the annotations with a tag."""
    query = {"channel": CHANNEL, "tag": tag}
    found = client(served, "viewer").get("/api/v1/annotations", params=query).json()["items"]
    return [
        (seconds(one["start"]), seconds(one["end"]), *(hz and hz / 1000 for hz in (one["low_hz"], one["high_hz"])))
        for one in found
    ]


def seconds(time: str) -> float:
    return (datetime.fromisoformat(time) - WINDOW_START).total_seconds()


@pytest.fixture(scope="module")
def pond(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedConsole]:
    """A console whose source `pond` was recorded for half a minute, in which a tone sounds twice."""
    home = tmp_path_factory.mktemp("home")
    samples = np.random.default_rng(1).normal(0, 1e-3, LENGTH_S * RATE_HZ).astype(np.float32)
    for at_s in (5, 20):
        samples[at_s * RATE_HZ : (at_s + 1) * RATE_HZ] += tone(3000, duration_s=1)
    write_recording(home / "recordings", samples, suffix="flac")
    sources = [{"name": "pond", "url": "pond.wav", "nb_channels": 1, "record": {"path": home / "recordings"}}]
    with serving_console(home, with_programs=False, profile={"sources": sources}) as (url, console):
        yield ServedConsole(url, console)


@pytest.fixture
def annotating(page: Page, pond: ServedConsole) -> Annotating:
    pond.enter(page, "annotator")
    return Annotating(page, pond)


def test_a_region_that_was_drawn_is_in_all_charts(annotating: Annotating, pond: ServedConsole) -> None:
    page = annotating.page
    annotating.open()
    annotating.drag((2.0, 5.0), (4.0, 2.0))
    annotating.tag("wren")
    expect(annotating.region("wren")).to_contain_text("2.00–5.00 kHz")  # noqa: RUF001
    expect(page.get_by_role("group", name="Tags", exact=True).get_by_role("button", name="wren 1")).to_be_visible()
    expect(page.get_by_role("slider", name="Days")).to_have_attribute("aria-valuetext", re.compile(", wren 1$"))
    expect(page.locator("#day .tag-line")).to_have_attribute("d", re.compile(r"^M[\d.]+ 0V100$"))
    eventually(lambda: len(stored(pond, "wren")) == 1, what="the annotation is stored")
    assert stored(pond, "wren")[0] == pytest.approx((2.0, 4.0, 2.0, 5.0), abs=0.1)


def test_a_region_is_moved_resized_and_tagged_with_the_mouse_and_a_number_key(
    annotating: Annotating, pond: ServedConsole
) -> None:
    add(pond, "robin", 6, 8, low_hz=4000, high_hz=8000)
    annotating.open()
    annotating.page.mouse.click(*annotating.at(7, 6))
    annotating.drag((7, 6), (9, 7))
    annotating.drag((10, 7), (11, 7))
    annotating.drag((9, 9), (9, 10))
    eventually(lambda: stored(pond, "robin")[0][1] > 10.9, what="the change is stored")
    assert stored(pond, "robin")[0] == pytest.approx((8, 11, 5, 10), abs=0.1)
    number = annotating.page.locator(".tag-slot", has_text="wren").get_attribute("aria-keyshortcuts")
    annotating.page.keyboard.press(number or "")
    eventually(lambda: not stored(pond, "robin"), what="it has another tag")


def test_a_region_is_made_moved_resized_deleted_and_brought_back_by_keyboard(
    annotating: Annotating, pond: ServedConsole
) -> None:
    annotating.open()
    annotating.page.keyboard.press("s")
    annotating.tag("bittern")
    for key in ("ArrowRight", "Shift+ArrowRight", "Control+Shift+ArrowRight", "f"):
        annotating.page.keyboard.press(key)
    begin_s, end_s = 6.75 + 2 * 0.075, 8.25 + 2 * 0.075  # a step is a 200th of the window
    eventually(lambda: bool(stored(pond, "bittern")), what="it is stored")
    eventually(lambda: stored(pond, "bittern")[0][2] is None, what="it has no band")
    assert stored(pond, "bittern")[0][:2] == pytest.approx((begin_s, end_s), abs=0.01)
    annotating.page.keyboard.press("Delete")
    eventually(lambda: not stored(pond, "bittern"), what="it is deleted")
    annotating.page.keyboard.press("u")
    eventually(lambda: bool(stored(pond, "bittern")), what="it is back")


def test_a_finger_moves_the_edge_of_a_region(browser: Browser, pond: ServedConsole) -> None:
    add(pond, "heron", 3, 6)
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True)
    page = context.new_page()
    pond.enter(page, "annotator")
    annotating = Annotating(page, pond)
    annotating.open()
    page.locator(".sound-stage").scroll_into_view_if_needed()
    touch = context.new_cdp_session(page)
    x, y = annotating.at(6, 10)
    for kind, to in (("touchStart", 0), ("touchMove", 20), ("touchMove", 40), ("touchEnd", None)):
        points = [] if to is None else [{"x": x + to, "y": y}]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    eventually(lambda: stored(pond, "heron")[0][1] > 6.5, what="the edge was moved")
    assert stored(pond, "heron")[0][0] == pytest.approx(3, abs=0.01)
    context.close()


def test_what_others_change_is_shown_at_once(annotating: Annotating, pond: ServedConsole) -> None:
    annotating.open()
    made = add(pond, "swift")
    expect(annotating.region("swift")).to_be_visible()
    client(pond, "admin").delete(f"/api/v1/annotations/{made['id']}?version=1")
    expect(annotating.region("swift")).to_have_count(0)


def test_of_two_changes_at_the_same_time_the_user_chooses_one(annotating: Annotating, pond: ServedConsole) -> None:
    made = add(pond, "coot", 8, 9)
    annotating.page.route("**/live/events", lambda route: route.abort())
    annotating.open()
    address = f"/api/v1/annotations/{made['id']}"
    client(pond, "admin").patch(address, json={"version": 1, "tag": "moorhen"})
    annotating.region("coot").get_by_role("button").first.click()
    annotating.tag("rail")
    conflict = annotating.page.get_by_role("alert")
    expect(conflict).to_contain_text("rail")
    expect(conflict).to_contain_text("moorhen")
    conflict.get_by_role("button", name="Keep your change").click()
    eventually(lambda: len(stored(pond, "rail")) == 1, what="the own change is stored")
    expect(conflict).to_have_count(0)


def test_edits_are_kept_while_the_console_is_away_also_when_the_page_is_closed(
    annotating: Annotating, pond: ServedConsole
) -> None:
    page, held = annotating.page, []

    def refuse(route: Route) -> None:
        if route.request.method == "GET":
            route.continue_()
        else:
            held.append(route.request.method)
            route.abort()

    page.route("**/api/v1/annotations", refuse)
    annotating.open()
    annotating.drag((12, 5), (13, 2))
    annotating.tag("crake")
    expect(page.get_by_text("1 change is kept in this browser and will be sent again.")).to_be_visible()
    annotating.open()
    expect(annotating.region("crake")).to_contain_text("not sent yet")
    assert not stored(pond, "crake")
    page.unroute("**/api/v1/annotations")
    page.get_by_role("button", name="Send now").click()
    expect(annotating.region("crake")).to_contain_text("annotator")
    assert (set(held), len(stored(pond, "crake"))) == ({"POST"}, 1)


def test_the_next_loud_sound_is_found_by_key_and_is_in_the_address(annotating: Annotating) -> None:
    page = annotating.page
    page.goto(f"{annotating.served.url}/annotate")
    expect(page.get_by_role("heading", name="Fri, 1 May 2026")).to_be_visible()
    expect(page.locator("#day-empty")).to_be_hidden()
    page.get_by_label("Loud from").fill("-30")
    page.keyboard.press("j")
    page.wait_for_selector("sound-view[data-drawn]")
    expect(page).to_have_url(re.compile("channel=pond%3Aout_0&day=2026-05-01&at=2026-05-01T06%3A30"))


def test_a_detection_leads_to_its_sound_with_its_class_as_tag(annotating: Annotating, pond: ServedConsole) -> None:
    start = START + timedelta(seconds=5)
    heard = detection(id="one", channel=CHANNEL, path=("birds", "snipe"), start=start, end=start + timedelta(seconds=1))
    StoreWriter(pond.console.store).write([heard])
    page = annotating.page
    page.goto(f"{pond.url}/detections?class=birds/snipe")
    page.keyboard.press("j")
    page.locator(".detection-panel").get_by_role("link", name="Annotate").click()
    page.wait_for_selector("sound-view[data-drawn]")
    page.locator("#tag-form").get_by_role("button").click()
    eventually(lambda: len(stored(pond, "snipe")) == 1, what="the detection is annotated")
    assert stored(pond, "snipe")[0] == pytest.approx((2.5, 3.5, None, None), abs=0.01)


def test_a_viewer_sees_annotations_and_no_controls_and_no_key_changes_them(page: Page, pond: ServedConsole) -> None:
    add(pond, "teal", 10, 12)
    pond.enter(page, "viewer")
    viewing = Annotating(page, pond)
    viewing.open()
    page.mouse.click(*viewing.at(11, 8))
    for key in ("Delete", "ArrowRight", "1", "s"):
        page.keyboard.press(key)
    viewing.drag((11, 8), (13, 9))
    expect(page.locator("#tag-form, #import-form, [data-action=delete], .sound-region .sound-handle")).to_have_count(0)
    assert stored(pond, "teal") == [(10.0, 12.0, None, None)]


def test_a_file_is_imported(annotating: Annotating, pond: ServedConsole) -> None:
    annotating.open()
    table = {"name": "labels.txt", "mimeType": "text/plain", "buffer": b"1.5\t2.5\tdipper\n"}
    annotating.page.get_by_label("Annotations from a file").set_input_files(table)  # type: ignore[arg-type]  # a file
    annotating.page.get_by_label("Its sound begins").fill("2026-05-01T06:30:02.500")
    annotating.page.get_by_role("button", name="Import").click()
    expect(annotating.page.locator("#import-result")).to_have_text("1 added.")
    expect(annotating.region("dipper")).to_be_visible()
    assert stored(pond, "dipper") == [(1.5, 2.5, None, None)]


def test_tags_are_renamed_and_unused_ones_removed(annotating: Annotating, pond: ServedConsole) -> None:
    add(pond, "robbin", 11, 12)
    client(pond, "annotator").post("/api/v1/tags", json={"name": "misheard"})
    page = annotating.page
    page.goto(f"{pond.url}/annotate")
    page.get_by_role("link", name="Tags").click()
    expect(page.get_by_role("button", name="Remove robbin")).to_be_disabled()
    page.get_by_label("New name of robbin").fill("goldcrest")
    page.get_by_role("button", name="Rename robbin").click()
    expect(page.get_by_role("row", name="goldcrest").get_by_role("cell").nth(1)).to_have_text("1")
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Remove misheard").click()
    expect(page.get_by_text("misheard")).to_have_count(0)
    assert stored(pond, "goldcrest") == [(11.0, 12.0, None, None)]


def test_it_is_accessible_and_fits_with_a_region_chosen(page: Page, pond: ServedConsole) -> None:
    add(pond, "curlew", 1, 2, low_hz=1000, high_hz=4000)
    pond.enter(page, "annotator")
    Annotating(page, pond).open()
    page.keyboard.press("]")
    assert screen_faults(page) == []


def test_detections_are_drawn_beside_annotations_and_switched_off(annotating: Annotating, pond: ServedConsole) -> None:
    start = START + timedelta(seconds=8)
    end = start + timedelta(seconds=2)
    heard = detection(id="two", channel=CHANNEL, path=("birds", "garganey"), start=start, end=end)
    StoreWriter(pond.console.store).write([heard])
    annotating.open()
    mark = annotating.page.locator(".sound-mark.detection", has_text="garganey 90 %")
    expect(mark).to_be_visible()
    annotating.page.keyboard.press("d")
    expect(mark).to_have_count(0)
    annotating.open()
    expect(annotating.page.get_by_role("button", name="Detections d")).to_have_attribute("aria-pressed", "false")
    expect(mark).to_have_count(0)


def test_an_annotation_leads_to_a_search_for_what_sounds_alike(annotating: Annotating, pond: ServedConsole) -> None:
    made = add(pond, "shoveler", 1, 3)
    annotating.open()
    link = annotating.region("shoveler").get_by_role("link", name="Find what sounds like shoveler")
    expect(link).to_have_attribute("href", f"/search?annotation={made['id']}")


def test_what_is_recorded_today_appears_as_it_comes(annotating: Annotating, pond: ServedConsole) -> None:
    page, recorded = annotating.page, []

    def answer(route: Route) -> None:
        response = route.fetch()
        segments = response.json()
        items = segments["items"]
        recorded.append(len(items))
        route.fulfill(response=response, json={**segments, "items": items[: len(recorded) - 1]})

    page.clock.install(time=START + timedelta(minutes=1))
    page.route("**/segments?*", answer)
    annotating.open()
    expect(page.locator("#day-empty")).to_have_text("Nothing was recorded on this day.")
    page.clock.fast_forward(11_000)
    expect(page.locator("#day-empty")).to_be_hidden()
    expect(page.locator("#day .chart-amplitude")).to_have_attribute("d", re.compile("^M"))
