"""The audio of samples, read from their files, and playing it through JACK, a sound card, or not at all."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import soundfile

from database_tool import cutting
from tidzam.audio.devices import has_audio_device
from tidzam.config.settings import JackSettings
from tidzam.dataset import Origin
from tidzam.errors import AudioError
from tidzam.jack.environment import jack_env
from tidzam.process import child_process
from tidzam.types import Float32

JACK_NAME = "tidzam-editor"


class AudioOutput(StrEnum):
    """Where audio is played. `none` is silent and takes as long as playing would."""

    jack = "jack"
    sound = "sound"
    none = "none"


def default_output() -> AudioOutput:
    """The sound card, if there is one."""
    return AudioOutput.sound if has_audio_device() else AudioOutput.none


@dataclass(frozen=True)
class AudioExcerpt:
    """Samples in -1…1, float32 (frames,), and their rate."""

    samples: Float32
    rate_hz: int

    @property
    def duration_s(self) -> float:
        return len(self.samples) / self.rate_hz


def excerpt_of(origin: Origin, duration_s: float) -> AudioExcerpt:
    """The audio of a sample. Raises AudioError: `audio_missing` if the file does not exist, or as `read_audio` does."""
    path = Path(origin.file)
    if not path.is_file():
        raise AudioError(
            f"{path} does not exist any more: the sample can be displayed but not played.",
            hint="Restore the file, or mount its disk.",
            code="audio_missing",
        )
    return AudioExcerpt(*cutting.audio_of(origin, duration_s))


def mpv_argv(output: AudioOutput, path: Path) -> list[str]:
    """mpv playing one file. In JACK it is the client `tidzam-editor`, connected to the playback ports."""
    options = {
        AudioOutput.jack: ["--ao=jack", f"--jack-name={JACK_NAME}", "--jack-autostart=no"],
        AudioOutput.sound: [],
    }
    return ["mpv", "--no-config", "--no-video", "--msg-level=all=error", *options[output], "--", str(path)]


@dataclass(frozen=True)
class SamplePlayer:
    """Plays excerpts, one after the other. `server` is the name of the JACK server."""

    output: AudioOutput
    server: str = JackSettings().server

    async def play(self, excerpt: AudioExcerpt) -> None:
        """Play an excerpt to its end, or until cancelled.

        Raises AudioError (`audio_output`) if it cannot be played, SetupError if mpv is not installed.
        """
        if self.output is AudioOutput.none:
            await asyncio.sleep(excerpt.duration_s)
            return
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "sample.wav"
            soundfile.write(path, excerpt.samples, excerpt.rate_hz, subtype="FLOAT")
            async with child_process(
                mpv_argv(self.output, path), name="mpv", env=self._env, merge_output=True
            ) as child:
                if await child.wait():
                    raise AudioError(
                        f"mpv cannot play with --output {self.output}: {_reason(child.tail)}.",
                        hint=_HINTS[self.output],
                        code="audio_output",
                    )

    @property
    def _env(self) -> Mapping[str, str]:
        return jack_env(self.server) if self.output is AudioOutput.jack else {}


def _reason(tail: Iterable[str]) -> str:
    """mpv's own message, without those of the libraries that it uses."""
    messages = [line for line in tail if line.startswith("[")]
    return messages[0] if messages else "mpv gives no reason"


_HINTS: Mapping[AudioOutput, str] = {
    AudioOutput.jack: "Start a JACK server (bin/tidzam start), or name one with --jack-server.",
    AudioOutput.sound: "Use --output jack, or --output none to edit without audio.",
}
