"""The model builder in a browser: days, tags, what would be used, and a recognizer that is trained."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.console.browser.conftest import ServedConsole
from tests.support.accessibility import screen_faults
from tests.support.console_server import serving_console
from tests.support.jobs import end_jobs
from tests.support.model_builder import annotate, recorded_profile
from tests.support.openset import DAYS

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedConsole]:
    home = tmp_path_factory.mktemp("built")
    with serving_console(home, profile=recorded_profile(home / "sound")) as (url, console):
        annotate(console, home / "sound")
        yield ServedConsole(url, console)
    end_jobs(home)


@pytest.fixture
def builder(page: Page, served: ServedConsole) -> Page:
    """The page, once it has planned what it suggests."""
    served.enter(page, "manager")
    page.goto(f"{served.url}/models/build")
    expect(page.locator("#plan")).to_contain_text("annotations")
    return page


def uses(page: Page) -> list[str]:
    return [day.get_attribute("data-use") or "" for day in page.locator("button.day").all()]


def test_days_are_dragged_over_and_changed_by_keyboard(builder: Page) -> None:
    builder.get_by_label("Test 2", exact=True).check()
    first, last = (builder.get_by_label(f"{day}:") for day in DAYS)
    first.hover()
    builder.mouse.down()
    last.hover()
    builder.mouse.up()
    assert uses(builder) == ["test", "test"]
    builder.keyboard.press("1")
    last.focus()
    builder.keyboard.press("ArrowLeft")
    builder.keyboard.press("Enter")
    assert uses(builder) == ["train", "test"]
    expect(builder.locator("#plan")).to_contain_text("32 annotations")
    assert builder.locator("button.day").first.get_attribute("aria-label") == f"{DAYS[0]}: high 16, low 16; training"


def test_a_model_that_lacks_annotations_says_what_is_missing(builder: Page) -> None:
    builder.get_by_label("Nothing 5").check()
    for day in builder.locator("button.day").all():
        day.click()
    expect(builder.locator("#plan")).to_contain_text("Choose days and tags")
    builder.get_by_label("Test 2", exact=True).check()
    builder.locator("button.day").first.click()
    expect(builder.locator("#plan")).to_contain_text("has 0 of the 3 training windows that it needs")


def test_a_recognizer_is_built_and_leads_to_its_page(builder: Page) -> None:
    builder.get_by_label("Training 1", exact=True).check()
    builder.locator("button.day").first.click()
    builder.get_by_label("Test 2", exact=True).check()
    builder.locator("button.day").last.click()
    builder.get_by_label("Name", exact=True).first.fill("tones")
    builder.get_by_label("Most background windows").fill("30")
    builder.get_by_role("button", name="Build", exact=True).click()
    job = builder.locator(".job").first
    expect(job.locator(".state")).to_have_text("done", timeout=120_000)
    expect(job).to_contain_text("macro F1")
    assert (job.get_by_role("link", name="tones").get_attribute("href") or "").endswith("/models/tones")


def test_a_job_is_cancelled(builder: Page) -> None:
    builder.get_by_label("Name", exact=True).first.fill("cancelled-tones")
    builder.get_by_role("button", name="Build", exact=True).click()
    builder.get_by_role("button", name="Cancel cancelled-tones").click()
    job = builder.locator(".job", has_text="cancelled-tones")
    expect(job.locator(".state")).to_have_text("cancelled", timeout=30_000)
    expect(job.get_by_role("button")).to_have_count(0)


def test_a_dataset_is_made_of_what_is_chosen_and_offered_for_training(builder: Page) -> None:
    builder.get_by_label("New dataset").fill("herons")
    builder.get_by_label("Most background clips").fill("4")
    builder.get_by_role("button", name="Make the dataset").click()
    expect(builder.get_by_label("Dataset", exact=True)).to_contain_text("herons", timeout=90_000)
    builder.get_by_text("Advanced").click()
    expect(builder.get_by_label("Validated on")).to_contain_text("herons-test", timeout=90_000)
    expect(builder.locator(".job", has_text="Dataset: ").first).to_contain_text("background 4")


def test_the_page_is_accessible_and_fits_with_days_and_jobs(builder: Page) -> None:
    assert screen_faults(builder) == []
