"""The command lines of mpv, ffmpeg and ffprobe. Pure: settings in, arguments out."""

from __future__ import annotations

from collections.abc import Sequence

from stream_manager.network.input_limits import ffmpeg_limits, formats, mpv_limits, protocols, scripted_limits
from tidzam.addresses import is_address, scheme_of
from tidzam.config.settings import IcecastSettings
from tidzam.naming import ICECAST_SUFFIX, output_client

CONNECT_TIMEOUT_S = 10.0
PROBED_PACKETS = 4
"""The first packet of Vorbis decodes to nothing, and so may packets before the first complete one of a stream."""

LEAD_IN_S = 0.5
"""Silence before media that ends, so that its clients are connected when the audio begins."""

PAGE_US = 250_000
"""The maximum duration of a page of Ogg, which listeners have to wait for."""


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


def encoder_argv(source: str, pipes: Sequence[int], icecast: IcecastSettings) -> list[str]:
    """One ffmpeg with a JACK port for each of `pipes`, which writes each as mono Ogg to that descriptor."""
    argv = ["ffmpeg", "-nostdin", "-hide_banner", "-loglevel", "warning", "-nostats"]
    client = output_client(source, ICECAST_SUFFIX)
    argv += ["-f", "jack", "-channels", str(len(pipes)), "-thread_queue_size", "512", "-i", client]
    for channel, pipe in enumerate(pipes):
        argv += [
            *("-map", "0:a", "-af", f"pan=mono|c0=c{channel}"),
            *encoding_options(icecast),
            *("-flush_packets", "1", "-f", "ogg", f"pipe:{pipe}"),
        ]
    return argv


def silence_argv(icecast: IcecastSettings, rate_hz: int) -> list[str]:
    """ffmpeg that writes a moment of silence to its stdout, encoded like the channels of `encoder_argv`."""
    return [
        *("ffmpeg", "-nostdin", "-hide_banner", "-loglevel", "warning", "-nostats"),
        *("-f", "lavfi", "-i", f"anullsrc=r={rate_hz}:cl=mono", "-t", "0.1"),
        *encoding_options(icecast),
        *("-f", "ogg", "pipe:1"),
    ]


def encoding_options(icecast: IcecastSettings) -> tuple[str, ...]:
    """The options of ffmpeg that encode one channel for its mount."""
    rate = ("-b:a", f"{icecast.bitrate_kbps}k")
    match icecast.format:
        case "vorbis":
            codec: tuple[str, ...] = ("-c:a", "libvorbis", *rate)
        case "opus":
            codec = ("-c:a", "libopus", *rate)
        case "flac":
            codec = ("-c:a", "flac", "-sample_fmt", "s16")
    return (*codec, "-page_duration", str(PAGE_US))
