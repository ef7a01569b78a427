"""A manager decides about a class in a real browser: excluded, reported again, and its detections removed."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.console.browser.conftest import ServedConsole
from tests.support.accessibility import axe_faults
from tests.support.stored_detections import fill

pytestmark = pytest.mark.browser


def test_a_class_is_excluded_reported_again_and_removed(page: Page, served: ServedConsole) -> None:
    fill(served.console.store, days=2, last=served.console.clock())
    served.enter(page, "manager")
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{served.url}/species")
    row = page.locator("tr", has=page.get_by_role("link", name="robin"))
    row.get_by_text("Manage").click()
    assert axe_faults(page) == []
    row.get_by_role("button", name="Exclude").click()
    expect(row.locator(".tag")).to_have_text("excluded")
    row.get_by_text("Manage").click()
    row.get_by_role("button", name="Report it again").click()
    expect(row.locator(".tag")).to_have_count(0)
    page.on("dialog", lambda dialog: dialog.accept())
    row.get_by_text("Manage").click()
    row.get_by_role("button", name="Remove all detections").click()
    expect(page.get_by_role("status")).to_contain_text("of robin")
    expect(row).to_have_count(0)
