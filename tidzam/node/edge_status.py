"""The state of an edge node: what its recorder and its inference last wrote about themselves, and their faults."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Self

from tidzam.config import Settings
from tidzam.edge_folders import EdgeFolders
from tidzam.inbox_status import InboxStatus
from tidzam.node.home import Home
from tidzam.recorder_status import RECORDER_STATUS_FILE, RecordedSourceStatus, RecorderStatus

FRESH_S: Final = 30.0
"""A recorder that has written nothing for this long, although it writes every second, does not work."""


@dataclass(frozen=True)
class EdgeStatus:
    """An edge node at one time. `recorder` and `inference` are None if they have not written anything yet.

    `files` is the number of files in each folder, by its name.
    """

    recorder: RecorderStatus | None
    inference: InboxStatus | None
    files: Mapping[str, int]

    @classmethod
    def read(cls, home: Home, settings: Settings) -> Self:
        """The state of the edge node in a home."""
        folders = EdgeFolders(settings.edge.folder)
        counted = (folders.to_parse, folders.parsed, folders.rejected)
        return cls(
            RecorderStatus.read(home.root / RECORDER_STATUS_FILE),
            InboxStatus.read(home.root),
            {folder.name: _count(folder) for folder in counted},
        )

    @property
    def sources(self) -> tuple[RecordedSourceStatus, ...]:
        """The sources of the recorder."""
        return self.recorder.sources if self.recorder is not None else ()

    def to_dict(self) -> dict[str, Any]:
        """Part of the output of `tidzam status --json`."""
        recorder, inference = self.recorder, self.inference
        return {
            "recorder": None if recorder is None else asdict(recorder),
            "inference": None if inference is None else asdict(inference),
            "files": dict(self.files),
        }


@dataclass(frozen=True)
class EdgeFault:
    """Something that is wrong with an edge node. A `pending` one is expected to disappear soon; `source` is the name
    of the source that has it, if one has."""

    reason: str
    pending: bool = False
    source: str | None = None


def edge_faults(status: EdgeStatus, pids: Mapping[str, int | None], *, now_s: float | None = None) -> list[EdgeFault]:
    """The faults of an edge node whose programs run with these process ids. Pure, if `now_s` is given.

    What an earlier process wrote counts as nothing.
    """
    now_s = time.time() if now_s is None else now_s
    recorder, inference = status.recorder, status.inference
    found = []
    if recorder is None or recorder.pid != pids.get("recorder"):
        found.append(EdgeFault("The recorder has not recorded anything yet.", pending=True))
    elif now_s - recorder.time_s > FRESH_S:
        found.append(EdgeFault(f"The recorder has written no status for {now_s - recorder.time_s:.0f} s."))
    else:
        found += [fault for source in recorder.sources if (fault := _source_fault(source)) is not None]
        found += [
            EdgeFault(f"Source {one.name}: complete files cannot be moved: {one.waiting}", source=one.name)
            for one in recorder.sources
            if one.waiting is not None
        ]
    if inference is None or inference.pid != pids.get("inference") or inference.state == "loading":
        found.append(EdgeFault("The inference has not loaded its classifiers yet.", pending=True))
    elif inference.fault is not None:
        found.append(EdgeFault(f"The inference analyzes nothing: {inference.fault}"))
    return found


def _source_fault(source: RecordedSourceStatus) -> EdgeFault | None:
    if source.state == "recording":
        return None
    if source.state == "waiting" and source.problem is None:
        return EdgeFault(f"Source {source.name}: no audio yet.", pending=True, source=source.name)
    if source.state == "ended":
        return EdgeFault(f"Source {source.name} has ended.", source=source.name)
    return EdgeFault(f"Source {source.name} is not recorded: {source.problem}", source=source.name)


def edge_remarks(status: EdgeStatus) -> list[str]:
    """What is worth knowing of an edge node and is no fault."""
    removed = status.recorder.removed if status.recorder is not None else {}
    sinks = status.inference.sinks if status.inference is not None else {}
    return [
        *(
            f"The disk was full: {count} files of {folder} were deleted since the recorder started."
            for folder, count in removed.items()
            if count
        ),
        *(
            f"The sink {name} fails and is tried again until it works: {one.fault}"
            for name, one in sinks.items()
            if one.fault
        ),
    ]


def _count(folder: Path) -> int:
    try:
        return sum(not path.name.startswith(".") for path in folder.iterdir())
    except OSError:
        return 0
