"""How ffmpeg copies a stream without decoding it, and at which pace. Pure: media in, arguments out."""

from __future__ import annotations

from stream_manager.media import Media
from stream_manager.network.probe_argv import CONNECT_TIMEOUT_S, is_rtsp
from stream_manager.outputs.encoder_argv import PAGE_US
from stream_manager.players.decoder_argv import input_options
from tidzam.addresses import is_address

UNKNOWN_LENGTH_RATE = 1.001
"""The pace of media of unknown length. They may be a file, or a stream whose clock is faster than that of this machine:
by at most 0.1 %, so that none of it accumulates on its server."""


def read_rate(media: Media) -> float | None:
    """How fast `media` may be read at most, in seconds of audio per second; None if its server always sets the pace.

    A server that states no length for a file sends it like a live stream, but as fast as it can.
    """
    if is_rtsp(media.url):
        return None
    is_known = media.duration_s is not None or not is_address(media.url)
    return 1.0 if is_known else UNKNOWN_LENGTH_RATE


def stream_copy_argv(
    media: str,
    *,
    loop: bool = False,
    rate: float | None = None,
    timeout_s: float = CONNECT_TIMEOUT_S,
    script: int | None = None,
    follow: bool = True,
) -> list[str]:
    """ffmpeg that writes the first audio stream of `media` to its stdout as Ogg, as it is encoded.

    It reads no faster than at `rate`, see `read_rate`. With `script`, it reads the address from that descriptor, as a
    script for ffmpeg's `concat`, which contains its own option for redirections; otherwise `follow` allows them. A
    server that sends nothing for `timeout_s` has failed.
    """
    return [
        *("ffmpeg", "-nostdin", "-hide_banner", "-loglevel", "warning", "-nostats"),
        *input_options(media, script, follow=follow, timeout_s=timeout_s),
        *(("-stream_loop", "-1") if loop else ()),
        *(() if rate is None else ("-readrate", f"{rate:g}")),
        *(("-i", media) if script is None else ("-f", "concat", "-safe", "0", "-i", f"pipe:{script}")),
        *("-map", "0:a:0", "-c:a", "copy", "-page_duration", str(PAGE_US)),
        *("-flush_packets", "1", "-f", "ogg", "pipe:1"),
    ]
