"""Screenshots of the console for docs/console.md: `.venv/bin/python docs/screenshots.py`.

A node is started in a temporary home, with the demo as its source, and stopped again. Needs Debian's
chromium-headless-shell. Pictures are WebP files in docs/console.
"""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import yaml
from PIL import Image
from playwright.sync_api import Browser, Page, StorageState, sync_playwright

PICTURES: Final = Path(__file__).parent / "console"
CHROMIUM: Final = "/usr/bin/chromium-headless-shell"
PORTS: Final = {"icecast": 18200, "stream_manager": 18201, "analyzer": 18202, "console": 18203}
URL: Final = f"http://127.0.0.1:{PORTS['console']}"
DESK: Final = (1280, 800)
PHONE: Final = (390, 844)
QUALITY: Final = 82
RECORDING_S: Final = 20
SPECTROGRAM_MS: Final = 33_000
"""Until the spectrograms of channels are full."""
MOST_TRIES: Final = 8
USERS: Final = {"heron": "annotator", "wren": "viewer"}
"""Users beside the admin, with their roles."""
OPENED: Final = "/detections#"
"""The page of detections with one of the demo opened."""
SEARCHED: Final = "/search#"
"""The page of search by example, with such a detection as the example."""
MODEL: Final = "/models/marsh-calls"
"""The page of a recognizer that is trained for the pictures."""

ANNOTATED: Final = "/annotate#"
"""The page on which sound is annotated, with annotations of the demo and of the month before it."""

ANNOTATIONS: Final = """async () => {
    const { api, csrf } = document.getElementById("annotator").dataset;
    const get = async path => (await fetch(api + path)).json();
    const post = (path, type, body) =>
        fetch(api + path, { method: "POST", headers: { "X-CSRF-Token": csrf, "Content-Type": type }, body });
    const ageS = one => (Date.now() - Date.parse(one.end)) / 1000;
    const heard = (await get("/detections?limit=200&channel=wetland:out_0")).detections;
    const ended = heard.filter(one => !one.is_open && one.path.length > 1 && ageS(one) > 40 && ageS(one) < 600);
    if (ended.length < 5) return false;
    const tags = ["wren", "cuckoo", "tree frog", "bittern", "reed warbler"], rows = ["channel,start,end,tag"];
    for (let number = 0; number < 90; number++) {
        const start = Date.now() - 864e5 * (1 + (number * 7) % 29) - 1e6 * ((number * 13) % 40);
        const times = [start, start + 2000].map(time => new Date(time).toISOString());
        rows.push(`wetland:out_0,${times},${tags[(number * number) % 11 % 5]}`);
    }
    await post("/annotations/import?format=csv&channel=wetland:out_0", "text/plain", rows.join("\\n"));
    for (const one of ended) {
        const stated = { tag: one.path.at(-1).split("-").at(-1), low_hz: 2400, high_hz: 5200 };
        await post(`/detections/${one.id}/annotation`, "application/json", JSON.stringify(stated));
    }
    const at = new Date((Date.parse(ended[0].start) + Date.parse(ended[0].end)) / 2).toISOString();
    window.place = `channel=wetland:out_0&at=${at}`;
    return true;
}"""
"""Annotate what was heard and recorded; false while there is not enough of it."""

