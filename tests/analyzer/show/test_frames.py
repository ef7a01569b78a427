"""The frames of the window: their size, and that the classes are drawn where they are heard."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from numpy.typing import NDArray

from analyzer.files.recording import AnalyzedFile
from analyzer.files.report import FileDetection
from analyzer.show.frames import PAST_S, WIDTH, FrameDrawer, FrameLayout, color_of
from analyzer.show.rolling_spectrogram import COLUMNS_PER_S
from tidzam.results import Detection

pytest.importorskip("matplotlib")

START = datetime(2026, 5, 1, 6, 30, tzinfo=UTC)


def recording(channels: int) -> AnalyzedFile:
    return AnalyzedFile(44100, START, True, {f"pond:out_{number}": number for number in range(channels)})


def heard(start_s: float, end_s: float, channel: int, label: str = "owl") -> FileDetection:
    start, end = (START + timedelta(seconds=time_s) for time_s in (start_s, end_s))
    found = Detection("id", f"pond:out_{channel}", label, (label,), start, end, 0.9, 0.9, 3)
    return FileDetection.of(found, recording(4))


def frame(position_s: float, *found: FileDetection, channels: int = 2) -> NDArray[np.uint8]:
    """A frame of a silent recording."""
    drawer = FrameDrawer(recording(channels), iter([np.zeros((44100 * 40, channels), np.float32)]))
    pixels = np.frombuffer(drawer.frame(position_s, found), np.uint8)
    return pixels.reshape(drawer.layout.height, WIDTH, 3)


@pytest.mark.parametrize("channels", [1, 2, 4, 16])
def test_a_frame_has_the_size_that_the_player_is_given(channels: int) -> None:
    assert frame(0.0, channels=channels).shape[0] == FrameLayout(channels).height <= 950


def test_a_class_is_framed_while_it_is_heard() -> None:
    row = FrameLayout(2).top(1) + FrameLayout(2).row_height - 1
    columns = np.flatnonzero((frame(10.0, heard(8.0, 12.0, 1))[row] == color_of("owl")).all(axis=1))
    assert abs(columns[0] - (PAST_S - 2) * COLUMNS_PER_S) <= 2
    assert abs(columns[-1] - (PAST_S + 2) * COLUMNS_PER_S) <= 2


def test_a_class_is_framed_on_its_own_channel() -> None:
    top, bottom = FrameLayout(2).top(0), FrameLayout(2).top(1)
    assert not (frame(10.0, heard(8.0, 12.0, 1))[top:bottom] == color_of("owl")).all(axis=2).any()


@pytest.mark.parametrize("span", [(0.0, 1.0), (29.0, 31.0)])
def test_what_is_out_of_view_is_not_drawn(span: tuple[float, float]) -> None:
    assert not (frame(20.0, heard(*span, 0)) == color_of("owl")).all(axis=2).any()
