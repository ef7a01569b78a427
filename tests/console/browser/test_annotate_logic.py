"""The logic of the page on which sound is annotated, without the page: pure modules in a real browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.console.browser.conftest import ServedConsole

pytestmark = pytest.mark.browser

Run = Callable[..., Any]

EDIT = """const when = { start: "2026-05-01T06:30:00Z", end: "2026-05-01T06:30:01Z" };
const stated = tag => ({ ...when, low_hz: null, high_hz: null, tag });
const there = tag => ({ ...stated(tag), channel: "pond:out_0", author: "heron" });
const edit = (kind, key, tag, more = {}) => ({ kind, key, channel: "pond:out_0", id: null, version: 0, isSent: false,
    content: stated(tag), ...more });
const short = edits => edits.map(({ kind, key, content, id, version }) => [kind, key, content.tag, id, version]);"""


@pytest.fixture(scope="module")
def run(browser: Browser, served: ServedConsole) -> Iterator[Run]:
    """Runs the body of a function that has what a module of the page exports as `module`, and an argument."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{served.url}/login")

    def evaluate(module: str, body: str, argument: Any = None) -> Any:
        path = f"/static/js/annotate/{module}.js"
        return page.evaluate(f"async argument => {{ const module = await import('{path}'); {body} }}", argument)

    yield evaluate
    context.close()


@pytest.mark.parametrize(
    ("day", "zone", "begins", "hours"),
    [
        ("2026-05-01", "UTC", "2026-05-01T00:00:00.000Z", 24),
        ("2026-03-29", "Europe/Paris", "2026-03-28T23:00:00.000Z", 23),
        ("2026-10-25", "Europe/Paris", "2026-10-24T22:00:00.000Z", 25),
        ("2026-11-01", "America/New_York", "2026-11-01T04:00:00.000Z", 25),
    ],
)
def test_days_begin_by_the_clock_of_the_node(run: Run, day: str, zone: str, begins: str, hours: int) -> None:
    body = """const [day, zone] = argument, start = module.dayStart(day, zone);
        const end = module.dayStart(module.dayAfter(day, 1), zone);
        return [new Date(start).toISOString(), (end - start) / 3600000, module.dayOf(start, zone)];"""
    assert run("zoned", body, [day, zone]) == [begins, hours, day]


def test_edits_that_were_not_sent_are_joined(run: Run) -> None:
    body = f"""{EDIT} let edits = [];
        for (const one of [edit("create", "a", "wren"), edit("change", "a", "robin"), edit("create", "b", "rail"),
            edit("delete", "b", "rail"), edit("change", "c", "teal", {{ id: 3, version: 1 }}),
            edit("delete", "c", "teal", {{ id: 3, version: 1 }})]) edits = module.withEdit(edits, one);
        return short(edits);"""
    assert run("edits", body) == [["create", "a", "robin", None, 0], ["delete", "c", "teal", 3, 1]]


def test_an_edit_after_one_that_was_sent_is_based_on_its_result(run: Run) -> None:
    body = f"""{EDIT} const sent = [edit("create", "a", "wren", {{ isSent: true }})];
        const edits = module.withEdit(sent, edit("change", "a", "robin"));
        return short(module.afterFirst(edits, {{ id: 7, version: 1 }}));"""
    assert run("edits", body) == [["change", "a", "robin", 7, 1]]


def test_what_is_shown_has_the_edits(run: Run) -> None:
    body = f"""{EDIT} const confirmed = [["1", there("wren")], ["2", there("robin")]];
        const edits = [edit("change", "1", "rail"), edit("delete", "2", "robin"), edit("create", "a", "teal")];
        const shown = module.shownWith(confirmed, edits, "pond:out_0");
        return shown.map(one => [one.key, one.tag, one.author, one.isPending]);"""
    assert run("edits", body) == [["1", "rail", "heron", True], ["a", "teal", None, True]]


