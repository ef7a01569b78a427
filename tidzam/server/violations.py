"""Logs violations of the limits and the protocol by clients: one line per kind and address."""

from __future__ import annotations

import logging
import time
from collections import Counter, OrderedDict
from collections.abc import Callable

from tidzam.protocol.messages import quote

log = logging.getLogger(__name__)

FORGET_S = 600.0
_MOST_REMEMBERED = 1000
_MOST_LINES = 100


class Violations:
    """Counts violations and logs the first of each kind by each address, up to 100 lines in ten minutes."""

    def __init__(self, program: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.counts: Counter[str] = Counter()
        self._program, self._clock = program, clock
        self._logged: OrderedDict[tuple[str, str], float] = OrderedDict()

    def report(self, address: str, kind: str, detail: str = "") -> None:
        self.counts[kind] += 1
        now = self._clock()
        while self._logged and next(iter(self._logged.values())) < now - FORGET_S:
            self._logged.popitem(last=False)
        if (address, kind) in self._logged or len(self._logged) >= _MOST_REMEMBERED:
            return
        self._logged[address, kind] = now
        if len(self._logged) <= _MOST_LINES:
            about = f": {quote(detail)}" if detail else ""
            log.warning("%s: client %s %s%s", self._program, address or "?", kind, about)
