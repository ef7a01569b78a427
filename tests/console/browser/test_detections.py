"""Detections in a real browser: they appear, are judged by keyboard, and the chart follows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from tests.console.browser.conftest import ServedConsole
from tests.support.accessibility import screen_faults
from tests.support.console_server import serving_console
from tests.support.store_records import detection
from tests.support.stored_detections import fill
from tidzam.store.writer import StoreWriter

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def heard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedConsole]:
    """A console whose store has the detections of three weeks."""
    with serving_console(tmp_path_factory.mktemp("heard"), with_programs=False) as (url, console):
        fill(console.store, days=21, last=console.clock())
        yield ServedConsole(url, console)


def rows(page: Page) -> list[str | None]:
    return [row.get_attribute("data-id") for row in page.locator("li.detection").all()]


def total(page: Page) -> int:
    return int(page.locator("#total").inner_text().replace(",", ""))


def test_a_new_detection_appears_is_judged_by_keyboard_and_the_chart_follows(page: Page, heard: ServedConsole) -> None:
    heard.enter(page, "annotator")
    page.goto(f"{heard.url}/detections")
    before = total(page)
    start = heard.console.clock() - timedelta(seconds=9)
    StoreWriter(heard.console.store).write(
        [detection(id="new", path=("birds", "corncrake"), start=start, end=start + timedelta(seconds=2))]
    )
    first = page.locator("li.detection").first
    expect(first).to_contain_text("corncrake", timeout=15_000)
    expect(page.locator("#total")).to_have_text(f"{before + 1:,}")
    page.keyboard.press("j")
    page.keyboard.press("w")
    expect(first.locator(".verdict")).to_have_text("wrong")
    expect(page.locator("#total")).to_have_text(f"{before:,}")
    page.keyboard.press("u")
    expect(page.locator("#total")).to_have_text(f"{before + 1:,}")
    expect(first.locator(".verdict")).to_have_text("")


def test_a_key_judges_and_goes_on_to_the_next(page: Page, heard: ServedConsole) -> None:
    heard.enter(page, "annotator")
    page.goto(f"{heard.url}/detections?class=frogs")
    for key in ("j", "r", "n", "r"):
        page.keyboard.press(key)
        expect(page.locator("li.is-current .detection-panel")).to_have_count(1)
    verdicts = page.locator("li.detection .verdict")
    expect(verdicts.nth(0)).to_have_text("right")
    expect(verdicts.nth(1)).to_have_text("unsure")
    expect(verdicts.nth(2)).to_have_text("right")
    expect(page.locator("li.detection").nth(3)).to_have_class("detection is-current")


def test_undo_takes_back_the_last_verdict_also_on_a_slow_link(page: Page, heard: ServedConsole) -> None:
    held: list[Route] = []

    def hold_first(route: Route) -> None:
        if held:
            route.continue_()
        held.append(route)

    heard.enter(page, "annotator")
    page.goto(f"{heard.url}/detections?class=birds/blackbird")
    verdicts = page.locator("li.detection .verdict")
    page.keyboard.press("j")
    page.keyboard.press("r")
    expect(page.locator("#said")).to_have_text("Judged: right")
    page.route("**/verdicts", hold_first)
    page.keyboard.press("w")
    expect(verdicts.nth(1)).to_have_text("wrong")
    page.keyboard.press("u")
    expect(verdicts.nth(1)).to_have_text("")
    held[0].continue_()
    expect(page.locator("#said")).to_have_text("Undone")
    page.reload()
    expect(verdicts.nth(0)).to_have_text("right")
    expect(verdicts.nth(1)).to_have_text("")


def test_after_a_gap_the_list_begins_anew(page: Page, heard: ServedConsole) -> None:
    heard.enter(page, "viewer")
    begin = heard.console.clock() - timedelta(minutes=5)
    records = [
        detection(
            id=f"gap-{number}",
            path=("birds", "swift"),
            start=begin + timedelta(seconds=number),
            end=begin + timedelta(seconds=number + 1),
        )
        for number in range(60)
    ]
    writer = StoreWriter(heard.console.store)
    writer.write(records[:1])
    page.goto(f"{heard.url}/detections?class=birds/swift")
    expect(page.locator("li.detection")).to_have_count(1)
    writer.write(records[1:])
    expect(page.locator("li.detection")).to_have_count(40, timeout=15_000)
    page.get_by_role("button", name="Older detections").click()
    expect(page.locator("li.detection")).to_have_count(60)


def test_when_the_session_has_ended_the_log_in_is_shown(page: Page, heard: ServedConsole) -> None:
    heard.enter(page, "viewer")
    page.goto(f"{heard.url}/detections")
    page.context.clear_cookies()
    page.keyboard.press("j")
    expect(page.get_by_role("button", name="Log in")).to_be_visible()
    assert "/login?next=" in page.url


def test_another_class_is_named(page: Page, heard: ServedConsole) -> None:
    heard.enter(page, "annotator")
    page.goto(f"{heard.url}/detections?class=insects")
    page.keyboard.press("j")
    page.get_by_role("combobox", name="Other class").wait_for()
    page.keyboard.press("o")
    page.keyboard.type("insects/grasshopper")
    page.keyboard.press("Enter")
    expect(page.locator("li.detection").first.locator(".verdict")).to_have_text("grasshopper")


def test_several_are_judged_at_once(page: Page, heard: ServedConsole) -> None:
    heard.enter(page, "annotator")
    page.goto(f"{heard.url}/detections?class=mammals")
    for number in range(3):
        page.locator("input.choose").nth(number).check()
    page.get_by_role("region", name="Judge the chosen").get_by_role("button", name="Wrong").click()
    expect(page.locator('li.detection[data-verdict="wrong"]')).to_have_count(3)
    page.reload()
    expect(page.locator('li.detection[data-verdict="wrong"]')).to_have_count(3)


def test_several_are_another_class(page: Page, heard: ServedConsole) -> None:
    heard.enter(page, "annotator")
    page.goto(f"{heard.url}/detections?class=frogs/marsh frog")
    for number in range(2):
        page.locator("input.choose").nth(number).check()
    bulk = page.get_by_role("region", name="Judge the chosen")
    bulk.get_by_label("Other class of the chosen").fill("frogs/")
    bulk.get_by_role("button", name="Set").click()
    expect(page.locator("#said")).to_contain_text("it is not the path of a class")
    expect(page.locator("input.choose:checked")).to_have_count(2)
    bulk.get_by_label("Other class of the chosen").fill("frogs/pool frog")
    bulk.get_by_role("button", name="Set").click()
    expect(bulk).to_be_hidden()
    page.reload()
    expect(page.locator('li.detection[data-other="frogs/pool frog"]')).to_have_count(2)


def test_a_viewer_sees_no_buttons_for_verdicts_and_no_key_judges(page: Page, heard: ServedConsole) -> None:
    heard.enter(page, "viewer")
    page.goto(f"{heard.url}/detections?class=birds/bittern")
    page.keyboard.press("j")
    expect(page.locator(".detection-panel")).to_be_visible()
    page.keyboard.press("w")
    expect(page.locator("[data-judge], input.choose")).to_have_count(0)
    expect(page.locator('li.detection[data-verdict="wrong"]')).to_have_count(0)


def test_the_filter_is_in_the_address(page: Page, heard: ServedConsole) -> None:
    heard.enter(page, "viewer")
    page.goto(f"{heard.url}/detections")
    with page.expect_navigation():
        page.get_by_label("Class", exact=True).select_option("birds/cuckoo")
    assert "class=birds%2Fcuckoo" in page.url
    assert "verdict" not in page.url
    expect(page.locator("li.detection .detection-class").first).to_contain_text("cuckoo")


def test_older_detections_follow_the_last(page: Page, heard: ServedConsole) -> None:
    heard.enter(page, "viewer")
    page.goto(f"{heard.url}/detections")
    shown = rows(page)
    page.get_by_role("button", name="Older detections").click()
    expect(page.locator("li.detection")).to_have_count(2 * len(shown))
    assert len(set(rows(page))) == 2 * len(shown)


def test_the_keys_are_explained(page: Page, heard: ServedConsole) -> None:
    heard.enter(page, "annotator")
    page.goto(f"{heard.url}/detections")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Detections")).to_contain_text("right, and on to the next")


def test_a_class_leads_to_its_detections(page: Page, heard: ServedConsole) -> None:
    heard.enter(page, "viewer")
    page.goto(f"{heard.url}/species")
    page.get_by_role("link", name="reed warbler").click()
    expect(page.get_by_label("Class", exact=True)).to_have_value("birds/reed warbler")


@pytest.mark.parametrize("path", ["/detections", "/detections?verdict=wrong&starred=true", "/species"])
def test_the_pages_are_accessible_and_fit(page: Page, heard: ServedConsole, path: str) -> None:
    heard.enter(page, "annotator")
    page.goto(heard.url + path)
    if path == "/detections":
        page.locator(".detection-open").nth(2).click()
        page.locator(".detection-panel").wait_for()
    assert screen_faults(page) == []


def test_a_count_for_ebird_that_fails_says_so(page: Page, tmp_path: Path) -> None:
    profile = {"location": {"latitude": 48.85, "longitude": 2.35, "time_zone": "Europe/Paris"}}
    with serving_console(tmp_path, with_programs=False, profile=profile) as (url, console):
        fill(console.store, days=2, last=console.clock())
        ServedConsole(url, console).enter(page, "viewer")
        page.route("**/detections/ebird*", lambda route: route.fulfill(status=503, body="busy"))
        page.goto(f"{url}/detections")
        page.get_by_text("For eBird: verified birds").click()
        expect(page.locator("#ebird")).to_contain_text("could not be counted")
        page.goto("about:blank")
