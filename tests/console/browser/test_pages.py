"""Every page on a phone and on a desk, light and dark: accessible, without overflow, and without an error."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from tests.console.browser.conftest import ServedConsole

pytestmark = pytest.mark.browser

PAGES = (
    *(
        "/login",
        "/",
        "/node",
        "/detections",
        "/annotate",
        "/species",
        "/search",
        "/label",
        "/activity",
        "/models/build",
    ),
    *("/models", "/models/calls", "/models/selector"),
    *("/account", "/users", "/audit", "/api/docs", "/nothing"),
    *("/node/logs", "/node/disk", "/node/versions", "/node/backups"),
    *("/sources", "/sources/wetland", "/microphone"),
)
SCREENS = list(product((390, 1440), ("light", "dark")))


@pytest.fixture(scope="module", params=SCREENS, ids=lambda screen: f"{screen[0]}-{screen[1]}")
def screen(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page of this width and color scheme, which remembers its errors."""
    width, scheme = request.param
    context = browser.new_context(
        viewport={"width": width, "height": 844}, color_scheme=scheme, reduced_motion="reduce"
    )
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_accessible_and_fits(screen: Page, served: ServedConsole, path: str) -> None:
    errors: list[str] = []
    screen.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    if path == "/login":
        screen.context.clear_cookies()
    else:
        served.enter(screen, "admin")
    screen.goto(served.url + path)
    checked = Axe().run(screen).response
    assert [(found["id"], found["nodes"][0]["html"]) for found in checked["violations"]] == []
    assert "color-contrast" in [rule["id"] for rule in checked["passes"]]
    overflow = screen.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert overflow == 0
    assert [error for error in errors if "404 (Not Found)" not in error] == []
