"""The clips that wait to be forwarded, on disk: they survive a restart and a power cut, and the budget of the clips.

Each has two files: what is known of it, and a link to its audio, which takes no room as long as the clip itself is
there.
"""

from __future__ import annotations

import errno
import hashlib
import json
import logging
import os
import shutil
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from typing import Final

from analyzer.forward.rank import WaitingClip, ranked, surplus
from tidzam.atomic import write_atomically
from tidzam.text import plural

log = logging.getLogger(__name__)

REJECTED: Final = "rejected"
"""The folder of clips that the other node refused for good, with the reason of each."""
_MISSING_S: Final = 900.0
"""A clip that is not written this long after its detection ended will not be: it was dropped, or could not be."""
_RECENT: Final = 2000


class ClipOutbox:
    """The clips in `folder` that wait, `limit_bytes` of them at most; their audio is taken from `clip_folders`.

    Methods block, and may be called from any thread. Raises OSError if the disk fails. `dropped` counts the clips that
    gave way to others, `missing` those that were never written.
    """

    def __init__(
        self,
        folder: Path,
        clip_folders: Sequence[Path],
        *,
        limit_bytes: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder, self._sources, self._limit, self._clock = folder, clip_folders, limit_bytes, clock
        self._clips: dict[str, WaitingClip] = {}
        self._since_s: dict[str, float] = {}
        self._sent: deque[str] = deque(maxlen=_RECENT)
        self._busy: str | None = None
        self._lock = threading.Lock()
        self.dropped = self.missing = 0

    def load(self, abandoned: Iterable[Path] = ()) -> None:
        """Find what waits already, and take over what other programs have left in `abandoned` folders."""
        self._folder.mkdir(parents=True, exist_ok=True)
        for folder in abandoned:
            for path in folder.glob("*.json") if folder.is_dir() else ():
                for file in (path.with_suffix(".audio"), path):
                    with suppress(FileNotFoundError):
                        file.rename(self._folder / file.name)
        for path in self._folder.glob("*.json"):
            clip = _read(path)
            if clip is None:
                path.unlink(missing_ok=True)
            else:
                self._keep(clip)
        for path in self._folder.glob("*.audio"):
            if not path.with_suffix(".json").exists():
                path.unlink()

    def _keep(self, clip: WaitingClip) -> None:
        with suppress(FileNotFoundError):
            clip = replace(clip, size=self.audio(clip).stat().st_size)
        self._clips[clip.name] = clip
        self._since_s[clip.name] = self._clock()

    def add(self, clip: WaitingClip) -> None:
        """Keep a clip that a detection names, until it is forwarded. The clip need not be written yet."""
        with self._lock:
            known = self._clips.get(clip.name)
            if clip.name in self._sent or (known is not None and known.probability >= clip.probability):
                return
            self._write(clip if known is None else replace(clip, start=known.start))
        self.collect()

    def _write(self, clip: WaitingClip) -> None:
        values = {**asdict(clip), "start": clip.start.isoformat()}
        write_atomically(self._about(clip), json.dumps(values), mode=0o600)
        self._keep(clip)

    def collect(self) -> None:
        """Take the audio of clips that are written by now, and drop those that matter least above the limit."""
        with self._lock:
            for clip in [one for one in self._clips.values() if not one.size]:
                source = next((path for folder in self._sources if (path := folder / clip.name).is_file()), None)
                if source is not None:
                    _link(source, self.audio(clip))
                    self._keep(clip)
                elif self._clock() - self._since_s[clip.name] > _MISSING_S:
                    self.missing += 1
                    self._forget(clip)
            self._drop([clip for clip in surplus(self._clips.values(), self._limit) if clip.name != self._busy])

    def _drop(self, clips: Sequence[WaitingClip]) -> None:
        for clip in clips:
            self._forget(clip)
        if clips:
            self.dropped += len(clips)
            log.warning(
                "%s: those that matter least are dropped (%s, %d so far)",
                f"the clips that wait in {self._folder} take up more than max_gb",
                plural(len(clips), "clip"),
                self.dropped,
            )

    def take(self) -> WaitingClip | None:
        """The clip that matters most of those that are written; it is not dropped until another one is taken."""
        with self._lock:
            found = next((clip for clip in ranked(self._clips.values()) if clip.size), None)
            self._busy = None if found is None else found.name
            return found

    def audio(self, clip: WaitingClip) -> Path:
        """The file with the audio of a clip."""
        return self._about(clip).with_suffix(".audio")

    def remove(self, clip: WaitingClip) -> None:
        """Forget a clip that was forwarded."""
        with self._lock:
            self._sent.append(clip.name)
            self._forget(clip)

    def reject(self, clip: WaitingClip, reason: str) -> Path:
        """Set aside a clip that the other node will never accept. Returns the file of its audio."""
        with self._lock:
            kept = self._folder / REJECTED / self.audio(clip).name
            kept.parent.mkdir(exist_ok=True)
            write_atomically(kept.with_suffix(".json"), json.dumps({"name": clip.name, "reason": reason}))
            self.audio(clip).replace(kept)
            self._sent.append(clip.name)
            self._forget(clip)
            return kept

    @property
    def waiting(self) -> int:
        """The number of clips."""
        return len(self._clips)

    @property
    def waiting_bytes(self) -> int:
        """Their size."""
        return sum(clip.size for clip in tuple(self._clips.values()))

    def _forget(self, clip: WaitingClip) -> None:
        self._clips.pop(clip.name, None)
        self._since_s.pop(clip.name, None)
        self._about(clip).unlink(missing_ok=True)
        self.audio(clip).unlink(missing_ok=True)

    def _about(self, clip: WaitingClip) -> Path:
        return self._folder / f"{hashlib.sha256(clip.name.encode()).hexdigest()[:32]}.json"


def _read(path: Path) -> WaitingClip | None:
    """What is known of a clip; None after a power cut."""
    try:
        values = json.loads(path.read_bytes())
        return WaitingClip(**{**values, "start": datetime.fromisoformat(values["start"]), "size": 0})
    except (ValueError, TypeError, KeyError):
        return None


def _link(source: Path, target: Path) -> None:
    """Make `target` a link to `source`, or a copy where that is not possible."""
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno not in (errno.EXDEV, errno.EPERM, errno.EMLINK, errno.EOPNOTSUPP):
            raise
        incomplete = target.with_suffix(".copy")
        shutil.copyfile(source, incomplete)
        incomplete.replace(target)
