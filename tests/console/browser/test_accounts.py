"""Accounts in a real browser: logging in and out, wrong passwords, lock-out, and managing users."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.console.browser.conftest import ServedConsole
from tests.support.console_server import serving_console

pytestmark = pytest.mark.browser


def test_a_user_logs_in_sees_the_node_and_logs_out(page: Page, served: ServedConsole) -> None:
    served.log_in(page, "viewer")
    expect(page.get_by_role("heading", name="wetland")).to_be_visible()
    page.get_by_role("link", name="Node").click()
    expect(page.get_by_role("heading", name="marsh")).to_be_visible()
    expect(page.get_by_role("link", name="Users")).to_have_count(0)
    page.get_by_role("button", name="Log out").click()
    expect(page).to_have_url(re.compile("/login$"))
    page.goto(served.url)
    expect(page).to_have_url(re.compile("/login"))


def test_the_page_asked_for_is_shown_after_the_login(page: Page, served: ServedConsole) -> None:
    page.goto(f"{served.url}/audit")
    page.get_by_label("User name").fill("admin")
    page.get_by_label("Password").fill("marsh wren at dawn")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Audit log")).to_be_visible()


def test_a_wrong_password_is_reported_and_the_name_stays(page: Page, served: ServedConsole) -> None:
    served.log_in(page, "annotator", "wrong password")
    expect(page.get_by_role("alert")).to_have_text("The user name or the password is wrong. Try again.")
    expect(page.get_by_label("User name")).to_have_value("annotator")
    expect(page.get_by_label("Password")).to_be_focused()


def test_after_wrong_passwords_the_user_is_locked_out(page: Page, tmp_path: Path) -> None:
    with serving_console(tmp_path, with_programs=False, lock_out={"failures": 1}) as (url, console):
        served = ServedConsole(url, console)
        served.log_in(page, "viewer", "wrong password")
        served.log_in(page, "viewer")
        expect(page.get_by_role("alert")).to_contain_text("Try again in 15 minutes.")


def test_a_page_whose_programs_are_away_says_so(page: Page, tmp_path: Path) -> None:
    with serving_console(tmp_path, with_programs=False) as (url, console):
        ServedConsole(url, console).enter(page, "viewer")
        page.goto(f"{url}/node")
        expect(page.get_by_text("The stream manager does not answer. See `tidzam status`.")).to_be_visible()
        expect(page.get_by_text("The analyzer does not answer. See `tidzam status`.")).to_be_visible()
    expect(page.get_by_text("The console does not answer.")).to_be_visible(timeout=10_000)


def test_an_admin_adds_a_user_who_logs_in_with_the_password_that_is_shown_once(
    browser: Browser, page: Page, served: ServedConsole
) -> None:
    served.enter(page, "admin")
    page.goto(f"{served.url}/users")
    page.get_by_label("Name", exact=True).fill("wren")
    page.get_by_role("button", name="Add user").click()
    password = page.locator(".secret").inner_text()
    page.goto(f"{served.url}/users")
    expect(page.locator(".secret")).to_have_count(0)
    context = browser.new_context()
    served.log_in(context.new_page(), "wren", password)
    expect(context.pages[0].get_by_role("heading", name="Now", exact=True)).to_be_visible()
    context.close()


def test_a_role_is_changed_by_choosing_another_one(page: Page, served: ServedConsole) -> None:
    served.enter(page, "admin")
    page.goto(f"{served.url}/users")
    with page.expect_navigation():
        page.get_by_label("Role of annotator").select_option("manager")
    expect(page.get_by_label("Role of annotator")).to_have_value("manager")


def test_a_token_is_made_and_removed_after_a_question(page: Page, served: ServedConsole) -> None:
    served.enter(page, "manager")
    page.goto(f"{served.url}/account")
    page.get_by_label("New token for").fill("weather station")
    page.get_by_role("button", name="Make token").click()
    expect(page.locator(".secret")).to_have_text(re.compile(r"^tidzam_[\w-]{43}$"))
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_text("weather station")).to_have_count(0)


def test_the_choice_of_dark_colors_stays(page: Page, served: ServedConsole) -> None:
    page.goto(f"{served.url}/login")
    switch = page.get_by_role("button", name="Colors")
    switch.click()
    switch.click()
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(switch).to_have_accessible_name("Colors: dark. Switch to system")


@pytest.mark.parametrize(("scheme", "paper"), [("light", "rgb(244, 244, 238)"), ("dark", "rgb(14, 20, 17)")])
def test_without_a_choice_the_colors_follow_the_system(
    page: Page, served: ServedConsole, scheme: Literal["light", "dark"], paper: str
) -> None:
    page.goto(f"{served.url}/login")
    page.emulate_media(color_scheme=scheme)
    expect(page.locator("html")).to_have_css("background-color", paper)


def test_the_keyboard_reaches_the_content_first(page: Page, served: ServedConsole) -> None:
    served.enter(page, "viewer")
    page.goto(served.url)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
