"""Sinks in a profile: read by the settings model of their type, with every mistake reported at its line."""

import sys
from pathlib import Path

import pytest
from pydantic import SecretStr

from tidzam.config import load_settings
from tidzam.config.chain_sink import ChainSinkSettings
from tidzam.config.clips import ClipRule
from tidzam.config.settings import NodeSettings
from tidzam.config.sinks import SINKS, ClipSinkSettings, CsvSinkSettings
from tidzam.errors import ConfigError


def profile(folder: Path, *sinks: str) -> Path:
    path = folder / "profile.yaml"
    path.write_text("\n".join(["analyzer:", "  sinks:", *(f"    - {sink}" for sink in sinks)]))
    return path


def mistake(folder: Path, sink: str) -> str:
    """What is wrong with the second sink of a profile."""
    with pytest.raises(ConfigError) as caught:
        load_settings(profile(folder, "{type: csv, path: a.csv}", sink))
    return caught.value.message


def test_sinks_are_read_in_their_order_with_paths_from_the_profiles_folder(tmp_path: Path) -> None:
    settings = load_settings(
        profile(
            tmp_path,
            "{type: csv, path: found.csv}",
            "{type: clips, folder: clips, rules: [{classes: 'owl,birds-', channels: [0, 'lake:*'], rate: 0.5}]}",
            "{type: chain, url: 'https://host/x', user: me, password: secret}",
        )
    )
    csv, clips, chain = settings.analyzer.sinks
    assert csv == CsvSinkSettings(path=tmp_path / "found.csv")
    rule = ClipRule(classes=("owl", "birds-"), channels=("*:out_0", "lake:*"), rate=0.5)
    assert clips == ClipSinkSettings(folder=tmp_path / "clips", rules=(rule,))
    assert isinstance(chain, ChainSinkSettings)
    assert chain.password == SecretStr("secret")


@pytest.mark.parametrize(
    ("sink", "report"),
    [
        ("{type: csv, pth: x}", "profile.yaml:4: analyzer.sinks.1.pth: found 'x'; unknown name. Did you mean 'path'?"),
        ("{type: csvv}", "profile.yaml:4: analyzer.sinks.1.type: found 'csvv'; there is no sink 'csvv'. Did you mean"),
        (
            "{path: x}",
            "profile.yaml:4: analyzer.sinks.1: a sink needs a type; the known ones are clips, csv, jsonl, chain",
        ),
        ("{type: csv}", "profile.yaml:4: analyzer.sinks.1.path: "),
        (
            "{type: clips, folder: x, rules: [{rate: 2}]}",
            "analyzer.sinks.1.rules.0.rate: a rate is a number from 0 to 1",
        ),
        ("{type: clips, folder: x, rules: [{clases: a}]}", "Did you mean 'classes'?"),
        ("{type: chain, url: 'ftp://host'}", "analyzer.sinks.1: url is not an http or https address"),
        ("5", "profile.yaml:4: analyzer.sinks.1: found 5; "),
    ],
)
def test_a_mistake_is_reported_with_its_line(tmp_path: Path, sink: str, report: str) -> None:
    assert report in mistake(tmp_path, sink)


@pytest.mark.parametrize("url", ["http://me:hidden@host/", "me:hidden@host"])
def test_a_password_in_an_address_is_refused_without_repeating_it(tmp_path: Path, url: str) -> None:
    message = mistake(tmp_path, f"{{type: chain, url: '{url}'}}")
    assert "set user and password instead" in message
    assert "hidden" not in message


def test_a_package_whose_sink_has_no_settings_model_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    metadata = tmp_path / "counter-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: counter\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[tidzam.sinks]\ncounter = collections:Counter\n")
    assert "counter" not in SINKS.names()
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.delitem(SINKS.__dict__, "_known")  # as in a program that starts now
    assert "'counter' has no attribute settings_model" in mistake(tmp_path, "{type: counter}")


def test_the_nodes_name_is_the_hosts_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "pond station.local")
    assert NodeSettings().known_as == "pond-station.local"
    assert NodeSettings(name="garden").known_as == "garden"


@pytest.mark.parametrize("number", [".inf", ".nan", "-.inf"])
@pytest.mark.parametrize(
    "sink",
    [
        "{type: influxdb, url: 'http://localhost', collect_s: NUMBER}",
        "{type: webhook, url: 'http://localhost', spool_mb: NUMBER}",
        "{type: chain, url: 'http://localhost', timeout_s: NUMBER}",
        "{type: notify, urls: ['json://localhost'], rules: [{interval_s: NUMBER}]}",
        "{type: clips, folder: clips, budget: {days: NUMBER}}",
    ],
)
def test_numbers_are_finite(tmp_path: Path, sink: str, number: str) -> None:
    assert "finite number" in mistake(tmp_path, sink.replace("NUMBER", number))
