"""The Chain API sink, against a server that behaves like the real one: links, pages, logins, faults, deletions."""

import json
import logging
from dataclasses import asdict, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError
from yarl import URL

from analyzer.sinks.base import SinkContext
from analyzer.sinks.chain import ChainSink, ChainValue, parse_chain_address
from analyzer.sinks.hal import HalClient, HalResource
from tests.support.batches import LABELS, START, Batches
from tests.support.chain_server import PASSWORD, USER, ChainServer, chain_server
from tests.support.eventually import eventually_async
from tests.support.ports import free_port
from tidzam.config.chain_sink import ChainSinkSettings
from tidzam.config.location import LocationSettings
from tidzam.errors import ConfigError, TidzamError

pytestmark = pytest.mark.timeout(60)

NOW = START + timedelta(hours=1)
GARDEN = LocationSettings(latitude=41.9, longitude=-70.6)


def sink_to(url: str, folder: Path, *, location: LocationSettings | None = None, **settings: Any) -> ChainSink:
    values = {"user": USER, "password": SecretStr(PASSWORD), "collect_s": 0.0, **settings}
    made = ChainSinkSettings(url=url, spool=folder / "spool", **values)
    return ChainSink(made, SinkContext(node="garden", labels=LABELS, location=location))


async def deliver(sink: ChainSink, *windows: dict[str, str], first: int = 0) -> None:
    """Open the sink, deliver windows with the classes of their channels, and close it."""
    await sink.open()
    source = Batches()
    for number, results in enumerate(windows, start=first):
        await sink.deliver(source.batch(number, **results))
    await sink.close()


def times_s(server: ChainServer, device: str, metric: str) -> list[float]:
    """The times of the values of a sensor, after START."""
    return [(time - START).total_seconds() for time, _ in server.values(device, metric)]


async def test_a_channel_is_a_device_and_a_class_a_sensor_of_probabilities(tmp_path: Path) -> None:
    async with chain_server(NOW) as server:
        await deliver(sink_to(server.url, tmp_path), {"pond_0": "birds", "pond_1": "frogs"})
    assert [site.name for site in server.of("sites")] == ["garden"]
    assert [device.name for device in server.of("devices")] == ["garden/pond/out_0", "garden/pond/out_1"]
    assert [sensor.content for sensor in server.of("sensors")] == [
        {"sensor-type": "scalar", "metric": "birds", "unit": "probability"},
        {"sensor-type": "scalar", "metric": "frogs", "unit": "probability"},
    ]
    assert server.values("garden/pond/out_0", "birds") == [(START, 0.9)]


async def test_what_is_there_is_found_on_any_page(tmp_path: Path) -> None:
    async with chain_server(NOW) as server:
        for name in ("a", "b", "c", "marsh"):
            site = server.add("sites", {"name": name})
        for number in range(5):
            device = server.add("devices", {"name": f"pond:out_{number}"}, site)
            for metric in ("birds", "frogs", "wind"):
                server.add("sensors", {"metric": metric, "unit": "boolean"}, device)
        sink = sink_to(server.url, tmp_path, site="marsh", device="{source}:{channel}")
        await deliver(sink, {"pond_4": "frogs"})
    assert set(server.posts) == {"/scalar_data/create"}
    assert times_s(server, "pond:out_4", "frogs") == [0.0]


async def test_the_address_may_be_that_of_a_site(tmp_path: Path) -> None:
    async with chain_server(NOW) as server:
        number = server.add("sites", {"name": "marsh"})
        await deliver(sink_to(f"{server.url}/sites/{number}", tmp_path), {"pond_0": "birds"})
    assert [site.name for site in server.of("sites")] == ["marsh"]
    assert times_s(server, "garden/pond/out_0", "birds") == [0.0]


async def test_a_device_has_the_position_of_the_node(tmp_path: Path) -> None:
    async with chain_server(NOW) as server:
        await deliver(sink_to(server.url, tmp_path, location=GARDEN), {"pond_0": "birds"})
    (device,) = server.of("devices")
    assert device.content["geoLocation"] == {"latitude": 41.9, "longitude": -70.6}


async def test_relations_may_be_written_in_full(tmp_path: Path) -> None:
    async with chain_server(NOW) as server:
        server.with_full_relations = True
        await deliver(sink_to(server.url, tmp_path), {"pond_0": "birds"})
    assert times_s(server, "garden/pond/out_0", "birds") == [0.0]


async def test_only_wanted_classes_and_those_above_them_are_sensors(tmp_path: Path) -> None:
    async with chain_server(NOW) as server:
        sink = sink_to(server.url, tmp_path, classes=("birds",), channels=("0",))
        await deliver(sink, {"pond_0": "birds-wren", "pond_1": "birds"}, {"pond_0": "frogs"}, {"pond_0": "birds"})
    assert [sensor.name for sensor in server.of("sensors")] == ["birds-wren", "birds"]
    assert [device.name for device in server.of("devices")] == ["garden/pond/out_0"]


