"""What is known of media before they are played."""

from __future__ import annotations

import pytest

from stream_manager.media import Media


@pytest.mark.parametrize(
    ("url", "duration_s", "has_own_clock"),
    [
        ("/pond.wav", 10.0, False),
        ("/pond.aac", None, False),
        ("http://host/pond.ogg", 10.0, False),
        ("http://host/pond", None, True),
        ("rtsp://host/pond", None, True),
        ("rtsp://host/pond.mp4", 10.0, True),
    ],
)
def test_files_wait_for_jack_and_streams_have_a_clock_of_their_own(
    url: str, duration_s: float | None, has_own_clock: bool
) -> None:
    assert Media(url, 30, 48000, duration_s).has_own_clock is has_own_clock
