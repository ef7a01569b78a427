"""The sound of channels and detections over the REST API."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from sqlalchemy import select
from starlette.testclient import TestClient

from console.services.sound import detection_sound
from console.services.sound_peaks import channel_peaks
from console.services.turns import Turns
from tests.support.console import ConsoleUnderTest, console_with_profile
from tests.support.recordings import RATE_HZ, START, chirp, frame_numbers, numbers_in, write_recording
from tests.support.store_records import detection
from tidzam.config.store import StoreSettings
from tidzam.errors import RequestError
from tidzam.store.records import RecordingRecord
from tidzam.store.tables.detections import DetectionRow
from tidzam.store.tables.places import NodeRow
from tidzam.store.writer import StoreWriter

FROM = "2026-05-01T06:30:01.500Z"
CLIP = "birds-wren/pond-out_1_2026-05-01-06-30-00.500.flac"


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleUnderTest]:
    """A console whose source `pond` was recorded for two seconds, not for two, and again for two; and four detections:
    one with a clip, one without, one whose clip is outside of the folder of clips, and one that was not recorded."""
    home = tmp_path_factory.mktemp("home")
    for at_s in (0, 1, 4, 5):
        counted = frame_numbers(at_s * RATE_HZ, RATE_HZ)
        write_recording(home / "recordings", np.stack([counted * 0, counted], axis=1), at_s, suffix="flac")
    clip = home / "clips" / CLIP
    clip.parent.mkdir(parents=True)
    soundfile.write(clip, np.full(RATE_HZ, 0.5, np.float32), RATE_HZ)
    soundfile.write(home / "secret.flac", np.full(RATE_HZ, 0.5, np.float32), RATE_HZ)
    profile = {
        "sources": [{"name": "pond", "url": "pond.wav", "record": {"path": home / "recordings"}}],
        "analyzer": {"sinks": [{"type": "clips", "folder": home / "clips"}]},
    }
    with console_with_profile(home, profile) as console:
        for number, (later_s, clip_name) in enumerate([(0, CLIP), (1, None), (1, "../secret.flac"), (900, None)]):
            start = START + timedelta(seconds=later_s)
            end = start + timedelta(seconds=0.5)
            channel = "pond:out_1"
            record = detection(number, start=start, end=end, channel=channel, clip=clip_name)
            StoreWriter(console.store).write([record])
        yield console


@pytest.fixture(scope="module")
def viewer(recorded: ConsoleUnderTest) -> TestClient:
    return recorded.logged_in("viewer")


def get(client: TestClient, **parameters: object) -> Any:
    asked = {"channel": "pond:out_1", "start": FROM, "duration_s": 3, **parameters}
    return client.get("/api/v1/sound", params={key: str(value) for key, value in asked.items()})


def detection_id(recorded: ConsoleUnderTest, number: int) -> int:
    with recorded.store.read() as session:
        return session.scalars(select(DetectionRow.id).order_by(DetectionRow.id)).all()[number]


def of_detection(recorded: ConsoleUnderTest, number: int, **parameters: str) -> Any:
    path = f"/api/v1/detections/{detection_id(recorded, number)}/sound"
    return recorded.logged_in("viewer").get(path, params=parameters)


def samples(response: Any) -> Any:
    return soundfile.read(io.BytesIO(response.content), dtype="float32")[0]


def test_the_sound_of_a_channel_is_that_of_its_recordings(viewer: TestClient) -> None:
    first = round(1.5 * RATE_HZ)
    assert numbers_in(samples(get(viewer))[:100]) == list(range(first, first + 100))


def test_gaps_are_in_a_header(viewer: TestClient) -> None:
    assert get(viewer).headers["X-Sound-Gaps"] == "0.5+2"


def test_a_part_of_the_file_can_be_requested(viewer: TestClient) -> None:
    parameters = {"channel": "pond:out_1", "start": FROM, "format": "wav"}
    part = viewer.get("/api/v1/sound", params=parameters, headers={"Range": "bytes=8-11"})
    assert (part.status_code, part.content) == (206, b"WAVE")


@pytest.mark.parametrize(
    ("parameters", "status", "code"),
    [
        ({"channel": "lake:out_0"}, 404, "no_recording"),
        ({"channel": "../pond:out_0"}, 404, "no_recording"),
        ({"channel": "pond"}, 422, "request"),
        ({"start": "2026-05-02T00:00:00Z"}, 404, "no_recording"),
        ({"start": "2026-05-01T06:30:00"}, 422, "request"),
        ({"start": "0001-01-01T00:00:00+14:00"}, 422, "request"),
        ({"duration_s": 901}, 422, "request"),
        ({"format": "mp3"}, 422, "request"),
    ],
)
def test_what_is_not_possible_is_refused(
    viewer: TestClient, parameters: dict[str, object], status: int, code: str
) -> None:
    response = get(viewer, **parameters)
    assert (response.status_code, response.json()["error"]["code"]) == (status, code)


def test_the_sound_of_a_detection_is_its_clip(recorded: ConsoleUnderTest) -> None:
    assert samples(of_detection(recorded, 0))[0] == pytest.approx(0.5, abs=1e-3)


def test_the_time_of_a_clip_is_in_a_header(recorded: ConsoleUnderTest) -> None:
    assert of_detection(recorded, 0).headers["X-Sound-Start"] == "2026-05-01T06:30:00.500000+00:00"


@pytest.mark.parametrize("damage", ["all of it", "its end"])
def test_peaks_of_a_damaged_recording_are_complete_after_one_look(tmp_path: Path, damage: str) -> None:
    path = write_recording(tmp_path / "recordings", chirp(0, 4), suffix="flac")
    content, first = path.read_bytes(), 200 if damage == "all of it" else path.stat().st_size // 2
    path.write_bytes(content[:first] + b"\xa5" * (len(content) - first))
    sources = [{"name": "pond", "url": "pond.wav", "record": {"path": tmp_path / "recordings"}}]
    with console_with_profile(tmp_path, {"sources": sources}) as console:
        found = [channel_peaks(console.runtime.settings, console.store, "pond:out_0", START, 4, 4) for _ in range(2)]
    assert [one.is_complete for one in found] == [True, True]


def test_while_others_read_peaks_are_not_complete(recorded: ConsoleUnderTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.services.sound_peaks.sound_turns", lambda _: Turns(0))
    write_recording(recorded.runtime.settings.sources[0].record.path, chirp(0, 1), 3600, suffix="flac")  # type: ignore[union-attr]
    begin = START + timedelta(hours=1)
    assert not channel_peaks(recorded.runtime.settings, recorded.store, "pond:out_0", begin, 1, 4).is_complete


def test_a_clip_is_converted_to_the_requested_format(recorded: ConsoleUnderTest) -> None:
    assert of_detection(recorded, 0, format="wav").content.startswith(b"RIFF")


def test_a_detection_without_a_clip_is_cut_from_the_recordings(recorded: ConsoleUnderTest) -> None:
    assert numbers_in(samples(of_detection(recorded, 1, margin_s="0.5"))[:1]) == [RATE_HZ // 2]


def test_a_clip_outside_of_the_folder_of_clips_is_not_read(recorded: ConsoleUnderTest) -> None:
    assert samples(of_detection(recorded, 2, margin_s="0"))[0] != pytest.approx(0.5, abs=1e-2)


def test_a_detection_that_was_not_recorded_has_no_sound(recorded: ConsoleUnderTest) -> None:
    assert of_detection(recorded, 3).json()["error"]["code"] == "no_recording"


def test_the_sound_of_another_node_that_shares_the_store_is_not_looked_for_here(recorded: ConsoleUnderTest) -> None:
    with recorded.store.read() as session:
        names = set(session.scalars(select(NodeRow.name)))
    shared = StoreSettings(url="postgresql://tidzam@db/tidzam")
    settings = recorded.runtime.settings.model_copy(update={"store": shared})
    assert settings.node.known_as not in names
    with pytest.raises(RequestError, match="The node garden heard it") as refused:
        detection_sound(settings, recorded.store, detection_id(recorded, 0), "flac", margin_s=0)
    assert refused.value.code == "no_recording"


def test_while_others_read_further_requests_are_told_when_to_ask_again(
    recorded: ConsoleUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console.services.sound.sound_turns", lambda _: Turns(0))
    refused = get(recorded.logged_in("viewer"), duration_s=2.75)
    assert (refused.status_code, refused.json()["error"]["code"], refused.headers["Retry-After"]) == (503, "busy", "5")


def test_a_recording_that_only_the_store_lists_is_found(recorded: ConsoleUnderTest, tmp_path: Path) -> None:
    path = write_recording(tmp_path, frame_numbers(1, RATE_HZ), name="lagoon", suffix="flac")
    end = START + timedelta(seconds=1)
    row = RecordingRecord(
        node="marsh", source="lagoon", path=str(path), start=START, end=end, channels=1, bytes=path.stat().st_size
    )
    StoreWriter(recorded.store).write([row])
    found = get(recorded.logged_in("viewer"), channel="lagoon:out_0", start="2026-05-01T06:30:00Z", duration_s=1)
    assert numbers_in(samples(found)[:2]) == [1, 2]


def test_peaks_of_segments_are_those_that_the_store_knows(recorded: ConsoleUnderTest) -> None:
    for later_s, max_amp in ((0, 0.25), (4, 0.5)):
        start = START + timedelta(seconds=later_s)
        end = start + timedelta(seconds=2)
        row = RecordingRecord(
            node="marsh",
            source="reeds",
            path=f"/reeds/reeds-{later_s}.flac",
            start=start,
            end=end,
            channels=1,
            bytes=9,
            max_amp=max_amp,
            is_segment=True,
        )
        StoreWriter(recorded.store).write([row])
    found = channel_peaks(recorded.runtime.settings, recorded.store, "reeds:out_0", START, 8, 4)
    assert (found.low, found.high) == ((-0.25, None, -0.5, None), (0.25, None, 0.5, None))


def test_a_stored_path_of_another_name_is_not_read(recorded: ConsoleUnderTest, tmp_path: Path) -> None:
    path = write_recording(tmp_path, frame_numbers(1, RATE_HZ), name="private", suffix="flac")
    end = START + timedelta(seconds=1)
    row = RecordingRecord(node="marsh", source="delta", path=str(path), start=START, end=end, channels=1, bytes=9)
    StoreWriter(recorded.store).write([row])
    found = get(recorded.logged_in("viewer"), channel="delta:out_0", start="2026-05-01T06:30:00Z", duration_s=1)
    assert found.json()["error"]["code"] == "no_recording"


def test_peaks_cover_what_was_recorded(viewer: TestClient) -> None:
    parameters: dict[str, str | int] = {"channel": "pond:out_1", "start": FROM, "duration_s": 4, "pixels": 8}
    found = viewer.get("/api/v1/sound/peaks", params=parameters).json()
    assert [value is None for value in found["high"]] == [False, True, True, True, True, False, False, False]


def test_peaks_list_what_was_recorded(viewer: TestClient) -> None:
    parameters: dict[str, str | int] = {"channel": "pond:out_1", "start": FROM, "duration_s": 4}
    found = viewer.get("/api/v1/sound/peaks", params=parameters).json()
    assert found["recorded"] == [{"start_s": 0.0, "duration_s": 0.5}, {"start_s": 2.5, "duration_s": 1.5}]


def test_recordings_that_were_not_read_in_time_are_read_by_the_next_request(tmp_path: Path) -> None:
    write_recording(tmp_path / "recordings", frame_numbers(1, RATE_HZ), suffix="flac")
    sources = [{"name": "pond", "url": "pond.wav", "record": {"path": tmp_path / "recordings"}}]
    with console_with_profile(tmp_path, {"sources": sources}) as console:
        passing = iter([0.0, 99.0, 0.0, 0.0, 0.0])
        found = [
            channel_peaks(
                console.runtime.settings, console.store, "pond:out_0", START, 2, 4, clock=lambda: next(passing)
            )
            for _ in range(2)
        ]
    assert [one.is_complete for one in found] == [False, True]
