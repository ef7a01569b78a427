"""How the decisions and the probabilities of a shadow cascade differ from those of the live one. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from tidzam.labels import LabelTree
from tidzam.protocol.analyzer import PROBABILITY_DIGITS
from tidzam.protocol.shadow import ClassComparison, ShadowState, ShadowStatus, WindowDifference
from tidzam.results import Analysis, CascadeIdentity, ChannelState

MOST_CLASSES: Final = 100
LATEST: Final = 20


@dataclass
class _DifferenceMean:
    total: float = 0.0
    count: int = 0

    def add(self, value: float) -> None:
        self.total += value
        self.count += 1

    @property
    def value(self) -> float | None:
        return round(self.total / self.count, PROBABILITY_DIGITS) if self.count else None


class ShadowComparison:
    """Counts where two cascades, `live` and `shadow`, agree on the windows of all channels.

    They agree on a window if they decide the same classes. In the counts per class, a decided class stands for the
    classes above it, too. The difference of probabilities concerns the classes that both report for a window.
    """

    def __init__(self, live: CascadeIdentity, shadow: CascadeIdentity) -> None:
        self.live, self.shadow = live, shadow
        self._since = datetime.now(UTC)
        self._compared = self._agreed = self._incomplete = 0
        self._both, self._live_only, self._shadow_only = Counter[str](), Counter[str](), Counter[str]()
        self._difference, self._of_class = _DifferenceMean(), defaultdict[str, _DifferenceMean](_DifferenceMean)
        self._latest: deque[WindowDifference] = deque(maxlen=LATEST)

    def add(self, live: Sequence[Analysis], shadow: Sequence[Analysis]) -> None:
        """The analyses of the same windows by both, in one order."""
        for one, other in zip(live, shadow, strict=True):
            if _is_incomplete(one) or _is_incomplete(other):
                self._incomplete += 1
            else:
                self._compare(one, other)

    def _compare(self, live: Analysis, shadow: Analysis) -> None:
        self._compared += 1
        for label in live.probabilities.keys() & shadow.probabilities.keys():
            difference = abs(live.probabilities[label] - shadow.probabilities[label])
            self._difference.add(difference)
            self._of_class[label].add(difference)
        before, now = _with_parents(live, self.live.labels), _with_parents(shadow, self.shadow.labels)
        self._both.update(before & now)
        self._live_only.update(before - now)
        self._shadow_only.update(now - before)
        if set(live.result) == set(shadow.result):
            self._agreed += 1
        else:
            self._latest.appendleft(
                WindowDifference(channel=live.channel, start=live.start, live=_decided(live), shadow=_decided(shadow))
            )

    def status(self, state: ShadowState, *, dropped: int, errors: int, fault: str | None) -> ShadowStatus:
        """All counts, beside those of the thread that runs the shadow."""
        return ShadowStatus(
            state=state,
            classifiers=self.shadow.classifiers,
            bundles=dict(self.shadow.versions),
            since=self._since,
            compared=self._compared,
            agreed=self._agreed,
            agreement=round(self._agreed / self._compared, PROBABILITY_DIGITS) if self._compared else None,
            mean_difference=self._difference.value,
            incomplete=self._incomplete,
            dropped=dropped,
            errors=errors,
            classes=self._classes(),
            latest=tuple(self._latest),
            fault=fault,
        )

    def _classes(self) -> tuple[ClassComparison, ...]:
        labels = self._both.keys() | self._live_only.keys() | self._shadow_only.keys()

        def importance(label: str) -> tuple[int, int, str]:
            return -self._live_only[label] - self._shadow_only[label], -self._both[label], label

        return tuple(
            ClassComparison(
                label=label,
                both=self._both[label],
                live_only=self._live_only[label],
                shadow_only=self._shadow_only[label],
                mean_difference=self._of_class[label].value if label in self._of_class else None,
            )
            for label in sorted(labels, key=importance)[:MOST_CLASSES]
        )


def _is_incomplete(analysis: Analysis) -> bool:
    """Whether a network failed on a window or waits for more sound. What a narrow band leaves out is missing always."""
    return bool(analysis.waiting) or (bool(analysis.left_out) and analysis.state is ChannelState.LISTENING)


def _with_parents(analysis: Analysis, labels: LabelTree) -> set[str]:
    """The classes decided, and those above them."""
    return {
        above for label in analysis.result for above in (labels.path(label) if label in labels.parents else (label,))
    }


def _decided(analysis: Analysis) -> dict[str, float]:
    return {
        label: round(float(analysis.probabilities.get(label, 0.0)), PROBABILITY_DIGITS) for label in analysis.result
    }
