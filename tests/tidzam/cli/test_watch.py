"""The live view: what it shows of the events that it receives."""

from __future__ import annotations

import gc
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from tests.support import status
from tests.support.server import TOKEN, serving
from tidzam.cli.watch import METER_WIDTH, WatchState, _watch, meter, screen, watch
from tidzam.config.settings import AccessSettings
from tidzam.errors import NodeError
from tidzam.protocol.analyzer import AnalysisEvent, DetectionEvent

START = datetime(2026, 5, 1, 6, 30, tzinfo=UTC)


def analysis(channel: str = "pond:out_0", **changes: Any) -> AnalysisEvent:
    values: dict[str, Any] = {
        "source": "pond",
        "channel": channel,
        "start": START,
        "end": START + timedelta(seconds=1),
        "result": ("frogs-peeper",),
        "paths": (("frogs", "frogs-peeper"),),
        "predictions": {"frogs": 0.97, "frogs-peeper": 0.95, "rain": 0.2, "wind": 0.1},
        "level_dbfs": -31.4,
        "gap_frames": 0,
    }
    return AnalysisEvent(**{**values, **changes})


def detection(identity: str, state: str, length_s: float) -> DetectionEvent:
    return DetectionEvent.model_validate(
        {
            "state": state,
            "id": identity,
            "source": "pond",
            "channel": "pond:out_0",
            "path": ("frogs", "frogs-peeper"),
            "start": START,
            "end": START + timedelta(seconds=length_s),
            "peak_probability": 0.97,
            "mean_probability": 0.9,
            "windows": 3,
        }
    )


def shown(view: WatchState) -> str:
    console = Console(width=140, height=40, record=True)
    with console.capture() as capture:
        console.print(screen(view, height=40))
    return capture.get()


def test_a_channel_shows_its_level_its_result_and_its_likeliest_classes() -> None:
    text = shown(WatchState(channels={"pond:out_0": analysis()}, connected=True))
    assert "pond:out_0" in text
    assert "-31" in text
    assert "frogs 0.97  frogs-peeper 0.95  rain 0.20" in text
    assert "wind" not in text


def test_a_channel_whose_source_lacks_the_band_is_called_band_limited_not_unknown() -> None:
    narrow = analysis(
        result=("unknown",), paths=(("unknown",),), predictions={}, state="band_limited", left_out=("selector",)
    )
    text = shown(WatchState(channels={"pond:out_0": narrow}, connected=True))
    assert "band limited" in text
    assert "its source lacks the band for selector" in text
    assert "unknown" not in text


def test_a_channel_without_a_result_names_the_classifier_that_failed() -> None:
    failed = analysis(result=("unknown",), paths=(("unknown",),), predictions={}, left_out=("selector",))
    text = shown(WatchState(channels={"pond:out_0": failed}, connected=True))
    assert "unknown" in text
    assert "no result from selector" in text


def test_an_update_takes_the_place_of_its_detection() -> None:
    view = WatchState(connected=True)
    for event in (detection("a", "start", 1.0), detection("b", "start", 1.0), detection("a", "end", 2.5)):
        view.add_detection(event)
    assert [event.id for event in view.detections] == ["b", "a"]
    assert "2.5 s" in shown(view)
    assert "frogs > frogs-peeper" in shown(view)


@pytest.mark.parametrize(
    ("level_dbfs", "filled"), [(-200.0, 0), (-72.0, 0), (-36.0, METER_WIDTH // 2), (0.0, METER_WIDTH)]
)
def test_the_meter_is_linear_in_decibels(level_dbfs: float, filled: int) -> None:
    assert meter(level_dbfs).plain.count("█") == filled


def test_a_lost_analyzer_is_reported() -> None:
    assert "the analyzer does not answer" in shown(WatchState())


def test_the_health_is_shown() -> None:
    assert "lag 41 ms" in shown(WatchState(health=status.analyzer(lag_s=0.041), connected=True))


@pytest.mark.parametrize(("token", "connected"), [(TOKEN, True), ("wrong" * 5, False), (None, False)])
async def test_watching_uses_the_token_and_reports_a_wrong_one(
    token: str | None, connected: bool, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    view = WatchState()
    async with serving(settings=AccessSettings(listen="token")) as place:
        await _watch(view, place.url, token, 1.0)
    gc.collect()
    assert view.connected is connected
    assert ("requires its token" in capsys.readouterr().out) is not connected
    assert "exception" not in caplog.text


def test_an_edge_node_names_the_file_of_the_day(tmp_path: Path) -> None:
    (tmp_path / "profile.yaml").write_text("edge: {enabled: true}\n")
    with pytest.raises(NodeError) as raised:
        watch(tmp_path)
    assert re.search(r"/detections-\d{4}-\d\d-\d\d\.csv", str(raised.value.hint))
