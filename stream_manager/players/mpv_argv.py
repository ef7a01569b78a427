"""The command line of mpv. Pure: a track in, arguments out."""

from __future__ import annotations

from collections.abc import Sequence

from stream_manager.network.input_limits import mpv_limits
from stream_manager.network.probe_argv import CONNECT_TIMEOUT_S
from stream_manager.players.decoder_argv import LEAD_IN_S


def mpv_argv(
    source: str,
    media: str,
    *,
    channels: Sequence[int] | None = None,
    loop: bool = False,
    lead_in: bool = False,
    buffer_s: float = 100.0,
    timeout_s: float = CONNECT_TIMEOUT_S,
    playlist: int | None = None,
    follow: bool = True,
) -> list[str]:
    """mpv that plays `media` into ports `SOURCE:out_N`, each channel as it is.

    `channels` selects channels of `media`, in that order. No channel layout is remixed
    (`--jack-std-channel-layout=any`), and `pan=Nc` defines no layout, so nothing downstream remixes it either. Up to
    `buffer_s` seconds of a network stream are read ahead; a server that sends nothing for `timeout_s` has failed.
    `lead_in` adds LEAD_IN_S of silence at the beginning. With `playlist`, mpv reads the address from that descriptor.
    `follow` allows redirections.
    """
    filters = [f"adelay={LEAD_IN_S * 1000:.0f}:all=1"] if lead_in else []
    filters += [_selection(channels)] if channels is not None else []
    return [
        "mpv",
        *("--no-config", "--load-scripts=no", "--ytdl=no", "--osc=no", "--load-stats-overlay=no"),
        *("--load-auto-profiles=no", "--input-terminal=no", "--input-default-bindings=no"),
        *("--quiet", "--msg-level=all=warn,playlist=error,statusline=no"),
        *("--no-video", "--sid=no", "--audio-display=no", "--audio-file-auto=no", "--sub-auto=no"),
        *("--ao=jack", f"--jack-name={source}", "--jack-connect=no", "--jack-autostart=no"),
        *("--jack-std-channel-layout=any", "--audio-channels=auto", "--audio-buffer=1"),
        *("--volume=100", "--replaygain=no", "--audio-pitch-correction=no", "--gapless-audio=yes"),
        *("--demuxer=lavf", mpv_limits(media)),
        *(f"--cache-secs={buffer_s:g}", "--demuxer-max-bytes=64MiB", "--demuxer-max-back-bytes=0"),
        f"--network-timeout={timeout_s:g}",
        *(() if follow else ("--stream-lavf-o=max_redirects=0",)),
        *((f"--af=lavfi=[{','.join(filters)}]",) if filters else ()),
        *(("--loop-file=inf",) if loop else ()),
        *(("--", media) if playlist is None else (f"--playlist=fd://{playlist}",)),
    ]


def _selection(channels: Sequence[int]) -> str:
    chosen = "|".join(f"c{index}=c{channel}" for index, channel in enumerate(channels))
    return f"pan={len(channels)}c|{chosen}"
