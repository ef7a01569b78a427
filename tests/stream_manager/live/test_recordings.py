"""Recordings of live streams: when they begin and end, and what their clients learn."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from stream_manager.live.recordings import MEASURE_S, LiveRecordings
from stream_manager.live.registry import LiveStream, LiveStreamRegistry
from stream_manager.live.retry import POLICY
from stream_manager.live.storage import LiveStorage, StoredFile
from tests.support.eventually import eventually_async
from tidzam.errors import RequestError
from tidzam.protocol.live_streams import Audio

KEPT = Audio(buffer=bytes(8820), storage=True)


def live_stream() -> LiveStream:
    return LiveStreamRegistry(1).open("client", started=datetime.now(UTC), now_s=0.0, buffer_s=5.0)


class FailingStorage(LiveStorage):
    """Cannot complete a file, for a reason that nobody expects."""

    def finish(self, file: StoredFile) -> Path:
        raise ZeroDivisionError


class Seconds:
    """A clock that the test moves."""

    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def live_recordings(folder: Path | None, clock: Seconds | None = None) -> LiveRecordings:
    storage = LiveStorage(folder, file_format="flac", max_gb=1.0)
    return LiveRecordings(storage, ports=1, length_s=3600, now_s=clock or Seconds())


async def fail_once(recordings: LiveRecordings, stream: LiveStream) -> None:
    """Send a packet, and wait until its recorder has failed."""
    recordings.take(stream, KEPT)
    await eventually_async(lambda: stream.recorder is not None and stream.recorder.failure is not None)


def finished(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if not path.name.startswith(".")]


async def test_only_audio_that_is_to_be_kept_is_recorded(tmp_path: Path) -> None:
    recordings, stream = live_recordings(tmp_path), live_stream()
    recordings.take(stream, Audio(buffer=bytes(8820)))
    assert stream.recorder is None
    recordings.take(stream, KEPT)
    assert stream.recorder is not None
    recordings.take(stream, Audio(buffer=bytes(8820)))
    await recordings.finished()
    assert len(finished(tmp_path)) == 1


async def test_a_client_learns_that_nothing_can_be_kept() -> None:
    with pytest.raises(RequestError) as caught:
        live_recordings(None).take(live_stream(), KEPT)
    assert caught.value.code == "storage_off"


async def test_a_client_learns_that_its_recording_has_ended(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    recordings, stream = live_recordings(tmp_path / "file" / "folder"), live_stream()
    await fail_once(recordings, stream)
    with pytest.raises(RequestError) as caught:
        recordings.take(stream, KEPT)
    assert caught.value.code == "storage_failed"


async def test_a_recording_resumes_once_its_folder_can_be_written_while_the_client_goes_on_sending(
    tmp_path: Path,
) -> None:
    blocking, clock = tmp_path / "file", Seconds()
    blocking.touch()
    recordings, stream = live_recordings(blocking / "folder", clock), live_stream()
    await fail_once(recordings, stream)
    with pytest.raises(RequestError):
        recordings.take(stream, KEPT)
    await recordings.finished()
    blocking.unlink()
    clock.now_s += POLICY.max_delay_s
    recordings.take(stream, KEPT)
    recordings.finish(stream)
    await recordings.finished()
    assert len(finished(blocking / "folder")) == 1


async def test_a_recording_that_has_failed_does_not_begin_again_with_the_next_packet(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    recordings, stream = live_recordings(tmp_path / "file" / "folder"), live_stream()
    await fail_once(recordings, stream)
    with pytest.raises(RequestError):
        recordings.take(stream, KEPT)
    await recordings.finished()
    recordings.take(stream, KEPT)
    assert stream.recorder is None


async def test_a_client_learns_only_once_that_its_recording_fails_again_and_again(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    clock = Seconds()
    recordings, stream = live_recordings(tmp_path / "file" / "folder", clock), live_stream()
    learned = 0
    for _ in range(3):
        await fail_once(recordings, stream)
        try:
            recordings.take(stream, KEPT)
        except RequestError:
            learned += 1
        await recordings.finished()
        clock.now_s += POLICY.max_delay_s
    assert learned == 1


def full_recordings(folder: Path, clock: Seconds) -> tuple[LiveRecordings, Path]:
    """Recordings whose maximum size is reached by the file that is returned, but which do not know it yet."""
    old = folder / "old.wav"
    old.write_bytes(bytes(10_000))
    storage = LiveStorage(folder, file_format="wav", max_gb=1e-5)
    storage.measure()
    return LiveRecordings(storage, ports=1, length_s=3600, now_s=clock), old


def is_full(recordings: LiveRecordings, stream: LiveStream) -> bool:
    """Whether the client of `stream` learns, with its next packet, that the recordings are full."""
    try:
        recordings.take(stream, KEPT)
    except RequestError as error:
        return error.code == "storage_full"
    return False


async def test_a_recording_begins_once_others_were_deleted_while_the_client_goes_on_sending(tmp_path: Path) -> None:
    clock = Seconds()
    recordings, old = full_recordings(tmp_path, clock)
    stream = live_stream()
    assert is_full(recordings, stream)
    old.unlink()
    clock.now_s += MEASURE_S

    def records() -> bool:
        recordings.take(stream, KEPT)
        return stream.recorder is not None

    await eventually_async(records)
    recordings.finish(stream)
    await recordings.finished()
    assert len(finished(tmp_path)) == 1


async def test_a_client_learns_only_once_that_the_recordings_are_full(tmp_path: Path) -> None:
    recordings, _ = full_recordings(tmp_path, Seconds())
    stream = live_stream()
    assert [is_full(recordings, stream) for _ in range(3)] == [True, False, False]


async def test_a_full_folder_is_not_read_for_each_packet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, reads = Seconds(), list[float]()
    recordings, _ = full_recordings(tmp_path, clock)
    stream = live_stream()
    monkeypatch.setattr(LiveStorage, "measure", lambda self: reads.append(clock.now_s))
    for _ in range(100):
        is_full(recordings, stream)
        await asyncio.sleep(0.002)
        clock.now_s += MEASURE_S / 25
    assert 1 <= len(reads) <= 5


async def test_a_recording_that_cannot_be_completed_for_any_reason_is_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    storage = FailingStorage(tmp_path, file_format="flac", max_gb=1.0)
    recordings, stream = LiveRecordings(storage, ports=1, length_s=3600), live_stream()
    recordings.take(stream, KEPT)
    recordings.finish(stream)
    await eventually_async(lambda: "ZeroDivisionError" in caplog.text)
    assert "could not be completed" in caplog.text
