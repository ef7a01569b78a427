"""Secrets in a profile: as text, from the environment and from a file, and never printed."""

from pathlib import Path

import pytest
import yaml

from tidzam.config import load_settings
from tidzam.config.mqtt_sink import MqttSinkSettings
from tidzam.config.secret import Secret, reveal
from tidzam.config.settings import Settings
from tidzam.errors import ConfigError


def password(folder: Path, written: str) -> Secret:
    path = folder / "profile.yaml"
    path.write_text(f"analyzer: {{sinks: [{{type: mqtt, host: broker, password: {written}}}]}}")
    (sink,) = load_settings(path).analyzer.sinks
    assert isinstance(sink, MqttSinkSettings)
    return sink.password


def test_a_text(tmp_path: Path) -> None:
    assert reveal(password(tmp_path, "hidden"), "The password") == "hidden"


def test_an_environment_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROKER_PASSWORD", "hidden")
    assert reveal(password(tmp_path, "{env: BROKER_PASSWORD}"), "The password") == "hidden"


def test_a_file_beside_the_profile(tmp_path: Path) -> None:
    (tmp_path / "broker-password").write_text("hidden\n")
    assert reveal(password(tmp_path, "{file: broker-password}"), "The password") == "hidden"


@pytest.mark.parametrize("written", ["{env: NOT_SET_ANYWHERE}", "{file: nowhere}"])
def test_a_secret_that_is_not_there_is_named(tmp_path: Path, written: str) -> None:
    with pytest.raises(ConfigError, match="The password is unknown") as caught:
        reveal(password(tmp_path, written), "The password")
    assert caught.value.code == "secret"


@pytest.mark.parametrize("written", ["{}", "{env: A, file: b}"])
def test_a_reference_names_one_place(tmp_path: Path, written: str) -> None:
    with pytest.raises(ConfigError, match="a secret is a text"):
        password(tmp_path, written)


def test_the_text_is_hidden_when_it_is_printed(tmp_path: Path) -> None:
    assert "hidden" not in repr(password(tmp_path, "hidden"))


@pytest.mark.parametrize("sink", ["{type: mqtt, host: broker", "{type: chain, url: 'http://host', user: me"])
def test_the_nodes_copy_of_the_profile_still_holds_it(tmp_path: Path, sink: str) -> None:
    path = tmp_path / "profile.yaml"
    path.write_text(f"analyzer: {{sinks: [{sink}, password: hidden}}]}}")
    copy = tmp_path / "copy.yaml"
    copy.write_text(yaml.safe_dump(load_settings(path).model_dump(mode="json", by_alias=True)))
    assert load_settings(copy).analyzer.sinks == load_settings(path).analyzer.sinks
    assert Settings.model_validate(yaml.safe_load(copy.read_text())).analyzer.sinks[0]
