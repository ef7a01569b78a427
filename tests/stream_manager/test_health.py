"""What is wrong, and whose fault it is: no fault of a source may lead to a restart of the program."""

from __future__ import annotations

from typing import Any

import pytest

from stream_manager.health import server_faults, source_faults
from stream_manager.icecast.server import Icecast, MountStatus
from stream_manager.jack.graph import JackGraph
from stream_manager.outputs.base import OutputFault
from stream_manager.outputs.icecast import IcecastOutput
from tests.support.services import services, source_settings, source_status
from tidzam.config.settings import IcecastSettings
from tidzam.protocol.source_status import SourceState, SourceStatus
from tidzam.protocol.stream_manager import StreamManagerFault

MOUNT = "/pond-out_0.ogg"


def icecast(mounts: dict[str, MountStatus] | None) -> Icecast:
    server = Icecast(IcecastSettings(), "", "")
    server.mounts = mounts
    return server


def mount_faults(mounts: dict[str, MountStatus] | None) -> tuple[OutputFault, ...]:
    """Those of the Icecast output of `pond`."""
    one = services()
    one.icecast.mounts = mounts
    return IcecastOutput(source_settings(), 1, one).faults()


def graph(rate_hz: int | None, *, stalled: bool = False) -> JackGraph:
    one = JackGraph("none", expected_rate_hz=44100)
    one.rate_hz, one.stalled = rate_hz, stalled
    return one


def status(state: SourceState, **changes: Any) -> SourceStatus:
    return source_status("pond", state, **changes)


def faults(one: SourceStatus, mounts: dict[str, MountStatus] | None) -> list[StreamManagerFault]:
    return list(source_faults((one,), {"pond": mount_faults(mounts)}))


def test_a_playing_source_with_its_mounts_has_no_fault() -> None:
    assert faults(status(SourceState.PLAYING, ok=True), {MOUNT: MountStatus(1, 0)}) == []


@pytest.mark.parametrize("state", [state for state in SourceState if state is not SourceState.PLAYING])
def test_a_fault_of_a_source_names_the_source_as_its_origin(state: SourceState) -> None:
    (fault,) = faults(
        status(state, last_error="no such file. Check the path.", code="source_not_found"), {MOUNT: MountStatus(1, 0)}
    )
    assert (fault.origin, fault.source, fault.code) == ("source", "pond", "source_not_found")
    assert "no such file. Check the path." in fault.message


def test_missing_mounts_are_a_fault_unless_icecast_is_away() -> None:
    (fault,) = faults(status(SourceState.PLAYING), {})
    assert (fault.code, fault.origin) == ("source_mounts", "source")
    assert faults(status(SourceState.PLAYING), None) == []


def test_a_silent_file_is_not_a_fault() -> None:
    assert faults(status(SourceState.SILENT, ok=True), {MOUNT: MountStatus(1, 0)}) == []


def test_a_non_permanent_source_of_a_client_is_not_reported() -> None:
    assert faults(status(SourceState.FAILED, is_permanent=False), {}) == []


def test_an_absent_or_stalled_server_is_named_as_the_origin() -> None:
    assert list(server_faults(graph(44100), icecast({}))) == []
    away = [(fault.code, fault.origin) for fault in server_faults(graph(None), icecast(None))]
    assert away == [("jack_away", "jack"), ("icecast_away", "icecast")]
    stalled = [(fault.code, fault.origin) for fault in server_faults(graph(44100, stalled=True), icecast({}))]
    assert stalled == [("jack_stalled", "jack")]