SHOTS: Final = (
    ("login", "/login", DESK, "light"),
    ("now", "/", DESK, "light"),
    ("now-dark", "/", DESK, "dark"),
    ("now-phone", "/", PHONE, "light"),
    ("node", "/node", DESK, "light"),
    ("node-dark", "/node", DESK, "dark"),
    ("node-phone", "/node", PHONE, "light"),
    ("node-logs", "/node/logs?program=stream_manager", DESK, "light"),
    ("node-disk", "/node/disk", DESK, "dark"),
    ("sources", "/sources", DESK, "light"),
    ("sources-phone", "/sources", PHONE, "dark"),
    ("microphone-phone", "/microphone", PHONE, "light"),
    ("detections", "/detections", DESK, "light"),
    ("detection-open", OPENED, DESK, "dark"),
    ("detections-phone", "/detections", PHONE, "light"),
    ("annotate", ANNOTATED, (1280, 1130), "light"),
    ("annotate-phone", ANNOTATED, PHONE, "dark"),
    ("species", "/species", DESK, "light"),
    ("activity", "/activity", DESK, "light"),
    ("activity-phone", "/activity", PHONE, "dark"),
    ("search", SEARCHED, DESK, "light"),
    ("search-phone", SEARCHED, PHONE, "light"),
    ("label-next", "/label", DESK, "dark"),
    ("models", "/models", DESK, "light"),
    ("models-phone", "/models", PHONE, "light"),
    ("model", MODEL, DESK, "light"),
    ("model-evaluation", f"{MODEL}#evaluation", DESK, "dark"),
    ("model-examples", f"{MODEL}?true=chickadee&recognized=dove#examples", DESK, "light"),
    ("account", "/account", DESK, "light"),
    ("users", "/users", DESK, "light"),
    ("audit", "/audit", DESK, "dark"),
    ("api", "/api/docs", DESK, "light"),
)
"""Name, page, size and colors of each picture. A new page adds its line here."""

FOLDER: Final = "tidzam-screenshots-"
"""How the name of the temporary folder begins."""
NEUTRAL: Final = """folder => {
    const paths = new RegExp(`/[^\\s"']*?/${folder}[^/\\s"']+(/home)?`, "g");
    const neutral = text => text.replace(paths, "/var/lib/tidzam");
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const { data } = walker.currentNode;
        if (data.includes(folder)) walker.currentNode.data = neutral(data);
    }
    for (const field of document.querySelectorAll("input, textarea")) {
        if (field.type !== "file" && field.value.includes(folder)) field.value = neutral(field.value);
    }
}"""
"""Show files in the temporary folder as those of a node at home in /var/lib/tidzam."""


def main() -> None:
    """Take all pictures, or those whose names are arguments."""
    wanted = sys.argv[1:]
    PICTURES.mkdir(exist_ok=True)
    with running_node() as password, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        session = logged_in(browser, password)
        for name, path, size, colors in SHOTS:
            if not wanted or name in wanted:
                take(browser, name, path, size, colors, None if path == "/login" else session)
        browser.close()


@contextmanager
def running_node() -> Iterator[str]:
    """A node with the demo; yields the password of its first admin."""
    with tempfile.TemporaryDirectory(prefix=FOLDER) as folder:
        home, profile = Path(folder) / "home", Path(folder) / "profile.yaml"
        settings = {
            "node": {"name": "marsh"},
            "jack": {"server": "tidzam-screenshots"},
            "location": {"latitude": 52.6, "longitude": 1.6, "time_zone": "Europe/London"},
            **{name: {"port": port} for name, port in PORTS.items()},
            "sources": [
                {
                    "name": "wetland",
                    "demo": {"scene": "wetland", "seed": 21},
                    "nb_channels": 4,
                    "record": {"length_s": 20},
                }
            ],
            "analyzer": {"sinks": [{"type": "store"}, {"type": "clips", "folder": str(Path(folder) / "clips")}]},
        }
        profile.write_text(yaml.safe_dump(settings), encoding="utf-8")
        environment = {**os.environ, "TIDZAM_HOME": str(home), "COLUMNS": "200", "NO_COLOR": "1"}
        tidzam = [sys.executable, "-m", "tidzam.cli"]
        try:
            start = [*tidzam, "start", "--profile", str(profile)]
            started = subprocess.run(start, env=environment, capture_output=True, text=True, check=True)
            password = re.search(r"with the password (\S+)", started.stdout)
            assert password is not None, started.stdout
            for name, role in USERS.items():
                add = [*tidzam, "users", "add", name, "--role", role, "--generate"]
                subprocess.run(add, env=environment, capture_output=True, check=True)
            fill_past(home)
            support("tests.support.demo_recognizer", str(home))
            subprocess.run([*tidzam, "models", "shadow", "--add", "marsh-calls"], env=environment, check=True)
            index_recordings(tidzam, environment)
            yield password[1]
        finally:
            subprocess.run([*tidzam, "stop"], env=environment, check=True)


