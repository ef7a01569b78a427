"""Denormal numbers flushed to zero in a thread: on some processors, arithmetic with them is a hundred times slower.

They are below 1.2e-38, far below any audio, and occur where a filter or a fade decays to nothing. The mode is a bit of
the processor's floating-point control register, which belongs to a thread. The C library sets it with `fesetenv`; the
layouts of `fenv_t` are those of glibc and musl, which cannot change without breaking every program.
"""

from __future__ import annotations

import ctypes
import logging
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

log = logging.getLogger(__name__)

_WORDS: Final = 16
"""Of 32 bits, at least as many as any `fenv_t` has."""
_FLAGS: Final = {"x86_64": (7, 0x8040), "aarch64": (0, 1 << 24)}
"""By machine: the index of the control register in `fenv_t`, in words, and the bits to set. On x86-64 these are "flush
to zero" and "denormals are zero" of MXCSR; on ARM, FZ of FPCR."""


def flush_denormals() -> bool:
    """Treat denormal numbers as zero in this thread, until it ends. Returns whether this machine can."""
    place = _FLAGS.get(platform.machine())
    if place is None:
        return False
    word, bits = place
    try:
        library, environment = ctypes.CDLL(None), (ctypes.c_uint32 * _WORDS)()
        if library.fegetenv(environment):
            return False
        environment[word] |= bits
        return not library.fesetenv(environment)
    except (OSError, AttributeError) as error:
        log.debug("denormal numbers are not flushed to zero: %s", error)
        return False


@contextmanager
def denormals_as_before() -> Iterator[None]:
    """Restore this thread's mode, which a library may change, at the end."""
    try:
        library, environment = ctypes.CDLL(None), (ctypes.c_uint32 * _WORDS)()
        known = platform.machine() in _FLAGS and not library.fegetenv(environment)
    except (OSError, AttributeError):
        known = False
    try:
        yield
    finally:
        if known:
            library.fesetenv(environment)
