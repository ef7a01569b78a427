"""Notifications: the rules as a pure function, and Apprise against a web server."""

import json
import logging
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from analyzer.sinks.base import SinkContext
from analyzer.sinks.notification_rules import NotificationMemory, decide, notification
from analyzer.sinks.notify import NotificationSink
from tests.support.batches import LABELS, Batches
from tests.support.eventually import eventually_async
from tests.support.ports import free_port
from tests.support.web_receiver import WebReceiver, web_receiver
from tidzam.config.location import LocationSettings
from tidzam.config.notification_sink import NotificationRule, NotificationSinkSettings
from tidzam.errors import ConfigError, SetupError, TidzamError
from tidzam.results import DetectedChannel, Detection, DetectionChange

pytestmark = pytest.mark.timeout(60)

MORNING = datetime(2026, 5, 1, 6, tzinfo=UTC)
ALWAYS = NotificationRule(interval_s=0)


def heard(
    after_s: float = 0,
    label: str = "birds-wren",
    *channels: str,
    peak: float = 0.9,
    identifier: str | None = None,
    begin: datetime = MORNING,
) -> DetectionChange:
    start = begin + timedelta(seconds=after_s)
    names = channels or ("pond:out_0",)
    found = Detection(
        id=identifier or f"{label} {start}",
        channel=names[0],
        label=label,
        path=LABELS.path(label),
        start=start,
        end=start + timedelta(seconds=1),
        peak_probability=peak,
        mean_probability=peak,
        windows=1,
        channels=tuple(DetectedChannel(name, -20.0) for name in names),
    )
    return DetectionChange("start", found)


def notified(
    changes: list[DetectionChange], *rules: NotificationRule, per_hour: int = 1000, zone: str = "UTC"
) -> list[int]:
    """The numbers of the changes that people are notified of."""
    memory, numbers = NotificationMemory(), []
    for number, change in enumerate(changes):
        after = decide(change, rules, memory, zone=ZoneInfo(zone), per_hour=per_hour)
        if after is not None:
            numbers.append(number)
            memory = after
    return numbers


def test_a_rule_names_classes_and_those_below_them() -> None:
    changes = [heard(0), heard(1, "frogs"), heard(2, "birds")]
    assert notified(changes, NotificationRule(classes=("birds",), interval_s=0)) == [0, 2]


def test_a_rule_names_channels_of_which_one_suffices() -> None:
    changes = [heard(0), heard(1, "birds", "pond:out_0", "lake:out_1"), heard(2, "birds", "lake:out_0")]
    assert notified(changes, NotificationRule(channels=("lake:*",), interval_s=0)) == [1, 2]


def test_a_detection_is_notified_when_its_probability_has_risen() -> None:
    changes = [heard(peak=peak, identifier="one") for peak in (0.5, 0.8, 0.9)]
    assert notified(changes, NotificationRule(min_probability=0.7, interval_s=0)) == [1]


def test_a_detection_is_notified_once_by_all_rules() -> None:
    changes = [heard(identifier="one"), heard(1, identifier="one")]
    assert notified(changes, ALWAYS, ALWAYS) == [0]


def test_only_the_first_of_each_class_on_a_day() -> None:
    changes = [heard(0), heard(7200), heard(7201, "frogs"), heard(86_400)]
    assert notified(changes, NotificationRule(first_of_day=True, interval_s=0)) == [0, 2, 3]


def test_a_day_begins_at_local_midnight() -> None:
    evening = datetime(2026, 5, 1, 21, 30, tzinfo=UTC)
    changes = [heard(begin=evening), heard(3600, begin=evening)]
    rule = NotificationRule(first_of_day=True, interval_s=0)
    assert notified(changes, rule, zone="Europe/Paris") == [0, 1]
    assert notified(changes, rule, zone="UTC") == [0]


def test_a_class_is_quiet_for_the_interval() -> None:
    changes = [heard(0), heard(599), heard(599, "frogs"), heard(600)]
    assert notified(changes, NotificationRule(interval_s=600)) == [0, 2, 3]


