"""Detections as files: CSV, eBird and clips."""

from __future__ import annotations

import asyncio
import csv
import io
import os
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest
import soundfile
from starlette.types import Message

from console.api.detections import GeneratedFile
from console.services.exports.clips import clip_archive
from console.services.exports.table import cell
from console.services.turns import Turns
from tests.support.console import ConsoleUnderTest, console_under_test, console_with_profile
from tests.support.known_models import install_birdnet_manifest
from tests.support.recordings import RATE_HZ, START, frame_numbers, numbers_in, write_recording
from tests.support.store_records import NOON, detection
from tests.support.stored_detections import fill
from tidzam.config import Settings
from tidzam.store.writer import StoreWriter

API = "/api/v1/detections"


@pytest.fixture
def console(tmp_path: Path) -> Iterator[ConsoleUnderTest]:
    """A console of a node with a position and a folder of clips."""
    with console_under_test(tmp_path) as console:
        more = {
            "location": {"latitude": 48.85, "longitude": 2.35, "time_zone": "Europe/Paris"},
            "analyzer": {"sinks": [{"type": "clips", "folder": tmp_path / "clips"}]},
        }
        settings = Settings.model_validate(console.runtime.settings.model_dump(exclude_unset=True) | more)
        console.app.state.runtime = replace(console.runtime, settings=settings)
        yield console


def exported(console: ConsoleUnderTest, **filters: Any) -> Any:
    response = console.logged_in("viewer").get(f"{API}/export", params=filters)
    assert response.status_code == 200
    return response


def table(response: Any) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(response.text)))


def test_all_detections_that_are_wanted_are_in_the_table(console: ConsoleUnderTest) -> None:
    count = fill(console.store, days=12, last=console.clock())
    response = exported(console)
    assert response.headers["Content-Disposition"] == 'attachment; filename="detections.csv"'
    rows = table(response)
    assert len({row["id"] for row in rows}) == count > 1000
    frogs = table(exported(console, **{"class": "frogs"}))
    assert {row["class"] for row in frogs} == {"frogs/tree frog", "frogs/marsh frog"}


def test_times_are_in_utc_and_by_the_clock_of_the_node(console: ConsoleUnderTest) -> None:
    StoreWriter(console.store).write([detection(1)])
    (row,) = table(exported(console))
    assert (row["start_utc"], row["start_local"]) == ("2026-05-01T12:01:00.000Z", "2026-05-01T14:01:00.000+02:00")


def test_no_spreadsheet_computes_a_label(console: ConsoleUnderTest) -> None:
    StoreWriter(console.store).write([detection(1, path=("=1+1",))])
    assert table(exported(console))[0]["class"] == "'=1+1"


def test_ebird_gets_a_row_per_verified_species_and_day(console: ConsoleUnderTest) -> None:
    start = datetime(2026, 4, 30, 21, 30, tzinfo=UTC)  # 23:30 in Paris
    names = ("Turdus merula_Eurasian Blackbird", "Turdus merula_Eurasian Blackbird", "wren", "robin")
    StoreWriter(console.store).write(
        [
            detection(id=f"{number}", path=("birds", name), start=at, end=at, time_zone="Europe/Paris")
            for number, name in enumerate(names)
            for at in [start + timedelta(minutes=20 * number)]
        ]
    )
    client = console.logged_in("annotator")
    numbers = [one["id"] for one in client.get(API).json()["detections"]][::-1]
    client.post(f"{API}/verdicts", json={"ids": numbers[:2], "verdict": "right"})
    other = {"ids": numbers[2:3], "verdict": "other_class", "other_class": "birds/sedge warbler"}
    client.post(f"{API}/verdicts", json=other)
    rows = list(csv.reader(io.StringIO(exported(console, format="ebird").text)))
    assert {len(row) for row in rows} == {19}
    assert [(*row[:4], *row[6:10], row[12]) for row in rows] == [
        ("sedge warbler", "", "", "X", "48.85", "2.35", "05/01/2026", "00:10", "Incidental"),
        ("Eurasian Blackbird", "Turdus", "merula", "X", "48.85", "2.35", "04/30/2026", "23:30", "Incidental"),
    ]


