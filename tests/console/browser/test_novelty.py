"""The novelty inbox in a real browser: a group is named, and the answer is taken back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from console.services.novelty_inbox.models import NoveltyQuery
from tests.console.browser.conftest import ServedConsole
from tests.support import indexed_sound as support
from tests.support.accessibility import screen_faults
from tests.support.console_server import serving_console
from tests.support.indexed_sound import HIGH_HZ, LOW_HZ, WINDOW
from tests.support.store_records import detection
from tidzam.store.writer import StoreWriter

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def unusual(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedConsole]:
    """A console with four novel sounds of one kind and two of another."""
    home = tmp_path_factory.mktemp("unusual")
    support.settings_of(home)
    profile = {"search": {"base": support.BASE, "enabled": False}}
    with serving_console(home, with_programs=False, profile=profile) as (url, console):
        start = console.clock() - timedelta(minutes=10)
        tones = [(HIGH_HZ,), (HIGH_HZ,), (LOW_HZ,), (HIGH_HZ,), (LOW_HZ,), (HIGH_HZ,)]
        support.write_recording(console.store, home / "recordings", tones, start=start)
        heard = {"node": support.NODE, "path": ("novel",)}
        begins = [start + number * WINDOW for number in range(len(tones))]
        StoreWriter(console.store).write(
            [detection(number, start=begin, end=begin + WINDOW, **heard) for number, begin in enumerate(begins)]
        )
        assert console.runtime.novelty.view(NoveltyQuery(), wait_s=60.0).compared == len(tones)
        yield ServedConsole(url, console)
        console.runtime.novelty.close()
        console.runtime.examples.close()


def test_a_group_is_named_without_a_sound_and_the_name_is_taken_back(page: Page, unusual: ServedConsole) -> None:
    unusual.enter(page, "annotator")
    page.goto(f"{unusual.url}/novelty")
    group = page.locator(".novel-group").first
    expect(group.get_by_role("heading")).to_have_text("4 sounds")
    group.get_by_role("checkbox").first.check()
    expect(group.get_by_role("button", name="Name all")).to_have_text("Name all 3")
    group.get_by_placeholder("What is it?").fill("a/b")
    group.get_by_role("button", name="Name all").click()
    expect(group.get_by_role("alert")).to_contain_text("contains a slash")
    group.get_by_placeholder("What is it?").fill("whistle")
    group.get_by_role("button", name="Name all").click()
    expect(page.locator(".novel-done")).to_contain_text("whistle: 3 annotations made")
    expect(page.locator(".novel-group")).to_have_count(1)
    expect(page.locator("#novelty-state")).to_contain_text("3 sounds in 2 groups")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".novel-done")).to_contain_text("3 sounds returned")
    page.get_by_role("link", name="Show", exact=True).click()
    expect(page.locator(".novel-group").first.get_by_role("heading")).to_have_text("4 sounds")


def test_a_detection_is_marked_in_its_spectrogram(page: Page, unusual: ServedConsole) -> None:
    unusual.enter(page, "annotator")
    page.goto(f"{unusual.url}/novelty")
    first = page.locator("sound-view[data-drawn]").first
    first.wait_for()
    expect(first.locator(".sound-marks")).to_contain_text("novel")


def test_a_phone_shows_two_sounds_of_a_group_until_all_are_wanted(page: Page, unusual: ServedConsole) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    unusual.enter(page, "annotator")
    page.goto(f"{unusual.url}/novelty")
    group = page.locator(".novel-group").first
    expect(group.locator(".novel-sound:visible")).to_have_count(2)
    group.get_by_role("button", name="Show all 4").click()
    expect(group.locator(".novel-sound:visible")).to_have_count(4)


def test_the_inbox_is_accessible_and_fits(page: Page, unusual: ServedConsole) -> None:
    unusual.enter(page, "annotator")
    page.goto(f"{unusual.url}/novelty")
    page.locator("sound-view[data-drawn]").first.wait_for()
    assert screen_faults(page) == []
