"""Logs and disk use of a node: what is read, what stays hidden, and when the disk is full."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from console.pages.node import full_words
from console.services.node_files.disk import DiskReport, DiskUse
from console.services.node_files.growth import Growing, WrittenFile, days_until_full, limit_of, written_per_day
from console.services.node_files.logs import READ_BYTES
from tests.support.console import StoppedClock, console_with_profile
from tests.support.store_records import detection
from tidzam.config import Settings
from tidzam.config.store import StoreSettings
from tidzam.store.database import open_store
from tidzam.store.writer import StoreWriter

LOGS = "/api/v1/node/logs"
DAY_S = 86400.0


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """The folder of a node's logs, with one of the stream manager."""
    folder = tmp_path / "logs"
    folder.mkdir()
    (folder / "stream_manager.log").write_text("first\nsecond Warning\nthird\n")
    return folder


@pytest.fixture
def client(tmp_path: Path, logs: Path) -> Iterator[TestClient]:
    record = {"path": str(tmp_path / "recordings"), "keep": {"max_gb": 2}}
    source = {"name": "pond", "url": "pond.flac", "record": record}
    with console_with_profile(tmp_path, {"sources": [source]}) as console:
        yield console.logged_in("manager")


def test_the_newest_lines_are_shown_and_filtered_in_any_case(client: TestClient) -> None:
    assert client.get(f"{LOGS}/stream_manager?limit=2").json()["lines"] == ["second Warning", "third"]
    assert client.get(f"{LOGS}/stream_manager?contains=warning").json()["lines"] == ["second Warning"]


def test_what_is_added_is_followed_without_a_line_twice_or_in_part(client: TestClient, logs: Path) -> None:
    position = client.get(f"{LOGS}/stream_manager").json()["position"]
    with (logs / "stream_manager.log").open("a") as log:
        log.write("fourth\nhal")
    part = client.get(f"{LOGS}/stream_manager", params={"after": position}).json()
    assert (part["lines"], part["is_continued"]) == (["fourth"], True)
    with (logs / "stream_manager.log").open("a") as log:
        log.write("f\n")
    assert client.get(f"{LOGS}/stream_manager", params={"after": part["position"]}).json()["lines"] == ["half"]


def test_a_log_that_was_replaced_is_read_from_its_beginning(client: TestClient, logs: Path) -> None:
    position = client.get(f"{LOGS}/stream_manager").json()["position"]
    (logs / "stream_manager.log").rename(logs / "stream_manager.log.1")
    (logs / "stream_manager.log").write_text("new\n")
    part = client.get(f"{LOGS}/stream_manager", params={"after": position}).json()
    assert (part["lines"], part["is_continued"]) == (["new"], False)


def test_only_the_end_of_a_long_log_is_read(client: TestClient, logs: Path) -> None:
    (logs / "stream_manager.log").write_text("x" * READ_BYTES + "\nlast\n")
    assert client.get(f"{LOGS}/stream_manager").json()["lines"] == ["last"]


def test_credentials_and_control_characters_are_not_shown(client: TestClient, logs: Path) -> None:
    (logs / "icecast.log").write_text("GET http://heron:secret@pond.example/a?token=hidden \x1b[31m\n")
    shown = client.get(f"{LOGS}/icecast").text + client.get(f"{LOGS}/icecast/file").text
    assert "GET http://pond.example/a" in shown
    assert not [word for word in ("secret", "hidden", "\x1b") if word in shown]


@pytest.mark.parametrize("name", ["..%2Ftoken", "token", "%2Fetc%2Fpasswd", "stream_manager.log"])
def test_nothing_but_logs_can_be_read(client: TestClient, tmp_path: Path, name: str) -> None:
    (tmp_path / "token").write_text("the token")
    assert client.get(f"{LOGS}/{name}").status_code == 404


def test_the_disk_is_measured_by_kind_with_its_retention(client: TestClient, tmp_path: Path) -> None:
    (tmp_path / "recordings" / "pond").mkdir(parents=True)
    (tmp_path / "recordings" / "pond" / "pond.flac").write_bytes(bytes(7_000_000))
    report = client.get("/api/v1/node/disk").json()
    (found,) = [kind for kind in report["kinds"] if kind["name"] == "recordings of pond"]
    assert (found["bytes"], found["retention"], found["limit_bytes"]) == (7e6, "the oldest deleted above 2 GB", 2e9)


def test_what_grows_in_a_way_that_is_not_known_has_a_dash_on_the_page(client: TestClient, tmp_path: Path) -> None:
    (tmp_path / "models").mkdir(exist_ok=True)
    (tmp_path / "models" / "model.onnx").write_bytes(bytes(1000))
    page = client.get("/node/disk", headers={"HX-Request": "true"})
    assert page.status_code == 200
    assert '<td data-label="Per day" class="number">\u2013</td>' in page.text