async def test_a_recording_without_a_date_has_no_values(tmp_path: Path) -> None:
    analyzed = Batches().batch(0, pond_0="birds")
    async with chain_server(NOW) as server:
        sink = sink_to(server.url, tmp_path)
        await sink.open()
        await sink.deliver(replace(analyzed, batch=replace(analyzed.batch, dated=False)))
        await sink.close()
    assert server.posts == []


async def test_links_are_looked_up_once_and_values_are_sent_together(tmp_path: Path) -> None:
    async with chain_server(NOW) as server:
        sink, source = sink_to(server.url, tmp_path), Batches()
        await sink.open()
        await sink.deliver(source.batch(0, pond_0="birds"))
        await eventually_async(lambda: times_s(server, "garden/pond/out_0", "birds") == [0.0])
        await eventually_async(lambda: not list((tmp_path / "spool").glob("*.lines")))
        reads = len(server.reads)
        for number in range(1, 9):
            await sink.deliver(source.batch(number, pond_0="birds"))
        await sink.close()
    assert len(server.reads) == reads
    assert times_s(server, "garden/pond/out_0", "birds") == [float(number) for number in range(9)]


async def test_values_wait_for_a_server_that_is_away_also_over_a_restart(tmp_path: Path) -> None:
    port = free_port()
    for first in (0, 3):
        sink = sink_to(f"http://127.0.0.1:{port}", tmp_path)
        with pytest.raises(TidzamError, match=r"does not accept results: Cannot connect .* On disk: [36] results"):
            await deliver(sink, *[{"pond_0": "birds"}] * 3, first=first)
    async with chain_server(NOW, port) as server:
        await deliver(sink_to(server.url, tmp_path))
    assert times_s(server, "garden/pond/out_0", "birds") == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]


@pytest.mark.parametrize("status", [500, 503, 401, 302])
async def test_a_status_that_may_pass_loses_and_doubles_nothing(status: int, tmp_path: Path) -> None:
    async with chain_server(NOW) as server:
        sink, source = sink_to(server.url, tmp_path), Batches()
        server.statuses = [201, 201, 201, 201, status]  # site, device, sensor and value; then the second channel fails
        await sink.open()
        await sink.deliver(source.batch(0, pond_0="birds", pond_1="birds"))
        await eventually_async(lambda: len(server.of("devices")) == 2 and times_s(server, "garden/pond/out_1", "birds"))
        await sink.close()
    assert times_s(server, "garden/pond/out_0", "birds") == [0.0]
    assert times_s(server, "garden/pond/out_1", "birds") == [0.0]


async def test_a_lost_answer_doubles_nothing(tmp_path: Path) -> None:
    async with chain_server(NOW) as server:
        await deliver(sink_to(server.url, tmp_path), {"pond_0": "birds"})
        server.loses_answer = True
        sink = sink_to(server.url, tmp_path)
        await sink.open()
        await sink.deliver(Batches().batch(1, pond_0="birds"))
        await eventually_async(lambda: not list((tmp_path / "spool").glob("*.lines")))
        await sink.close()
    assert times_s(server, "garden/pond/out_0", "birds") == [0.0, 1.0]


@pytest.mark.parametrize("by_time", [True, False])
async def test_a_list_that_was_stored_in_part_is_completed(tmp_path: Path, by_time: bool) -> None:
    port = free_port()
    with pytest.raises(TidzamError, match="On disk: 5 results"):
        await deliver(sink_to(f"http://127.0.0.1:{port}", tmp_path), *[{"pond_0": "birds"}] * 5)
    async with chain_server(NOW, port) as server:
        server.stores_at_most, server.history_by_time = 2, by_time  # the five may be spooled as two and three
        sink = sink_to(server.url, tmp_path)
        await sink.open()
        await eventually_async(lambda: not list((tmp_path / "spool").glob("*.lines")))
        await sink.close()
    assert server.stores_at_most is None
    assert times_s(server, "garden/pond/out_0", "birds") == [0.0, 1.0, 2.0, 3.0, 4.0]


async def test_values_that_a_killed_program_had_sent_are_not_sent_again(tmp_path: Path) -> None:
    async with chain_server(NOW) as server:
        sink, source = sink_to(server.url, tmp_path), Batches()
        await sink.open()
        await sink.deliver(source.batch(0, pond_0="birds"))
        (spooled,) = (tmp_path / "spool").glob("*.lines")
        content = spooled.read_bytes()
        await sink.close()
        spooled.write_bytes(content)  # as if it had been killed before it could note the answer
        await deliver(sink_to(server.url, tmp_path), {"pond_0": "birds"}, first=1)
    assert times_s(server, "garden/pond/out_0", "birds") == [0.0, 1.0]


async def test_a_deleted_device_is_created_again(tmp_path: Path) -> None:
    async with chain_server(NOW) as server:
        sink, source = sink_to(server.url, tmp_path), Batches()
        await sink.open()
        await sink.deliver(source.batch(0, pond_0="birds"))
        await eventually_async(lambda: not list((tmp_path / "spool").glob("*.lines")))
        server.delete("devices", "garden/pond/out_0")
        await sink.deliver(source.batch(1, pond_0="birds"))
        await sink.close()
    assert times_s(server, "garden/pond/out_0", "birds") == [1.0]


