"""Sources in a real browser: one is tested, added, changed and removed."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import soundfile
from playwright.sync_api import Page, expect

from tests.console.browser.conftest import ServedConsole
from tests.support.console_server import serving_console
from tests.support.sound import tone
from tests.support.source_server import source_server

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedConsole]:
    """A console with a stream manager that has no source."""
    media = tmp_path_factory.mktemp("media")
    soundfile.write(media / "wren.flac", tone(440, duration_s=1), 44100)
    with source_server(media) as manager, serving_console(tmp_path_factory.mktemp("home"), manager=manager) as served:
        yield ServedConsole(*served)


def test_a_source_is_tested_added_changed_and_removed(page: Page, node: ServedConsole) -> None:
    node.enter(page, "manager")
    page.goto(f"{node.url}/sources")
    page.get_by_label("Name").fill("wren")
    page.get_by_label("Address or file").fill("none.flac")
    page.get_by_role("button", name="Test").click()
    expect(page.locator("#test-result")).to_contain_text("The file does not exist")
    page.get_by_label("Address or file").fill("wren.flac")
    page.get_by_role("button", name="Test").click()
    expect(page.locator("#test-result")).to_have_text("It plays: 1 channel at 44.1 kHz, 1.0 s long.")
    page.get_by_role("button", name="Add the source").click()
    expect(page.get_by_text("The source was added.")).to_be_visible()
    page.get_by_label("Repeat a file").check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("The source was changed.")).to_be_visible()
    expect(page.get_by_label("Repeat a file")).to_be_checked()
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Remove wren").click()
    expect(page).to_have_url(re.compile("/sources$"))
    expect(page.get_by_text("There is no source yet.")).to_be_visible()


def test_what_was_typed_is_kept_if_a_source_cannot_be_added(page: Page, node: ServedConsole) -> None:
    node.enter(page, "manager")
    page.goto(f"{node.url}/sources")
    page.get_by_label("Name").fill("heron")
    page.get_by_label("Address or file").fill("none.flac")
    page.get_by_role("button", name="Add the source").click()
    expect(page.get_by_role("alert")).to_contain_text("The file does not exist")
    expect(page.get_by_label("Name")).to_have_value("heron")


def test_a_viewer_sees_sources_and_no_form(page: Page, node: ServedConsole) -> None:
    node.enter(page, "viewer")
    page.goto(f"{node.url}/sources")
    expect(page.get_by_role("heading", name="Heard in the last 14 days")).to_be_visible()
    expect(page.get_by_role("button", name="Test")).to_have_count(0)