def test_ebird_gets_birds_only_and_says_what_it_leaves_out(console: ConsoleUnderTest) -> None:
    labels = "Pseudacris crucifer_Spring Peeper\nTurdus merula_Eurasian Blackbird\n"
    install_birdnet_manifest(console.runtime.settings.home, labels)
    paths = (("rain",), ("frogs", "frogs-peeper"), ("Spring Peeper",), ("Eurasian Blackbird",), ("birds", "wren"))
    client = console.logged_in("annotator")
    StoreWriter(console.store).write(
        [detection(id=f"{number}", path=path, start=NOON, end=NOON) for number, path in enumerate(paths)]
    )
    numbers = [one["id"] for one in client.get(API).json()["detections"]]
    client.post(f"{API}/verdicts", json={"ids": numbers, "verdict": "right"})
    rows = list(csv.reader(io.StringIO(exported(console, format="ebird").text)))
    assert [row[:3] for row in rows] == [["Eurasian Blackbird", "Turdus", "merula"], ["wren", "", ""]]
    left_out = {"rain": 1, "frogs-peeper": 1, "Spring Peeper": 1}
    assert client.get(f"{API}/ebird").json() == {"rows": 2, "species": 2, "left_out": left_out}
    said = client.get("/detections/ebird?first_day=2026-05-01&last_day=2026-05-01").text
    assert "2 rows: 2 species" in said
    assert "Left out, as they are not known to be birds" in said


def test_what_nobody_has_verified_is_not_read_for_ebird(
    console: ConsoleUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    StoreWriter(console.store).write([detection(1)])
    monkeypatch.delattr("console.services.exports.ebird.selected")  # which reads
    client = console.logged_in("viewer")
    empty = {"rows": 0, "species": 0, "left_out": {}}
    assert client.get(f"{API}/ebird", params={"verdict": ["none", "wrong"]}).json() == empty
    assert exported(console, format="ebird", verdict="none").text == ""


def test_one_file_for_ebird_is_counted_at_a_time(console: ConsoleUnderTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.services.exports.ebird._TURNS", Turns(0))
    refused = console.logged_in("viewer").get(f"{API}/ebird")
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")


def test_ebird_needs_a_position(tmp_path: Path) -> None:
    with console_under_test(tmp_path) as console:
        refused = console.logged_in("viewer").get(f"{API}/export", params={"format": "ebird"})
    assert refused.status_code == 422
    assert refused.json()["error"]["message"] == "eBird needs the position of the node. Set location in the profile."


def test_parquet_holds_times_and_numbers_as_such(console: ConsoleUnderTest) -> None:
    count = fill(console.store, days=12, last=console.clock())
    StoreWriter(console.store).write([detection(1, level_dbfs=-31.5)])
    content = exported(console, format="parquet").content
    found = pyarrow.parquet.read_table(io.BytesIO(content))
    assert found.num_rows == count + 1
    newest = found.slice(0, 1).to_pylist()[0]
    assert (newest["start"], newest["class"]) == (NOON + timedelta(minutes=1), "birds/wren")
    assert (newest["level_dbfs"], newest["verdict"]) == (-31.5, None)


ORIGIN = "2026-05-01T14:00:00+02:00"


def test_audacity_gets_labels_by_the_seconds_of_a_sound(console: ConsoleUnderTest) -> None:
    StoreWriter(console.store).write([detection(1), detection(2, path=("frogs", "tree\tfrog"))])
    lines = exported(console, format="audacity", origin=ORIGIN).text.splitlines()
    assert lines == ["120.000000\t122.000000\ttree frog", "60.000000\t62.000000\twren"]


def test_raven_gets_a_selection_per_detection(console: ConsoleUnderTest) -> None:
    StoreWriter(console.store).write([detection(1, channel="pond:out_2")])
    (row,) = csv.DictReader(io.StringIO(exported(console, format="raven", origin=ORIGIN).text), delimiter="\t")
    assert (row["Selection"], row["Begin Time (s)"], row["End Time (s)"]) == ("1", "60.000000", "62.000000")
    assert (row["Annotation"], row["Peak Probability"]) == ("wren", "0.9000")


def test_without_an_origin_seconds_count_from_the_first_day_of_the_nodes_clock(console: ConsoleUnderTest) -> None:
    StoreWriter(console.store).write([detection(1)])
    (line,) = exported(console, format="audacity", first_day="2026-05-01").text.splitlines()
    assert line == "50460.000000\t50462.000000\twren"  # 14:01 in Paris


def test_labels_need_a_time_to_count_from(console: ConsoleUnderTest) -> None:
    refused = console.logged_in("viewer").get(f"{API}/export", params={"format": "raven"})
    assert (refused.status_code, refused.json()["error"]["field"]) == (422, "origin")


def rows_of(archive: zipfile.ZipFile) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(archive.read("detections.csv").decode())))


