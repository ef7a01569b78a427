"""When classes occur, over the REST API and on the page; and the time models of the analyzer."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from console.services.turns import Turns
from tests.support.console import ConsoleUnderTest, console_with_profile
from tests.support.store_records import detection
from tests.support.stored_detections import fill
from tidzam.gaps.day_files import write_open
from tidzam.gaps.open_state import OpenSource, OpenState
from tidzam.gaps.records import GapReason
from tidzam.paths import gaps_folder
from tidzam.store.records import LoadedRecord
from tidzam.store.writer import StoreWriter
from tidzam.time_models.prior_file import read_time_models, time_models_file

API = "/api/v1/activity"
LOCATION = {"latitude": 52.0, "longitude": 1.0}


@pytest.fixture
def console(tmp_path: Path) -> Iterator[ConsoleUnderTest]:
    """A console in England whose store has the detections of forty days, and of half of them when was listened."""
    with console_with_profile(tmp_path, {"location": LOCATION}) as console:
        fill(console.store, days=40, last=console.clock())
        hours = [console.clock() - timedelta(hours=number) for number in range(1, 20 * 24)]
        loaded = [
            LoadedRecord(node="garden", source="pond", channels=4, start=one, end=one + timedelta(hours=1))
            for one in hours
        ]
        StoreWriter(console.store).write(loaded)
        yield console


def activity(console: ConsoleUnderTest, **query: Any) -> Any:
    return console.logged_in("viewer").get(API, params=query).json()


def test_each_class_has_its_hour_most_frequent_first(console: ConsoleUnderTest) -> None:
    found = activity(console)
    totals = [one["count"] for one in found["classes"]]
    assert totals == sorted(totals, reverse=True)
    peaks = {one["path"][-1]: 24 * one["day"]["peak"] for one in found["classes"]}
    assert peaks["robin"] == pytest.approx(6, abs=1.5)
    assert peaks["tree frog"] == pytest.approx(22.5, abs=1.5)
    assert {len(one["day"]["rate"]) for one in found["classes"]} == {96}


def test_days_without_a_record_of_listening_are_counted(console: ConsoleUnderTest) -> None:
    found = activity(console)
    assert found["assumed_days"] == 20
    assert found["listened_h"] == pytest.approx(4 * (20 * 24 - 1) + 20 * 24, abs=10)


def test_seasons_without_listening_are_null(console: ConsoleUnderTest) -> None:
    year = activity(console)["classes"][0]["year"]
    assert (year["rate"][50], year["rate"][22] is None) == (None, False)


def test_in_its_first_hour_a_node_says_for_how_long_it_has_listened_and_no_rates(tmp_path: Path) -> None:
    with console_with_profile(tmp_path, {}) as console:
        now, settings = console.clock(), console.runtime.settings
        heard = [
            detection(number, id=f"{number}", node=settings.node.known_as, start=now, end=now) for number in range(60)
        ]
        StoreWriter(console.store).write(heard)
        source = OpenSource("pond", 1, since=now - timedelta(minutes=12), returns=True)
        ledger = gaps_folder(settings.home)
        ledger.mkdir()
        write_open(ledger, OpenState("stream_manager", GapReason.NODE_DOWN, now, sources=(source,)))
        found = activity(console)
        assert (found["listened_h"], found["has_rates"], found["classes"][0]["count"]) == (0.2, False, 60)
        assert set(found["classes"][0]["day"]["rate"]) == {None}
        page = console.logged_in("manager").get("/activity").text
        assert "Listened for 12 minutes so far" in page
        assert "per hour</figcaption>" not in page
        assert console.logged_in("manager").post(f"{API}/prior").json()["classes"] == []


def test_only_as_many_classes_as_asked_for_are_sent(console: ConsoleUnderTest) -> None:
    found = activity(console, limit=3)
    assert (len(found["classes"]), found["others"]) == (3, 7)


@pytest.mark.parametrize(
    "query",
    [{"limit": 0}, {"first_day": "2026-05-02", "last_day": "2026-05-01"}, {"first_day": "2001-01-01"}, {"days": 3}],
)
def test_impossible_days_are_refused(console: ConsoleUnderTest, query: dict[str, Any]) -> None:
    assert console.logged_in("viewer").get(API, params=query).status_code == 422


def test_what_is_heard_later_is_seen_after_some_minutes(console: ConsoleUnderTest) -> None:
    before = activity(console, limit=1)["classes"][0]["count"]
    start = console.clock() - timedelta(minutes=5)
    StoreWriter(console.store).write([detection(9, id="late", path=("frogs", "toad"), start=start, end=start)])
    console.clock.pass_by(minutes=3)
    later = activity(console)["classes"]
    assert (later[0]["count"], later[-1]["path"]) == (before, ["frogs", "toad"])


def test_the_page_draws_every_class_with_the_daylight_of_its_season(console: ConsoleUnderTest) -> None:
    page = console.logged_in("viewer").get("/activity").text
    assert page.count('class="curve-line"') == 20
    assert page.count('class="shade-night"') == 10
    assert "Of 20 days with detections it is not recorded when the node listened" in page
    assert "/activity/prior" not in page


@pytest.mark.parametrize("query", ["first_day=yesterday", "first_day=1990-01-01"])
def test_the_page_says_which_days_it_ignores(console: ConsoleUnderTest, query: str) -> None:
    response = console.logged_in("viewer").get(f"/activity?{query}")
    assert (response.status_code, "first_day" in response.text) == (200, True)


def test_a_manager_makes_the_time_models_of_the_analyzer(console: ConsoleUnderTest) -> None:
    client = console.logged_in("manager")
    form = {"first_day": "2026-03-22", "last_day": "2026-05-01"}
    response = client.post("/activity/prior", data=form)
    assert response.headers["Location"] == "/activity?first_day=2026-03-22&last_day=2026-05-01&data=detections"
    models = read_time_models(console.runtime.settings.home)
    assert models is not None
    assert {"birds", "birds/robin", "frogs/tree frog"} <= models.classes.keys()
    stated = client.get(f"{API}/prior").json()
    assert (stated["is_enabled"], stated["first_day"], len(stated["classes"])) == (
        False,
        "2026-03-22",
        len(models.classes),
    )
    (entry,) = [
        one
        for one in console.logged_in("admin").get("/api/v1/audit").json()["entries"]
        if one["action"] == "time_models.made"
    ]
    assert (entry["actor"], entry["subject"]) == ("manager", "2026-03-22 to 2026-05-01")


def test_time_models_that_cannot_be_read_are_said_and_do_not_end_the_page(console: ConsoleUnderTest) -> None:
    time_models_file(console.runtime.settings.home).write_text("damaged")
    response = console.logged_in("viewer").get("/activity")
    assert (response.status_code, "time-models.json cannot be read" in response.text) == (200, True)


def test_tags_of_annotations_have_curves_too(console: ConsoleUnderTest) -> None:
    start = console.clock() - timedelta(hours=2)
    detected = detection(9, node="marsh", start=start, end=start)  # so that there is such a channel
    StoreWriter(console.store).write([detected])
    client = console.logged_in("annotator")
    for number in range(6):
        begin = start - timedelta(days=number)
        end = begin + timedelta(seconds=2)
        body = {"channel": "pond:out_0", "start": begin.isoformat(), "end": end.isoformat(), "tag": "heron"}
        assert client.post("/api/v1/annotations", json=body).status_code == 201
    (heron,) = activity(console, data="annotations")["classes"]
    assert (heron["path"], heron["count"]) == (["heron"], 6)
    assert 24 * heron["day"]["peak"] == pytest.approx(4.5, abs=0.5)
    page = client.get("/activity?data=annotations").text
    assert (page.count('class="curve-line"'), "heron" in page) == (2, True)


@pytest.mark.parametrize(("method", "path"), [("GET", API), ("POST", f"{API}/prior"), ("GET", "/activity")])
def test_too_many_requests_at_a_time_are_refused(
    console: ConsoleUnderTest, monkeypatch: pytest.MonkeyPatch, method: str, path: str
) -> None:
    monkeypatch.setattr("console.services.activity._TURNS", Turns(0))
    monkeypatch.setattr("console.services.activity._CACHE._turns", Turns(0))
    assert console.logged_in("manager").request(method, path).status_code == 503


def test_what_was_made_is_returned_without_a_turn(console: ConsoleUnderTest, monkeypatch: pytest.MonkeyPatch) -> None:
    found = activity(console)
    monkeypatch.setattr("console.services.activity._CACHE._turns", Turns(0))
    assert activity(console) == found
