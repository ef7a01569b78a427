"""What a profile says in vain on an edge node is said at its start, once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tidzam.config import Settings, load_settings
from tidzam.node.edge_profile import ignored_at_edge, without_ignored


def settings_of(folder: Path, text: str) -> Settings:
    profile = folder / "edge.yaml"
    profile.write_text(f"home: {folder}\nedge: {{enabled: true}}\n{text}\n")
    return load_settings(profile)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("console: {enabled: true}", "`console.enabled` is ignored"),
        ("sources: [{name: pond, url: a.flac, record: {path: sound}}]", "`record.path` is ignored"),
        ("sources: [{name: pond, url: a.flac, record: {keep: {days: 3}}}]", "`record.keep` is ignored"),
    ],
)
def test_what_an_edge_node_ignores_is_said(tmp_path: Path, text: str, named: str) -> None:
    settings = settings_of(tmp_path, text)
    (remark,) = ignored_at_edge(settings)
    assert named in remark
    assert ignored_at_edge(without_ignored(settings)) == []


def test_a_profile_that_an_edge_node_follows_gives_no_cause(tmp_path: Path) -> None:
    text = "console: {port: 8099}\nsources: [{name: pond, url: a.flac, record: {length_s: 30, format: wav}}]"
    assert ignored_at_edge(settings_of(tmp_path, text)) == []
