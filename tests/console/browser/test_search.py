"""Search by example and label next in a real browser: from a detection to annotations, by mouse and by keyboard."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import func, select

from tests.console.browser.conftest import ServedConsole
from tests.support import indexed_sound as support
from tests.support.accessibility import screen_faults
from tests.support.console_server import serving_console
from tests.support.indexed_sound import HIGH_HZ, LOW_HZ, MIDDLE_HZ, WINDOW
from tests.support.store_records import detection
from tidzam.store.tables.annotations import AnnotationRow
from tidzam.store.writer import StoreWriter

pytestmark = pytest.mark.browser

CALLS = (3, 11, 19)
"""The windows with the same call, the first of which was detected."""


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedConsole]:
    """A console whose source was recorded for some seconds, which are indexed."""
    home = tmp_path_factory.mktemp("recorded")
    settings = support.settings_of(home)
    profile = {"search": {"base": support.BASE, "enabled": False}}
    with serving_console(home, with_programs=False, profile=profile) as (url, console):
        start = console.clock() - timedelta(minutes=10)
        tones = [(HIGH_HZ,) if window in CALLS else (LOW_HZ,) for window in range(22)]
        support.write_recording(console.store, home / "recordings", [*tones, (MIDDLE_HZ,), (LOW_HZ,)], start=start)
        begin = start + CALLS[0] * WINDOW
        heard = detection(node=support.NODE, start=begin, end=begin + WINDOW)
        StoreWriter(console.store).write([heard])
        support.index(settings, console.store)
        yield ServedConsole(url, console)
        console.runtime.examples.close()


def annotation_count(recorded: ServedConsole) -> int:
    with recorded.console.store.read() as session:
        return session.scalar(select(func.count()).select_from(AnnotationRow)) or 0


def test_what_sounds_like_a_detection_is_found_and_annotated(page: Page, recorded: ServedConsole) -> None:
    recorded.enter(page, "annotator")
    page.goto(f"{recorded.url}/detections")
    page.locator(".detection-open").first.click()
    page.get_by_role("link", name="More like this").click()
    results = page.locator(".result")
    expect(results.first).to_be_visible(timeout=30_000)
    expect(results.first.locator("sound-view[data-drawn]")).to_have_count(1)
    page.get_by_label("Tag for annotations").fill("wren song")
    for number in range(2):
        results.nth(number).get_by_role("button", name="Annotate").click()
        expect(results.nth(number).get_by_role("button", name="wren song", exact=True)).to_be_disabled()
    assert annotation_count(recorded) == 2
    expect(results.nth(0).locator(".sound-mark.annotation")).to_contain_text("wren song")
    page.reload()
    expect(page.locator("[data-annotated]", has_text="wren song")).to_have_count(2, timeout=30_000)


def test_another_part_of_the_example_is_searched_for(page: Page, recorded: ServedConsole) -> None:
    recorded.enter(page, "viewer")
    start = recorded.console.clock() - timedelta(minutes=10) + CALLS[1] * WINDOW
    page.goto(f"{recorded.url}/search?channel=pond%3Aout_0&at={start.replace(tzinfo=None).isoformat()}")
    page.locator("#example[data-drawn]").wait_for()
    expect(page.get_by_role("button", name="Search", exact=True)).to_be_disabled()
    page.evaluate("document.getElementById('example').select({startS: 0.0, endS: 0.25, lowHz: 0, highHz: 4000})")
    page.get_by_role("button", name="Search", exact=True).click()
    expect(page.locator(".result").first).to_be_visible(timeout=30_000)
    expect(page.get_by_role("button", name="Annotate")).to_have_count(0)


def test_sounds_are_labeled_by_keyboard(page: Page, recorded: ServedConsole) -> None:
    recorded.enter(page, "annotator")
    before = annotation_count(recorded)
    page.goto(f"{recorded.url}/label")
    expect(page.locator("#label-head")).to_have_text("1 of 20", timeout=30_000)
    page.keyboard.press("b")
    expect(page.locator("#label-head")).to_have_text("2 of 20")
    page.keyboard.press("s")
    expect(page.locator("#label-head")).to_have_text("3 of 20")
    page.keyboard.press("t")
    page.keyboard.type("hum")
    page.keyboard.press("Enter")
    expect(page.locator("#said")).to_have_text("Annotated: hum")
    assert annotation_count(recorded) == before + 2


@pytest.mark.parametrize(
    ("path", "ready"),
    [("/search?detection=1", ".result"), ("/label", "#label-sound sound-view")],
    ids=["search", "label"],
)
def test_results_and_labels_are_accessible_and_fit(page: Page, recorded: ServedConsole, path: str, ready: str) -> None:
    recorded.enter(page, "annotator")
    page.goto(recorded.url + path)
    page.locator(ready).first.scroll_into_view_if_needed(timeout=30_000)
    page.locator("sound-view[data-drawn]").first.wait_for()
    assert screen_faults(page) == []
