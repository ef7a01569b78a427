"""Screenshots for docs/model-builder.md: `.venv/bin/python docs/builder_screenshots.py`.

A console serves two weeks of short synthetic recordings with annotations, and builds a recognizer of them. Needs
Debian's chromium-headless-shell. Pictures are WebP files in docs/console.
"""

from __future__ import annotations

import io
import random
import shutil
import sys
import tempfile
from datetime import date, timedelta
from pathlib import Path
from typing import Final

from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.console.browser.conftest import ServedConsole
from tests.support.chromium import CHROMIUM
from tests.support.console_server import serving_console
from tests.support.jobs import end_jobs
from tests.support.model_builder import annotate, recorded_profile
from tests.support.openset import DAYS

PICTURES: Final = Path(__file__).parent / "console"
TAGS: Final = {"high": "wren", "low": "bittern"}


def main() -> None:
    """Take the pictures."""
    with tempfile.TemporaryDirectory(prefix="tidzam-builder-") as temporary:
        home = Path(temporary)
        profile = recorded_profile(home / "sound")
        write_fortnight(home / "sound")
        with serving_console(home, profile=profile) as (url, console), sync_playwright() as playwright:
            annotate(console, home / "sound")
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            for name, width, height in (("model-builder", 1280, 1180), ("model-builder-phone", 390, 844)):
                context = browser.new_context(viewport={"width": width, "height": height}, reduced_motion="reduce")
                page = context.new_page()
                served = ServedConsole(url, console)
                served.enter(page, "manager")
                page.goto(f"{url}/models/build")
                expect(page.locator("#plan")).to_contain_text("background windows for training")
                if width > 1000:
                    page.get_by_label("Name", exact=True).first.fill("marsh-birds")
                    build(page)
                save(page, name)
                context.close()
            browser.close()
        end_jobs(home)


def write_fortnight(folder: Path) -> None:
    """Copies of some of the recordings of a day, with their annotations, on twelve more days."""
    lines = (folder / "calls.csv").read_text().replace("high", TAGS["high"]).replace("low", TAGS["low"]).splitlines()
    chance = random.Random(3)
    for number in range(1, 13):
        day = (date.fromisoformat(DAYS[1]) + timedelta(days=number)).isoformat()
        for path in chance.sample(sorted(folder.glob(f"pond-{DAYS[0]}-*.wav")), chance.randint(1, 6)):
            name = path.name.replace(DAYS[0], day)
            shutil.copy(path, folder / name)
            lines += [line.replace(path.name, name) for line in lines if line.startswith(path.name)]
    (folder / "calls.csv").write_text("\n".join(lines) + "\n")


def build(page: Page) -> None:
    """Build the model that the page suggests."""
    page.get_by_role("button", name="Build", exact=True).click()
    expect(page.locator(".job .state").first).to_have_text("done", timeout=180_000)
    page.evaluate("window.scrollTo(0, 0)")


def save(page: Page, name: str) -> None:
    """Write the picture of what is seen of a page first."""
    picture = Image.open(io.BytesIO(page.screenshot()))
    picture.convert("RGB").save(PICTURES / f"{name}.webp", quality=80, method=6)


if __name__ == "__main__":
    main()
