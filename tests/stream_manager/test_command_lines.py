"""The command lines, word by word."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from stream_manager.media import Media
from stream_manager.network.input_limits import FORMATS
from stream_manager.network.probe_argv import probe_argv
from stream_manager.outputs.encoder_argv import encoder_argv, silence_argv
from stream_manager.outputs.stream_copy_argv import read_rate, stream_copy_argv
from stream_manager.players.mpv_argv import mpv_argv
from tidzam.config.settings import IcecastSettings

GOLDEN_MPV = """\
mpv --no-config --load-scripts=no --ytdl=no --osc=no --load-stats-overlay=no \
--load-auto-profiles=no --input-terminal=no --input-default-bindings=no --quiet \
--msg-level=all=warn,playlist=error,statusline=no \
--no-video --sid=no --audio-display=no --audio-file-auto=no --sub-auto=no --ao=jack --jack-name=pond \
--jack-connect=no --jack-autostart=no --jack-std-channel-layout=any --audio-channels=auto --audio-buffer=1 \
--volume=100 --replaygain=no --audio-pitch-correction=no --gapless-audio=yes --demuxer=lavf \
--demuxer-lavf-o=protocol_whitelist=[file],format_whitelist=[FORMATS] --cache-secs=100 \
--demuxer-max-bytes=64MiB --demuxer-max-back-bytes=0 \
--network-timeout=10 \
--af=lavfi=[pan=2c|c0=c3|c1=c0] --loop-file=inf -- /sounds/pond.flac"""

GOLDEN_ENCODER = """\
ffmpeg -nostdin -hide_banner -loglevel warning -nostats -f jack -channels 2 -thread_queue_size 512 -i pond-ice \
-map 0:a -af pan=mono|c0=c0 -c:a libvorbis -b:a 96k -page_duration 250000 -flush_packets 1 \
-f ogg pipe:7 \
-map 0:a -af pan=mono|c0=c1 -c:a libvorbis -b:a 96k -page_duration 250000 -flush_packets 1 \
-f ogg pipe:9"""

GOLDEN_COPY = """\
ffmpeg -nostdin -hide_banner -loglevel warning -nostats -protocol_whitelist file \
-format_whitelist FORMATS -stream_loop -1 -readrate 1 \
-i /sounds/pond.opus -map 0:a:0 -c:a copy -page_duration 250000 -flush_packets 1 -f ogg pipe:1"""


def test_the_mpv_command_line() -> None:
    argv = " ".join(mpv_argv("pond", "/sounds/pond.flac", channels=[3, 0], loop=True))
    assert argv == GOLDEN_MPV.replace("FORMATS", FORMATS)


def test_by_default_mpv_neither_selects_channels_nor_loops() -> None:
    argv = mpv_argv("pond", "http://host/pond.ogg")
    assert argv[-2:] == ["--", "http://host/pond.ogg"]
    assert not [word for word in argv if word.startswith(("--af", "--loop"))]


def test_an_address_may_not_open_files() -> None:
    for argv in (mpv_argv("pond", "http://host/x.m3u8"), probe_argv("http://host/x.m3u8")):
        whitelist = next(word for word in argv if "http,https" in word)
        assert "file" not in whitelist


def test_mpv_can_be_kept_from_following_redirections() -> None:
    assert "--stream-lavf-o=max_redirects=0" in mpv_argv("pond", "http://host/x.ogg", follow=False)
    assert not any("max_redirects" in word for word in mpv_argv("pond", "http://host/x.ogg"))


def test_the_encoder_command_line() -> None:
    assert " ".join(encoder_argv("pond", [7, 9], IcecastSettings())) == GOLDEN_ENCODER


def test_the_command_line_that_copies() -> None:
    assert " ".join(stream_copy_argv("/sounds/pond.opus", loop=True, rate=1.0)) == GOLDEN_COPY.replace(
        "FORMATS", FORMATS
    )


@pytest.mark.parametrize(
    ("url", "duration_s", "rate"),
    [
        ("/pond.opus", 10.0, 1.0),
        ("/pond.webm", None, 1.0),
        ("http://host/pond.opus", 10.0, 1.0),
        ("http://host/pond.opus", None, 1.001),
        ("rtsp://host/pond", None, None),
        ("rtsp://host/pond.mp4", 10.0, None),
    ],
)
def test_what_a_server_does_not_pace_is_copied_at_the_pace_at_which_it_plays(
    url: str, duration_s: float | None, rate: float | None
) -> None:
    assert read_rate(Media(url, 2, 48000, duration_s)) == rate


def test_a_copied_stream_may_have_its_own_pace_and_may_not_open_files() -> None:
    argv = stream_copy_argv("http://host/pond.opus", follow=False)
    assert "-readrate" not in argv
    assert argv[argv.index("-max_redirects") + 1] == "0"
    assert "file" not in argv[argv.index("-protocol_whitelist") + 1]


def test_an_address_with_a_password_is_read_from_a_descriptor() -> None:
    argv = stream_copy_argv("http://user:secret@host/pond.opus", script=7)
    assert "pipe:7" in argv
    assert not any("secret" in word for word in argv)


@pytest.mark.parametrize(
    ("codec", "encoder"),
    [("vorbis", "libvorbis -b:a 64k"), ("opus", "libopus -b:a 64k"), ("flac", "flac -sample_fmt s16")],
)
def test_the_codec_of_mounts_determines_the_encoder(codec: Any, encoder: str) -> None:
    icecast = IcecastSettings(codec=codec, bitrate_kbps=64)
    for argv in (encoder_argv("pond", [7], icecast), silence_argv(icecast, 44100)):
        assert f"-c:a {encoder} -page_duration" in " ".join(argv)


def test_media_that_ends_begins_with_silence() -> None:
    assert "--af=lavfi=[adelay=500:all=1]" in mpv_argv("pond", "/sounds/pond.flac", lead_in=True)
    assert not any(word.startswith("--af") for word in mpv_argv("pond", "http://host/live.ogg"))


def test_the_installed_programs_accept_the_command_lines_without_a_message(tmp_path: Path) -> None:
    """Options are renamed and removed between the releases of mpv and ffmpeg; each reports that on its stderr."""
    sound = tmp_path / "sound.wav"
    soundfile.write(sound, np.zeros((4800, 2)), 48000)
    player = mpv_argv("pond", str(sound), channels=[1, 0], lead_in=True)
    silent = ["--ao=null" if word == "--ao=jack" else word for word in player]
    played = subprocess.run(silent, capture_output=True, text=True, timeout=30, check=True)
    assert (played.stdout, played.stderr) == ("", "")
    probed = subprocess.run(probe_argv(str(sound)), capture_output=True, text=True, timeout=30, check=True)
    assert probed.stderr == ""
