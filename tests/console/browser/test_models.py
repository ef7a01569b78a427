"""The pages of models in a browser: thresholds that are moved, windows that are heard, a version that is saved."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.console.browser.conftest import ServedConsole
from tests.support.analyzer_classifiers import AnalyzerClassifiers
from tests.support.console_server import serving_console
from tests.support.recognizers import copy_recognizer

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def analyzer() -> AnalyzerClassifiers:
    return AnalyzerClassifiers()


@pytest.fixture(scope="module")
def served(
    tmp_path_factory: pytest.TempPathFactory, trained_home: Path, analyzer: AnalyzerClassifiers
) -> Iterator[ServedConsole]:
    home = tmp_path_factory.mktemp("models")
    copy_recognizer(trained_home, home)
    with serving_console(home, analyzer=analyzer) as (url, console):
        yield ServedConsole(url, console)


@pytest.fixture
def card(page: Page, served: ServedConsole) -> Page:
    served.enter(page, "manager")
    page.goto(f"{served.url}/models/calls")
    return page


def test_a_threshold_that_is_moved_shows_its_cost_and_the_confusion_matrix_follows(card: Page) -> None:
    slider = card.get_by_label("high", exact=True)
    slider.focus()
    slider.press("End")
    expect(card.locator(".threshold").first).to_contain_text("1.000")
    expect(card.locator(".threshold").first).to_contain_text("100.0 % of calls missed")
    expect(card.get_by_text("at thresholds that are not saved")).to_be_visible()
    expect(card.get_by_role("link", name="windows of high recognized as unknown")).to_be_visible()
    card.get_by_role("button", name="Reset").click()
    expect(card.get_by_text("at thresholds that are not saved")).to_be_hidden()


def test_a_cell_of_the_confusion_matrix_lists_windows_that_are_heard(card: Page) -> None:
    card.get_by_role("link", name="windows of high recognized as high").click()
    expect(card.get_by_role("heading", name="high recognized as high")).to_be_visible()
    card.locator("sound-view[data-drawn]").first.wait_for()


def test_thresholds_are_saved_as_a_new_version(card: Page) -> None:
    before = card.locator(".page-head p").first.text_content()
    slider = card.get_by_label("low", exact=True)
    slider.focus()
    slider.press("ArrowRight")
    card.once("dialog", lambda dialog: dialog.accept())
    card.get_by_role("button", name="Save").click()
    expect(card.get_by_text("Thresholds that were changed")).to_be_visible()
    assert card.locator(".page-head p").first.text_content() != before


def test_a_model_is_promoted_and_rolled_back(page: Page, served: ServedConsole, analyzer: AnalyzerClassifiers) -> None:
    before = analyzer.live
    served.enter(page, "manager")
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto(f"{served.url}/models")
    live = page.get_by_role("region", name="Live")
    page.locator(".library-model", has_text="calls").get_by_role("button", name="Promote").click()
    expect(live.get_by_role("link", name="calls")).to_be_visible(timeout=15_000)
    assert set(analyzer.live) == {*before, "calls"}
    live.get_by_role("button", name="Roll back").click()
    expect(live.get_by_role("link", name="calls")).to_have_count(0, timeout=15_000)
    assert analyzer.live == before


def test_a_promotion_is_not_done_without_a_confirmation(
    page: Page, served: ServedConsole, analyzer: AnalyzerClassifiers
) -> None:
    before = analyzer.live
    served.enter(page, "manager")
    page.on("dialog", lambda dialog: dialog.dismiss())
    page.goto(f"{served.url}/models")
    page.locator(".library-model", has_text="calls").get_by_role("button", name="Promote").click()
    expect(page.locator("#busy")).to_be_hidden()
    assert analyzer.live == before
