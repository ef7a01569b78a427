"""What the installed ffprobe and mpv open for a file: that file alone, in every format of sound."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path

import pytest

from stream_manager.faults import PlaybackError
from stream_manager.network.probe import probe
from stream_manager.network.probe_argv import probe_argv
from stream_manager.players.mpv_argv import mpv_argv

pytestmark = pytest.mark.timeout(60)

SEGMENTED = "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{outside}\n#EXT-X-ENDLIST\n"
REFERENCES = {
    "hls": SEGMENTED,
    "a key of hls": SEGMENTED.replace("#EXTINF", '#EXT-X-KEY:METHOD=AES-128,URI="{outside}"\n#EXTINF'),
    "an initialization of hls": SEGMENTED.replace("#EXTINF", '#EXT-X-MAP:URI="{outside}"\n#EXTINF'),
    "hls in hls": "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=9\n{outside}\n",
    "concat": "ffconcat version 1.0\nfile {name}\n",
    "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 5004 RTP/AVP 0\n",
}


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sound that no client may load."""
    path = tmp_path_factory.mktemp("outside") / "secret.ts"
    argv = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "sine=d=1:r=44100", str(path)]
    subprocess.run(argv, timeout=30, check=True)
    return path


def lists(folder: Path, text: str, outside: Path) -> Path:
    """A file with `text`, which refers to `outside`, and to a file beside it by its name."""
    (folder / "beside.ts").write_bytes(outside.read_bytes())
    path = folder / ("list.m3u8" if "EXTM3U" in text else "list.txt")
    path.write_text(text.format(outside=outside, name="beside.ts"))
    return path


@pytest.mark.parametrize("text", REFERENCES.values(), ids=REFERENCES)
def test_a_file_cannot_refer_to_another_one(tmp_path: Path, outside: Path, text: str) -> None:
    path = lists(tmp_path, text, outside)
    with pytest.raises(PlaybackError):
        asyncio.run(probe(str(path), {}))
    argv = ["--ao=null" if word == "--ao=jack" else word for word in mpv_argv("pond", str(path))]
    assert subprocess.run(argv, capture_output=True, timeout=30, check=False).returncode != 0


@pytest.mark.parametrize("kind", ["hls", "concat"])
def test_without_the_limits_it_could(tmp_path: Path, outside: Path, kind: str) -> None:
    argv = probe_argv(str(lists(tmp_path, REFERENCES[kind], outside)))
    at = argv.index("-format_whitelist")
    unlimited = argv[:at] + argv[at + 2 :]
    found = subprocess.run(unlimited, capture_output=True, text=True, timeout=30, check=True)
    assert '"sample_rate": "44100"' in found.stdout


SOUNDS = [
    "wav",
    "flac",
    "ogg",
    "opus",
    "mp3",
    "aiff",
    "m4a",
    "mka",
    "wv",
    "caf",
    "au",
    "w64",
    "ac3",
    "ts",
    "mpg",
    "asf",
]


@pytest.mark.parametrize("suffix", SOUNDS)
def test_every_format_of_sound_is_opened(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"sound.{suffix}"
    argv = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "sine=d=1:r=48000", "-ac", "2", str(path)]
    subprocess.run(argv, timeout=30, check=True)
    assert asyncio.run(probe(str(path), {})).channels == 2
