"""The navigation in a real browser: the menu of a phone by touch and by keyboard."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.console.browser.conftest import ServedConsole
from tests.support.accessibility import axe_faults

pytestmark = pytest.mark.browser


@pytest.fixture
def phone(page: Page, served: ServedConsole) -> Page:
    """The page Node on a phone, as an admin sees it."""
    page.set_viewport_size({"width": 390, "height": 844})
    served.enter(page, "admin")
    page.goto(f"{served.url}/node")
    return page


def test_the_menu_of_a_phone_leads_to_every_page_and_names_the_current_one(phone: Page) -> None:
    phone.get_by_role("button", name="Menu").click()
    menu = phone.get_by_role("navigation", name="All pages")
    expect(menu.get_by_role("link", name="Node")).to_have_attribute("aria-current", "page")
    menu.get_by_role("link", name="Audit log").click()
    expect(phone).to_have_url(re.compile("/audit$"))
    expect(phone.get_by_role("button", name="Audit log (menu of all pages)")).to_be_visible()


def test_the_menu_opens_and_closes_by_keyboard_and_gives_the_focus_back(phone: Page) -> None:
    button = phone.get_by_role("button", name="Menu")
    menu = phone.get_by_role("navigation", name="All pages")
    button.focus()
    phone.keyboard.press("Enter")
    expect(menu).to_be_visible()
    phone.keyboard.press("Tab")
    expect(menu.get_by_role("link", name="Now")).to_be_focused()
    phone.keyboard.press("Escape")
    expect(menu).to_be_hidden()
    expect(button).to_be_focused()


def test_the_open_menu_is_accessible(phone: Page) -> None:
    phone.get_by_role("button", name="Menu").click()
    assert axe_faults(phone) == []
