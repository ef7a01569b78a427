"""Windows kept as clips: which are kept, and how they are written."""

from __future__ import annotations

import io
import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Literal

import soundfile

from analyzer.requested_rules import read_requested, rule_for
from tidzam.atomic import write_atomically
from tidzam.config.sinks import ClipRule
from tidzam.errors import TidzamError
from tidzam.labels import UNKNOWN, LabelTree
from tidzam.naming import clip_stem
from tidzam.results import Analysis, WindowBatch
from tidzam.types import Float32

ClipFormat = Literal["wav", "flac"]


def rules_of(
    *, classes: Sequence[str] = (), dynamic: bool = True, channels: Sequence[str] = ()
) -> tuple[ClipRule, ...]:
    """The rule of the command line's options; every class if none is named. A number is a channel."""
    return (ClipRule(classes=tuple(classes) or ("*",), channels=tuple(channels), rate="auto" if dynamic else 1.0),)


def keep_probability(counts: Mapping[str, int], label: str, siblings: Sequence[str]) -> float:
    """The probability, above 0 to 1, of keeping a clip of `label` by the dynamic distribution.

    With `counts` clips in each class, it is (mean over the siblings, `label` included, + 1) / (own + 1), at most 1:
    a class that is at most as common as its siblings keeps all clips, a more common one fewer and fewer.
    """
    group = {label, *siblings}
    mean = sum(counts.get(sibling, 0) for sibling in group) / len(group)
    return min(1.0, (mean + 1) / (counts.get(label, 0) + 1))


class Extractor:
    """Writes the windows that its rules cover to `OUT/class/`, each completely or not at all.

    Existing clips count in the dynamic distribution. `rules` and `requested` may be replaced at any time; the first
    that covers a window decides. Not thread-safe.
    """

    def __init__(
        self,
        out: Path,
        rules: Sequence[ClipRule],
        labels: LabelTree,
        *,
        clip_format: ClipFormat = "wav",
        seed: int = 0,
    ) -> None:
        self.rules = tuple(rules)
        self.requested = read_requested(out)
        self._out = out
        self._labels = labels
        self._format = clip_format
        self._draw = random.Random(seed)
        self._counts = count_clips(out)

    @property
    def counts(self) -> dict[str, int]:
        """Clips in each class folder."""
        return dict(self._counts)

    def choose(self, analyses: Iterable[Analysis]) -> list[tuple[Analysis, str]]:
        """The windows to keep, and the class of each.

        A window on which the selector did not run, since its source lacks the band or the network failed, is not
        `unknown`, and not kept.
        """
        return [(a, label) for a in analyses for label in _decided(a) if self._wants(a.channel, label)]

    def write(self, batch: WindowBatch, chosen: Iterable[tuple[Analysis, str]]) -> list[Path]:
        """Write chosen windows of `batch`; returns the paths.

        Raises TidzamError (`output`) if some cannot be written, after writing the others.
        """
        row = {channel: number for number, channel in enumerate(batch.channels)}
        written, failures = list[Path](), list[OSError]()
        for analysis, label in chosen:
            path = self._out / label / f"{clip_stem(analysis.channel, analysis.start)}.{self._format}"
            try:
                write_clip(path, batch.samples[row[analysis.channel]], batch.rate_hz)
            except OSError as error:
                failures.append(error)
            else:
                self._counts[label] += 1
                written.append(path)
        if failures:
            raise TidzamError(
                f"{len(failures)} clips cannot be written to {self._out}: {failures[0].strerror}.",
                hint="Free some room or name another folder.",
                code="output",
            )
        return written

    def _wants(self, channel: str, label: str) -> bool:
        rule = rule_for(channel, label, requested=self.requested, configured=self.rules)
        if rule is None:
            return False
        rate = keep_probability(self._counts, label, self._siblings(label)) if rule.rate == "auto" else rule.rate
        return self._draw.random() < rate

    def _siblings(self, label: str) -> tuple[str, ...]:
        path = self._labels.path(label) if label in self._labels else (label,)
        siblings = self._labels.children(path[-2] if len(path) > 1 else None)
        return (*siblings, UNKNOWN) if len(path) == 1 else siblings


def _decided(analysis: Analysis) -> tuple[str, ...]:
    """The classes decided; none if no classifier ran."""
    return () if analysis.left_out and not analysis.probabilities else analysis.result


def count_clips(out: Path) -> Counter[str]:
    """How many clips each class folder of `out` holds."""
    return Counter(path.parent.name for path in out.glob("*/*") if path.suffix in {".wav", ".flac"})


def write_clip(path: Path, samples: Float32, rate_hz: int) -> None:
    """Write samples (frames,) as 16-bit WAV or FLAC, by the suffix of `path`, completely or not at all.

    Raises OSError.
    """
    encoded = io.BytesIO()
    soundfile.write(encoded, samples, rate_hz, format=path.suffix[1:].upper(), subtype="PCM_16")
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, encoded.getbuffer())
