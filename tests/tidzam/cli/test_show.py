"""The output of `tidzam status` and `tidzam start`."""

from __future__ import annotations

import io
import os
import re
import subprocess
from pathlib import Path

import pytest
from rich.console import Console

from tests.support.names import ODD_NAMES
from tests.support.status import LIMITS, manager, node, servers, source, source_fault
from tidzam.cli.show import print_started, print_status
from tidzam.node.check import faults
from tidzam.node.status import NodeStatus, ProcessStatus, ServerHealth, SupervisorState
from tidzam.protocol.source_status import SourceRemark

STRAYS = (ProcessStatus("icecast2", "sleeping", 42, 9.0),)


def shown(status: NodeStatus) -> str:
    console = Console(width=160, no_color=True)
    with console.capture() as capture:
        print_status(console, status, faults(status, LIMITS))
    return capture.get()


@pytest.mark.parametrize(
    ("supervisor", "strays", "is_wanted", "expected"),
    [
        (SupervisorState.GONE, (), False, "is stopped. Start it:"),
        (SupervisorState.GONE, (), True, "is not running, although it was not stopped."),
        (SupervisorState.GONE, STRAYS, True, "is gone."),
        (SupervisorState.SILENT, STRAYS, True, "does not answer."),
    ],
)
def test_a_node_without_supervisord_is_called_stopped_only_if_it_was_stopped(
    supervisor: SupervisorState, strays: tuple[ProcessStatus, ...], is_wanted: bool, expected: str
) -> None:
    text = shown(node(supervisor=supervisor, processes=(), strays=strays, is_wanted=is_wanted))
    assert expected in text
    assert ("is stopped" in text) == (not strays and not is_wanted)
    assert ("icecast2" in text and "42" in text) == bool(strays)


def test_a_refused_source_is_named_with_its_reason() -> None:
    refused = source("bad", "failed", "rtmp://far is refused. Name an http, rtsp or icecast address.")
    status = node(
        manager=manager(source_fault("bad", f"Source bad has failed: {refused.last_error}"), sources=(refused,))
    )
    assert "Name an http, rtsp or icecast address." in shown(status)
    assert "✗ Source bad has failed" in shown(status)


def test_the_rate_and_the_band_of_a_source_are_shown() -> None:
    narrow = source().model_copy(update={"rate_hz": 8000, "band_hz": 4000, "remarks": (SourceRemark.LOW_SAMPLE_RATE,)})
    text = shown(node(manager=manager(sources=(narrow, source("creek").model_copy(update={"rate_hz": 48000})))))
    assert re.search(r"pond +playing +8 ", text)
    assert re.search(r"creek +playing +48 ", text)
    assert "! Source pond has a sample rate of 8000 Hz: it has no content above 4000 Hz." in text
    assert "healthy" in text
    assert "not healthy" not in text


def test_a_start_with_faults_reports_them() -> None:
    away = ServerHealth(None, ("Icecast does not answer.",))
    status = node(
        servers=servers(icecast=away), urls={"analyzer": "http://127.0.0.1:8001", "console": "http://127.0.0.1:8090"}
    )
    console = Console(width=160, no_color=True)
    with console.capture() as capture:
        print_started(console, status, faults(status, LIMITS), seconds=4.0)
    assert "✗ Icecast does not answer." in capture.get()
    assert "Started with faults in 4.0 s." in capture.get()


@pytest.mark.parametrize("name", ODD_NAMES)
def test_the_printed_command_can_be_pasted_for_any_name_of_the_home(name: str, tmp_path: Path) -> None:
    home = tmp_path / name
    console = Console(file=io.StringIO(), width=40)
    status = node(home=home, supervisor=SupervisorState.GONE, processes=(), is_wanted=False)
    print_status(console, status, ())
    assert isinstance(console.file, io.StringIO)
    _, _, hint = console.file.getvalue().rpartition("Start it: ")
    assert hint.strip("\n").isprintable()
    _, start, arguments = hint.partition("tidzam start ")
    printed = subprocess.run(["bash", "-c", f"printf '%s\\0' {arguments}"], stdout=subprocess.PIPE, check=True).stdout
    assert (start, printed.split(b"\0")[:2]) == ("tidzam start ", [b"--home", os.fsencode(home)])