def test_clips_come_as_an_archive_with_a_table(console: ConsoleUnderTest, tmp_path: Path) -> None:
    (tmp_path / "clips" / "wren").mkdir(parents=True)
    sound = bytes(range(256)) * 3000
    (tmp_path / "clips" / "wren" / "a.flac").write_bytes(sound)
    clips = {1: "wren/a.flac", 2: "wren/gone.flac", 3: None, 4: "../secret"}
    (tmp_path / "secret").write_bytes(b"secret")
    StoreWriter(console.store).write([detection(number, clip=clip) for number, clip in clips.items()])
    archive = zipfile.ZipFile(io.BytesIO(exported(console, format="clips").content))
    assert archive.testzip() is None
    assert archive.namelist() == ["wren/a.flac", "detections.csv"]
    assert archive.read("wren/a.flac") == sound
    assert [row["file"] for row in rows_of(archive)] == ["", "", "", "wren/a.flac"]


def test_what_has_no_clip_is_cut_from_the_recordings(tmp_path: Path) -> None:
    write_recording(tmp_path / "recordings", frame_numbers(0, 6 * RATE_HZ), suffix="flac")
    sources = [{"name": "pond", "url": "pond.wav", "record": {"path": tmp_path / "recordings"}}]
    with console_with_profile(tmp_path, {"sources": sources}) as console:
        times = {number: START + timedelta(seconds=number) for number in (3, 900)}
        records = [
            detection(
                number,
                start=start,
                end=start + timedelta(seconds=1),
                channel="pond:out_0",
                path=("birds", "marsh wren"),
            )
            for number, start in times.items()
        ]
        StoreWriter(console.store).write(records)
        archive = zipfile.ZipFile(io.BytesIO(exported(console, format="clips").content))
    name = "marsh-wren/pond-out_0_2026-05-01-06-30-03.000.flac"
    assert [row["file"] for row in rows_of(archive)] == ["", name]
    samples, _ = soundfile.read(io.BytesIO(archive.read(name)), dtype="float32")
    assert numbers_in(samples[[0, -1]]) == [RATE_HZ, 6 * RATE_HZ - 1]


def test_a_sound_that_cannot_be_cut_for_long_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.services.exports.clips._RETRIES_S", 0)
    monkeypatch.setattr("console.services.sound.sound_turns", lambda _: Turns(0))
    write_recording(tmp_path / "recordings", frame_numbers(0, 6 * RATE_HZ), suffix="flac")
    sources = [{"name": "pond", "url": "pond.wav", "record": {"path": tmp_path / "recordings"}}]
    with console_with_profile(tmp_path, {"sources": sources}) as console:
        record = detection(1, start=START, end=START + timedelta(seconds=1), channel="pond:out_0")
        StoreWriter(console.store).write([record])
        archive = zipfile.ZipFile(io.BytesIO(exported(console, format="clips").content))
    assert [row["file"] for row in rows_of(archive)] == [""]


def test_one_archive_is_written_at_a_time(console: ConsoleUnderTest) -> None:
    archive = clip_archive(console.runtime.settings, console.store, (), console.runtime.time_zone)
    refused = console.logged_in("viewer").get(f"{API}/export", params={"format": "clips"})
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
    del archive  # as the server does when its client goes away
    assert exported(console, format="clips").content.startswith(b"PK")


async def test_a_file_is_closed_if_its_client_goes_away() -> None:
    closed, sent = list[bool](), asyncio.Event()

    def content() -> Iterator[bytes]:
        try:
            while True:
                yield b"sound"
        finally:
            closed.append(True)

    async def receive() -> Message:
        await sent.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        if message.get("body"):
            sent.set()
        await asyncio.sleep(0)

    written = content()
    async with asyncio.timeout(20):
        await GeneratedFile(written)({"type": "http", "asgi": {"spec_version": "2.3"}}, receive, send)
    assert closed == [True]


def test_a_clip_from_before_1980_is_in_the_archive(console: ConsoleUnderTest, tmp_path: Path) -> None:
    """A node without a clock begins in 1970."""
    (tmp_path / "clips").mkdir()
    (tmp_path / "clips" / "a.flac").write_bytes(b"sound")
    os.utime(tmp_path / "clips" / "a.flac", (0, 0))
    StoreWriter(console.store).write([detection(1, clip="a.flac")])
    archive = zipfile.ZipFile(io.BytesIO(exported(console, format="clips").content))
    assert archive.read("a.flac") == b"sound"


def test_a_clip_that_is_removed_meanwhile_is_left_out(
    console: ConsoleUnderTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console.services.exports.clips.clip_file", lambda settings, clip: tmp_path / clip)
    (tmp_path / "b.flac").write_bytes(b"sound")
    StoreWriter(console.store).write([detection(number, clip=clip) for number, clip in ((1, "b.flac"), (2, "a.flac"))])
    archive = zipfile.ZipFile(io.BytesIO(exported(console, format="clips").content))
    assert archive.namelist() == ["b.flac", "detections.csv"]


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_is_computed(begin: str) -> None:
    assert cell(f"{begin}1") == f"'{begin}1"
