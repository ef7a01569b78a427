"""An audio file of any length to cut samples from, read one page at a time."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from database_tool.compile import origins_of
from database_tool.cutting import CutJob, Cutting, cut
from database_tool.editor.edits import Sample
from database_tool.editor.playback import AudioExcerpt
from tidzam.audio.features import FeatureSpec, extract_sequence
from tidzam.audio.files import audio_length, open_audio, read_audio
from tidzam.audio.resample import resample
from tidzam.clips import Clip, group_of
from tidzam.errors import AudioError
from tidzam.types import Float32


@dataclass(frozen=True)
class AudioSourceFile:
    """An audio file. `channel` in its methods counts from 0; None is a downmix of all channels."""

    path: Path
    length_s: float
    channels: int

    @classmethod
    def open(cls, path: Path) -> AudioSourceFile:
        """Raises AudioError if the file cannot be decoded."""
        with open_audio(path) as audio:
            channels = audio.channels
        frames, rate_hz = audio_length(path)
        return cls(path, frames / rate_hz, channels)

    def excerpt(self, start_s: float, duration_s: float, channel: int | None) -> AudioExcerpt:
        """The audio of a section. Raises AudioError."""
        samples, rate_hz = read_audio(self.path, start_s=start_s, duration_s=duration_s)
        return AudioExcerpt(samples.mean(axis=0) if channel is None else samples[channel], rate_hz)

    def features(self, start_s: float, duration_s: float, channel: int | None, spec: FeatureSpec) -> Float32:
        """The features of a section, (frames, mels) in dB. Raises AudioError."""
        excerpt = self.excerpt(start_s, duration_s, channel)
        return extract_sequence(resample(excerpt.samples[None], excerpt.rate_hz, spec.rate_hz)[0], spec)

    def cut(self, start_s: float, end_s: float, channel: int | None, spec: FeatureSpec) -> tuple[Sample, ...]:
        """Consecutive samples of a section, or one around its middle if it is shorter than a window.

        Raises AudioError.
        """
        clip = Clip(self.path, "", group_of(self.path), start_s, end_s - start_s, channel)
        cutting = Cutting(spec=spec, hop_s=spec.window_s)
        done = cut(CutJob(0, clip.path, start_s, end_s - start_s, channel, 0, None, cutting))
        if done.reason:
            raise AudioError(done.reason)
        return tuple(
            Sample(features, origin) for features, origin in zip(done.features, origins_of(clip, done), strict=True)
        )


def padded(features: Float32, frames: int, spec: FeatureSpec) -> Float32:
    """Features of exactly `frames` frames: cut, or padded with silence past the end of the file."""
    return np.pad(features[:frames], ((0, max(0, frames - len(features))), (0, 0)), constant_values=spec.floor_db)
