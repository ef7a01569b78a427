"""Passes addresses with credentials to child processes by file descriptor, as any user can read command lines."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from stream_manager.network.probe_argv import is_rtsp, rtsp_options
from tidzam.addresses import is_address
from tidzam.scrub import scrub_address


def may_hold_credentials(media: str) -> bool:
    """Whether `media` is an address with a user, a password or another potential secret."""
    return is_address(media) and scrub_address(media) != media


@contextmanager
def text_descriptor(text: str) -> Iterator[int]:
    """A descriptor from which a child process can read `text`. Only processes of this user can read it."""
    number = os.memfd_create("tidzam", os.MFD_CLOEXEC)
    try:
        os.write(number, text.encode())
        os.lseek(number, 0, os.SEEK_SET)
        yield number
    finally:
        os.close(number)


def playlist_of(media: str) -> str:
    """`media` as a playlist of one line, which mpv and ffmpeg's `concatf` read."""
    return f"{media}\n"


def ffconcat_of(media: str, *, follow: bool = True) -> str:
    """`media` as a script for ffmpeg's demuxer `concat`; `follow` allows redirections."""
    options = rtsp_options() if is_rtsp(media) else []
    options += [] if follow else ["-max_redirects", "0"]
    pairs = zip(options[::2], options[1::2], strict=True)
    lines = [f"option {name.removeprefix('-')} {value}" for name, value in pairs]
    return "\n".join(["ffconcat version 1.0", f"file '{media.replace(chr(39), '%27')}'", *lines, ""])
