"""Recording is switched on and off, and that outlives the stream manager."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from stream_manager.recorder.control import RecordingControl, switches_path
from tests.support.services import source_settings
from tidzam.config import Settings
from tidzam.config.recording import DefaultRecordSettings, RecordSettings
from tidzam.config.settings import StreamManagerSettings
from tidzam.protocol.recordings import RecordingState

POND = source_settings("pond", record={"path": "/recordings"})
LAKE = source_settings("lake", record={"path": "/recordings", "enabled": False})


async def test_a_source_is_recorded_as_its_settings_say_until_it_is_switched() -> None:
    control = RecordingControl()
    assert [control.is_on(source) for source in (POND, LAKE, source_settings("well"))] == [True, False, False]
    await control.switch(POND, on=False)
    await control.switch(LAKE, on=True)
    assert [control.is_on(source) for source in (POND, LAKE)] == [False, True]


async def test_a_switch_survives_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "home" / "switches.json"
    await RecordingControl(path).switch(POND, on=False)
    assert not RecordingControl(path).is_on(POND)


@pytest.mark.parametrize("content", ["", "[]", '{"pond": "off"}', "\0"])
async def test_a_damaged_file_is_reported_and_the_settings_apply(
    tmp_path: Path, content: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "switches.json"
    path.write_text(content)
    control = RecordingControl(path)
    assert control.is_on(POND)
    assert "as the profile says" in caplog.text
    await control.switch(POND, on=False)
    assert not RecordingControl(path).is_on(POND)


async def test_a_switch_that_cannot_be_saved_is_set_and_reported(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    control = RecordingControl(tmp_path / "file" / "switches.json")
    await control.switch(POND, on=False)
    assert not control.is_on(POND)
    assert "a restart will forget what was switched" in caplog.text


async def test_a_switch_of_a_source_that_is_gone_is_forgotten(tmp_path: Path) -> None:
    control = RecordingControl(tmp_path / "switches.json")
    await control.switch(POND, on=False)
    await control.switch(LAKE, on=True)
    await control.forget("pond")
    later = RecordingControl(tmp_path / "switches.json")
    assert [later.is_on(source) for source in (POND, LAKE)] == [True, True]


async def test_a_source_without_settings_of_its_own_has_a_recorder_once_it_was_switched() -> None:
    control, well = RecordingControl(), source_settings("well")
    well = well.model_copy(update={"record": DefaultRecordSettings()})
    before = control.has_recorder(well)
    await control.switch(well, on=True)
    await control.switch(well, on=False)
    assert (before, control.has_recorder(well)) == (False, True)


@pytest.mark.parametrize(
    ("record", "has_recorder"),
    [(None, False), (RecordSettings(enabled=False), True), (DefaultRecordSettings(enabled=True), True)],
)
def test_the_settings_say_what_has_a_recorder(record: RecordSettings | None, has_recorder: bool) -> None:
    well = source_settings("well").model_copy(update={"record": record})
    assert RecordingControl().has_recorder(well) is has_recorder


async def test_waiting_for_a_switch() -> None:
    control = RecordingControl()
    await control.until(POND, on=True)
    waiting = asyncio.create_task(control.until(POND, on=False))
    await asyncio.sleep(0)
    assert not waiting.done()
    await control.switch(POND, on=False)
    await waiting


async def test_the_status_tells_what_was_recorded() -> None:
    control = RecordingControl()
    control.counters("pond").bytes = 7
    control.counters("pond").state = RecordingState.RECORDING
    status = control.status(POND)
    assert status is not None
    assert (status.on, status.state, status.bytes, status.folder) == (True, "recording", 7, "/recordings")
    await control.switch(POND, on=False)
    status = control.status(POND)
    assert status is not None
    assert status.state == "off"
    assert control.status(source_settings("well")) is None


def test_the_switches_are_beside_the_sources_of_clients(tmp_path: Path) -> None:
    state = tmp_path / "sources.json"
    settings = Settings(stream_manager=StreamManagerSettings(state_file=state))
    assert switches_path(settings) == tmp_path / "recording-switches.json"
    assert switches_path(Settings()) is None


def test_a_source_is_retained_while_a_recorder_deletes_its_recordings() -> None:
    control = RecordingControl()
    with control.retaining("pond"), control.retaining("lake"):
        with control.retaining("pond"):  # the next one begins before the last one has ended
            pass
        assert control.retained == {"pond", "lake"}
    assert control.retained == frozenset()
