"""Every page on a phone and on a desk, light and dark: accessible, without overflow, and without an error."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.console.browser.conftest import ServedConsole
from tests.support.accessibility import screen_faults

pytestmark = pytest.mark.browser

PAGES = (
    *(
        "/login",
        "/",
        "/node",
        "/detections",
        "/annotate",
        "/annotate/tags",
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
MISSING = ("/nothing", "/api/v1/segments")
"""What is not there: a page, and the segments of the source, which was never recorded. All else must be found."""
BUTTON = """([kind, isDisabled]) => {
    const button = document.createElement("button");
    button.className = `button ${kind}`;
    button.disabled = isDisabled;
    document.querySelector("main").append(button);
    const { color, backgroundColor: background } = getComputedStyle(button);
    button.remove();
    return { color, background };
}"""
"""The colors of a button of a kind, as a browser calculates them."""


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_accessible_and_fits(page: Page, served: ServedConsole, path: str) -> None:
    errors: list[tuple[str, str]] = []
    page.on(
        "console",
        lambda said: errors.append((said.text, said.location["url"])) if said.type == "error" else None,
    )
    if path != "/login":
        served.enter(page, "admin")
    page.goto(served.url + path)
    assert screen_faults(page) == []
    missing = tuple(served.url + path for path in MISSING)
    assert [one for one in errors if not (one[1].startswith(missing) and "404 (Not Found)" in one[0])] == []


@pytest.fixture(scope="module", params=["light", "dark"])
def served_page(browser: Browser, served: ServedConsole, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page of the console in this color scheme."""
    context = browser.new_context(color_scheme=request.param)
    page = context.new_page()
    page.goto(served.url + "/login")
    yield page
    context.close()


@pytest.mark.parametrize("kind", ["", "primary", "danger", "plain"])
def test_a_disabled_button_is_legible_and_does_not_look_enabled(served_page: Page, kind: str) -> None:
    enabled, disabled = (served_page.evaluate(BUTTON, [kind, is_disabled]) for is_disabled in (False, True))
    assert disabled["background"] != enabled["background"]
    assert contrast(disabled["color"], disabled["background"]) >= 4.5


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two CSS colors `rgb(R, G, B)`, as WCAG 2.1 defines it: 1 to 21."""
    darker, lighter = sorted(luminance(color) for color in (one, other))
    return (lighter + 0.05) / (darker + 0.05)


def luminance(color: str) -> float:
    """The relative luminance of a CSS color `rgb(R, G, B)` (WCAG 2.1): 0 to 1."""
    parts = [int(part) / 255 for part in re.findall(r"\d+", color)[:3]]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
