"""A console whose library has a recognizer, its base, and the demo's classifiers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.console import ConsoleUnderTest, console_under_test
from tests.support.recognizers import copy_recognizer


@pytest.fixture
def console(tmp_path: Path, trained_home: Path) -> Iterator[ConsoleUnderTest]:
    copy_recognizer(trained_home, tmp_path)
    with console_under_test(tmp_path) as console:
        yield console
