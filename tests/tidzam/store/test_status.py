"""`tidzam store status`: what it says about a store on both kinds of database, and about what waits for it."""

from __future__ import annotations

import json
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from tests.support.store import store as store
from tests.support.store import store_settings as store_settings
from tests.support.store_records import NOON, detection
from tidzam.cli.store import app, status_report
from tidzam.config.retention import StoreRetentionSettings
from tidzam.config.store import StoreSettings
from tidzam.errors import NodeError, TidzamError
from tidzam.store.database import Store, open_store
from tidzam.store.migrate import head
from tidzam.store.receiver import StoreReceiver, store_delivery
from tidzam.store.records import encode
from tidzam.store.retention import StoreRetention
from tidzam.store.status import DetectionRate, StoreStatus, detection_rate, records_waiting, store_status
from tidzam.store.writer import StoreWriter


def test_rows_are_counted_by_table(store: Store, store_settings: StoreSettings, tmp_path: Path) -> None:
    StoreWriter(store).write([detection(1), detection(2)])
    found = store_status(store, store_settings, tmp_path)
    assert (found.rows["detections"], found.rows["classes"], found.rows["nodes"]) == (2, 2, 1)


def test_the_size_and_the_version_are_known(store: Store, store_settings: StoreSettings, tmp_path: Path) -> None:
    found = store_status(store, store_settings, tmp_path)
    assert found.version == head()
    assert found.size_bytes > 10_000


def test_the_detections_of_the_last_seven_days_are_a_rate(store: Store) -> None:
    ages = (30, 6, 5, 4, 3, 2, 1, 0.5)
    StoreWriter(store).write([detection(id=f"{age}", start=NOON - timedelta(days=age), end=NOON) for age in ages])
    assert detection_rate(store, NOON) == DetectionRate(detections=8, per_day=1.0)


def test_the_rate_is_that_of_what_was_heard_also_if_retention_removed_it(store: Store) -> None:
    ages = (6, 5, 4, 3, 2, 1, 0.5)
    StoreWriter(store).write([detection(id=f"{age}", start=NOON - timedelta(days=age), end=NOON) for age in ages])
    before = detection_rate(store, NOON)
    retention = StoreRetention(store, StoreRetentionSettings(detections_days=1), node="marsh")
    retention.apply(now=NOON, stop=threading.Event())
    assert detection_rate(store, NOON).per_day == before.per_day


def test_an_empty_store_does_not_grow(store: Store) -> None:
    assert detection_rate(store, NOON) == DetectionRate(detections=0, per_day=0.0)


def test_the_address_has_no_password(store: Store, store_settings: StoreSettings, tmp_path: Path) -> None:
    password = store_settings.password.get_secret_value()  # type: ignore[union-attr]
    assert not password or password not in str(store_status(store, store_settings, tmp_path))


async def test_records_wait_while_the_database_is_away(tmp_path: Path) -> None:
    settings = StoreSettings(url="postgresql://127.0.0.1:1/none")
    delivery = store_delivery(settings, tmp_path, "analyzer")
    assert records_waiting(settings, tmp_path) == {"analyzer": 0, "stream_manager": 0}
    await delivery.open(StoreReceiver(settings, tmp_path))
    await delivery.put([encode(detection(1)), encode(detection(2))])
    assert records_waiting(settings, tmp_path) == {"analyzer": 2, "stream_manager": 0}
    with pytest.raises(TidzamError, match="does not accept results"):
        await delivery.close()


async def test_what_waits_goes_to_the_store_when_its_address_is_corrected(
    store_settings: StoreSettings, tmp_path: Path
) -> None:
    wrong = StoreSettings(url="postgresql://127.0.0.1:1/none")
    await wait_in_spool(wrong, tmp_path)
    assert records_waiting(store_settings, tmp_path)["analyzer"] == 1
    await deliver(store_settings, tmp_path)
    assert records_waiting(store_settings, tmp_path)["analyzer"] == 0
    with open_store(store_settings, tmp_path) as store:
        assert store_status(store, store_settings, tmp_path).rows["detections"] == 1


@pytest.mark.parametrize("folder", ["store-analyzer-e3b0c442", "store-analyzer-e3b0c442-2", "store-analyzer-2"])
async def test_what_an_earlier_version_has_left_is_delivered(tmp_path: Path, folder: str) -> None:
    """It had the digest of the address in the names of its folders."""
    settings = StoreSettings()
    left = tmp_path / "spool" / folder
    (tmp_path / "spool" / "store-analyzer-e3b0c442").mkdir(parents=True)
    left.mkdir(exist_ok=True)
    (left / f"{7:012d}.lines").write_text(f"{encode(detection(1))}\n")
    assert records_waiting(settings, tmp_path)["analyzer"] == 1
    await deliver(settings, tmp_path)
    with open_store(settings, tmp_path) as store:
        assert store_status(store, settings, tmp_path).rows["detections"] == 1


async def test_what_waits_in_the_default_folder_is_delivered_when_another_one_is_set(tmp_path: Path) -> None:
    await wait_in_spool(StoreSettings(url="postgresql://127.0.0.1:1/none"), tmp_path)
    elsewhere = StoreSettings(spool=tmp_path / "elsewhere")
    await deliver(elsewhere, tmp_path)
    with open_store(elsewhere, tmp_path) as store:
        assert store_status(store, elsewhere, tmp_path).rows["detections"] == 1


async def wait_in_spool(settings: StoreSettings, home: Path) -> None:
    """A detection waits for a database that is away."""
    delivery = store_delivery(settings, home, "analyzer")
    await delivery.open(StoreReceiver(settings, home))
    await delivery.put([encode(detection(1))])
    with pytest.raises(TidzamError, match="does not accept results"):
        await delivery.close()


async def deliver(settings: StoreSettings, home: Path) -> None:
    """The program runs, delivers what waits, and ends."""
    delivery = store_delivery(settings, home, "analyzer")
    await delivery.open(StoreReceiver(settings, home))
    await delivery.close()


def test_a_spool_that_programs_share_is_counted_once(tmp_path: Path) -> None:
    settings = StoreSettings(spool=tmp_path / "spool")
    (tmp_path / "spool").mkdir()
    (tmp_path / "spool" / f"{7:012d}.lines").write_text("a\nb\nc\n")
    assert records_waiting(settings, tmp_path) == {"analyzer": 3, "stream_manager": 0}


def test_the_report_names_what_waits() -> None:
    console = Console(width=100, no_color=True)
    found = StoreStatus("postgresql://db/t", "PostgreSQL", "0003", 12_345_678, {"nodes": 1}, {"analyzer": 1200, "x": 0})
    with console.capture() as capture:
        console.print(status_report(found))
    assert capture.get().splitlines()[:2] == [
        "PostgreSQL, version 0003, 12.3 MB: postgresql://db/t",
        "Waiting on disk: 1,200 of the analyzer.",
    ]


def test_the_command_prints_one_object(tmp_path: Path) -> None:
    (tmp_path / "profile.yaml").write_text(f"home: {tmp_path}\n")
    done = CliRunner().invoke(app, ["status", "--json", "--home", str(tmp_path)])
    assert json.loads(done.stdout)["rows"]["detections"] == 0


def test_without_a_node_there_is_no_store(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["status", "--home", str(tmp_path)])
    assert isinstance(done.exception, NodeError)
