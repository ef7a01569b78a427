"""Keeping what was heard as clips: which windows are kept (pure), and where they are written."""

from __future__ import annotations

import io
import logging
import random
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import soundfile

from tidzam.labels import UNKNOWN, LabelTree
from tidzam.patterns import matches
from tidzam.results import Analysis, WindowBatch
from tidzam.types import Float32

log = logging.getLogger(__name__)

ClipFormat = Literal["wav", "flac"]


@dataclass(frozen=True, kw_only=True)
class ExtractionRule:
    """Which windows become clips.

    `classes` and `channels` are globs or beginnings of names: `birds-` is every class under that prefix. Without
    `channels`, all are meant. `rate` is the share that is kept, 0 to 1, or `auto`: the dynamic distribution.
    """

    classes: tuple[str, ...]
    channels: tuple[str, ...] = ()
    rate: float | Literal["auto"] = "auto"

    def covers(self, channel: str, label: str) -> bool:
        return matches(label, self.classes) and (not self.channels or matches(channel, self.channels))


def rules_of(
    *, classes: Sequence[str] = (), dynamic: bool = True, channels: Sequence[str] = ()
) -> tuple[ExtractionRule, ...]:
    """The rule that the command line asks for; every class if it names none. A bare number is a channel's."""
    ports = tuple(f"*:out_{channel}" if channel.isdigit() else channel for channel in channels)
    return (ExtractionRule(classes=tuple(classes) or ("*",), channels=ports, rate="auto" if dynamic else 1.0),)


def keep_probability(counts: Mapping[str, int], label: str, siblings: Sequence[str]) -> float:
    """How likely a clip of `label` is kept by the dynamic distribution, above 0 to 1.

    With `counts` clips in each class, it is (mean over the siblings, `label` among them, + 1) / (own + 1), at most 1:
    a class that is no more common than its siblings keeps all, one that outgrows them ever fewer.
    """
    group = {label, *siblings}
    mean = sum(counts.get(sibling, 0) for sibling in group) / len(group)
    return min(1.0, (mean + 1) / (counts.get(label, 0) + 1))


class Extractor:
    """Writes the windows that its rules ask for to `OUT/class/`, each whole or not at all.

    What is there already counts in the dynamic distribution. `rules` may be replaced at any time; the first that
    covers a window decides. Not thread-safe.
    """

    def __init__(
        self,
        out: Path,
        rules: Sequence[ExtractionRule],
        labels: LabelTree,
        *,
        clip_format: ClipFormat = "wav",
        seed: int = 0,
    ) -> None:
        self.rules = tuple(rules)
        self.failed = 0
        self._out = out
        self._labels = labels
        self._format = clip_format
        self._draw = random.Random(seed)
        self._counts = count_clips(out)

    @property
    def counts(self) -> dict[str, int]:
        """Clips in each class folder."""
        return dict(self._counts)

    def take(self, batch: WindowBatch, analyses: Iterable[Analysis]) -> list[Path]:
        """Keep what the rules say of the windows in `batch`, which `analyses` are about; returns the clips written.

        A window on which the selector did not run, since its source lacks the band or the network failed, is not
        `unknown`, and not kept. A clip that cannot be written is logged and counted in `failed`; the next is tried.
        """
        row = {channel: number for number, channel in enumerate(batch.channels)}
        wanted = [(a, label) for a in analyses for label in _named(a) if self._wants(a.channel, label)]
        return [
            path
            for analysis, label in wanted
            if (path := self._keep(batch.samples[row[analysis.channel]], batch.rate_hz, analysis, label))
        ]

    def _wants(self, channel: str, label: str) -> bool:
        rule = next((rule for rule in self.rules if rule.covers(channel, label)), None)
        if rule is None:
            return False
        rate = keep_probability(self._counts, label, self._siblings(label)) if rule.rate == "auto" else rule.rate
        return self._draw.random() < rate

    def _siblings(self, label: str) -> tuple[str, ...]:
        path = self._labels.path(label) if label in self._labels else (label,)
        siblings = self._labels.children(path[-2] if len(path) > 1 else None)
        return (*siblings, UNKNOWN) if len(path) == 1 else siblings

    def _keep(self, samples: Float32, rate_hz: int, analysis: Analysis, label: str) -> Path | None:
        path = self._out / label / f"{clip_name(analysis)}.{self._format}"
        try:
            write_clip(path, samples, rate_hz)
        except OSError as error:
            self.failed += 1
            if self.failed == 1:
                log.error("clip %s cannot be written: %s. Free some room; analysis goes on", path, error.strerror)
            return None
        if self.failed:
            log.warning("clips are written again; %d were lost", self.failed)
            self.failed = 0
        self._counts[label] += 1
        return path


def _named(analysis: Analysis) -> tuple[str, ...]:
    """The classes decided; none if no classifier ran."""
    return () if analysis.left_out and not analysis.probabilities else analysis.result


def count_clips(out: Path) -> Counter[str]:
    """How many clips each class folder of `out` holds."""
    return Counter(path.parent.name for path in out.glob("*/*") if path.suffix in {".wav", ".flac"})


def clip_name(analysis: Analysis) -> str:
    """`SOURCE-out_N-YYYY-MM-DD-HH-MM-SS.mmm`: the channel and the time, fit to be a file's name."""
    channel = re.sub(r"[^A-Za-z0-9_.-]+", "-", analysis.channel)
    return f"{channel}-{analysis.start:%Y-%m-%d-%H-%M-%S}.{analysis.start.microsecond // 1000:03d}"


def write_clip(path: Path, samples: Float32, rate_hz: int) -> None:
    """Write samples (frames,) as 16-bit WAV or FLAC, as `path` ends, whole or not at all. Raises OSError."""
    encoded = io.BytesIO()
    soundfile.write(encoded, samples, rate_hz, format=path.suffix[1:].upper(), subtype="PCM_16")
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.part")
    try:
        partial.write_bytes(encoded.getbuffer())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
