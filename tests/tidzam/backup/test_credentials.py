"""The settings in a backup have no credentials, and say where some are missing."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from tidzam.backup.credentials import profile_values, without_address_credentials, without_credentials
from tidzam.backup.relocation import relocated
from tidzam.config import Settings
from tidzam.config.mqtt_sink import MqttSinkSettings
from tidzam.config.secret import reveal
from tidzam.config.sources import SourceSettings
from tidzam.config.store import StoreSettings

SECRET = "correct-horse"
SETTINGS = Settings(
    store=StoreSettings(url="postgresql://tidzam@db/tidzam", password=SecretStr(SECRET)),
    sources=(SourceSettings(name="pond", url=f"rtsp://camera:{SECRET}@10.0.0.7/stream?user={SECRET}"),),
    analyzer=Settings().analyzer.model_copy(
        update={"sinks": (MqttSinkSettings(host="broker", user="a", password=SecretStr(SECRET)),)}
    ),
)


def test_no_credential_is_left() -> None:
    assert SECRET not in repr(without_credentials(SETTINGS)[0])


def test_what_is_missing_is_named() -> None:
    assert without_credentials(SETTINGS)[1] == ("analyzer.sinks[0].password", "store.password", "sources[0].url")


def test_a_secret_can_be_given_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    restored = Settings.model_validate(without_credentials(SETTINGS)[0])
    monkeypatch.setenv("TIDZAM_STORE_PASSWORD", "battery-staple")
    assert reveal(restored.store.password, "store.password") == "battery-staple"


def test_settings_without_credentials_stay_as_they_are() -> None:
    assert without_credentials(Settings()) == (profile_values(Settings()), ())


def test_the_addresses_of_sources_of_clients_lose_theirs() -> None:
    values, left_out = without_address_credentials({"sources": [{"url": f"http://u:{SECRET}@host/a.ogg"}]})
    assert (values, left_out) == ({"sources": [{"url": "http://host/a.ogg"}]}, ("sources[0].url",))


def test_the_innermost_place_decides_where_a_path_leads() -> None:
    places = {"/old": "/new", "/old/data/clips": "/clips"}
    values = ["/old", "/old/a", "/old/data/clips/b", "/older", "old/a"]
    assert relocated(values, places) == ["/new", "/new/a", "/clips/b", "/older", "old/a"]
