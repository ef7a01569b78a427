"""The page for a microphone in a real Chromium, whose microphone plays a file."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import soundfile
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, async_playwright, expect

from tests.support.chromium import CHROMIUM
from tests.support.manager import Manager, stream_manager
from tests.support.recorder import record
from tests.support.sound import loudest_hz, tone

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

TONE_HZ = 1000
FOREIGN_NAME = "station.example"
GRANT, REFUSE = "--use-fake-ui-for-media-stream", "--use-fake-ui-for-media-stream=deny"


@pytest.fixture(scope="module")
def manager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Manager]:
    with stream_manager(tmp_path_factory.mktemp("page"), [], live_ports=2) as running:
        running.until_well()
        yield running


@asynccontextmanager
async def chromium(*arguments: str) -> AsyncIterator[Browser]:
    """A browser with a fake device in place of a microphone."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--use-fake-device-for-media-stream", *arguments]
        )
        try:
            yield browser
        finally:
            await browser.close()


async def open_page(browser: Browser, url: str) -> Page:
    page = await browser.new_page()
    await page.goto(f"{url}/live")
    return page


async def start(page: Page) -> None:
    await page.get_by_role("button", name="Start").click()


async def test_the_tone_of_the_microphone_is_found_in_jack(manager: Manager, tmp_path: Path) -> None:
    sound = tmp_path / "tone.wav"
    soundfile.write(sound, tone(TONE_HZ, duration_s=30), 44100)
    async with chromium(GRANT, f"--use-file-for-fake-audio-capture={sound}") as browser:
        page = await open_page(browser, manager.url)
        await start(page)
        await expect(page.locator("#state")).to_have_text("Streaming", timeout=20_000)
        await expect(page.locator("#port")).to_have_text("tidzam-livestreams:out_0")
        await expect(page.locator("#gaps")).to_have_text("0 (0.0 s)", timeout=5_000)
        await expect(page.locator("#level-text")).to_contain_text("dBFS")
        recording = record(manager.jack, ["tidzam-livestreams:out_0"], tmp_path, seconds=1.0)
        assert loudest_hz(recording.samples[:, 0], manager.jack.rate_hz) == TONE_HZ
        await page.get_by_role("button", name="Stop").click()
        await expect(page.locator("#state")).to_have_text("Stopped")
        manager.until(lambda: not manager.source("tidzam-livestreams"), within_s=5)


async def test_leaving_the_page_ends_the_stream(manager: Manager) -> None:
    async with chromium(GRANT) as browser:
        page = await open_page(browser, manager.url)
        await start(page)
        await expect(page.locator("#state")).to_have_text("Streaming", timeout=20_000)
        await page.goto("about:blank")
        manager.until(lambda: not manager.source("tidzam-livestreams"), within_s=5)


async def test_a_refused_microphone_is_explained(manager: Manager) -> None:
    async with chromium(REFUSE) as browser:
        page = await open_page(browser, manager.url)
        await start(page)
        await expect(page.get_by_role("alert")).to_contain_text("refuses the microphone", timeout=20_000)
        await expect(page.get_by_role("button", name="Start")).to_be_enabled()
        assert not manager.source("tidzam-livestreams")


async def test_the_page_is_accessible(manager: Manager) -> None:
    async with chromium(GRANT) as browser:
        for scheme in ("light", "dark"):
            page = await browser.new_page(color_scheme=scheme)
            await page.goto(f"{manager.url}/live/index.html")
            found = await Axe().run(page)
            assert found.violations_count == 0, found.generate_report()


async def test_a_page_without_encryption_and_without_the_token_explains_both(tmp_path: Path) -> None:
    sections = {"access": {"manage": "token", "hosts": [FOREIGN_NAME]}}
    with stream_manager(tmp_path, [], sections=sections) as manager:
        manager.until_well()
        async with chromium(GRANT, f"--host-resolver-rules=MAP {FOREIGN_NAME} 127.0.0.1") as browser:
            page = await open_page(browser, manager.url.replace("127.0.0.1", FOREIGN_NAME))
            await start(page)
            await expect(page.get_by_role("alert")).to_contain_text("only on secure pages")
            page = await open_page(browser, manager.url)
            await start(page)
            await expect(page.get_by_role("alert")).to_contain_text("asks for its token", timeout=20_000)
