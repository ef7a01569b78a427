"""Flushing denormal numbers to zero, thread by thread."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from tests.support.bundles import write_tone_bundle
from tidzam.denormals import denormals_as_before, flush_denormals
from tidzam.inference.loading import load_network


def product() -> float:
    """It is denormal."""
    return float(np.float32(1e-38) * np.float32(0.1))


def test_denormals_are_zero_in_a_thread_that_flushes_them_and_in_no_other() -> None:
    with ThreadPoolExecutor(1, initializer=flush_denormals) as flushing, ThreadPoolExecutor(1) as other:
        assert flushing.submit(product).result() == 0
        assert other.submit(product).result() > 0


def test_the_mode_of_a_thread_is_restored() -> None:
    def flushed_inside() -> float:
        with denormals_as_before():
            flush_denormals()
        return product()

    with ThreadPoolExecutor(1) as thread:
        assert thread.submit(flushed_inside).result() > 0


@pytest.mark.parametrize("threads", [1, 2])
def test_loading_a_network_does_not_change_the_mode_of_the_caller(tmp_path: Path, threads: int) -> None:
    bundle = write_tone_bundle(tmp_path, "selector", {"hum": (50.0,)})
    load_network(bundle, threads=threads)
    assert product() > 0
