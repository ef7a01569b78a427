"""Silero VAD, a small recurrent network that says how probable speech is (https://github.com/snakers4/silero-vad).

Its license is MIT. The network takes 512 samples at 16 kHz with the 64 before them, and a state; the file that is used
takes any number of such steps of one channel in one run, which gives the same probabilities. A channel takes 0.15 % of
a core (`bin/tidzam bench privacy`); batches of channels are no faster.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Final

import numpy as np
import soxr

from tidzam.config.privacy import PrivacySettings
from tidzam.errors import SetupError
from tidzam.inference.engines import first_line
from tidzam.inference.onnx_engine import open_session
from tidzam.manifest_fields import sha256_of
from tidzam.paths import detectors_folder
from tidzam.results import Analysis, WindowBatch
from tidzam.speech.base import DetectorContext
from tidzam.speech.new_audio import NewAudio, NewAudioFinder
from tidzam.speech.probability_rule import MeanRule
from tidzam.speech_times import Interval, Judgment, merged
from tidzam.types import Float32

NAME: Final = "silero-vad"
FILE: Final = "silero_vad_16k_sequence.onnx"
CHECKSUM: Final = "9ccdacc4719d8aa7e45a77536bfabec45a03ba1f2fad5e241ab4060b24238a85"
RATE_HZ: Final = 16000
STEP: Final = 512
"""Samples for which there is one probability: 32 ms."""
DEFAULT_THRESHOLD: Final = 0.3
_CONTEXT: Final = 64
_STATE: Final = (1, 1, 128)


def model_file(home: Path | None = None) -> Path:
    """Where the network of a node is. `home` is the node's home, by default as `detectors_folder` says."""
    return detectors_folder(home) / NAME / FILE


class SileroNetwork:
    """The loaded network. Raises SetupError (`speech_detector`) if it is not installed, or is another file."""

    def __init__(self, path: Path) -> None:
        hint = "Run `tidzam models add silero-vad`, with --home if the node has one of its own."
        if not path.is_file():
            raise SetupError(f"Silero VAD is not installed: there is no {path}.", hint=hint, code="speech_detector")
        if sha256_of(path) != CHECKSUM:
            message = f"{path} is not the file of Silero VAD that this version of Tidzam knows."
            raise SetupError(message, hint=hint, code="speech_detector")
        self._session: Any = open_session(path, threads=1)

    def probabilities(self, steps: Float32, hidden: Float32, cell: Float32) -> tuple[Float32, Float32, Float32]:
        """The probability of speech in consecutive steps, shape (n, 64 + 512), and the state (1, 1, 128) twice after
        them. Returns shape (n,). Raises SetupError (`speech_detector`) if it cannot be run."""
        try:
            found, hidden, cell = self._session.run(
                ["speech_probs", "hn", "cn"], {"input": steps, "h": hidden, "c": cell}
            )
        except Exception as error:  # noqa: BLE001 - ONNX Runtime's errors share no other base
            message = f"Silero VAD cannot be run: {first_line(error)}."
            raise SetupError(message, hint="Report the fault.", code="speech_detector") from None
        return found, hidden, cell


class SileroDetector:
    """Runs Silero VAD on the audio of every channel, resampled once to 16 kHz as one stream (soxr, HQ).

    Speech is where the mean of its probabilities over half a second reaches the threshold.
    """

    needs_classifiers: ClassVar[bool] = False

    def __init__(self, settings: PrivacySettings, context: DetectorContext) -> None:
        """Raises SetupError (`speech_detector`)."""
        self._network = SileroNetwork(model_file(context.home))
        self._threshold = DEFAULT_THRESHOLD if settings.threshold is None else settings.threshold
        self._audio = NewAudioFinder()
        self._streams: dict[str, SileroStream] = {}

    def follow(self, batch: WindowBatch, analyses: Sequence[Analysis]) -> list[Judgment]:
        judged = [self._streams.pop(name).end() for name in self._audio.ended(batch)]
        return judged + [self._stream(new, batch.rate_hz).follow(new.samples) for new in self._audio.follow(batch)]

    def finish(self) -> list[Judgment]:
        streams, self._streams = self._streams, {}
        return [stream.end() for stream in streams.values()]

    def _stream(self, new: NewAudio, rate_hz: int) -> SileroStream:
        if new.begins:
            self._streams[new.channel] = SileroStream(
                self._network, new.channel, new.start, rate_hz, threshold=self._threshold
            )
        return self._streams[new.channel]


class SileroStream:
    """The audio of one channel from the frame `start` on, at `rate_hz`, and the state of the network in it."""

    def __init__(self, network: SileroNetwork, channel: str, start: int, rate_hz: int, *, threshold: float) -> None:
        self._network, self._channel, self._start, self._rate_hz = network, channel, start, rate_hz
        self._resampler = None
        if rate_hz != RATE_HZ:
            self._resampler = soxr.ResampleStream(rate_hz, RATE_HZ, 1, dtype="float32", quality="HQ")
        self._rule = MeanRule(threshold)
        self._hidden = self._cell = np.zeros(_STATE, np.float32)
        self._held = np.zeros(_CONTEXT, np.float32)
        """The context of the next step, and samples that are no whole step yet."""
        self._frames = self._judged = 0

    def follow(self, samples: Float32) -> Judgment:
        """Judge the next samples (frames,), as far as that is possible by now."""
        self._frames += len(samples)
        step, speech = self._rule.follow(self._probabilities(self._resampled(samples)))
        return self._judgment(min(self._frame_of(step), self._frames), speech)

    def end(self) -> Judgment:
        """Judge the rest: the audio has ended."""
        rest = self._resampled(np.zeros(0, np.float32), is_last=True)
        missing = -(len(self._held) - _CONTEXT + len(rest)) % STEP
        _, speech = self._rule.follow(self._probabilities(np.pad(rest, (0, missing))))
        _, last = self._rule.end()
        return self._judgment(self._frames, merged((*speech, *last)), has_ended=True)

    def _resampled(self, samples: Float32, *, is_last: bool = False) -> Float32:
        if self._resampler is None:
            return samples
        return np.asarray(self._resampler.resample_chunk(samples, last=is_last), np.float32)

    def _probabilities(self, samples: Float32) -> Float32:
        """The probabilities of the steps that are complete with samples at 16 kHz."""
        held = np.concatenate([self._held, samples])
        count = (len(held) - _CONTEXT) // STEP
        self._held = held[count * STEP :]
        if not count:
            return np.zeros(0, np.float32)
        windows = np.lib.stride_tricks.sliding_window_view(held, _CONTEXT + STEP)[::STEP][:count]
        found, self._hidden, self._cell = self._network.probabilities(
            np.ascontiguousarray(windows), self._hidden, self._cell
        )
        return found

    def _frame_of(self, step: int) -> int:
        """The frame, counted from the first one of the stream, at which a step begins."""
        return step * STEP * self._rate_hz // RATE_HZ

    def _judgment(self, until: int, speech: Sequence[Interval], *, has_ended: bool = False) -> Judgment:
        """All up to a frame is judged; `speech` is given in steps."""
        since, self._judged = self._judged, until
        found = [(max(self._frame_of(first), since), min(self._frame_of(last), until)) for first, last in speech]
        inside = tuple((self._start + first, self._start + last) for first, last in found if first < last)
        return Judgment(self._channel, self._start + since, self._start + until, inside, has_ended)
