"""The sound of samples, out of the files they come from, and playing it: in JACK, on a sound card, or nowhere."""

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
    """Where sound goes. `none` takes as long as it would last."""

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
    """What a sample was made of. Raises AudioError: `audio_missing` if the file is gone, or as `read_audio` does."""
    path = Path(origin.file)
    if not path.is_file():
        raise AudioError(
            f"{path} is not there any more: the sample can be seen, not heard.",
            hint="Put the file back, or mount its disk.",
            code="audio_missing",
        )
    return AudioExcerpt(*cutting.audio_of(origin, duration_s))


def mpv_argv(output: AudioOutput, path: Path) -> list[str]:
    """mpv playing one file, in JACK as the client `tidzam-editor`, whose ports go where JACK's playback is."""
    ways = {
        AudioOutput.jack: ["--ao=jack", f"--jack-name={JACK_NAME}", "--jack-autostart=no"],
        AudioOutput.sound: [],
    }
    return ["mpv", "--no-config", "--no-video", "--msg-level=all=error", *ways[output], "--", str(path)]


@dataclass(frozen=True)
class SamplePlayer:
    """Plays sounds, one after the other. `server` is the JACK server's name."""

    output: AudioOutput
    server: str = JackSettings().server

    async def play(self, sound: AudioExcerpt) -> None:
        """Play a sound to its end; cancelled, it falls silent.

        Raises AudioError (`audio_output`) if it cannot be heard, SetupError if mpv is not installed.
        """
        if self.output is AudioOutput.none:
            await asyncio.sleep(sound.duration_s)
            return
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "sample.wav"
            soundfile.write(path, sound.samples, sound.rate_hz, subtype="FLOAT")
            async with child_process(
                mpv_argv(self.output, path), name="mpv", env=self._env, merge_output=True
            ) as child:
                if await child.wait():
                    raise AudioError(
                        f"mpv could not play by {self.output}: {_reason(child.tail)}.",
                        hint=_HINTS[self.output],
                        code="audio_output",
                    )

    @property
    def _env(self) -> Mapping[str, str]:
        return jack_env(self.server) if self.output is AudioOutput.jack else {}


def _reason(tail: Iterable[str]) -> str:
    """What mpv itself said, between the lines of the libraries under it."""
    said = [line for line in tail if line.startswith("[")]
    return said[0] if said else "it does not say why"


_HINTS: Mapping[AudioOutput, str] = {
    AudioOutput.jack: "Start a JACK server (bin/tidzam start), or name it with --jack-server.",
    AudioOutput.sound: "Use --output jack, or --output none to look only.",
}