async def test_refused_values_do_not_hold_up_those_of_other_sensors(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with chain_server(NOW) as server:
        server.statuses = [201, 201, 201, 400]
        await deliver(sink_to(server.url, tmp_path), {"pond_0": "birds", "pond_1": "frogs"})
    (kept,) = (tmp_path / "spool" / "rejected").iterdir()
    assert '"birds"' in kept.read_text()
    assert '"frogs"' not in kept.read_text()
    assert "refused 1 result (status 400" in caplog.text
    assert times_s(server, "garden/pond/out_1", "frogs") == [0.0]


async def test_values_that_cannot_be_read_do_not_hold_up_the_others(tmp_path: Path) -> None:
    value = ChainValue("garden/pond/out_0", "birds", START.isoformat(), 0.5)
    undated = json.dumps(asdict(replace(value, timestamp="yesterday")))
    unreadable = ["\0\0", "[]", '{"device": "garden/pond/out_0"}', undated]
    (tmp_path / "spool").mkdir()
    lines = "".join(f"{line}\n" for line in [*unreadable, json.dumps(asdict(value))])
    (tmp_path / "spool" / "000000000000.lines").write_text(lines)
    async with chain_server(NOW) as server:
        await deliver(sink_to(server.url, tmp_path), {"pond_0": "frogs"})
    assert times_s(server, "garden/pond/out_0", "birds") == [0.0]
    assert times_s(server, "garden/pond/out_0", "frogs") == [0.0]
    (kept,) = (tmp_path / "spool" / "rejected").iterdir()
    assert kept.read_text().splitlines() == unreadable


async def test_a_wrong_password_is_reported_and_never_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with chain_server(NOW) as server:
        sink = sink_to(server.url, tmp_path, password=SecretStr("hidden-guess"))
        with pytest.raises(TidzamError, match=r"status 401 .* On disk: 1 result") as caught:
            await deliver(sink, {"pond_0": "birds"})
    assert "hidden-guess" not in f"{caught.value}{caplog.text}"


async def test_the_password_is_not_sent_to_another_server(tmp_path: Path) -> None:
    async with chain_server(NOW) as elsewhere, chain_server(NOW) as server:
        server.add("sites", {"name": "garden"})
        server.url = elsewhere.url  # of which it makes its links
        sink = sink_to(f"http://127.0.0.1:{server.port}", tmp_path)
        with pytest.raises(TidzamError, match="to which the password is not sent"):
            await deliver(sink, {"pond_0": "birds"})
    assert elsewhere.logins == set()


async def test_links_of_a_server_behind_a_proxy_are_followed_with_https() -> None:
    client = HalClient(URL("https://chain.example:8443/api"), user="me", password="secret", timeout_s=1)
    assert str(client.allowed(URL("http://chain.example/sites/"))) == "https://chain.example:8443/sites/"


def test_links_are_relative_to_their_resource() -> None:
    found = HalResource(URL("http://host/a/b?x=1"), {"_links": {"next": {"href": "/c?offset=2"}}})
    assert str(found.require("next").url) == "http://host/c?offset=2"


@pytest.mark.parametrize("links", [None, [], {"next": 3}, {"next": {"href": 3}}, {"curies": 3}, {"curies": [{}]}])
def test_links_that_are_none_are_missing(links: Any) -> None:
    assert HalResource(URL("http://host/"), {"_links": links}).link("next") is None


@pytest.mark.parametrize("device", ["{node}", "{source}", "{source}{channel}{rate}", "{source", "{0}{source}{channel}"])
def test_devices_are_named_apart(device: str) -> None:
    with pytest.raises(ValidationError, match="device"):
        ChainSinkSettings(url="http://host", device=device)


@pytest.mark.parametrize(
    ("text", "url", "user", "password"),
    [
        ("me:pw@http://host:80/x", "http://host:80/x", "me", "pw"),
        ("me:pw@host/x", "http://host/x", "me", "pw"),
        ("https://me:pw@host", "https://host", "me", "pw"),
        ("HTTPS://me:pw@host", "HTTPS://host", "me", "pw"),
        ("me:pw@Http://host/x", "Http://host/x", "me", "pw"),
        ("me:a:b@c/d@https://host", "https://host", "me", "a:b@c/d"),
        ("host:8000", "http://host:8000", "", ""),
    ],
)
def test_addresses(text: str, url: str, user: str, password: str) -> None:
    settings = parse_chain_address(text)
    assert isinstance(settings.password, SecretStr)
    assert (settings.url, settings.user, settings.password.get_secret_value()) == (url, user, password)
    assert not password or password not in repr(settings)


@pytest.mark.parametrize(
    "text", ["me:hidden@", ":hidden@host", "me:hidden@ftp://host", "me:hidden@host:port", "http://"]
)
def test_an_unusable_address_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_chain_address(text)
    assert "hidden" not in str(caught.value)
