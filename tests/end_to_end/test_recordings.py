"""Recordings through a real stream manager: switched by clients, on a full disk, and after `kill -9`."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import numpy as np
import pytest
import socketio
import soundfile
from sqlalchemy import select

from tests.support.eventually import eventually
from tests.support.manager import Manager, stream_manager
from tests.support.sound import loudest_hz, write_tones
from tidzam.config.store import StoreSettings
from tidzam.recorded_sound.sections import decode_peaks
from tidzam.segments import SegmentIndex
from tidzam.store.database import open_store
from tidzam.store.tables.accounts import AuditRow
from tidzam.store.tables.places import SourceRow
from tidzam.store.tables.recordings import RecordingRow

pytestmark = pytest.mark.timeout(90)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("recordings")


@pytest.fixture(scope="module")
def manager(tmp_path_factory: pytest.TempPathFactory, folder: Path) -> Iterator[Manager]:
    media = tmp_path_factory.mktemp("manager")
    tones = str(write_tones(media / "tones.wav", 2, seconds=2))
    silence = media / "silence.wav"
    soundfile.write(silence, np.zeros((44100, 1)), 44100)
    segments = {"mode": "segments", "length_s": 1}
    sources = [
        source("pond", tones, {"path": str(folder / "pond"), "format": "flac", "length_s": 3600}),
        source("lake", tones, {"path": str(folder / "lake"), **segments}),
        source("still", str(silence), {"path": str(folder / "still"), **segments}),
        source("well", tones, {"path": str(folder / "well"), "length_s": 3600, "enabled": False}),
    ]
    home = {"home": str(folder / "home")}
    with stream_manager(media, sources, sections=home, state_file=str(media / "state.json")) as running:
        running.until_well()
        yield running


def source(name: str, url: str, record: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "url": url, "loop": True, "outputs": [], "record": record}


def status(manager: Manager, name: str) -> dict[str, Any]:
    return manager.source(name).get("recording") or {}


def until(manager: Manager, name: str, holds: Callable[[dict[str, Any]], bool]) -> None:
    manager.until(lambda: bool(found := status(manager, name)) and holds(found), within_s=20)


def is_recording(found: dict[str, Any]) -> bool:
    return bool(found["state"] == "recording" and found["bytes"] > 0)


def switch(manager: Manager, name: str, on: object) -> dict[str, Any]:
    client = socketio.Client(reconnection=False)
    client.connect(manager.url)
    try:
        return client.call("sys", {"sys": {"record": {"name": name, "on": on}}}, timeout=10)  # type: ignore[no-any-return]
    finally:
        client.disconnect()


def recordings(folder: Path, name: str) -> list[Path]:
    return sorted((folder / name).rglob(f"{name}-*.flac"))


def test_a_client_switches_recording_off_and_on(manager: Manager, folder: Path) -> None:
    until(manager, "pond", is_recording)
    assert switch(manager, "pond", "False") == {"ok": True, "sys": {"record": {"name": "pond", "on": False}}}
    until(manager, "pond", lambda found: found["state"] == "off" and found["files"] == 1)
    (path,) = recordings(folder, "pond")
    assert status(manager, "pond")["last_file"] == str(path)
    sound, rate_hz = soundfile.read(path, dtype="float32")
    loudest = [loudest_hz(channel[-rate_hz // 2 :], rate_hz) for channel in sound.T]
    assert loudest == [400, 600]
    switch(manager, "pond", True)
    until(manager, "pond", is_recording)


def test_what_a_client_switches_is_in_the_audit_log(manager: Manager, folder: Path) -> None:
    switch(manager, "well", False)
    query = select(AuditRow).where(AuditRow.action == "source.recording", AuditRow.subject == "well")
    with open_store(StoreSettings(), folder / "home") as store:

        def found() -> list[tuple[str, str]]:
            with store.read() as session:
                return [(row.actor, row.address) for row in session.scalars(query)]

        manager.until(lambda: bool(found()), within_s=20)
        assert found() == [("client", "127.0.0.1")]


@pytest.mark.parametrize(
    ("name", "on", "code"), [("none", True, "source_unknown"), ("pond", "maybe", "request"), ("-rec", True, "request")]
)
def test_other_requests_are_refused_with_the_reason(manager: Manager, name: str, on: object, code: str) -> None:
    answer = switch(manager, name, on)
    assert not answer["ok"]
    assert answer["error"]["code"] == code


def test_only_segments_that_are_not_silent_are_kept(manager: Manager, folder: Path) -> None:
    until(manager, "lake", lambda found: found["files"] >= 2)
    segment = next(SegmentIndex(folder / "lake").find("lake"))
    assert segment.max_amp == pytest.approx(0.25, abs=0.01)
    assert (folder / "lake" / segment.filepath).exists()
    assert not recordings(folder, "still")


def test_the_store_knows_the_loudest_samples_of_each_channel(manager: Manager, folder: Path) -> None:
    query = select(RecordingRow.section_peaks).join(SourceRow, SourceRow.id == RecordingRow.source_id)
    stored = query.where(SourceRow.name == "lake", RecordingRow.section_peaks.is_not(None))
    with open_store(StoreSettings(), folder / "home") as store:

        def peaks() -> list[bytes | None]:
            with store.read() as session:
                return list(session.scalars(stored))

        manager.until(lambda: len(peaks()) > 0, within_s=20)
        assert decode_peaks(peaks()[0] or b"", 2) == pytest.approx(0.25, rel=0.03)


def test_the_metrics_count_what_is_recorded(manager: Manager) -> None:
    until(manager, "pond", is_recording)
    text = urlopen(f"{manager.url}/metrics").read().decode()
    values = dict(line.rsplit(" ", 1) for line in text.splitlines() if line.startswith("tidzam_record"))
    assert float(values['tidzam_recording{source="pond"}']) == 1
    assert float(values['tidzam_recorded_bytes_total{source="pond"}']) > 0
    assert float(values['tidzam_recorded_seconds_total{source="pond"}']) > 0


def test_after_a_kill_the_switches_hold_and_the_file_is_repaired(manager: Manager, folder: Path) -> None:
    switch(manager, "pond", True)
    switch(manager, "well", True)
    until(manager, "pond", is_recording)
    until(manager, "well", is_recording)
    before = len(recordings(folder, "pond"))
    manager.kill()
    assert len(recordings(folder, "pond")) == before
    manager.start()
    manager.until_well()
    until(manager, "pond", lambda found: found["files"] >= 1)
    until(manager, "well", is_recording)
    assert len(recordings(folder, "pond")) == before + 1
    assert "repaired" in manager.log
    assert all(soundfile.info(path).frames > 0 for path in recordings(folder, "pond"))


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")
def test_a_full_disk_pauses_the_recording_and_nothing_else(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "none", str(disk)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("no file system can be mounted here")
    try:
        tones = str(write_tones(tmp_path / "tones.wav", 2, seconds=2))
        sources = [
            source("pond", tones, {"path": str(disk), "format": "wav", "length_s": 3600}),
            source("lake", tones, {"path": str(tmp_path / "lake"), "format": "wav", "length_s": 3600}),
        ]
        with stream_manager(tmp_path, sources) as manager:
            until(manager, "lake", is_recording)
            until(manager, "pond", is_recording)
            ballast = disk / "ballast"
            subprocess.run(["dd", "if=/dev/zero", f"of={ballast}", "bs=64k"], check=False, capture_output=True)
            until(manager, "pond", lambda found: found["state"] == "paused")
            assert "the disk" in status(manager, "pond")["problem"]
            fault = next(one for one in manager.health()["detail"]["faults"] if one["source"] == "pond")
            assert fault["code"] == "recording_disk_full"
            assert manager.source("pond")["state"] == "playing"
            assert status(manager, "lake")["state"] == "recording"
            ballast.unlink()
            until(manager, "pond", is_recording)
            manager.until_well()
        assert all(soundfile.info(path).frames > 0 for path in disk.glob("pond-*.wav"))
        eventually(lambda: not list(disk.glob(".*.part")))
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)
