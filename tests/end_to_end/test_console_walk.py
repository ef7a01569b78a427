"""What a new user does with a node: listens, judges, annotates, builds a recognizer, runs it live and rolls it back."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psutil
import pytest
import socketio
from playwright.sync_api import Page, expect, sync_playwright

from tests.support.chromium import CHROMIUM
from tests.support.eventually import eventually
from tests.support.node import Node, running_node

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

CHANNEL = "wetland:out_0"
TAG = "my_call"
MODEL = "calls"
WETLAND = {
    "name": "wetland",
    "demo": {"scene": "wetland", "seed": 7, "duration_s": 60},
    "nb_channels": 2,
    "record": {"length_s": 15},
}


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    analyzer = {"overlap": 0.5, "detections": {"min_windows": 2, "hysteresis": 0.1}}
    console = {"host": "0.0.0.0"}
    with running_node(tmp_path_factory.mktemp("walk"), [WETLAND], console=console, analyzer=analyzer) as running:
        yield running


@pytest.fixture
def page(node: Node) -> Iterator[Page]:
    """A browser in which the first admin has logged in with the password that the start printed."""
    shown = re.search(r"as admin with the password (\S+)", node.started.stdout)
    assert shown, node.started.stdout
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.set_default_timeout(30_000)
        page.on("dialog", lambda dialog: dialog.accept())
        page.goto(f"{node.url('console')}/login")
        page.get_by_label("User name").fill("admin")
        page.get_by_label("Password").fill(shown[1])
        page.get_by_role("button", name="Log in").click()
        page.get_by_role("heading", name="Now").wait_for()
        page.wait_for_load_state()
        yield page
        browser.close()


def get(page: Page, path: str) -> Any:
    """What the REST API returns to the user of a page."""
    return page.evaluate("async (path) => (await fetch(path)).json()", f"/api/v1{path}")


def classifiers(node: Node) -> list[str]:
    """The classifiers that run, as `classifier list` over Socket.IO names them."""
    with socketio.SimpleClient() as analyzer:
        analyzer.connect(node.url("analyzer"))
        answer = analyzer.call("sys", {"sys": {"classifier": {"list": ""}}}, timeout=20)
    return list(answer["sys"]["classifier"]["list"])


def test_a_new_user_hears_judges_annotates_builds_and_runs_a_recognizer(node: Node, page: Page) -> None:
    listen(page)
    judge(page)
    annotate(page)
    build(page)
    before = classifiers(node)
    run_live(node, page, before)


def listen(page: Page) -> None:
    page.get_by_role("button", name="Listen to wetland 0").click()
    expect(page.locator("#listening-state")).to_have_text("Live")


def judge(page: Page) -> None:
    page.get_by_role("link", name="Detections").first.click()
    page.wait_for_load_state()
    page.locator("li.detection").first.wait_for()
    page.keyboard.press("j")
    page.wait_for_selector("sound-view[data-drawn]")  # the newest one is still being recorded
    page.keyboard.press("r")
    eventually(lambda: get(page, "/detections?verdict=right")["detections"], what="the verdict is stored")


def annotate(page: Page) -> None:
    """Three calls, with the keys, in a segment that is complete."""
    address, today = page.url.split("/detections")[0], f"{datetime.now(UTC):%Y-%m-%d}"
    of_today = f"/segments?channel={CHANNEL}&day={today}"
    eventually(lambda: len(get(page, of_today)["items"]) > 2, within_s=90, what="a whole segment is recorded")
    start = datetime.fromisoformat(get(page, of_today)["items"][1]["start"])
    for number in range(1, 4):
        moment = start + timedelta(seconds=3.5 * number)
        page.goto(f"{address}/annotate?channel={CHANNEL}&at={moment:%Y-%m-%dT%H:%M:%S.%fZ}")
        page.wait_for_selector("sound-view[data-drawn]")
        page.keyboard.press("s")
        page.keyboard.press("t")
        page.keyboard.type(TAG)
        page.keyboard.press("Enter")
        expect(page.locator("#legend").get_by_role("button", name=f"{TAG} {number}")).to_be_visible()
        eventually(lambda number=number: annotated(page, today) == number, what="it is stored")  # type: ignore[misc]


def annotated(page: Page, day: str) -> int:
    """How many annotations the chart of days counts on this day."""
    days = get(page, "/annotations/counts")["days"]
    return sum(one["annotations"] for one in days if one["day"] == day and one["tag"] == TAG)


def build(page: Page) -> None:
    page.goto(page.url.split("/annotate")[0] + "/models/build")
    page.locator("#days-summary").wait_for()
    eventually(lambda: is_planned(page), within_s=40, what="the sound of all annotations is recorded")
    page.get_by_label("Name", exact=True).first.fill(MODEL)
    page.get_by_label("Most background windows").fill("20")
    page.get_by_role("button", name="Build", exact=True).click()
    expect(page.locator(".job").first.locator(".state")).to_have_text("done", timeout=120_000)
    page.locator(".job").first.get_by_role("link", name=MODEL).click()
    expect(page.get_by_role("heading", name=MODEL, level=1)).to_be_visible()


def is_planned(page: Page) -> bool:
    """Whether the recordings of all three annotations are complete."""
    with page.expect_response(re.compile("/recognizers/plan")):
        page.get_by_role("button", name="Suggest a split").click()
    return "3 annotations" in page.locator("#plan").inner_text()


def run_live(node: Node, page: Page, before: list[str]) -> None:
    page.get_by_role("link", name="Models", exact=True).first.click()
    page.locator(".library-model", has_text=MODEL).get_by_role("button", name="Promote").click()
    eventually(lambda: MODEL in classifiers(node), within_s=60, what="the recognizer runs live")
    page.get_by_role("button", name="Roll back").click()
    eventually(lambda: classifiers(node) == before, within_s=60, what="what ran before runs again")
    actions = [one["action"] for one in get(page, "/audit")["entries"]]
    assert {"model.promoted", "model.rolled_back"} <= set(actions)


def test_only_the_console_is_open_to_other_machines(node: Node) -> None:
    """The walk needs nothing else: the stream manager, the analyzer and Icecast listen on this machine only."""
    processes = [psutil.Process(row["pid"]) for row in node.status()["processes"]]
    sockets = [one for process in processes for one in process.net_connections("tcp") if one.status == "LISTEN"]
    listening = {(one.laddr.port, ipaddress.ip_address(one.laddr.ip).is_loopback) for one in sockets}
    assert {port for port, is_loopback in listening if not is_loopback} == {node.ports["console"]}
    assert {port for port, is_loopback in listening if is_loopback} >= {
        node.ports[name] for name in ("icecast", "stream_manager", "analyzer")
    }
