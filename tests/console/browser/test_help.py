"""The help of every page in the navigation: it opens by button and by key, gives the focus back, and is accessible."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from console.web.navigation import GROUPS
from tests.console.browser.conftest import ServedConsole
from tests.support.accessibility import axe_faults

pytestmark = pytest.mark.browser

PAGES = [*(item.path for group in GROUPS for item in group.entries), "/annotate/tags"]


@pytest.mark.parametrize("path", PAGES)
def test_a_page_has_help_that_gives_the_focus_back_and_is_accessible(
    page: Page, served: ServedConsole, path: str
) -> None:
    served.enter(page, "admin")
    page.goto(served.url + path)
    title = page.title().split(" · ")[0]
    button = page.get_by_role("button", name="Help", exact=True)
    button.click()
    help_dialog = page.get_by_role("dialog", name=title, exact=True)
    expect(help_dialog).to_be_visible()
    assert axe_faults(page) == []
    page.keyboard.press("Escape")
    expect(help_dialog).to_be_hidden()
    expect(button).to_be_focused()
    page.keyboard.press("?")
    expect(help_dialog).to_be_visible()


def test_a_question_mark_that_is_typed_into_a_field_opens_no_help(page: Page, served: ServedConsole) -> None:
    served.enter(page, "admin")
    page.goto(f"{served.url}/sources")
    field = page.get_by_label("Name", exact=True)
    field.press("?")
    expect(field).to_have_value("?")
    expect(page.get_by_role("dialog")).to_have_count(0)
