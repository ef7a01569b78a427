"""The inbox: which sounds are in it, in groups. Sounds are compared in a thread, and views take what is known."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from console.services.novelty_inbox.candidates import unjudged
from console.services.novelty_inbox.models import (
    GroupOrder,
    NovelGroup,
    NovelSound,
    NoveltyInboxView,
    NoveltyQuery,
)
from console.services.novelty_inbox.sounds import Base, KeptEmbeddings, embed_detection, sound_key
from console.services.search.network import ExampleNetwork
from console.services.turns import BusyError
from tidzam.bundle import read_manifest
from tidzam.config import Settings
from tidzam.errors import AudioError, BundleError, RequestError, TidzamError
from tidzam.sound_index.base import base_folder
from tidzam.sound_index.clusters import (
    distances,
    from_typical_to_odd,
    groups_of,
    merges_of,
    spread,
    usual_distance,
)
from tidzam.store.database import Store
from tidzam.store.queries.detections import StoredDetection
from tidzam.types import Float32

log = logging.getLogger(__name__)

WAIT_S: Final = 3.0
"""How long a view waits for sounds that are still to be compared."""
RETRY_S: Final = 300.0
"""Seconds after which a sound that could not be read is tried again: its recording may be complete by then."""
_KEEP_EVERY: Final = 200
"""Embeddings after which they are written to disk."""


@dataclass
class _Compared:
    """What is known of sounds by the bundle of `version`: their embeddings, and when others failed, by their keys."""

    version: str
    values: dict[str, Float32]
    failed: dict[str, float] = field(default_factory=dict)
    fault: str | None = None

    def is_missing(self, key: str, now_s: float) -> bool:
        return key not in self.values and now_s - self.failed.get(key, -RETRY_S) >= RETRY_S


@dataclass(frozen=True)
class _Merges:
    """The sounds with embeddings by the bundle of `version`, in order, the steps in which they become one group, and
    how far apart the sounds of a group may usually be."""

    version: str
    keys: tuple[str, ...]
    values: Float32
    steps: NDArray[np.float64]
    distance: float


class NoveltyInbox:
    """Any thread may use it. One thread of its own at a time compares sounds, as long as there are new ones."""

    def __init__(self, settings: Settings, store: Store, network: ExampleNetwork) -> None:
        self._settings, self._store, self._network = settings, store, network
        self._lock = threading.Lock()
        self._compared: _Compared | None = None
        self._merges: _Merges | None = None
        self._thread: threading.Thread | None = None
        self._is_closed = threading.Event()

    def view(self, query: NoveltyQuery, *, wait_s: float = WAIT_S) -> NoveltyInboxView:
        """The groups of the sounds that are compared by now. Waits up to `wait_s` for others. Raises StoreError."""
        with self._store.read() as session:
            sounds = {sound_key(one): one for one in unjudged(session)}
        base, fault = self._base()
        known = None if base is None else self._compare(base, sounds, wait_s)
        with self._lock:
            values = {key: known.values[key] for key in sounds if key in known.values} if known else {}
            failed = {*known.failed} if known else {*sounds}
        merges = self._merged(known.version, values) if known and values else None
        distance = query.looseness * (merges.distance if merges else usual_distance(np.zeros(0)))
        groups = [] if merges is None else _groups(merges, sounds, query, distance)
        without = [one for key, one in sounds.items() if key in failed and key not in values]
        return NoveltyInboxView(
            groups=tuple(groups[: query.limit]),
            total_groups=len(groups),
            without_sound=tuple(map(_sound, without)),
            sounds=len(sounds),
            compared=len(values),
            distance=round(distance, 4),
            waiting=len(sounds) - len(values) - len(without),
            newest=max((one.id for one in sounds.values()), default=None),
            base=None if base is None else base[1].name,
            fault=known.fault if known else fault,
        )

    def close(self) -> None:
        """End the thread, after the sound that it compares."""
        self._is_closed.set()
        thread = self._thread
        if thread is not None:
            thread.join()

    def _base(self) -> tuple[Base | None, str | None]:
        """The bundle whose embeddings are compared, or why there is none."""
        try:
            folder = base_folder(self._settings, self._settings.home)
            return (folder, read_manifest(folder)), None
        except BundleError as error:
            return None, str(error)

    def _compare(self, base: Base, sounds: Mapping[str, StoredDetection], wait_s: float) -> _Compared:
        """Have a thread compare what is missing, unless one does so already, and wait a while for it."""
        version, now_s = base[1].version, time.monotonic()
        with self._lock:
            if self._compared is None or self._compared.version != version:
                self._compared = _Compared(version, KeptEmbeddings(self._settings.home, version).read())
            known = self._compared
            is_working = self._thread is not None and self._thread.is_alive()
            if not is_working and not self._is_closed.is_set() and any(known.is_missing(key, now_s) for key in sounds):
                work = (base, known, dict(sounds))
                self._thread = threading.Thread(target=self._work, args=work, name="novelty inbox", daemon=True)
                self._thread.start()
            thread = self._thread
        if thread is not None and wait_s > 0:
            thread.join(wait_s)
        return known

    def _work(self, base: Base, known: _Compared, sounds: Mapping[str, StoredDetection]) -> None:
        """Compare the sounds that are missing, and forget those that are not in the inbox any more."""
        kept, now_s = KeptEmbeddings(self._settings.home, known.version), time.monotonic()
        missing = [key for key in sounds if known.is_missing(key, now_s)]
        known.fault = None
        for number, key in enumerate(missing, 1):
            try:
                self._embed(base, known, key, sounds[key])
            except TidzamError as error:  # no bundle, or a store that is away: it concerns all
                known.fault = str(error)
                self._fail(known, missing[number - 1 :])
            if known.fault is not None or self._is_closed.is_set():
                break
            if number % _KEEP_EVERY == 0:
                kept.write(known.values, sounds)
        with self._lock:
            known.values = {key: value for key, value in known.values.items() if key in sounds}
            known.failed = {key: at_s for key, at_s in known.failed.items() if key in sounds}
        kept.write(known.values, sounds)

    def _embed(self, base: Base, known: _Compared, key: str, one: StoredDetection) -> None:
        """Raises BundleError, SetupError and StoreError."""
        try:
            value = embed_detection(self._settings, self._store, self._network, base, one)
        except BusyError:
            return  # the next view tries again
        except (RequestError, AudioError, OSError) as error:
            log.debug("detection %s cannot be compared: %s", one.id, error)
            self._fail(known, [key])
            return
        with self._lock:
            known.values[key] = value
            known.failed.pop(key, None)

    def _fail(self, known: _Compared, keys: Sequence[str]) -> None:
        now_s = time.monotonic()
        with self._lock:
            known.failed |= dict.fromkeys(keys, now_s)

    def _merged(self, version: str, values: Mapping[str, Float32]) -> _Merges:
        """The steps of the present sounds, which take a second if there are many: those of the last view, if these had
        the same sounds."""
        keys, merges = tuple(values), self._merges
        if merges is None or (merges.version, merges.keys) != (version, keys):
            stacked = np.stack(list(values.values()))
            apart = distances(stacked)
            merges = self._merges = _Merges(version, keys, stacked, merges_of(apart), usual_distance(apart))
        return merges


def _groups(
    merges: _Merges, sounds: Mapping[str, StoredDetection], query: NoveltyQuery, distance: float
) -> list[NovelGroup]:
    found = [
        _group([sounds[merges.keys[number]] for number in members], merges.values[members], query.sounds)
        for members in groups_of(merges.steps, distance=distance)
    ]
    if query.order is GroupOrder.NEWEST:
        return sorted(found, key=lambda one: one.last, reverse=True)
    return sorted(found, key=lambda one: (len(one.ids), one.last), reverse=True)


def _group(members: Sequence[StoredDetection], values: Float32, count: int) -> NovelGroup:
    order = from_typical_to_odd(values)
    channels = Counter(one.channel for one in members)
    return NovelGroup(
        ids=tuple(members[number].id for number in order),
        sounds=tuple(_sound(members[number]) for number in spread(order, count)),
        channels=tuple(channel for channel, _ in channels.most_common()),
        first=min(one.start for one in members),
        last=max(one.start for one in members),
    )


def _sound(one: StoredDetection) -> NovelSound:
    return NovelSound(
        id=one.id,
        source=one.source,
        channel=one.channel,
        start=one.start,
        end=one.end,
        peak_probability=one.peak_probability,
    )
