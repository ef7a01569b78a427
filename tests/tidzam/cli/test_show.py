"""What `tidzam status` shows of the analyzer."""

from __future__ import annotations

from io import StringIO

from rich.console import Console

from tests.support import status
from tidzam.cli.show import print_status


def test_novelty_bundles_are_named_beside_the_classifiers() -> None:
    health = status.analyzer(classifiers=("selector",), bundles={"selector": "0" * 12, "pond": "1" * 12})
    console = Console(width=200, file=StringIO(), record=True)
    print_status(console, status.node(analyzer=health), ())
    assert "selector, pond (novelty)" in console.export_text()
