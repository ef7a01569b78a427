"""What the tests of the console share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.console import ConsoleUnderTest, console_under_test
from tests.support.recognizers import train_recognizer


@pytest.fixture(scope="session")
def trained_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a recognizer, to be copied: training takes two seconds."""
    home = tmp_path_factory.mktemp("trained")
    train_recognizer(home)
    return home


@pytest.fixture
def console(tmp_path: Path) -> Iterator[ConsoleUnderTest]:
    """A console with default settings, and a user per role."""
    with console_under_test(tmp_path) as console:
        yield console