def test_counts_have_the_edits_that_are_not_counted_yet(run: Run) -> None:
    body = f"""{EDIT} const counts = module.countsByDay([{{ day: "2026-05-01", tag: "wren", annotations: 2 }}]);
        const confirmed = new Map([["1", there("wren")]]);
        const edits = [edit("change", "1", "rail"), edit("create", "a", "teal"), edit("delete", "a", "teal")];
        return module.tagTotals(module.countsWithEdits(counts, confirmed, edits, "pond:out_0", () => "2026-05-01"));"""
    assert run("counts", body) == [["rail", 1], ["wren", 1]]


@pytest.mark.parametrize(
    ("at_s", "by", "found_s"), [(0, 1, 22.5), (22.5, 1, 52.5), (52.5, 1, None), (52.5, -1, 22.5), (22.5, -1, None)]
)
def test_the_next_moment_is_loud_and_not_the_present_one(run: Run, at_s: float, by: int, found_s: float | None) -> None:
    body = """const amps = [0.001, 0.2, 0.05, 0.3, 0.01];
        const segments = amps.map((max_amp, n) => ({ start: new Date(15000 * n).toISOString(), max_amp }));
        const [atMs, by] = argument;
        return module.nextAbove(segments, 15000, -20, { atMs, awayMs: 11250, by });"""
    assert run("moments", body, [1000 * at_s, by]) == (None if found_s is None else 1000 * found_s)


def test_a_column_of_the_day_leads_to_its_loudest_segment(run: Run) -> None:
    body = """const amps = [0.1, 0.4, 0.2, 0.3];
        const segments = amps.map((max_amp, n) => ({ start: new Date(15000 * n).toISOString(), max_amp }));
        return module.columnsOf(segments, 15000, { startMs: 0, durationMs: 90000 }, 3);"""
    loudest = [{"amp": 0.4, "centerMs": 22_500}, {"amp": 0.3, "centerMs": 52_500}, None]
    assert run("moments", body) == loudest


def test_tags_keep_their_keys_and_new_ones_take_those_of_the_least_used(run: Run) -> None:
    body = """let slots = [];
        for (const name of "abcdefghi" + "a" + "x") slots = module.afterUse(slots, name);
        return slots.map(({ name }) => name).join("");"""
    assert run("tags", body) == "axcdefghi"


def test_ten_tags_have_ten_colors(run: Run) -> None:
    body = "return new Set(module.colorsOf([...'abcdefghij']).values()).size;"
    assert run("tags", body) == 10


def test_quick_moves_are_one_step_and_another_tag_is_one_of_its_own(run: Run) -> None:
    body = """const tagged = tag => ({ tag });
        const step = (before, after, timeMs) => ({ key: "a", timeMs, before: tagged(before), after: tagged(after) });
        let steps = [];
        for (const one of [step("a", "a", 0), step("a", "a", 100), step("a", "b", 200), step("b", "b", 300),
            step("b", "b", 9000)]) steps = module.withStep(steps, one);
        return steps.map(({ timeMs }) => timeMs);"""
    assert run("undo", body) == [100, 200, 300, 9000]


def test_the_address_holds_what_is_shown(run: Run) -> None:
    query = "channel=pond%3Aout_0&day=2026-05-01&at=2026-05-01T06%3A30%3A10.500Z&seconds=30&tag=wren"
    assert run("address", "return module.writePlace(module.readPlace(argument));", query) == query


def test_bounds_at_the_edges_of_the_sound_are_open_or_stay_where_they_were(run: Run) -> None:
    body = """const { boundsOf } = await import("/static/js/sound/region-bounds.js");
        const extent = { durationS: 15, maxHz: 22050 };
        const region = { startS: -2, endS: 5, lowHz: 100, highHz: 30000 };
        return [boundsOf({ startS: 0, endS: 4, lowHz: 0, highHz: 22050 }, extent, null),
            boundsOf({ startS: 0, endS: 6, lowHz: 500, highHz: 22050 }, extent, region)];"""
    assert run("undo", body) == [
        {"startS": 0, "endS": 4, "lowHz": None, "highHz": None},
        {"startS": -2, "endS": 6, "lowHz": 500, "highHz": 30000},
    ]
