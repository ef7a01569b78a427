"""What every test run needs: that it leaves nothing behind."""

from __future__ import annotations

from collections.abc import Iterator

import hypothesis
import pytest

from tests.support import guard
from tests.support.node import Node

# How fast a generated example runs says nothing about the code: the machine may be busy.
hypothesis.settings.register_profile("tidzam", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("tidzam")

GUARD = pytest.StashKey[guard.Guard]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[GUARD] = guard.watch()


def pytest_unconfigure(config: pytest.Config) -> None:
    left = config.stash[GUARD].dismiss()
    if left:
        print(f"\nThese processes were left behind by the tests and have been killed:\n{left}", end="")


@pytest.fixture(autouse=True)
def nodes_end_with_their_test() -> Iterator[None]:
    """A test that fails between a node's start and its stop must not leave the node to the tests after it."""
    before = len(Node.made)
    yield
    for node in Node.made[before:]:
        node.end()
    del Node.made[before:]