def test_a_call_that_began_before_the_one_that_was_notified_is_within_the_interval() -> None:
    changes = [heard(5, "frogs", "pond:out_0"), heard(4, "frogs", "lake:out_0"), heard(6, "frogs", "creek:out_0")]
    assert notified(changes, NotificationRule(interval_s=600)) == [0]


def test_the_limit_of_an_hour_counts_calls_in_any_order() -> None:
    assert notified([heard(9), heard(8), heard(7), heard(6)], ALWAYS, per_hour=2) == [0, 1]


def test_a_recording_that_begins_again_is_notified_again() -> None:
    assert notified([heard(1000), heard(0)], NotificationRule(interval_s=600)) == [0, 1]


@given(st.lists(st.floats(0, 20_000), max_size=60), st.integers(1, 5))
def test_never_more_than_the_limit_in_any_hour(times: list[float], per_hour: int) -> None:
    changes = [heard(after_s, identifier=str(number)) for number, after_s in enumerate(sorted(times))]
    sent = [changes[number].detection.start for number in notified(changes, ALWAYS, per_hour=per_hour)]
    assert all(later - first >= timedelta(hours=1) for first, later in zip(sent, sent[per_hour:], strict=False))


def test_a_notification_says_what_when_and_where() -> None:
    found = heard(0, "birds-wren", "pond:out_0", "pond:out_1").detection
    assert notification(found, node="garden", zone=ZoneInfo("Europe/Paris")) == (
        "birds-wren (garden)",
        "2026-05-01 08:00:00 CEST: birds-wren on pond:out_0, pond:out_1, probability 0.90",
    )


def sink_to(server: WebReceiver, folder: Path, **settings: Any) -> NotificationSink:
    url = server.url.replace("http://", "json://me:hidden@") + "/hook"
    return sink_of([url], folder, **settings)


def sink_of(
    urls: list[str],
    folder: Path,
    *,
    clock: Callable[[], float] = time.time,
    location: LocationSettings | None = None,
    **settings: Any,
) -> NotificationSink:
    made = NotificationSinkSettings(
        urls=tuple(map(SecretStr, urls)), memory=folder / "memory.json", spool=folder / "spool", **settings
    )
    return NotificationSink(made, SinkContext(node="garden", labels=LABELS, location=location), clock=clock)


@pytest.mark.parametrize(
    ("own", "place", "expected"),
    [(None, None, "06:00:00 UTC"), (None, "Europe/Paris", "08:00:00 CEST"), ("UTC", "Europe/Paris", "06:00:00 UTC")],
)
async def test_times_are_in_the_zone_of_the_sink_or_of_the_place(
    tmp_path: Path, own: str | None, place: str | None, expected: str
) -> None:
    location = None if place is None else LocationSettings(latitude=48.9, longitude=2.4, time_zone=place)
    async with web_receiver() as server:
        sink = sink_to(server, tmp_path, location=location, time_zone=own)
        await sink.open()
        await sink.deliver(replace(Batches().batch(0), detections=(heard(),)))
        await sink.close()
    (request,) = server.accepted
    assert expected in json.loads(request.body)["message"]


async def test_people_are_notified_once_per_detection(tmp_path: Path) -> None:
    source = Batches()
    async with web_receiver() as server:
        sink = sink_to(server, tmp_path)
        await sink.open()
        for number in range(3):
            await sink.deliver(source.batch(number, pond_0="birds"))
        await sink.deliver(source.last())
        await sink.close()
    (request,) = server.accepted
    assert json.loads(request.body)["title"] == "birds (garden)"


async def test_what_was_notified_is_remembered_over_a_restart(tmp_path: Path) -> None:
    async with web_receiver() as server:
        for _ in range(2):
            sink = sink_to(server, tmp_path, rules=(NotificationRule(first_of_day=True),))
            await sink.open()
            await sink.deliver(Batches().batch(0, pond_0="birds"))
            await sink.close()
    assert len(server.accepted) == 1


