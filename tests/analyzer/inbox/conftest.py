"""What the tests of the inference share: a bundle, and a process that is forked in place of a start."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.bundles import write_tone_bundle
from tests.support.inbox import InboxTemplate, inbox_template


@pytest.fixture(scope="package")
def nn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("nn")
    write_tone_bundle(folder, "selector", {"owl": (2000.0,), "rain": (500.0,)})
    return folder


@pytest.fixture(scope="package")
def template(nn: Path) -> Iterator[InboxTemplate]:
    with inbox_template(nn) as made:
        yield made
