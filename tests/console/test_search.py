"""Search by example over the REST API, and the page of it."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from console.services.search.models import ExampleQuery, NextQuery
from console.services.search.network import ExampleNetwork
from console.services.search.recognizers import recognizers_on
from console.services.search.similar import find_similar, open_archive
from console.services.search.teaching import next_sounds
from console.services.search.upkeep import IndexUpkeep, index_argv
from console.services.turns import Turns
from tests.support import indexed_sound as support
from tests.support.console import ConsoleUnderTest, console_with_profile
from tests.support.eventually import eventually_async
from tests.support.indexed_sound import HIGH_HZ, LOW_HZ, MIDDLE_HZ, START, WINDOW
from tests.support.store import store as store
from tests.support.store import store_settings as store_settings
from tests.support.store_records import detection
from tidzam.config import Settings
from tidzam.errors import RequestError
from tidzam.naming import HELD_SUFFIX
from tidzam.sound_index.catalog import Catalog
from tidzam.store.database import Store
from tidzam.store.tables.annotations import AnnotationRow, TagRow
from tidzam.store.tables.detections import DetectionRow
from tidzam.store.tables.places import ChannelRow
from tidzam.store.writer import StoreWriter

TONES = [(HIGH_HZ, LOW_HZ), (LOW_HZ, LOW_HZ), (LOW_HZ, HIGH_HZ), (MIDDLE_HZ, LOW_HZ), (LOW_HZ, MIDDLE_HZ)]


def detected(number: int, window: int, **changes: Any) -> Any:
    """A detection of a window of the recording."""
    start = START + window * WINDOW
    return detection(number, **{"node": support.NODE, "start": start, "end": start + WINDOW, **changes})


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleUnderTest]:
    """A console with a recording that is indexed, and detections of its first and its third window."""
    home = tmp_path_factory.mktemp("home")
    settings = support.settings_of(home)
    profile = {"search": {"base": support.BASE}}
    with console_with_profile(home, profile) as console:
        support.write_recording(console.store, home / "recordings", TONES)
        support.index(settings, console.store)
        records = [detected(1, 0), detected(2, 2, channel="pond:out_1", path=("birds", "robin"))]
        StoreWriter(console.store).write(records)
        yield console
        console.runtime.examples.close()


@pytest.fixture(scope="module")
def viewer(searched: ConsoleUnderTest) -> TestClient:
    return searched.logged_in("viewer")


def section(channel: str, window: int) -> dict[str, str]:
    start = START + window * WINDOW
    return {"channel": channel, "start": start.isoformat(), "end": (start + WINDOW).isoformat()}


def first_detection(store: Store) -> int:
    with store.read() as session:
        return session.scalars(select(DetectionRow.id).order_by(DetectionRow.start)).all()[0]


def test_what_sounds_like_a_section_is_found(viewer: TestClient) -> None:
    (found,) = viewer.get("/api/v1/search", params={**section("pond:out_0", 3), "limit": "1"}).json()["results"]
    assert (found["channel"], found["start"]) == ("pond:out_1", (START + 4 * WINDOW).isoformat().replace("+00:00", "Z"))


def test_what_sounds_like_a_detection_is_found_with_what_was_detected_there(
    viewer: TestClient, searched: ConsoleUnderTest
) -> None:
    parameters = {"detection": str(first_detection(searched.store)), "limit": "1"}
    (found,) = viewer.get("/api/v1/search", params=parameters).json()["results"]
    assert (found["channel"], [one["path"] for one in found["detections"]]) == ("pond:out_1", [["birds", "robin"]])


def test_the_example_is_not_a_result(viewer: TestClient) -> None:
    found = viewer.get("/api/v1/search", params=section("pond:out_0", 0)).json()["results"]
    assert ("pond:out_0", START.isoformat()) not in [(one["channel"], one["start"]) for one in found]


def test_results_are_limited_to_channels(viewer: TestClient) -> None:
    found = viewer.get("/api/v1/search", params={**section("pond:out_0", 3), "only_channel": "pond:out_0"}).json()
    assert {one["channel"] for one in found["results"]} == {"pond:out_0"}


def test_results_are_limited_to_days(viewer: TestClient) -> None:
    found = viewer.get("/api/v1/search", params={**section("pond:out_0", 3), "first_day": "2026-05-02"}).json()
    assert found["results"] == []


def test_an_annotation_is_an_example(searched: ConsoleUnderTest, viewer: TestClient) -> None:
    annotation = {**section("pond:out_0", 0), "tag": "wren"}
    made = searched.logged_in("annotator").post("/api/v1/annotations", json=annotation).json()
    found = viewer.get("/api/v1/search", params={"annotation": made["id"]}).json()
    assert (found["channel"], found["results"]) == (
        "pond:out_0",
        viewer.get("/api/v1/search", params=section("pond:out_0", 0)).json()["results"],
    )
    searched.logged_in("annotator").delete(f"/api/v1/annotations/{made['id']}", params={"version": made["version"]})


def test_an_annotation_that_does_not_exist_is_not_found(viewer: TestClient) -> None:
    refused = viewer.get("/api/v1/search", params={"annotation": 12345})
    assert refused.status_code == 404
    assert refused.json()["error"]["message"] == "There is no such annotation. It may have been removed."


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"channel": "pond:out_0"},
        {**section("pond:out_0", 0), "detection": "1"},
        {**section("pond:out_0", 0), "end": START.isoformat()},
    ],
)
def test_an_example_that_is_incomplete_is_refused(viewer: TestClient, parameters: dict[str, str]) -> None:
    assert viewer.get("/api/v1/search", params=parameters).status_code == 422


def test_a_time_that_was_not_recorded_is_refused(viewer: TestClient) -> None:
    answer = viewer.get("/api/v1/search", params=section("pond:out_0", 9000))
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "no_recording")


def test_a_detection_that_is_gone_is_refused(viewer: TestClient) -> None:
    assert viewer.get("/api/v1/search", params={"detection": "999"}).json()["error"]["code"] == "not_found"


def test_the_index_says_what_is_in_it(viewer: TestClient) -> None:
    found = viewer.get("/api/v1/search/index").json()
    assert (found["base"], found["recordings"], found["windows"]) == (support.BASE, 1, 10)


def test_without_an_index_the_reason_says_what_to_do(tmp_path: Path) -> None:
    with console_with_profile(tmp_path, {}) as console:
        error = console.logged_in("viewer").get("/api/v1/search/index").json()["error"]
    assert (error["code"], "tidzam search index" in error["message"]) == ("search_empty", True)


def test_without_an_index_and_the_part_search_the_reason_names_that_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "numkong", None)  # as if it were not installed
    with console_with_profile(tmp_path, {}) as console:
        message = console.logged_in("viewer").get("/api/v1/search/index").json()["error"]["message"]
    assert "bin/tidzam install search" in message


def test_what_is_indexed_is_an_example_though_its_recording_is_gone(store: Store, tmp_path: Path) -> None:
    settings = support.settings_of(tmp_path)
    path = support.write_recording(store, tmp_path / "recordings", TONES)
    support.index(settings, store)
    path.unlink()
    start = START + 3 * WINDOW
    query = ExampleQuery(channel="pond:out_0", start=start, end=start + WINDOW, limit=1)
    (found,) = find_similar(settings, store, ExampleNetwork(), query, support.ZONE).results
    assert (found.channel, found.start) == ("pond:out_1", START + 4 * WINDOW)


def hold(path: Path) -> None:
    """Hide a complete recording until speech in it is muted."""
    path.rename(path.with_name(f".{path.name}{HELD_SUFFIX}"))


def private_settings(home: Path) -> Settings:
    """The settings of a node that records `pond`, and mutes speech."""
    sources = [{"name": "pond", "url": "pond.wav", "record": {"path": home / "recordings"}}]
    privacy = {"detector": "class", "classes": ["people"]}
    sinks = [{"type": "clips", "folder": home / "clips"}]
    more = {"sources": sources, "analyzer": {"privacy": privacy, "sinks": sinks}}
    return Settings.model_validate(support.settings_of(home).model_dump(exclude_unset=True) | more)


def test_what_is_indexed_is_an_example_though_its_recording_is_held(store: Store, tmp_path: Path) -> None:
    settings = private_settings(tmp_path)
    path = support.write_recording(store, tmp_path / "recordings", TONES)
    support.index(settings, store)
    hold(path)
    query = ExampleQuery(channel="pond:out_0", start=START, end=START + WINDOW, limit=1)
    assert len(find_similar(settings, store, ExampleNetwork(), query, support.ZONE).results) == 1


def test_a_clip_is_an_example_while_its_recording_is_held(store: Store, tmp_path: Path) -> None:
    settings, network = private_settings(tmp_path), ExampleNetwork()
    support.write_recording(store, tmp_path / "recordings", TONES)
    support.index(settings, store)
    later = START + timedelta(hours=1)
    clip = support.write_recording(store, tmp_path / "clips", [(HIGH_HZ, HIGH_HZ)], start=later, source="clip")
    hold(support.write_recording(store, tmp_path / "recordings", [(HIGH_HZ, HIGH_HZ)], start=later))
    StoreWriter(store).write([detected(1, 0, start=later, end=later + WINDOW, clip=clip.name)])
    query = ExampleQuery(detection=first_detection(store), limit=1)
    (found,) = find_similar(settings, store, network, query, support.ZONE).results
    network.close()
    assert found.start in (START, START + 2 * WINDOW)


def test_detections_at_a_result_are_found_in_both_databases(store: Store, tmp_path: Path) -> None:
    settings, network = support.settings_of(tmp_path), ExampleNetwork()
    support.write_recording(store, tmp_path / "recordings", TONES)
    support.index(settings, store)
    StoreWriter(store).write([detected(1, 0), detected(2, 2, channel="pond:out_1")])
    query = ExampleQuery(detection=first_detection(store), limit=1)
    (found,) = find_similar(settings, store, network, query, support.ZONE).results
    network.close()
    assert [one.path for one in found.detections] == [("birds", "wren")]


def test_a_network_that_was_closed_is_loaded_again(store: Store, tmp_path: Path) -> None:
    settings, network = support.settings_of(tmp_path), ExampleNetwork(idle_s=0.0)
    support.write_recording(store, tmp_path / "recordings", TONES)
    support.index(settings, store)
    query = ExampleQuery(channel="pond:out_0", start=START, end=START + timedelta(seconds=0.25), limit=1)
    answers = [find_similar(settings, store, network, query, support.ZONE) for _ in range(2)]
    network.close()
    assert answers[0] == answers[1]


async def test_the_console_has_recordings_indexed_as_they_come(tmp_path: Path) -> None:
    profile = {"search": {"base": support.BASE}, "node": {"name": support.NODE}}
    settings = support.settings_of(tmp_path)
    with console_with_profile(tmp_path, profile) as console:
        support.write_profile(tmp_path, profile)
        support.write_recording(console.store, tmp_path / "recordings", TONES)
        async with IndexUpkeep(settings, console.store, first_after_s=0.0, look_every_s=0.1).running():
            await eventually_async(lambda: support.recordings_in(tmp_path) == 1, within_s=120)
            later = START + timedelta(hours=1)
            support.write_recording(console.store, tmp_path / "recordings", TONES, start=later)
            await eventually_async(lambda: support.recordings_in(tmp_path) == 2, within_s=120)


def test_the_indexing_gives_way_to_all_other_programs(tmp_path: Path) -> None:
    assert "--background" in index_argv(tmp_path)


def annotate(store: Store, windows: dict[int, str], channel: str = "pond:out_0") -> None:
    """Annotate windows of the recording with tags."""
    with store.write() as session:
        number = session.scalars(select(ChannelRow.id).where(ChannelRow.name == channel)).one()
        for window, tag in windows.items():
            row = session.scalars(select(TagRow).where(TagRow.name == tag)).one_or_none() or TagRow(name=tag)
            session.add(row)
            session.flush()
            start = START + window * WINDOW
            values: dict[str, Any] = {"start": start, "end": start + WINDOW, "created": start, "changed": start}
            annotation = AnnotationRow(channel_id=number, tag_id=row.id, origin=1, version=1, local_day=0, **values)
            session.add(annotation)


@pytest.fixture
def taught(store: Store, tmp_path: Path) -> Settings:
    """A node whose recording has forty windows of three tones on a channel, and detections of three windows."""
    settings = support.settings_of(tmp_path)
    tones = [(HIGH_HZ,), *[(LOW_HZ,)] * 36, (MIDDLE_HZ,), (LOW_HZ,), (HIGH_HZ,)]
    support.write_recording(store, tmp_path / "recordings", tones)
    support.index(settings, store)
    StoreWriter(store).write(
        [
            detected(1, 5, peak_probability=0.55),
            detected(2, 20, peak_probability=0.99),
            detected(3, 30, peak_probability=0.5, path=("birds", "robin")),
        ]
    )
    return settings


def offered(settings: Settings, store: Store, **query: Any) -> list[int]:
    """The windows that are offered, counted from `START`."""
    found = next_sounds(settings, store, NextQuery(**query), support.ZONE)
    return [round((one.start - START) / WINDOW) for one in found.items]


def test_sounds_to_label_are_unlike_one_another(taught: Settings, store: Store) -> None:
    kinds = {0: "high", 39: "high", 37: "middle"}
    assert {kinds.get(one, "low") for one in offered(taught, store, limit=3)} == {"high", "middle", "low"}


def test_what_is_annotated_is_not_offered_and_neither_is_its_like(taught: Settings, store: Store) -> None:
    annotate(store, {1: "rumble", 37: "whistle"})
    assert offered(taught, store, limit=1)[0] in (0, 39)


def test_among_similar_sounds_a_detection_near_its_threshold_is_offered(taught: Settings, store: Store) -> None:
    low = [one for one in offered(taught, store, limit=3) if one not in (0, 37, 39)]
    assert low[0] in (5, 30)


def test_a_recognizer_says_what_is_uncertain(taught: Settings, store: Store, tmp_path: Path) -> None:
    support.write_recognizer(tmp_path, "whistles", index=support.open_index(tmp_path), near=37)
    found = next_sounds(taught, store, NextQuery(recognizer="whistles", limit=1), support.ZONE)
    assert (found.items[0].start, found.items[0].likeliest) == (START + 37 * WINDOW, "whistle")


def test_a_recognizer_on_another_base_is_refused(taught: Settings, store: Store, tmp_path: Path) -> None:
    support.write_recognizer(tmp_path, "others", index=support.open_index(tmp_path), near=37, base_version="other")
    with pytest.raises(RequestError, match="trained on"):
        next_sounds(taught, store, NextQuery(recognizer="others"), support.ZONE)


def test_recognizers_on_the_base_of_the_index_are_known(taught: Settings, tmp_path: Path) -> None:
    support.write_recognizer(tmp_path, "whistles", index=support.open_index(tmp_path), near=37)
    support.write_recognizer(tmp_path, "others", index=support.open_index(tmp_path), near=37, base_version="other")
    assert recognizers_on(taught, open_archive(taught).manifest) == ["whistles"]


def test_what_to_label_next_is_a_route(viewer: TestClient) -> None:
    found = viewer.get("/api/v1/search/next", params={"limit": "2"}).json()
    assert (len(found["items"]), found["considered"]) == (2, 10)


def test_what_to_label_next_by_a_recognizer_that_does_not_exist_is_refused(viewer: TestClient) -> None:
    response = viewer.get("/api/v1/search/next", params={"recognizer": "nope"})
    assert (response.status_code, response.json()["error"]["field"]) == (422, "recognizer")


@pytest.mark.parametrize(("path", "query"), [("/api/v1/search", section("pond:out_0", 3)), ("/api/v1/search/next", {})])
def test_too_many_searches_at_a_time_are_refused(
    viewer: TestClient, monkeypatch: pytest.MonkeyPatch, path: str, query: dict[str, str]
) -> None:
    for module in ("similar", "teaching"):
        monkeypatch.setattr(f"console.services.search.{module}.SEARCH_TURNS", Turns(0))
    assert viewer.get(path, params=query).status_code == 503


def test_what_to_label_next_is_found_with_few_looks_at_the_catalog(
    taught: Settings, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    annotate(store, dict.fromkeys(range(20), "rumble"))
    looks, connect = list[Path](), Catalog._connect

    def counted(catalog: Catalog) -> sqlite3.Connection:
        looks.append(catalog.path)
        return connect(catalog)

    monkeypatch.setattr(Catalog, "_connect", counted)
    next_sounds(taught, store, NextQuery(limit=1), support.ZONE)
    assert len(looks) < 5
