"""Settings of the C library's memory allocator."""

from __future__ import annotations

import ctypes
from typing import Final

_M_TRIM_THRESHOLD: Final = -1
_M_MMAP_THRESHOLD: Final = -3
"""The parameters of mallopt(3) in <malloc.h>."""
_KEPT_BYTES: Final = 1 << 28


def keep_freed_memory() -> None:
    """Have this process keep up to 256 MB of what it frees for what it allocates next.

    By default, glibc returns the memory of large arrays to the kernel at once, and the kernel clears every page of the
    next ones: a tenth of the processor time of a program that makes the same arrays again and again. Other C libraries
    have no such setting; there, nothing happens.
    """
    set_option = getattr(ctypes.CDLL(None), "mallopt", None)
    if set_option is not None:
        for option in (_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD):
            set_option(option, _KEPT_BYTES)


def release_freed_memory() -> None:
    """Return to the kernel what this process has freed and does not need now. Only glibc has such a function."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
