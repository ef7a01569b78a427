"""What is wrong with an edge node, from what its recorder and its inference wrote."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tidzam.config import Settings
from tidzam.config.edge import EdgeSettings
from tidzam.errors import NodeError
from tidzam.inbox_status import InboxSinkStatus, InboxStatus
from tidzam.node.edge_status import EdgeStatus, edge_faults, edge_remarks
from tidzam.node.home import Home
from tidzam.node.sys_requests import request_sys
from tidzam.recorder_status import RecordedSourceStatus, RecorderStatus

PIDS = {"recorder": 1, "inference": 2}
RECORDER = RecorderStatus(time_s=1000.0, pid=1, sources=(RecordedSourceStatus("pond", "recording", seconds=5.0),))
INFERENCE = InboxStatus(updated="2026-05-01T06:30:00Z", pid=2, state="waiting")
WELL = EdgeStatus(RECORDER, INFERENCE, {})


def reasons(status: EdgeStatus, *, pending: bool) -> list[str]:
    return [fault.reason for fault in edge_faults(status, PIDS, now_s=1001.0) if fault.pending is pending]


def source(state: str, problem: str | None = None) -> EdgeStatus:
    return replace(WELL, recorder=replace(RECORDER, sources=(RecordedSourceStatus("pond", state, problem=problem),)))


def test_a_node_that_records_and_analyzes_has_no_fault() -> None:
    assert edge_faults(WELL, PIDS, now_s=1001.0) == []


@pytest.mark.parametrize(
    "status",
    [
        replace(WELL, recorder=None),
        replace(WELL, recorder=replace(RECORDER, pid=7)),
        replace(WELL, inference=None),
        replace(WELL, inference=replace(INFERENCE, pid=7)),
        replace(WELL, inference=replace(INFERENCE, state="loading")),
        source("waiting"),
    ],
)
def test_what_is_starting_is_waited_for(status: EdgeStatus) -> None:
    assert reasons(status, pending=True)
    assert not reasons(status, pending=False)


def test_a_source_that_is_away_is_a_fault_with_its_reason() -> None:
    found = reasons(source("away", "hw:1: no such device"), pending=False)
    assert found == ["Source pond is not recorded: hw:1: no such device"]


def test_files_that_cannot_be_moved_are_a_fault() -> None:
    recorded = RecordedSourceStatus("pond", "recording", waiting="audio-to-parse: no space left")
    status = replace(WELL, recorder=replace(RECORDER, sources=(recorded,)))
    assert reasons(status, pending=False) == [
        "Source pond: complete files cannot be moved: audio-to-parse: no space left"
    ]


def test_a_recorder_that_writes_nothing_is_at_fault() -> None:
    assert edge_faults(WELL, PIDS, now_s=1100.0)[0].reason == "The recorder has written no status for 100 s."


def test_files_that_a_full_disk_cost_and_failing_sinks_are_remarks() -> None:
    recorder = replace(RECORDER, removed={"audio-parsed": 0, "audio-to-parse": 3})
    inference = replace(INFERENCE, sinks={"mqtt": InboxSinkStatus(fault="it is away")})
    assert edge_remarks(EdgeStatus(recorder, inference, {})) == [
        "The disk was full: 3 files of audio-to-parse were deleted since the recorder started.",
        "The sink mqtt fails and is tried again until it works: it is away",
    ]


def test_a_status_is_read_as_it_was_written(tmp_path: Path) -> None:
    RECORDER.write(tmp_path / "recorder.json")
    assert RecorderStatus.read(tmp_path / "recorder.json") == RECORDER


@pytest.mark.parametrize("content", ["", "{}", "[1]", '{"sources": 3}'])
def test_a_status_that_is_damaged_is_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "recorder.json").write_text(content)
    assert RecorderStatus.read(tmp_path / "recorder.json") is None


def test_requests_to_servers_that_an_edge_node_lacks_are_refused_with_what_to_do(tmp_path: Path) -> None:
    settings = Settings(edge=EdgeSettings(enabled=True))
    with pytest.raises(NodeError, match="no stream manager"):
        request_sys(Home(tmp_path), settings, "stream_manager", {}, timeout_s=1.0)
