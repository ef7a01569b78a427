"""The command line of ffmpeg as a decoder. Pure: a track in, arguments out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from stream_manager.network.input_limits import ffmpeg_limits, scripted_limits
from stream_manager.network.probe_argv import CONNECT_TIMEOUT_S, is_rtsp, rtsp_options
from tidzam.addresses import is_address, scheme_of

LEAD_IN_S: Final = 0.5
"""Silence before media that ends, so that its clients are connected when the audio begins."""


def decoder_argv(
    media: str,
    output: int,
    *,
    rate_hz: int,
    channels: Sequence[int] | None = None,
    loop: bool = False,
    lead_in: bool = False,
    timeout_s: float = CONNECT_TIMEOUT_S,
    script: int | None = None,
    follow: bool = True,
    changes: bool = True,
) -> list[str]:
    """ffmpeg that decodes `media` to interleaved float32 at `rate_hz` in the descriptor `output`.

    `channels` selects channels of `media`, in that order; no layout is remixed. `lead_in` adds LEAD_IN_S of silence at
    the beginning. With `script`, the address is read from that descriptor, as a script for ffmpeg's `concat`, which
    contains its own option for redirections; otherwise `follow` allows them. A server that sends nothing for
    `timeout_s` has failed. Without `changes`, ffmpeg ends when the format of the audio changes; with them, it converts
    what follows to the first number of channels.
    """
    filters = [f"adelay={LEAD_IN_S * 1000:.0f}:all=1"] if lead_in else []
    filters += [_selection(channels)] if channels is not None else []
    return [
        *("ffmpeg", "-nostdin", "-hide_banner", "-loglevel", "warning", "-nostats"),
        *input_options(media, script, follow=follow, timeout_s=timeout_s),
        *(() if changes else ("-reinit_filter", "0")),
        *(("-stream_loop", "-1") if loop else ()),
        *(("-i", media) if script is None else ("-f", "concat", "-safe", "0", "-i", f"pipe:{script}")),
        *("-map", "0:a:0", "-vn", "-sn", "-dn"),
        *(("-af", ",".join(filters)) if filters else ()),
        *("-ar", str(rate_hz), "-c:a", "pcm_f32le", "-f", "f32le", "-flush_packets", "1", f"pipe:{output}"),
    ]


def input_options(media: str, script: int | None, *, follow: bool, timeout_s: float) -> list[str]:
    """The options of the protocols and formats that `media` may use."""
    if not is_address(media):
        return ffmpeg_limits(media)
    if script is not None:
        return scripted_limits(media)
    options = ffmpeg_limits(media)
    if scheme_of(media) in ("http", "https"):
        options += ["-rw_timeout", f"{timeout_s * 1_000_000:.0f}"]
        options += [] if follow else ["-max_redirects", "0"]
    return [*options, *(rtsp_options(timeout_s) if is_rtsp(media) else ())]


def _selection(channels: Sequence[int]) -> str:
    """The filter that selects channels; `Nc` defines no layout, so that nothing is remixed."""
    chosen = "|".join(f"c{index}=c{channel}" for index, channel in enumerate(channels))
    return f"pan={len(channels)}c|{chosen}"
