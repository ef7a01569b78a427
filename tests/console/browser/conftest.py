"""A Chromium for all tests in browsers, and a console for those of a module."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.support.chromium import CHROMIUM
from tests.support.console import PASSWORD, ConsoleUnderTest
from tests.support.console_server import serving_console
from tests.support.recognizers import copy_recognizer


@dataclass(frozen=True)
class ServedConsole:
    """A console at the address `url`."""

    url: str
    console: ConsoleUnderTest

    def log_in(self, page: Page, name: str, password: str = PASSWORD) -> None:
        """As a person does it."""
        page.goto(f"{self.url}/login")
        page.get_by_label("User name").fill(name)
        page.get_by_label("Password").fill(password)
        page.get_by_role("button", name="Log in").click()

    def enter(self, page: Page, name: str) -> None:
        """With a session that exists already, which is faster."""
        cookie = {"name": self.console.runtime.cookie, "value": self.console.begin(name).cookie, "url": self.url}
        page.context.add_cookies([cookie])  # type: ignore[list-item]  # its other keys are optional


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, trained_home: Path) -> Iterator[ServedConsole]:
    home = tmp_path_factory.mktemp("served")
    copy_recognizer(trained_home, home)
    with serving_console(home) as (url, console):
        yield ServedConsole(url, console)


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A new browser profile, without cookies."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    yield context.new_page()
    context.close()
