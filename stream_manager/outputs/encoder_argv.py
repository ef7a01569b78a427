"""The command lines of ffmpeg as an encoder for Icecast. Pure: settings in, arguments out."""

from __future__ import annotations

from collections.abc import Sequence

from tidzam.config.settings import IcecastSettings
from tidzam.naming import ICECAST_SUFFIX, output_client

PAGE_US = 250_000
"""The maximum duration of a page of Ogg, which listeners have to wait for."""


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
    match icecast.codec:
        case "vorbis":
            codec: tuple[str, ...] = ("-c:a", "libvorbis", *rate)
        case "opus":
            codec = ("-c:a", "libopus", *rate)
        case "flac":
            codec = ("-c:a", "flac", "-sample_fmt", "s16")
    return (*codec, "-page_duration", str(PAGE_US))
