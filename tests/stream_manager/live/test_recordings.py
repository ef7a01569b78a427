"""Recordings of live streams: when they begin and end, and what their clients learn."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from stream_manager.live.recordings import LiveRecordings
from stream_manager.live.registry import LiveStream, LiveStreamRegistry
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


def live_recordings(folder: Path | None) -> LiveRecordings:
    return LiveRecordings(LiveStorage(folder, file_format="flac", max_gb=1.0), ports=1, length_s=3600)


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
    recordings.take(stream, KEPT)
    recorder = stream.recorder
    assert recorder is not None
    await eventually_async(lambda: recorder.failure is not None)
    with pytest.raises(RequestError) as caught:
        recordings.take(stream, KEPT)
    assert caught.value.code == "storage_failed"


async def test_a_recording_that_cannot_be_completed_for_any_reason_is_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    storage = FailingStorage(tmp_path, file_format="flac", max_gb=1.0)
    recordings, stream = LiveRecordings(storage, ports=1, length_s=3600), live_stream()
    recordings.take(stream, KEPT)
    recordings.finish(stream)
    await eventually_async(lambda: "ZeroDivisionError" in caplog.text)
    assert "could not be completed" in caplog.text
