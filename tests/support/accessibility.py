"""Whether a page is accessible, fits and has no overlapping controls, on a phone and on a desk, light and dark."""

from __future__ import annotations

from itertools import product
from typing import Any, Final, Literal

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.support.overlapping_controls import OVERLAPS

WIDTHS: Final = (390, 1440)
SCHEMES: Final[tuple[Literal["light", "dark"], ...]] = ("light", "dark")
AXE: Final = "([options]) => axe.run(document, { ...options, resultTypes: ['violations'] })"
CONTRAST: Final = "color-contrast"
OVERFLOW: Final = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


def screen_faults(page: Page) -> list[str]:
    """What is wrong on any screen: the rule, the screen and the element. The page is loaded only once.

    Everything is checked at each width. Dark pages differ from light ones only in their colors. Raises AssertionError
    if there was no text whose contrast was checked.
    """
    page.emulate_media(reduced_motion="reduce")
    page.evaluate(Axe().axe_script)
    return [fault for width, scheme in product(WIDTHS, SCHEMES) for fault in _faults(page, width, scheme)]


def axe_faults(page: Page) -> list[str]:
    """The rules of axe that a page as it is now breaks, each with an element."""
    page.evaluate(Axe().axe_script)
    return _violations(_axe(page))


def _faults(page: Page, width: int, scheme: Literal["light", "dark"]) -> list[str]:
    page.set_viewport_size({"width": width, "height": 844})
    page.emulate_media(color_scheme=scheme)
    checked = _axe(page, () if scheme == SCHEMES[0] else (CONTRAST,))
    assert CONTRAST in [rule["id"] for rule in (*checked["passes"], *checked["violations"])]
    overflow = page.evaluate(OVERFLOW)
    found = _violations(checked) + ([f"{overflow} px beyond the width"] if overflow else [])
    found += [f"controls over one another: {pair}" for pair in page.evaluate(OVERLAPS)]
    return [f"{width} px, {scheme}: {fault}" for fault in found]


def _axe(page: Page, rules: tuple[str, ...] = ()) -> dict[str, Any]:
    checked: dict[str, Any] = page.evaluate(AXE, [{"runOnly": list(rules)} if rules else {}])
    return checked


def _violations(checked: dict[str, Any]) -> list[str]:
    return [f"{one['id']}: {node['html']}" for one in checked["violations"] for node in one["nodes"]]
