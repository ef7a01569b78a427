"""Nothing is lost and nothing is there twice when the database and its writer are killed and started again."""

from __future__ import annotations

from pathlib import Path

from pydantic import SecretStr
from sqlalchemy import select

from tests.support.postgresql import PASSWORD, PostgresqlCluster, postgresql_cluster
from tests.support.store_feeder import Feeder, detection_number
from tests.tidzam.store.test_writer import all_counts
from tidzam.config.store import StoreSettings
from tidzam.store.database import Store, open_store
from tidzam.store.records import event_key
from tidzam.store.rollups import recount
from tidzam.store.tables.detections import DetectionRow


def assert_complete(store: Store, count: int) -> None:
    with store.read() as session:
        found = session.execute(select(DetectionRow.event_key, DetectionRow.is_open, DetectionRow.windows)).all()
    assert sorted(key for key, _, _ in found) == sorted(event_key(detection_number(one).id) for one in range(count))
    assert {(is_open, windows) for _, is_open, windows in found} == {(False, 2)}
    kept = all_counts(store)
    with store.write() as session:
        recount(session)
    assert kept == all_counts(store)


def settings_of(cluster: PostgresqlCluster) -> StoreSettings:
    return StoreSettings(url=cluster.new_database(), password=SecretStr(PASSWORD), collect_s=0.05, timeout_s=2)


def test_postgresql_and_the_writer_are_killed_during_10000_detections(tmp_path: Path) -> None:
    with postgresql_cluster() as cluster:
        settings = settings_of(cluster)
        feeder = Feeder(settings, tmp_path)
        feeder.run(10_000, killed_at=2_000)
        cluster.kill()
        feeder.run(10_000, killed_at=4_000)  # while the database is away
        cluster.start()
        feeder.run(10_000, killed_at=6_000)
        with feeder.started(10_000) as progress:
            for taken in progress:
                if taken == 7_000:
                    cluster.kill()
                if taken == 8_000:
                    cluster.start()
        feeder.run(10_000)  # what the last one could not store at its end
        with open_store(settings, tmp_path) as store:
            assert_complete(store, 10_000)


def test_the_writer_of_an_sqlite_file_is_killed(tmp_path: Path) -> None:
    settings = StoreSettings(collect_s=0.0)
    feeder = Feeder(settings, tmp_path)
    for killed_at in (300, 700):
        feeder.run(1_000, killed_at=killed_at)
    feeder.run(1_000)
    with open_store(settings, tmp_path) as store:
        assert_complete(store, 1_000)
