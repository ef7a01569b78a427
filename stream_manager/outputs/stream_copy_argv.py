"""The command line of ffmpeg that copies a stream without decoding it. Pure: a track in, arguments out."""

from __future__ import annotations

from stream_manager.network.probe_argv import CONNECT_TIMEOUT_S
from stream_manager.outputs.encoder_argv import PAGE_US
from stream_manager.players.decoder_argv import input_options


def stream_copy_argv(
    media: str,
    *,
    loop: bool = False,
    paced: bool = False,
    timeout_s: float = CONNECT_TIMEOUT_S,
    script: int | None = None,
    follow: bool = True,
) -> list[str]:
    """ffmpeg that writes the first audio stream of `media` to its stdout as Ogg, as it is encoded.

    `paced` makes it read a file no faster than it plays. With `script`, it reads the address from that descriptor, as a
    script for ffmpeg's `concat`, which contains its own option for redirections; otherwise `follow` allows them. A
    server that sends nothing for `timeout_s` has failed.
    """
    return [
        *("ffmpeg", "-nostdin", "-hide_banner", "-loglevel", "warning", "-nostats"),
        *input_options(media, script, follow=follow, timeout_s=timeout_s),
        *(("-stream_loop", "-1") if loop else ()),
        *(("-re",) if paced else ()),
        *(("-i", media) if script is None else ("-f", "concat", "-safe", "0", "-i", f"pipe:{script}")),
        *("-map", "0:a:0", "-c:a", "copy", "-page_duration", str(PAGE_US)),
        *("-flush_packets", "1", "-f", "ogg", "pipe:1"),
    ]
