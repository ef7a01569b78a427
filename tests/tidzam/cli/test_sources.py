"""`tidzam sources`: what it prints."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from rich.console import Console
from rich.table import Table
from typer.testing import CliRunner

from tests.support.gap_clock import NOON, SetClock
from tests.support.status import source
from tidzam.audio.alsa import AlsaDevice
from tidzam.cli.source_tables import (
    device_profile,
    heard_table,
    jack_table,
    output_faults,
    source_faults,
    sources_table,
)
from tidzam.cli.sources import app
from tidzam.cli.tables import duration
from tidzam.config import load_settings
from tidzam.gaps import GapLedger, GapReason
from tidzam.gaps.heard import Heard
from tidzam.gaps.report import DayReport
from tidzam.node.jackd import jackd_argv
from tidzam.protocol.source_status import GapStatus

DAY = date(2026, 11, 27)


def printed(table: Table) -> list[str]:
    console = Console(width=120, no_color=True)
    with console.capture() as capture:
        console.print(table)
    return [line.rstrip() for line in capture.get().splitlines()]


@pytest.mark.parametrize(("seconds", "text"), [(0.44, "0.4 s"), (95.2, "95 s"), (210, "3.5 min"), (44_280, "12.3 h")])
def test_lengths_of_time_are_readable(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_the_minutes_heard_and_the_reasons_of_the_others_are_shown() -> None:
    rows = (
        Heard("pond:out_0", DAY, 3600, 3500, {GapReason.SOURCE_DOWN: 99, GapReason.XRUN: 1}),
        Heard("pond:out_1", DAY, 3600, 3600, {}),
    )
    title, header, first, second = printed(heard_table(DayReport(DAY, datetime(2026, 11, 28, tzinfo=UTC), rows, 0)))
    assert title == "Minutes heard on 2026-11-27 (UTC)"
    assert header.split() == ["channel", "loaded", "heard", "missing"]
    assert first.split() == [
        "pond:out_0",
        "60.0",
        "58.3",
        "97.22",
        "%",
        "source",
        "down",
        "99",
        "s,",
        "xrun",
        "1.0",
        "s",
    ]
    assert second.split() == ["pond:out_1", "60.0", "60.0", "100", "%"]


def test_a_day_that_is_not_over_says_until_when_it_is_known() -> None:
    report = DayReport(DAY, datetime(2026, 11, 27, 8, 30, tzinfo=UTC), (), 0)
    assert printed(heard_table(report))[0].endswith("(UTC) until 08:30")


def test_almost_all_is_not_all() -> None:
    row = Heard("pond:out_0", DAY, 86400, 86399.9, {GapReason.XRUN: 0.1})
    assert "99.99 %" in printed(heard_table(DayReport(DAY, NOON, (row,), 0)))[-1]


def test_the_gaps_of_sources_are_shown() -> None:
    over = GapStatus(reason=GapReason.NETWORK, start=NOON, end=NOON + timedelta(seconds=4))
    lasting = GapStatus(reason=GapReason.SOURCE_DOWN, start=NOON)
    pond = source().model_copy(update={"gaps": 3, "gap_s": 7.5, "last_gap": over})
    lake = source("lake", "failed", "it cannot be opened.").model_copy(update={"gap_s": 300.0, "last_gap": lasting})
    lines = printed(sources_table([pond, lake]))
    assert lines[2].split() == ["pond", "playing", "1", "0", "3", "7.5", "s", "network", "12:30:00,", "4.0", "s"]
    assert lines[3].split() == ["lake", "failed", "1", "0", "0", "5.0", "min", "source", "down", "since", "12:30:00"]
    assert source_faults([pond, lake]) == ["Source lake has failed: it cannot be opened."]


def test_a_source_that_plays_without_its_mounts_is_no_source_without_audio() -> None:
    pond = source().model_copy(update={"ok": False})
    assert source_faults([pond]) == []
    assert output_faults([pond]) == [
        "Source pond plays, but lacks an output, such as a mount. `tidzam status` names it."
    ]


def test_the_profile_that_is_printed_for_a_device_is_valid(tmp_path: Path) -> None:
    profile = tmp_path / "profile.yaml"
    webcam = AlsaDevice("C930e", 1, 0, "Webcam", "USB Audio", (1, 2), ("16000", "44100"))
    profile.write_text(device_profile(webcam), encoding="utf-8")
    settings = load_settings(profile)
    assert jackd_argv(settings.jack)[-4:] == ["-r44100", "-p2048", "-dhw:C930e", "-Chw:C930e"]
    assert settings.sources[0].player_name == "input"


def test_a_server_that_captures_nothing_is_named() -> None:
    assert printed(jack_table(()))[-1] == "none"


def test_what_was_heard_is_printed_of_a_node_that_is_not_running(tmp_path: Path) -> None:
    clock = SetClock()
    ledger = GapLedger(tmp_path / "gaps", writer="stream_manager", clock=clock)
    ledger.load("pond", 1)
    clock.pass_s(600)
    ledger.add("pond", GapReason.NETWORK, 60)
    ledger.close(keep=False)
    words = ["heard", "--day", f"{NOON.date()}", "--home", str(tmp_path)]
    table = CliRunner().invoke(app, words)
    assert table.exit_code == 0
    assert "network 60 s" in table.output
    content = json.loads(CliRunner().invoke(app, [*words, "--json"]).output)
    assert content["channels"] == [
        {"channel": "pond:out_0", "loaded_s": 600, "heard_s": 540, "missing_s": {"network": 60}}
    ]


def test_a_day_without_records_says_which_days_have_some(tmp_path: Path) -> None:
    GapLedger(tmp_path / "gaps", writer="stream_manager").load("pond", 1)
    (tmp_path / "gaps" / "2026-11-01.jsonl").touch()
    words = ["heard", "--day", "2020-01-01", "--home", str(tmp_path)]
    assert "from 2026-11-01 to 2026-11-01" in CliRunner().invoke(app, words).output


def test_a_day_that_is_none_is_wrong_usage(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["heard", "--day", "yesterday", "--home", str(tmp_path)])
    assert result.exit_code == 2
    assert "is not a day" in result.output


def test_the_devices_are_listed_on_an_edge_node(tmp_path: Path) -> None:
    (tmp_path / "profile.yaml").write_text("edge: {enabled: true}\n")
    result = CliRunner().invoke(app, ["devices", "--home", str(tmp_path)])
    assert result.exit_code == 0
    assert "An edge node has no JACK ports" in result.output


def test_the_profile_of_an_edge_node_names_the_device_in_its_source(tmp_path: Path) -> None:
    webcam = AlsaDevice("C930e", 1, 0, "Webcam", "USB Audio", (1, 2), ("16000", "44100"))
    (tmp_path / "edge.yaml").write_text("edge: {enabled: true}\n" + device_profile(webcam, edge=True))
    (source,) = load_settings(tmp_path / "edge.yaml").sources
    assert source.input is not None
    assert (source.input.device, source.input.rate_hz) == ("plughw:C930e", 44100)


def test_the_devices_are_listed_without_a_node(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["devices", "--home", str(tmp_path)])
    assert result.exit_code == 0
    assert "ALSA device" in result.output
    assert "not running" in result.output
