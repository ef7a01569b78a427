"""Detections over the REST API: found, counted, judged and starred."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update
from starlette.testclient import TestClient

from tests.support.console import ConsoleUnderTest, console_under_test
from tests.support.store_records import detection
from tests.support.stored_detections import fill
from tidzam.store.tables.detections import DetectionRow
from tidzam.store.writer import StoreWriter

API = "/api/v1/detections"


@pytest.fixture
def console(tmp_path: Path) -> Iterator[ConsoleUnderTest]:
    """A console whose store has hundreds of detections of the last three days."""
    with console_under_test(tmp_path) as console:
        fill(console.store, days=3, last=console.clock())
        yield console


def ids(client: TestClient, **filters: Any) -> list[int]:
    return [one["id"] for one in client.get(API, params={"limit": 1000, **filters}).json()["detections"]]


def test_a_viewer_reads_detections_page_by_page(console: ConsoleUnderTest) -> None:
    client = console.logged_in("viewer")
    pages: list[int] = []
    before: str | None = None
    while True:
        page = client.get(API, params={"limit": 100, **({"before": before} if before else {})}).json()
        pages += [one["id"] for one in page["detections"]]
        before = page["next"]
        if before is None:
            break
    assert pages == ids(client)


def test_filters_are_combined(console: ConsoleUnderTest) -> None:
    client = console.logged_in("viewer")
    filters: dict[str, Any] = {"class": ["frogs", "birds/wren"], "channel": "pond:out_0", "min_probability": 0.8}
    found = client.get(API, params={"limit": 1000, **filters}).json()["detections"]
    assert {one["path"][0] for one in found} == {"frogs", "birds"}
    assert {one["channel"] for one in found} == {"pond:out_0"}
    assert all(one["peak_probability"] >= 0.8 for one in found)


def test_a_period_has_what_reaches_into_it(console: ConsoleUnderTest) -> None:
    begin = console.clock() - timedelta(days=9)
    spans = {"before": (0, 10), "into": (5, 20), "within": (12, 14), "out": (18, 40), "after": (30, 31)}
    records = [
        detection(
            id=name,
            path=("insects", name),
            start=begin + timedelta(seconds=start),
            end=begin + timedelta(seconds=end),
        )
        for name, (start, end) in spans.items()
    ]
    StoreWriter(console.store).write(records)
    period = {"from": (begin + timedelta(seconds=10)).isoformat(), "to": (begin + timedelta(seconds=30)).isoformat()}
    found = console.logged_in("viewer").get(API, params=period).json()["detections"]
    assert [one["path"][-1] for one in found] == ["out", "within", "into"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"min_probability": 2},
        {"verdict": "maybe"},
        {"first_day": "yesterday"},
        {"before": "x"},
        {"before": f"1-{1 << 63}"},
        {"clas": "wren"},
    ],
)
def test_a_filter_that_is_wrong_is_named(console: ConsoleUnderTest, wrong: dict[str, Any]) -> None:
    refused = console.logged_in("viewer").get(API, params=wrong)
    assert refused.status_code == 422
    assert refused.json()["error"]["field"].split(".")[0] == next(iter(wrong))


def test_a_verdict_is_kept_with_its_author_and_taken_out_of_the_counts(console: ConsoleUnderTest) -> None:
    client = console.logged_in("annotator")
    number = ids(client)[0]
    before = sum(one["detections"] for one in client.get(f"{API}/days").json())
    judged = client.post(f"{API}/verdicts", json={"ids": [number], "verdict": "wrong"}).json()
    assert [(one["id"], one["verdict"]) for one in judged] == [(number, "wrong")]
    (verdict,) = client.get(f"{API}/{number}").json()["verdicts"]
    assert (verdict["author"], verdict["verdict"]) == ("annotator", "wrong")
    assert sum(one["detections"] for one in client.get(f"{API}/days").json()) == before - 1
    assert sum(one["detections"] for one in client.get(f"{API}/hours").json()) == before - 1


def test_a_verdict_names_another_class_even_one_that_no_model_knows(console: ConsoleUnderTest) -> None:
    client = console.logged_in("annotator")
    request = {"ids": ids(client)[:1], "verdict": "other_class", "other_class": "birds/ spotted crake"}
    assert client.post(f"{API}/verdicts", json=request).json()[0]["other_class"] == ["birds", "spotted crake"]
    assert "birds/spotted crake" in client.get(f"{API}/choices").json()["classes"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"verdict": "right", "other_class": "birds"}, "other_class"),
        ({"verdict": "other_class", "other_class": "a//b"}, "other_class"),
    ],
)
def test_a_class_that_does_not_fit_is_refused(console: ConsoleUnderTest, change: dict[str, str], field: str) -> None:
    client = console.logged_in("annotator")
    refused = client.post(f"{API}/verdicts", json={"ids": ids(client)[:1], **change})
    assert (refused.status_code, refused.json()["error"]["field"]) == (422, field)


def test_many_are_judged_at_once_and_all_or_none(console: ConsoleUnderTest) -> None:
    client = console.logged_in("annotator")
    chosen = ids(client)[:40]
    refused = client.post(f"{API}/verdicts", json={"ids": [*chosen, 1 << 60], "verdict": "right"})
    assert refused.status_code == 404
    assert ids(client, verdict="right") == []
    client.post(f"{API}/verdicts", json={"ids": chosen, "verdict": "right"})
    assert ids(client, verdict="right") == chosen


def test_a_verdict_that_is_taken_back_is_forgotten(console: ConsoleUnderTest) -> None:
    client = console.logged_in("annotator")
    number = ids(client)[0]
    for verdict in ("unsure", None):
        client.post(f"{API}/verdicts", json={"ids": [number], "verdict": verdict})
    found = client.get(f"{API}/{number}").json()
    assert found["verdict"] is None
    assert found["verdicts"] == []


def test_a_user_takes_back_only_verdicts_of_that_user(console: ConsoleUnderTest) -> None:
    number = ids(console.logged_in("annotator"))[0]
    for user, verdict in (("annotator", "unsure"), ("manager", "wrong"), ("manager", None)):
        client = console.logged_in(user)
        (judged,) = client.post(f"{API}/verdicts", json={"ids": [number], "verdict": verdict}).json()
    assert judged["verdict"] == "unsure"
    assert [one["author"] for one in client.get(f"{API}/{number}").json()["verdicts"]] == ["annotator"]


def test_the_verdict_of_a_user_who_was_removed_is_shown_as_such(console: ConsoleUnderTest) -> None:
    client = console.logged_in("annotator")
    number = ids(client)[0]
    client.post(f"{API}/verdicts", json={"ids": [number], "verdict": "wrong"})
    admin = console.logged_in("admin")
    admin.delete("/api/v1/users/annotator")
    assert "a removed user: wrong" in admin.get(f"/detections/{number}/panel").text


def test_a_class_is_not_made_for_a_detection_that_is_not_there(console: ConsoleUnderTest) -> None:
    client = console.logged_in("annotator")
    request = {"ids": [1 << 60], "verdict": "other_class", "other_class": "birds/dodo"}
    assert client.post(f"{API}/verdicts", json=request).status_code == 404
    assert "birds/dodo" not in client.get(f"{API}/choices").json()["classes"]


def test_a_star_is_set_and_taken_away(console: ConsoleUnderTest) -> None:
    client = console.logged_in("annotator")
    chosen = ids(client)[:2]
    client.post(f"{API}/stars", json={"ids": chosen, "starred": True})
    client.post(f"{API}/stars", json={"ids": chosen[1:], "starred": False})
    assert ids(client, starred=True) == chosen[:1]


def test_the_audit_log_tells_who_judged_what(console: ConsoleUnderTest) -> None:
    client = console.logged_in("annotator")
    chosen = sorted(ids(client)[:2])
    client.post(f"{API}/verdicts", json={"ids": chosen, "verdict": "right"})
    entry = console.logged_in("admin").get("/api/v1/audit").json()["entries"][1]
    assert (entry["actor"], entry["action"]) == ("annotator", "detections.judged")
    assert (entry["subject"], entry["detail"]) == (f"{chosen[0]}, {chosen[1]}", {"verdict": "right"})


def test_the_audit_log_has_room_for_many_long_numbers(console: ConsoleUnderTest) -> None:
    with console.store.write() as session:
        session.execute(update(DetectionRow).values(id=DetectionRow.id + (1 << 61)))
    client = console.logged_in("annotator")
    client.post(f"{API}/stars", json={"ids": ids(client)[:200], "starred": True})
    entry = console.logged_in("admin").get("/api/v1/audit").json()["entries"][1]
    assert entry["subject"].endswith(" and 192 more")
    assert len(entry["subject"]) <= 200


def test_the_page_of_the_audit_log_says_what_was_done_to_detections(console: ConsoleUnderTest) -> None:
    client = console.logged_in("annotator")
    number = ids(client)[0]
    client.post(f"{API}/verdicts", json={"ids": [number], "verdict": "right"})
    client.post(f"{API}/stars", json={"ids": [number], "starred": True})
    page = console.logged_in("admin").get("/audit").text
    assert f"judged the detections <strong>{number}</strong>" in page
    assert f"changed the stars of the detections <strong>{number}</strong>" in page


def test_a_page_that_ends_today_goes_on_after_midnight(console: ConsoleUnderTest) -> None:
    client = console.logged_in("viewer")
    found = re.search(r'data-query="([^"]*)"', client.get("/detections?class=birds/corncrake").text)
    assert found is not None
    console.clock.pass_by(hours=18)
    start = console.clock() - timedelta(minutes=1)
    StoreWriter(console.store).write(
        [detection(id="new", path=("birds", "corncrake"), start=start, end=start + timedelta(seconds=2))]
    )
    assert "corncrake" in client.get(f"/detections/rows?{unescape(found[1])}").text


def test_a_page_of_the_past_ends_with_its_last_day(console: ConsoleUnderTest) -> None:
    page = console.logged_in("viewer").get("/detections?first_day=2026-04-28&last_day=2026-04-29").text
    assert 'data-query="first_day=2026-04-28&amp;last_day=2026-04-29"' in page


def test_a_detection_that_is_not_there_is_not_found(console: ConsoleUnderTest) -> None:
    assert console.logged_in("viewer").get(f"{API}/{1 << 60}").status_code == 404


def test_classes_come_with_their_counts_and_when_they_were_heard(console: ConsoleUnderTest) -> None:
    client = console.logged_in("annotator")
    wrens = ids(client, **{"class": "birds/wren"})
    client.post(f"{API}/verdicts", json={"ids": wrens[:3], "verdict": "right"})
    client.post(f"{API}/verdicts", json={"ids": wrens[3:4], "verdict": "wrong"})
    found = {"/".join(one["path"]): one for one in client.get("/api/v1/classes").json()}
    wren = found["birds/wren"]
    heard = client.get(API, params={"limit": 1000}).json()["detections"]
    assert found.keys() == {"/".join(one["path"]) for one in heard}
    assert wren["detections"] == len(wrens) - 1
    assert wren["verdicts"] == {"right": 3, "wrong": 1}
    assert sum(wren["days"].values()) == wren["detections"]
    assert wren["first"] < wren["last"] < console.clock().isoformat()


def test_days_are_those_of_the_nodes_clock(console: ConsoleUnderTest) -> None:
    day = (console.clock() - timedelta(days=1)).date()
    only: dict[str, Any] = {"first_day": day, "last_day": day}
    client = console.logged_in("viewer")
    found = client.get(API, params={**only, "limit": 1000}).json()["detections"]
    assert {one["start"][:10] for one in found} == {day.isoformat()}
    assert sum(one["detections"] for one in client.get(f"{API}/days", params=only).json()) == len(found)


def test_the_first_detection_of_a_class_says_so_until_it_is_judged_wrong(console: ConsoleUnderTest) -> None:
    client = console.logged_in("annotator")
    wrens = client.get(API, params={"class": "birds/wren", "limit": 1000}).json()["detections"][::-1]
    assert [one["novelty"] for one in wrens[:2]] == ["ever", None]
    client.post(f"{API}/verdicts", json={"ids": [wrens[0]["id"]], "verdict": "wrong"})
    assert [client.get(f"{API}/{one['id']}").json()["novelty"] for one in wrens[:2]] == [None, "ever"]
