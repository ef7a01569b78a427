"""What the tests of the console share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.console import ConsoleUnderTest, console_under_test


@pytest.fixture
def console(tmp_path: Path) -> Iterator[ConsoleUnderTest]:
    """A console with default settings, and a user per role."""
    with console_under_test(tmp_path) as console:
        yield console
