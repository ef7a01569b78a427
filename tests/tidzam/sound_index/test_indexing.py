"""Recordings are indexed once, whatever interrupts it, and found by what they sound like."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
import soundfile

from tests.support import indexed_sound as support
from tests.support.indexed_sound import HIGH_HZ, LOW_HZ, MIDDLE_HZ, START, WINDOW
from tests.support.store import store as store
from tests.support.store import store_settings as store_settings
from tidzam.embeddings.network import open_embedding_network
from tidzam.errors import NodeError
from tidzam.progress import no_progress
from tidzam.sound_index.archive import archived_recordings
from tidzam.sound_index.base import choose_base, index_folder
from tidzam.sound_index.example import embed_example
from tidzam.sound_index.index import SoundIndex, SoundMatch, SoundPeriod, open_writer
from tidzam.sound_index.indexing import about_of, index_archive
from tidzam.sound_index.status import index_status
from tidzam.store.database import Store

TWO_CHANNELS = [(HIGH_HZ, LOW_HZ), (LOW_HZ, LOW_HZ), (LOW_HZ, HIGH_HZ), (MIDDLE_HZ, LOW_HZ)]


class Interrupted(Exception):
    pass


def places(found: list[SoundMatch]) -> list[tuple[str, int]]:
    """The channel of each match, and its window, counted from `START`."""
    return [(one.window.channel, round((one.window.start - START) / WINDOW)) for one in found]


def similar_to(index: SoundIndex, channel: str, window: int, *, count: int = 2) -> list[tuple[str, int]]:
    period = SoundPeriod(channel, START + window * WINDOW, START + (window + 1) * WINDOW)
    queries = index.embeddings(index.rows_between(period))
    return places(index.search(queries, count=count, without=period))


def test_a_sound_is_found_on_another_channel(store: Store, tmp_path: Path) -> None:
    settings = support.settings_of(tmp_path)
    support.write_recording(store, tmp_path / "recordings", TWO_CHANNELS)
    support.index(settings, store)
    assert similar_to(support.open_index(tmp_path), "pond:out_0", 0, count=1) == [("pond:out_1", 2)]


def test_a_second_indexing_has_nothing_to_do(store: Store, tmp_path: Path) -> None:
    settings = support.settings_of(tmp_path)
    support.write_recording(store, tmp_path / "recordings", TWO_CHANNELS)
    first = support.index(settings, store)
    second = support.index(settings, store)
    assert (first.windows, second.windows) == (8, 0)


def test_entries_of_deleted_recordings_disappear(store: Store, tmp_path: Path) -> None:
    settings = support.settings_of(tmp_path)
    kept = START + timedelta(minutes=1)
    path = support.write_recording(store, tmp_path / "recordings", TWO_CHANNELS)
    support.write_recording(store, tmp_path / "recordings", TWO_CHANNELS, start=kept)
    support.index(settings, store)
    support.delete_recording(store, path)
    support.index(settings, store)
    assert index_status(support.open_index(tmp_path)).oldest == kept


def test_rows_of_deleted_recordings_are_used_again(store: Store, tmp_path: Path) -> None:
    settings = support.settings_of(tmp_path)
    path = support.write_recording(store, tmp_path / "recordings", TWO_CHANNELS)
    support.index(settings, store)
    size = support.open_index(tmp_path).vectors.size_bytes
    support.delete_recording(store, path)
    support.write_recording(store, tmp_path / "recordings", TWO_CHANNELS, start=START + timedelta(minutes=1))
    support.index(settings, store)
    assert support.open_index(tmp_path).vectors.size_bytes == size


def test_an_interrupted_indexing_loses_no_batch_that_was_written(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tidzam.sound_index.indexing._BATCH", 4)
    settings = support.settings_of(tmp_path)
    support.write_recording(store, tmp_path / "recordings", TWO_CHANNELS)

    def interrupt(done: int, total: int) -> None:
        raise Interrupted

    with pytest.raises(Interrupted):
        index_archive(settings, store, tmp_path, say=lambda message: None, progress=interrupt)
    before = len(support.open_index(tmp_path).layout())
    rest = support.index(settings, store).windows
    assert (before, rest) == (4, 4)


def test_a_recording_is_complete_after_an_interruption(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tidzam.sound_index.indexing._BATCH", 2)
    settings = support.settings_of(tmp_path)
    support.write_recording(store, tmp_path / "recordings", TWO_CHANNELS)

    def interrupt(done: int, total: int) -> None:
        if done == 4:
            raise Interrupted

    with pytest.raises(Interrupted):
        index_archive(settings, store, tmp_path, say=lambda message: None, progress=interrupt)
    support.index(settings, store)
    assert similar_to(support.open_index(tmp_path), "pond:out_1", 2, count=1) == [("pond:out_0", 0)]


def test_vectors_that_the_catalog_does_not_list_are_overwritten(store: Store, tmp_path: Path) -> None:
    """As after a crash between the two."""
    settings = support.settings_of(tmp_path)
    support.write_recording(store, tmp_path / "recordings", TWO_CHANNELS)
    support.index(settings, store)
    found = support.open_index(tmp_path)
    size = found.vectors.size_bytes
    found.vectors.write([(8, 4)], found.vectors.read([(0, 4)]))
    support.write_recording(store, tmp_path / "recordings", TWO_CHANNELS[:2], start=START + timedelta(minutes=1))
    support.index(settings, store)
    assert support.open_index(tmp_path).vectors.size_bytes == size * 12 // 8


def test_a_recording_that_cannot_be_read_is_reported_and_not_tried_again(store: Store, tmp_path: Path) -> None:
    settings = support.settings_of(tmp_path)
    path = tmp_path / "pond-2026-05-01-06-00-00.wav"
    path.write_bytes(b"no sound")
    support.report(store, path, start=START, end=START + WINDOW, channels=1)
    first = support.index(settings, store).unreadable
    assert (len(first), support.index(settings, store).unreadable) == (1, ())


def test_a_recording_whose_disk_is_mounted_later_is_indexed_then(store: Store, tmp_path: Path) -> None:
    settings = support.settings_of(tmp_path)
    path = support.write_recording(store, tmp_path / "recordings", TWO_CHANNELS)
    path.rename(tmp_path / "away")
    first = support.index(settings, store).unreadable
    (tmp_path / "away").rename(path)
    assert (len(first), support.index(settings, store).windows) == (1, 8)


@pytest.mark.parametrize("table", ["recordings", "ranges"])
def test_a_damaged_index_is_made_again(store: Store, tmp_path: Path, table: str) -> None:
    settings = support.settings_of(tmp_path)
    support.write_recording(store, tmp_path / "recordings", TWO_CHANNELS)
    support.index(settings, store)
    with closing(sqlite3.connect(support.open_index(tmp_path).catalog.path)) as connection:
        connection.execute(f"DROP TABLE {table}")
        connection.commit()
    support.write_recording(store, tmp_path / "recordings", TWO_CHANNELS, start=START + timedelta(minutes=1))
    assert support.index(settings, store).windows == 16


def test_a_recording_below_the_rate_of_the_base_is_reported(store: Store, tmp_path: Path) -> None:
    settings = support.settings_of(tmp_path)
    path = support.write_recording(store, tmp_path / "recordings", TWO_CHANNELS)
    samples, _ = soundfile.read(path)
    soundfile.write(path, samples, 4000)
    assert "4000 Hz" in support.index(settings, store).unreadable[0][1]


def test_the_index_of_an_earlier_version_of_the_base_is_replaced(store: Store, tmp_path: Path) -> None:
    settings = support.settings_of(tmp_path)
    support.write_recording(store, tmp_path / "recordings", TWO_CHANNELS)
    support.index(settings, store)
    with open_embedding_network(choose_base(settings, tmp_path)) as network:
        about = about_of(network)
    other = type(about)(about.base, "another version", about.window_ms, about.values)
    with open_writer(index_folder(tmp_path, about.base), other, max_bytes=10**6) as writer:
        assert not writer.recordings()


def test_only_one_process_writes_an_index(store: Store, tmp_path: Path) -> None:
    settings = support.settings_of(tmp_path)
    support.write_recording(store, tmp_path / "recordings", TWO_CHANNELS)
    support.index(settings, store)
    found = support.open_index(tmp_path)
    support.write_recording(store, tmp_path / "recordings", TWO_CHANNELS, start=START + timedelta(minutes=1))
    with open_writer(found.folder, found.about, max_bytes=10**6), pytest.raises(NodeError) as caught:
        support.index(settings, store)
    assert caught.value.code == "search_busy"


def test_the_newest_recordings_fit_into_a_small_index(store: Store, tmp_path: Path) -> None:
    settings = support.settings_of(tmp_path, gb=20 * 8 / 1e9)
    for minute in range(3):
        support.write_recording(store, tmp_path / "recordings", TWO_CHANNELS, start=START + timedelta(minutes=minute))
    support.index(settings, store)
    assert index_status(support.open_index(tmp_path)).oldest == START + timedelta(minutes=2)


def test_results_are_limited_to_channels_and_days(store: Store, tmp_path: Path) -> None:
    settings = support.settings_of(tmp_path)
    later = START + timedelta(days=1)
    support.write_recording(store, tmp_path / "recordings", TWO_CHANNELS)
    support.write_recording(store, tmp_path / "recordings", TWO_CHANNELS, start=later)
    support.index(settings, store)
    found = support.open_index(tmp_path)
    queries = found.embeddings(found.rows_between(SoundPeriod("pond:out_0", START, START + WINDOW)))
    limited = found.search(queries, count=10, channels=["pond:out_1"], since=later)
    assert {(one.window.channel, one.window.start >= later) for one in limited} == {("pond:out_1", True)}


def test_of_windows_that_follow_one_another_the_best_is_returned(store: Store, tmp_path: Path) -> None:
    settings = support.settings_of(tmp_path)
    tones = [(LOW_HZ,), (HIGH_HZ,), (HIGH_HZ,), (LOW_HZ,), (LOW_HZ,), (LOW_HZ,), (HIGH_HZ,)]
    support.write_recording(store, tmp_path / "recordings", tones)
    support.index(settings, store)
    found = support.open_index(tmp_path)
    queries = found.embeddings(found.rows_between(SoundPeriod("pond:out_0", START + WINDOW, START + 2 * WINDOW)))
    assert places(found.search(queries, count=2)) == [("pond:out_0", 1), ("pond:out_0", 6)]


def test_a_file_is_an_example(store: Store, tmp_path: Path) -> None:
    settings = support.settings_of(tmp_path)
    path = support.write_recording(store, tmp_path / "recordings", [(LOW_HZ,), (MIDDLE_HZ,), (HIGH_HZ,)])
    support.index(settings, store)
    with open_embedding_network(choose_base(settings, tmp_path)) as network:
        queries = embed_example(network, path, start_s=0.25, end_s=0.5, channel=0)
    assert places(support.open_index(tmp_path).search(queries, count=1)) == [("pond:out_0", 1)]


def test_an_index_that_is_searched_while_it_is_written_returns_what_is_there(store: Store, tmp_path: Path) -> None:
    settings = support.settings_of(tmp_path)
    path = support.write_recording(store, tmp_path / "recordings", TWO_CHANNELS)
    support.index(settings, store)
    reader = support.open_index(tmp_path)
    queries = reader.embeddings(reader.rows_between(SoundPeriod("pond:out_0", START, START + WINDOW)))
    support.delete_recording(store, path)
    later = START + timedelta(minutes=1)
    support.write_recording(store, tmp_path / "recordings", TWO_CHANNELS, start=later)
    index_archive(settings, store, tmp_path, say=lambda message: None, progress=no_progress)
    assert all(one.window.start >= later for one in reader.search(queries, count=4))


def test_only_as_many_recordings_are_listed_as_fit(store: Store, tmp_path: Path) -> None:
    for minute in range(3):
        start = START + timedelta(minutes=minute)
        (tmp_path / f"{minute}.flac").touch()
        support.report(store, tmp_path / f"{minute}.flac", start=start, end=start + WINDOW, channels=2)
    window_s = WINDOW.total_seconds()
    found = archived_recordings(store, support.NODE, window_s=window_s, capacity=5)
    assert [Path(one.path).name for one in found] == ["2.flac", "1.flac"]
