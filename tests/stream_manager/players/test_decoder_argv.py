"""The command line of ffmpeg as a decoder."""

from __future__ import annotations

import pytest

from stream_manager.network.input_limits import ffmpeg_limits, scripted_limits
from stream_manager.players.decoder_argv import decoder_argv

BEGIN = "ffmpeg -nostdin -hide_banner -loglevel warning -nostats"
LIMITS = {
    "FILE": ffmpeg_limits("/pond.wav"),
    "WEB": ffmpeg_limits("http://host/pond"),
    "RTSP": ffmpeg_limits("rtsp://host/pond"),
    "SCRIPT": scripted_limits("http://host/pond"),
}
"""What stands for the options of the protocols and formats."""
OUTPUT = "-c:a pcm_f32le -f f32le -flush_packets 1 pipe:7"


@pytest.mark.parametrize(
    ("media", "options", "expected"),
    [
        ("/pond.opus", {"lead_in": True}, "FILE -i /pond.opus | -af adelay=500:all=1 -ar 48000"),
        (
            "/pond.wav",
            {"channels": (9, 0), "loop": True},
            "FILE -stream_loop -1 -i /pond.wav | -af pan=2c|c0=c9|c1=c0 -ar 48000",
        ),
        (
            "http://host/pond",
            {"follow": False, "changes": False},
            "WEB -rw_timeout 10000000 -max_redirects 0 -reinit_filter 0 -i http://host/pond | -ar 48000",
        ),
        (
            "rtsp://host/pond",
            {},
            "RTSP -rtsp_transport tcp -timeout 10000000 -i rtsp://host/pond | -ar 48000",
        ),
        (
            "http://user:password@host/pond",
            {"script": 5},
            "SCRIPT -f concat -safe 0 -i pipe:5 | -ar 48000",
        ),
    ],
)
def test_what_is_decoded_and_how(media: str, options: dict[str, object], expected: str) -> None:
    for word, limits in LIMITS.items():
        expected = expected.replace(f"{word} ", f"{' '.join(limits)} ")
    input_options, _, output_options = expected.partition(" | ")
    argv = decoder_argv(media, 7, rate_hz=48000, **options)  # type: ignore[arg-type]
    assert " ".join(argv) == f"{BEGIN} {input_options} -map 0:a:0 -vn -sn -dn {output_options} {OUTPUT}"
