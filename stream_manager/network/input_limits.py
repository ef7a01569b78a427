"""What mpv and ffmpeg may open for a file or an address: protocols and formats. Pure.

Whatever is loaded may refer to something else: HLS, DASH, a script of ffmpeg's `concat`. A stream may refer to other
addresses, but not to a file; a file may refer to nothing.
"""

from __future__ import annotations

from stream_manager.network.guarded_url import is_guarded
from tidzam.addresses import is_address, scheme_of

WEB_PROTOCOLS = "http,https,httpproxy,tcp,tls,crypto"
"""The protocols that ffmpeg may open for an address on the web. `httpproxy` is https by way of a proxy."""

GUARDED_PROTOCOLS = "http,tcp,crypto"
"""The protocols that ffmpeg may open by way of the guard proxy."""

RTSP_PROTOCOLS = "rtsp,rtsps,rtp,udp,tcp,tls"
"""The protocols that ffmpeg may open for an address of RTSP."""

FORMATS = (
    "aac,ac3,adx,aiff,amr,ape,asf,asf_o,au,avi,caf,dsf,dts,dtshd,eac3,flac,flv,iff,ircam,loas,matroska,mlp,mmf,mov,mp3,"
    "mpc,mpc8,mpeg,mpegts,mxf,nistsphere,nut,ogg,oma,pvf,qcp,rm,rso,shn,sox,tak,truehd,tta,voc,w64,wav,wtv,wv,xwma"
)
"""The formats of a file: those that hold audio, and name no other file or address."""

GUARDED_FORMATS = f"{FORMATS},hls,live_flv,webvtt"
"""The formats by way of the guard proxy, which understands the lists of HLS alone."""

STREAM_FORMATS = f"{FORMATS},dash,hls,live_flv,rtsp,webvtt"
"""The formats at an address, which may name other addresses."""


def protocols(media: str) -> str:
    """The protocols that may be opened for `media`, a file or an address."""
    if not is_address(media):
        return "file"
    if is_guarded(media):
        return GUARDED_PROTOCOLS
    return WEB_PROTOCOLS if scheme_of(media) in ("http", "https") else RTSP_PROTOCOLS


def formats(media: str) -> str:
    """The formats of which `media`, a file or an address, may be."""
    if not is_address(media):
        return FORMATS
    return GUARDED_FORMATS if is_guarded(media) else STREAM_FORMATS


def ffmpeg_limits(media: str) -> list[str]:
    """The options of ffmpeg and ffprobe that precede `-i` and `media`."""
    return ["-protocol_whitelist", protocols(media), "-format_whitelist", formats(media)]


def scripted_limits(media: str) -> list[str]:
    """The options of ffprobe that precede a script for `concat` in a descriptor, which names `media`."""
    return ["-protocol_whitelist", f"pipe,{protocols(media)}", "-format_whitelist", f"concat,{formats(media)}"]


def mpv_limits(media: str) -> str:
    """The option of mpv that has the same effect."""
    return f"--demuxer-lavf-o=protocol_whitelist=[{protocols(media)}],format_whitelist=[{formats(media)}]"
