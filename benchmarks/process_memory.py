"""What the memory of a process consists of, as proportional set size: shared memory is divided among its users."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final

_KILOBYTE: Final = 1024


@dataclass(frozen=True)
class MemoryUse:
    """Bytes of a process or of several. `private`: Python's objects, arrays, and what networks allocate; `files`:
    programs and libraries; `ring`: the captured audio; `jack`: what JACK shares with its clients."""

    private: int = 0
    files: int = 0
    ring: int = 0
    jack: int = 0

    def __add__(self, other: MemoryUse) -> MemoryUse:
        return MemoryUse(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(self)))

    @property
    def total(self) -> int:
        return self.private + self.files + self.ring + self.jack

    def in_mb(self, prefix: str) -> dict[str, float]:
        """The figures in MB, with names that begin with `prefix`."""
        figures = {f"{prefix}_mb": self.total}
        figures |= {f"{prefix}_{one.name}_mb": getattr(self, one.name) for one in fields(self)}
        return {name: round(size / 1e6, 1) for name, size in figures.items()}


def memory_of(pid: int) -> MemoryUse:
    """The memory of a process. Raises OSError if it has ended."""
    with Path(f"/proc/{pid}/smaps").open(encoding="utf-8", errors="replace") as lines:
        return parse_smaps(lines)


def parse_smaps(lines: Iterable[str]) -> MemoryUse:
    """The sums of a file `/proc/PID/smaps`: per mapping, a line with its name and one with its size (`Pss:`)."""
    sums = dict.fromkeys((one.name for one in fields(MemoryUse)), 0)
    kind = "private"
    for line in lines:
        words = line.split()
        if words[0] == "Pss:":
            sums[kind] += int(words[1]) * _KILOBYTE
        elif not words[0].endswith(":"):
            kind = _kind_of(words[5] if len(words) > 5 else "")
    return MemoryUse(**sums)


def _kind_of(mapping: str) -> str:
    """The kind of memory behind a mapping with this name; empty for anonymous memory."""
    if mapping.startswith("/memfd:tidzam-ring"):
        return "ring"
    if mapping.startswith(("/dev/shm/jack", "/memfd:jack")):
        return "jack"
    return "files" if mapping.startswith("/") else "private"
