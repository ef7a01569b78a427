"""Which files are audio files, and which belong to an operating system: the rule for all programs."""

from __future__ import annotations

from pathlib import Path
from typing import Final

_PCM: Final = (
    ".wav .wave .bwf .amb .rf64 .bw64 .w64 .aif .aiff .aifc .caf .au .snd .voc .sph .nist .ircam .sf .paf .iff"
)
_CODECS: Final = (
    ".flac .wv .ape .tta .tak .dsf .dff .mp1 .mp2 .mp3 .mpga .aac .adts .ac3 .eac3 .dts .amr .awb .spx .mpc"
)
_CONTAINERS: Final = ".ogg .oga .ogx .opus .m4a .m4b .m4r .mp4 .m4v .mov .3gp .3g2 .webm .weba .mka .mkv .wma .asf .avi"
AUDIO_SUFFIXES: Final = frozenset(f"{_PCM} {_CODECS} {_CONTAINERS}".split())
"""Suffixes of files in which libsndfile or ffmpeg find audio, in lower case."""

_SYSTEM_NAMES: Final = frozenset(
    {
        "__macosx",
        "thumbs.db",
        "ehthumbs.db",
        "desktop.ini",
        "icon\r",
        "@eadir",
        "@recycle",
        "@tmp",
        "#recycle",
        "#snapshot",
        "$recycle.bin",
        "recycler",
        "system volume information",
        "network trash folder",
        "temporary items",
        "lost+found",
    }
)

_MAGIC: Final = (b"RIFF", b"RF64", b"BW64", b"riff", b"fLaC", b"OggS", b"ID3", b"FORM", b"caff", b".snd", b"wvpk")


def is_audio(path: Path) -> bool:
    """Whether a file is an audio file: by its suffix, in upper or lower case, unless it is a system file.

    For a name without a suffix, or with one of digits only (as in a time stamp), the content decides.
    """
    if is_system_file(path):
        return False
    suffix = path.suffix.lower()
    if suffix in AUDIO_SUFFIXES:
        return True
    return (len(suffix) < 2 or suffix[1:].isdigit()) and _begins_as_audio(path)


def is_system_file(path: Path) -> bool:
    """Whether a file or folder, by the last part of `path`, belongs to an operating system or a storage device.

    All hidden ones do (`.DS_Store`, `._song.wav`), as do `__MACOSX`, `Thumbs.db`, `@eaDir` and similar ones.
    """
    return path.name.startswith((".", "~$")) or path.name.lower() in _SYSTEM_NAMES


def _begins_as_audio(path: Path) -> bool:
    if not path.is_file():
        return False
    try:
        with path.open("rb") as file:
            return file.read(4).startswith(_MAGIC)
    except OSError:
        return False
