"""Deciding about classes on the page Species, and over the REST API."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest

from tests.support.console import ConsoleUnderTest, console_under_test
from tests.support.stored_detections import fill
from tidzam.class_rules import ClassRule, class_rules_file, read_class_rules

RULES = "/api/v1/classes/rules"


@pytest.fixture
def console(tmp_path: Path) -> Iterator[ConsoleUnderTest]:
    """A console whose store has hundreds of detections of the last three days."""
    with console_under_test(tmp_path) as console:
        fill(console.store, days=3, last=console.clock())
        yield console


def rule(console: ConsoleUnderTest, path: str) -> ClassRule:
    return read_class_rules(console.runtime.settings.home).of(path)


def audit(console: ConsoleUnderTest) -> list[tuple[str, str, str]]:
    entries = console.logged_in("admin").get("/api/v1/audit").json()["entries"]
    return [(one["action"], one["subject"], one["actor"]) for one in entries if one["action"].startswith("class.")]


def test_a_manager_excludes_a_class_and_reports_it_again(console: ConsoleUnderTest) -> None:
    client = console.logged_in("manager")
    form = {"path": "birds/wren", "excluded": "true", "query": "class=birds"}
    response = client.post("/species/rule", data=form)
    assert response.headers["Location"] == "/species?class=birds"
    assert rule(console, "birds/wren") == ClassRule(excluded=True)
    assert client.get("/species").text.count(">excluded<") == 1
    client.post("/species/rule", data={**form, "excluded": "false"})
    assert rule(console, "birds/wren").is_empty
    assert audit(console) == [("class.rule", "birds/wren", "manager")] * 2


def test_a_threshold_is_set_by_api_and_kept_by_the_page_when_the_class_is_excluded(console: ConsoleUnderTest) -> None:
    client = console.logged_in("manager")
    made = client.put(RULES, json={"path": "birds/wren", "threshold": 0.9}).json()
    assert made == {"path": ["birds", "wren"], "excluded": False, "threshold": 0.9}
    page = client.get("/species").text
    assert "from 90 %" in page
    assert 'name="threshold" value="0.9"' in page
    assert client.get(RULES).json() == [made]


@pytest.mark.parametrize(
    "wrong", [{"threshold": 1.5}, {"path": ""}, {"path": "/".join("x" * 200)}, {"path": "birds//x"}]
)
def test_impossible_decisions_are_refused(console: ConsoleUnderTest, wrong: dict[str, object]) -> None:
    response = console.logged_in("manager").put(RULES, json={"path": "birds/wren", **wrong})
    assert response.status_code == 422
    assert console.logged_in("viewer").get(RULES).json() == []


def test_all_detections_of_a_class_are_removed_but_those_that_people_judged(console: ConsoleUnderTest) -> None:
    client = console.logged_in("manager")
    found = client.get("/api/v1/detections", params={"class": "birds/wren", "limit": 1000}).json()["detections"]
    judged = found[0]["id"]
    client.post("/api/v1/detections/verdicts", json={"ids": [judged], "verdict": "right"})
    answer = client.post("/api/v1/classes/remove", json={"path": "birds/wren"}).json()
    assert answer == {"removed": len(found) - 1, "left": 0, "kept": 1}
    (wren,) = [one for one in client.get("/api/v1/classes").json() if one["path"] == ["birds", "wren"]]
    assert (wren["detections"], wren["verdicts"]) == (1, {"right": 1})
    assert audit(console) == [("class.removed", "birds/wren", "manager")]


def test_the_page_says_what_was_removed_and_keeps_its_period(console: ConsoleUnderTest) -> None:
    client = console.logged_in("manager")
    form = {"path": "birds/wren", "query": "first_day=2026-04-29&last_day=2026-05-01"}
    response = client.post("/species/remove", data=form)
    location = response.headers["Location"]
    assert location.startswith("/species?first_day=2026-04-29&last_day=2026-05-01&done=")
    assert re.search(r"Removed \d+ detections of wren\.", client.get(location).text)


def test_a_class_that_does_not_exist_has_no_detections_to_remove(console: ConsoleUnderTest) -> None:
    assert console.logged_in("manager").post("/api/v1/classes/remove", json={"path": "whales"}).status_code == 404


def test_who_may_not_manage_sees_no_way_to(console: ConsoleUnderTest) -> None:
    page = console.logged_in("annotator").get("/species").text
    assert "Manage" not in page
    assert "/species/remove" not in page


def test_links_to_detections_carry_no_filters_that_the_page_does_not_heed(console: ConsoleUnderTest) -> None:
    page = console.logged_in("viewer").get("/species?min_probability=0.9&verdict=wrong&channel=pond:out_0").text
    links = [unescape(one) for one in re.findall(r'href="/detections\?([^"]+)"', page)]
    assert links
    assert all("channel=pond" in one and "probability" not in one and "verdict" not in one for one in links)


def test_decisions_that_cannot_be_read_are_said_and_do_not_end_the_page(console: ConsoleUnderTest) -> None:
    class_rules_file(console.runtime.settings.home).write_text("damaged")
    response = console.logged_in("viewer").get("/species")
    assert (response.status_code, "class-rules.json cannot be read" in response.text) == (200, True)
