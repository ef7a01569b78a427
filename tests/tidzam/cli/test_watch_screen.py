"""The screens of `tidzam watch`, compared with snapshots."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import status
from tests.support.snapshots import as_text, assert_matches
from tests.tidzam.cli.test_watch import analysis, detection
from tidzam.cli.watch import WatchState, screen

SNAPSHOTS = Path(__file__).parent / "snapshots"
HEALTH = status.analyzer(
    classifiers=("selector", "frogs"),
    channels=("pond:out_0", "creek:out_0", "old-phone:out_0"),
    lag_s=0.041,
    windows_per_s=8.0,
    rate_hz=44100,
    classifier_errors={"frogs": 2},
)


def listening() -> WatchState:
    unknown = {"result": ("unknown",), "paths": (("unknown",),)}
    rows = (
        analysis(),
        analysis("creek:out_0", **unknown, predictions={"wind": 0.4, "rain": 0.2}, level_dbfs=-2.0),
        analysis("old-phone:out_0", **unknown, predictions={}, state="band_limited", left_out=("selector",)),
    )
    state = WatchState(channels={row.channel: row for row in rows}, health=HEALTH, connected=True)
    for event in (detection("a", "start", 1.0), detection("b", "end", 2.5), detection("a", "update", 4.0)):
        state.add_detection(event)
    return state


STATES = {
    "listening": listening(),
    "waiting": WatchState(connected=True),
    "away": WatchState(),
    "refused": WatchState(refused=True),
}


@pytest.mark.parametrize("name", STATES)
def test_the_screen_is_as_it_was(name: str) -> None:
    text = as_text(screen(STATES[name], height=24), width=110, height=24)
    assert_matches(SNAPSHOTS / f"watch-{name}.txt", text)