def index_recordings(tidzam: Sequence[str], environment: Mapping[str, str]) -> None:
    """Index what the node has recorded, as soon as there are some recordings."""
    for _ in range(MOST_TRIES):
        time.sleep(RECORDING_S)
        subprocess.run([*tidzam, "search", "index"], env=environment, capture_output=True, check=False)
        status = [*tidzam, "search", "status", "--json"]
        done = subprocess.run(status, env=environment, capture_output=True, text=True, check=True)
        if any(one["recordings"] > 1 for one in json.loads(done.stdout)["indexes"]):
            return


def fill_past(home: Path) -> None:
    """Give the node the detections of three months, and recordings of one."""
    support("tests.support.stored_detections", str(home), "90")
    support("tests.support.stored_recordings", str(home), "marsh", "wetland", "30")


def support(module: str, *words: str) -> None:
    """Run a module of the tests."""
    subprocess.run([sys.executable, "-m", module, *words], cwd=Path(__file__).parent.parent, check=True)


def logged_in(browser: Browser, password: str) -> StorageState:
    """The session of the admin, who has logged in as people do."""
    page = browser.new_page()
    page.goto(f"{URL}/login")
    page.get_by_label("User name").fill("admin")
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("heading", name="wetland").wait_for(timeout=60_000)
    page.goto(f"{URL}/node")
    page.get_by_text("All programs work").wait_for(timeout=60_000)
    return page.context.storage_state()


def take(
    browser: Browser, name: str, path: str, size: tuple[int, int], colors: str, session: StorageState | None
) -> None:
    """Write the picture of a page, as the admin sees it if there is a session."""
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme="dark" if colors == "dark" else "light",
        device_scale_factor=2 if size == PHONE else 1,
        reduced_motion="reduce",
        storage_state=session,
    )
    page = context.new_page()
    page.goto(URL + (OPENED if path == SEARCHED else path))
    if path in (OPENED, SEARCHED):
        ended = page.locator("li.detection", has_text="wetland:").filter(has_not_text="now").last
        ended.locator(".detection-open").click(timeout=90_000)
        page.locator("sound-view[data-drawn]").wait_for()
    if path == SEARCHED:
        page.get_by_role("link", name="More like this").click()
    if path.startswith(MODEL):
        page.get_by_role("heading", name="Lineage").wait_for()
    elif path == "/models":
        page.get_by_text("Windows compared").wait_for(timeout=60_000)
    if path in (SEARCHED, "/label") or path.endswith("#examples"):
        page.locator("sound-view[data-drawn]").first.wait_for()
    if path == "/node/disk":
        page.locator("table.disk").wait_for()
    if path == ANNOTATED:
        annotate(page)
    if path == "/":
        page.locator(".heard").nth(8).wait_for()
        page.wait_for_timeout(SPECTROGRAM_MS)
    page.evaluate(NEUTRAL, FOLDER)
    picture = Image.open(io.BytesIO(page.screenshot()))
    picture.convert("RGB").save(PICTURES / f"{name}.webp", quality=QUALITY, method=6)
    context.close()


def annotate(page: Page) -> None:
    """Annotate the demo as a person does who goes through its detections, and open one."""
    until_s = time.monotonic() + 120
    while not page.evaluate(ANNOTATIONS):
        assert time.monotonic() < until_s, "nothing was recorded and detected that could be annotated"
        page.wait_for_timeout(2000)
    page.goto(f"{URL}/annotate?{page.evaluate('window.place')}")
    page.locator("sound-view[data-drawn]").wait_for()
    page.keyboard.press("]")
    if page.viewport_size == {"width": PHONE[0], "height": PHONE[1]}:
        page.locator("#moment").evaluate("panel => panel.scrollIntoView()")


if __name__ == "__main__":
    main()
