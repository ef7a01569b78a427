"""Freed memory is used again instead of being returned to the kernel, or returned when that is wanted."""

from __future__ import annotations

import subprocess
import sys

_FAULTS = """
import resource
import numpy as np
from tidzam.allocator import keep_freed_memory
if {keeps}:
    keep_freed_memory()
def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
np.ones(1 << 20)
before = faults()
for _ in range(20):
    np.ones(1 << 20)
    np.ones(1 << 19)
print(faults() - before)
"""
"""The page faults of arrays of 8 and 4 MB, one after another."""


def page_faults(*, keeps: bool) -> int:
    done = subprocess.run([sys.executable, "-c", _FAULTS.format(keeps=keeps)], capture_output=True, check=True)
    return int(done.stdout)


def test_arrays_are_made_in_the_memory_of_earlier_ones() -> None:
    assert page_faults(keeps=True) < 100 < page_faults(keeps=False)


_RELEASED = """
import numpy as np
from tidzam.allocator import release_freed_memory
def resident_mb():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096 >> 20
arrays = [np.ones(8000) for _ in range(1000)]
last = arrays.pop()
before = resident_mb()
del arrays
freed = resident_mb()
release_freed_memory()
print(before - freed, before - resident_mb())
"""
"""The memory that is returned after 64 MB were freed below an array that stays."""


def test_freed_memory_is_returned_on_request() -> None:
    done = subprocess.run([sys.executable, "-c", _RELEASED], capture_output=True, check=True)
    before_mb, after_mb = map(int, done.stdout.split())
    assert before_mb < 30 < after_mb
