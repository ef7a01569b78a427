"""What is known of the present, and what has changed since a version."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from console.live.models import LiveChannel
from console.live.state import EVENTS_AWAY, MOST_DETECTIONS, LiveState
from console.services.node_state import Answer, NodeView, node_view
from tests.support.console_server import analyzer_health, manager_health, source
from tests.support.live_events import NOW, PORT, analysis, detection


class Stopwatch:
    """A clock in seconds that a test moves."""

    def __init__(self) -> None:
        self.time_s = 100.0

    def __call__(self) -> float:
        return self.time_s


def view(*, manager: bool = True, analyzer: bool = True, **changes: Any) -> NodeView:
    health = manager_health()
    health.detail["sources"][0] |= changes
    answers = [
        Answer.model_validate(found, from_attributes=True) if is_there else None
        for found, is_there in ((health, manager), (analyzer_health(), analyzer))
    ]
    return node_view("marsh", *answers, now=NOW)


@pytest.fixture
def clock() -> Stopwatch:
    return Stopwatch()


@pytest.fixture
def state(clock: Stopwatch) -> LiveState:
    made = LiveState(view(), clock=clock)
    made.set_connected(True)
    return made


def channel(state: LiveState, port: str = PORT) -> LiveChannel:
    (found,) = [one for one in state.update(-1, NOW).channels if one.port == port]
    return found


def test_the_likeliest_classes_come_first_without_parents_of_detected_ones(state: LiveState) -> None:
    state.add_analysis(analysis())
    found = [(one.name, one.probability, one.is_detected) for one in channel(state).classes]
    assert found == [("wren", 0.8, True), ("frogs", 0.05, False), ("rain", 0.04, False), ("wind", 0.01, False)]


def test_the_level_is_that_of_the_window_and_else_what_the_stream_manager_measured(state: LiveState) -> None:
    assert channel(state).level_dbfs == -24.0
    state.add_analysis(analysis())
    assert channel(state).level_dbfs == -31.5


def test_an_update_has_only_what_changed_since(state: LiveState) -> None:
    state.add_analysis(analysis())
    state.add_detection(detection())
    seen = state.version
    state.add_analysis(analysis("wetland:out_1"))
    update = state.update(seen, NOW)
    assert [one.port for one in update.channels] == ["wetland:out_1"]
    assert update.detections == ()


def test_what_is_not_recent_is_forgotten(state: LiveState, clock: Stopwatch) -> None:
    state.add_analysis(analysis())
    seen = state.version
    clock.time_s += 9
    state.set_node(view())
    assert channel(state).classes
    clock.time_s += 2
    state.set_node(view())
    assert channel(state).classes == ()
    assert PORT in [one.port for one in state.update(seen, NOW).channels]


def test_long_windows_are_recent_for_longer(state: LiveState, clock: Stopwatch) -> None:
    state.add_analysis(analysis(window_s=5))
    clock.time_s += 14
    state.set_node(view())
    assert channel(state).classes


def test_without_the_analyzer_nothing_is_claimed_and_it_is_said(state: LiveState) -> None:
    state.add_analysis(analysis())
    state.set_connected(False)
    state.set_node(view(analyzer=False))
    assert channel(state).classes == ()
    assert "The analyzer does not answer. See `tidzam status`." in state.remarks


def test_an_analyzer_that_answers_and_sends_no_events_is_said(clock: Stopwatch) -> None:
    well = view().model_copy(update={"programs": ()})
    assert LiveState(well, clock=clock).remarks == (EVENTS_AWAY,)


def test_a_detection_goes_on_as_the_same_one(state: LiveState) -> None:
    state.add_detection(detection())
    state.add_detection(detection(state="end", end=NOW + timedelta(seconds=7), peak_probability=0.97))
    (found,) = state.detections()
    assert (found.is_open, found.end, found.probability) == (False, NOW + timedelta(seconds=7), 0.97)


def test_silence_is_no_detection(state: LiveState) -> None:
    state.add_detection(detection(path=("silence",)))
    assert state.detections() == ()


def test_only_the_last_detections_are_kept(state: LiveState) -> None:
    for number in range(MOST_DETECTIONS + 5):
        state.add_detection(detection(number))
    starts = [one.start for one in state.detections()]
    assert (len(starts), starts[-1]) == (MOST_DETECTIONS, NOW + timedelta(seconds=MOST_DETECTIONS + 4))


def test_an_update_is_made_while_more_is_heard(state: LiveState) -> None:
    """A thread makes it; events that arrive meanwhile must not disturb it."""

    class Busy(int):
        """A version during whose comparison another event arrives."""

        def __lt__(self, version: int) -> bool:
            number = state.version
            state.add_analysis(analysis(f"creek:out_{number}"))
            state.add_detection(detection(number))
            return int(self) < version

    state.add_analysis(analysis())
    state.add_detection(detection())
    update = state.update(Busy(-1), NOW)
    assert PORT in [one.port for one in update.channels]
    assert len(update.detections) == 1


def test_channels_that_only_the_analyzer_reports_are_shown(clock: Stopwatch) -> None:
    state = LiveState(view(manager=False), clock=clock)
    state.add_analysis(analysis("creek:out_3"))
    found = [(one.name, channel.port, channel.name) for one in state.sources for channel in one.channels]
    assert found == [("creek", "creek:out_3", "3")]


def test_the_layout_changes_with_the_state_of_a_source_and_not_with_levels(state: LiveState) -> None:
    before = state.layout
    louder = source("wetland", 4)["signals"]
    louder[0]["level_dbfs"] = -3.0
    state.set_node(view(signals=louder))
    assert state.layout == before
    assert channel(state).level_dbfs == -3.0
    state.set_node(view(state="silent"))
    assert state.layout != before


def test_a_channel_is_heard_at_its_mount(clock: Stopwatch) -> None:
    mounts = ["http://127.0.0.1:8000/wetland-out_0.ogg", "http://127.0.0.1:8000/wetland-out_1.ogg"]
    state = LiveState(view(mounts=mounts), clock=clock)
    found = [one.mount for one in state.sources[0].channels]
    assert found == ["wetland-out_0.ogg", "wetland-out_1.ogg", None, None]


def test_a_source_that_is_only_passed_on_is_heard_as_a_whole(clock: Stopwatch) -> None:
    copied: dict[str, Any] = {"ports": [], "channel_names": [], "mounts": ["http://127.0.0.1:8000/wetland.ogg"]}
    state = LiveState(view(**copied), clock=clock)
    assert [(one.name, one.mount) for one in state.sources[0].channels] == [("all", "wetland.ogg")]