@given(st.integers(1, 10**12), st.lists(st.builds(Growing, st.integers(0, 10**12), st.floats(0, 1e10)), max_size=4))
def test_a_disk_is_full_when_what_grows_has_taken_what_is_free(free: int, kinds: list[Growing]) -> None:
    days = days_until_full(free, kinds)
    rate = sum(kind.per_day for kind in kinds)
    expected = free / rate if rate else None
    if days is None:
        assert expected is None or expected > 3649
    else:
        assert expected is not None
        assert days == pytest.approx(expected, abs=0.05)


def test_what_is_deleted_at_a_limit_never_fills_the_disk() -> None:
    assert days_until_full(10**9, [Growing(10**6, 1e8, limit_bytes=5e8)]) is None


def test_what_yields_makes_room_for_what_does_not() -> None:
    kinds = [Growing(500, 10.0, yields=True), Growing(0, 10.0)]
    assert days_until_full(1000, kinds) == pytest.approx(150, abs=0.05)


def test_what_yields_never_fills_the_disk_alone() -> None:
    assert days_until_full(1000, [Growing(500, 1e6, yields=True)]) is None


def test_of_older_files_the_last_seven_days_are_a_rate() -> None:
    assert written_per_day([WrittenFile(0, 10**9), WrittenFile(9 * DAY_S, 700)], 10 * DAY_S) == 100


def test_of_a_new_node_the_hours_that_it_has_run_are_a_rate() -> None:
    assert written_per_day([WrittenFile(0, 100), WrittenFile(DAY_S / 12, 50)], DAY_S / 12) == pytest.approx(150 * 12)


def test_a_store_grows_with_its_detections_and_not_with_the_dates_of_its_file(
    client: TestClient, tmp_path: Path
) -> None:
    with open_store(StoreSettings(), tmp_path) as store:
        now = StoppedClock()()
        starts = [now - timedelta(days=age) for age in (100, 90, 80, 1)]
        StoreWriter(store).write([detection(id=f"{start}", start=start, end=start) for start in starts])
    (found,) = [kind for kind in client.get("/api/v1/node/disk").json()["kinds"] if kind["name"] == "store"]
    assert found["per_day"] == pytest.approx(found["bytes"] / 4 / 7)


def test_the_smaller_of_two_limits_holds() -> None:
    assert limit_of(1e8, days=3, gigabytes=2) == 3e8


@pytest.mark.parametrize(
    ("days", "words"),
    [
        (None, "not full within ten years"),
        (0.4, "full today"),
        (1.2, "in 1 day."),
        (40, "in 40 days"),
        (1100, "3 years"),
    ],
)
def test_when_the_disk_is_full_is_said_in_words(days: float | None, words: str) -> None:
    report = DiskReport(time=StoppedClock()(), total_bytes=1, free_bytes=1, full_in_days=days, kinds=(), elsewhere=())
    assert words in full_words(report)


def test_versions_name_tidzam_its_programs_and_its_libraries(client: TestClient) -> None:
    found = client.get("/api/v1/node/versions").json()
    assert {one["name"] for one in found["programs"]} == {"jackd", "icecast2", "ffmpeg", "mpv"}
    assert "fastapi" in {one["name"] for one in found["libraries"] if one["version"]}


def test_sources_that_record_into_one_folder_are_counted_once(tmp_path: Path) -> None:
    record = {"path": str(tmp_path / "recordings")}
    (tmp_path / "recordings").mkdir()
    for name, size in (("pond-2026-05-01-06-00-00.flac", 3), ("pond-2-2026-05-01-06-00-00.flac", 4)):
        (tmp_path / "recordings" / name).write_bytes(bytes(size))
    sources = [{"name": name, "url": "pond.flac", "record": record} for name in ("pond", "pond-2")]
    with console_with_profile(tmp_path, {"sources": sources}) as console:
        kinds = console.logged_in("manager").get("/api/v1/node/disk").json()["kinds"]
    found = {one["name"]: one["bytes"] for one in kinds if one["name"].startswith("recordings of pond")}
    assert found == {"recordings of pond": 3, "recordings of pond-2": 4}


def test_while_the_disk_is_measured_again_the_last_report_is_returned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_store(StoreSettings(), tmp_path) as store:
        use = DiskUse(Settings(home=tmp_path), store, now=StoppedClock())
        last = use.report()
        monkeypatch.setattr("console.services.node_files.disk.KEEP_S", -1.0)
        with use._turns.one():
            assert use.report() is last
