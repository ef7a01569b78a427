"""What is checked before a node starts."""

from __future__ import annotations

import pytest

from tidzam.config.settings import AnalyzerSettings, Settings
from tidzam.errors import ConfigError
from tidzam.node.prepare import require_classifiers


@pytest.mark.parametrize(
    "analyzer", [AnalyzerSettings(engine="onxx"), AnalyzerSettings(decision="treshold")], ids=["engine", "decision"]
)
def test_a_misspelt_extension_of_the_analyzer_keeps_the_node_from_starting(analyzer: AnalyzerSettings) -> None:
    with pytest.raises(ConfigError) as caught:
        require_classifiers(Settings(analyzer=analyzer))
    assert caught.value.code == "unknown_extension"
