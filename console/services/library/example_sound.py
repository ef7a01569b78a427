"""The sound of test windows: only from folders in which the node keeps sound."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from console.services.library.evaluation import require_report
from console.services.sound import made_sound
from tidzam.audio.file_types import AUDIO_SUFFIXES
from tidzam.audio.files import read_audio
from tidzam.config import Settings
from tidzam.config.sinks import ClipSinkSettings
from tidzam.errors import RequestError
from tidzam.open_set_report import ReportedWindow, TestedWindows
from tidzam.paths import default_home
from tidzam.recorded_sound.read import MEDIA_TYPES, SoundFormat, write_sound
from tidzam.recording_folders import recording_folders


def example_sound(
    settings: Settings, name: str, number: int, sound_format: SoundFormat, *, margin_s: float
) -> tuple[Path, str]:
    """The sound of a window of a model's test data, with `margin_s` before and after it: a file and its media type.

    Raises RequestError (`not_found`, `forbidden`, `no_recording`), and AudioError if the file cannot be read.
    """
    report = require_report(settings, name)
    tested = report.test.tested if report.test else None
    if tested is None or not 0 <= number < len(tested.windows):
        raise RequestError(f"The test of {name} has no window {number}.", code="not_found")
    window = tested.windows[number]
    path = _permitted(settings, tested, window)
    start_s = max(0.0, window.start_s - margin_s)
    duration_s = window.start_s + report.window_s + margin_s - start_s

    def make(fresh: Path) -> None:
        samples, rate_hz = read_audio(path, start_s=start_s, duration_s=duration_s)
        is_known = window.channel is not None and window.channel < len(samples)
        write_sound(fresh, samples[window.channel] if is_known else samples.mean(axis=0), rate_hz, sound_format)

    status = path.stat()
    text = f"{path} {status.st_mtime_ns} {status.st_size} {start_s} {duration_s} {window.channel}"
    key = hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()[:32]
    return made_sound(settings, key, sound_format, make), MEDIA_TYPES[sound_format]


def sound_folders(settings: Settings) -> Iterator[Path]:
    """The folders in which the node keeps sound: its home, and those of recordings and clips."""
    yield settings.home or default_home()
    yield from recording_folders(settings)
    yield from (sink.folder for sink in settings.analyzer.sinks if isinstance(sink, ClipSinkSettings))


def _permitted(settings: Settings, tested: TestedWindows, window: ReportedWindow) -> Path:
    """The file of a window: an audio file below a folder of the node, also after links are followed.

    A bundle may come from anywhere, so that its paths are not trusted.
    """
    if window.file >= len(tested.files):
        raise RequestError("The window names no file.", code="not_found")
    stated = tested.files[window.file]
    try:
        path = Path(stated).resolve()
        folders = [folder.resolve() for folder in sound_folders(settings)]
        is_audio = path.suffix.lower() in AUDIO_SUFFIXES
        if not is_audio or not any(path.is_relative_to(folder) for folder in folders):
            raise RequestError(
                "The sound of this window is outside of the folders in which the node keeps sound.",
                hint="Only recordings, clips and files in the node's home can be listened to.",
                code="forbidden",
            )
        if path.is_file():
            return path
    except (OSError, ValueError):  # of a name with NUL, or a loop of links
        pass
    message = f"The file of this window is gone: {Path(stated).name}."
    raise RequestError(message, hint="It was deleted since the training.", code="no_recording")