async def test_a_damaged_memory_is_begun_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "memory.json").write_text("{")
    async with web_receiver() as server:
        sink = sink_to(server, tmp_path)
        await sink.open()
        await sink.deliver(Batches().batch(0, pond_0="birds"))
        await sink.close()
    assert len(server.accepted) == 1
    assert "is unreadable and begun again" in caplog.text


async def test_a_notification_that_fails_is_sent_later_though_the_detection_has_ended(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    source = Batches()
    async with web_receiver() as server:
        server.statuses = [500]
        sink = sink_to(server, tmp_path)
        await sink.open()
        await sink.deliver(source.batch(0, pond_0="birds"))
        await eventually_async(lambda: len(server.accepted) == 1)
        await sink.close()
    assert "address 1 of the sink notify has failed" in caplog.text
    assert "hidden" not in caplog.text


async def test_notifications_wait_for_a_service_also_over_a_restart(tmp_path: Path) -> None:
    port = free_port()
    for label in ("birds", "frogs"):
        sink = sink_of([f"json://127.0.0.1:{port}"], tmp_path)
        await sink.open()
        await sink.deliver(Batches().batch(0, pond_0=label))
        with pytest.raises(TidzamError, match=r"On disk: [12] result"):
            await sink.close()
    async with web_receiver(port) as server:
        sink = sink_of([f"json://127.0.0.1:{port}"], tmp_path)
        await sink.open()
        await sink.close()
    assert [json.loads(one.body)["title"] for one in server.accepted] == ["birds (garden)", "frogs (garden)"]


async def test_a_service_that_fails_does_not_repeat_the_notifications_of_the_others(tmp_path: Path) -> None:
    async with web_receiver() as failing, web_receiver() as works:
        failing.statuses = [500, 500]
        sink = sink_of([server.url.replace("http", "json") for server in (failing, works)], tmp_path)
        await sink.open()
        await sink.deliver(Batches().batch(0, pond_0="birds"))
        await eventually_async(lambda: len(failing.accepted) == 1)
        await sink.close()
    assert len(works.requests) == 1


async def test_a_notification_that_cannot_be_read_does_not_hold_up_the_others(tmp_path: Path) -> None:
    unreadable = ["\0\0", "[]", '{"title": "birds"}']
    readable = json.dumps({"title": "birds", "body": "at the pond", "time_s": time.time()})
    (tmp_path / "spool").mkdir()
    (tmp_path / "spool" / "000000000000.lines").write_text("".join(f"{line}\n" for line in [*unreadable, readable]))
    async with web_receiver() as server:
        sink = sink_to(server, tmp_path)
        await sink.open()
        await sink.close()
    (request,) = server.accepted
    assert json.loads(request.body)["message"] == "at the pond"
    (kept,) = (tmp_path / "spool" / "rejected").iterdir()
    assert kept.read_text().splitlines() == unreadable


async def test_people_are_not_notified_of_what_is_long_past(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    now, port = [1000.0], free_port()
    sink = sink_of([f"json://127.0.0.1:{port}"], tmp_path, expire_s=60.0, clock=lambda: now[0])
    await sink.open()
    await sink.deliver(Batches().batch(0, pond_0="birds"))
    await eventually_async(lambda: sink.fault is not None)
    now[0] = 1061.0
    await sink.close()
    assert "a notification is older than 0:01:00 and not sent: birds (garden)" in caplog.text


async def test_an_address_that_apprise_does_not_know_is_named_by_its_number(tmp_path: Path) -> None:
    settings = NotificationSinkSettings(urls=(SecretStr("nowhere://hidden"),), memory=tmp_path / "memory.json")
    with pytest.raises(ConfigError, match="Address 1 of the sink notify") as caught:
        await NotificationSink(settings, SinkContext(node="garden", labels=LABELS)).open()
    assert "hidden" not in str(caught.value)


def test_a_missing_package_is_named_with_its_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "apprise", None)
    with pytest.raises(SetupError, match=r"needs the Python package apprise.* install notify"):
        sink_to(WebReceiver(url="http://localhost"), tmp_path)
