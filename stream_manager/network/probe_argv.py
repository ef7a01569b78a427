"""The command lines of ffprobe. Pure: an address in, arguments out."""

from __future__ import annotations

from stream_manager.network.input_limits import ffmpeg_limits, formats, protocols, scripted_limits
from tidzam.addresses import is_address, scheme_of

CONNECT_TIMEOUT_S = 10.0
PROBED_PACKETS = 4
"""The first packet of Vorbis decodes to nothing, and so may packets before the first complete one of a stream."""


def is_rtsp(media: str) -> bool:
    """Whether `media` is the address of an RTSP stream."""
    return is_address(media) and scheme_of(media) in ("rtsp", "rtsps")


def rtsp_options(timeout_s: float = CONNECT_TIMEOUT_S) -> list[str]:
    """RTSP over TCP, as mpv does: a firewall that drops UDP would be noticed only after the time-out."""
    return ["-rtsp_transport", "tcp", "-timeout", f"{timeout_s * 1_000_000:.0f}"]


def probe_argv(
    media: str, *, script: int | None = None, follow: bool = True, timeout_s: float = CONNECT_TIMEOUT_S
) -> list[str]:
    """ffprobe that prints the first audio stream of `media`, and its first frame that can be decoded, as JSON.

    With `script`, it reads the address from that descriptor, as a script for ffmpeg's `concat`, and reports no
    duration. `follow` allows redirections; a script contains its own option for that. A server that sends nothing for
    `timeout_s` has failed.
    """
    is_web = scheme_of(media) in ("http", "https") and script is None
    return [
        "ffprobe",
        *("-v", "error"),
        *(ffmpeg_limits(media) if script is None else scripted_limits(media)),
        *(("-rw_timeout", f"{timeout_s * 1_000_000:.0f}") if is_web else ()),
        *(() if follow or not is_web else ("-max_redirects", "0")),
        *(rtsp_options(timeout_s) if is_rtsp(media) and script is None else ()),
        *("-select_streams", "a:0"),
        *("-show_entries", "stream=channels,sample_rate:format=duration:frame=nb_samples"),
        *("-read_intervals", f"%+#{PROBED_PACKETS}"),
        *("-of", "json"),
        *(("-i", media) if script is None else ("-f", "concat", "-safe", "0", "-i", f"pipe:{script}")),
    ]


def duration_argv(media: str, playlist: int) -> list[str]:
    """ffprobe that prints the duration of the address `media` in the descriptor `playlist`, as JSON.

    It fails for a stream without an end, and for a segmented stream such as HLS.
    """
    return [
        "ffprobe",
        *("-v", "error"),
        *("-protocol_whitelist", f"concatf,pipe,{protocols(media)}", "-format_whitelist", formats(media)),
        *("-show_entries", "format=duration"),
        *("-of", "json"),
        *("-i", f"concatf:pipe:{playlist}"),
    ]
