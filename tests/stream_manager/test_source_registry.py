"""Which source plays under a name, and how many sources a client may load."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from stream_manager.source_registry import SourceEntry, SourceRegistry
from tidzam.config import SourceSettings
from tidzam.config.recording import DefaultRecordSettings, RecordSettings
from tidzam.config.settings import StreamManagerSettings
from tidzam.errors import RequestError

LIMITS = StreamManagerSettings(port=8080, max_permanent_sources=3, max_client_sources=2)


def source(name: str = "pond", *, permanent: bool = True) -> SourceSettings:
    return SourceSettings(name=name, url=f"{name}.flac", is_permanent=permanent)


OWN = SourceEntry(source())
KEPT = SourceEntry(source(), "a")
GUEST = SourceEntry(source(permanent=False), "b")


def registry(*, kept: bool = False) -> SourceRegistry:
    made = SourceRegistry()
    made.profile["pond"] = OWN
    if kept:
        made.kept["pond"] = KEPT
    return made


def test_a_source_is_its_own_origin() -> None:
    assert registry().origin(GUEST) is GUEST


def test_the_origin_of_a_replay_without_an_address_is_the_source_of_the_profile() -> None:
    guest = SourceEntry(SourceSettings(name="past", database="pond"), "b")
    assert registry().origin(guest) is OWN


def test_a_source_that_refers_to_itself_has_no_origin() -> None:
    one = registry()
    one.profile["pond"] = SourceEntry(SourceSettings(name="pond", database="pond"))
    assert one.origin(one.profile["pond"]) is None


@pytest.mark.parametrize(
    ("changes", "folder"),
    [
        ({"name": "pond"}, "archive"),
        ({"name": "lake"}, "others"),
        ({"name": "lake", "record": RecordSettings(path=Path("own"))}, "own"),
        ({"name": "pond", "format": "copy"}, None),
        ({"name": "pond", "database": "pond", "date": "2026-05-01-04-15-30"}, None),
    ],
)
def test_a_source_is_recorded_as_the_profile_says_for_its_name_or_else_for_all(
    changes: dict[str, Any], folder: str | None
) -> None:
    one = SourceRegistry()
    archive = RecordSettings(path=Path("archive"))
    one.profile["pond"] = SourceEntry(SourceSettings(name="pond", url="x.flac", record=archive))
    wanted = SourceSettings.model_validate({"url": "y.flac", **changes})
    record = one.recordable(wanted, DefaultRecordSettings(path=Path("others"))).record
    assert (None if record is None else str(record.path)) == folder


def test_a_profile_source_is_restored_when_its_guest_is_dismissed() -> None:
    one = registry()
    one.dismiss(GUEST)
    assert one.entries("pond") == (OWN,)


def test_a_clients_permanent_source_is_restored_when_its_guest_is_dismissed() -> None:
    one = registry(kept=True)
    one.dismiss(GUEST)
    assert one.entries("pond") == (KEPT, OWN)


def test_a_profile_source_is_restored_when_its_permanent_replacement_is_unloaded() -> None:
    one = registry(kept=True)
    one.dismiss(KEPT)
    assert one.entries("pond") == (OWN,)


def test_an_unloaded_profile_source_is_not_restored_and_is_missing() -> None:
    one = registry()
    one.dismiss(OWN)
    assert one.entries("pond") == ()
    assert one.missing([]) == ("pond",)
    one.dismiss(GUEST)
    assert one.entries("pond") == ()


def test_a_profile_source_that_is_not_permanent_is_not_missing_once_it_has_ended() -> None:
    one = SourceRegistry()
    one.profile["once"] = SourceEntry(source("once", permanent=False))
    one.dismiss(one.profile["once"])
    assert one.missing([]) == ()


def test_permanent_sources_of_all_clients_are_limited() -> None:
    one = registry()
    one.kept = {name: SourceEntry(source(name), "somebody") for name in "xyz"}
    with pytest.raises(RequestError, match=r"loaded 3 permanent.*stream_manager\.max_permanent_sources") as caught:
        one.require_room(SourceEntry(source("w"), "me"), {}, LIMITS)
    assert caught.value.code == "too_many_sources"
    one.require_room(SourceEntry(source("x"), "me"), {}, LIMITS)
    one.require_room(SourceEntry(source("w", permanent=False), "me"), {}, LIMITS)


@pytest.mark.parametrize("permanent", [True, False])
def test_sources_of_one_client_are_limited(permanent: bool) -> None:
    loaded = {name: SourceEntry(source(name, permanent=permanent), "me") for name in "xy"}
    loaded |= {"other": SourceEntry(source("other"), "other"), "own": SourceEntry(source("own"))}
    with pytest.raises(RequestError, match=r"This client has loaded 2 sources.*stream_manager\.max_client_sources"):
        SourceRegistry().require_room(SourceEntry(source("z", permanent=permanent), "me"), loaded, LIMITS)
    SourceRegistry().require_room(SourceEntry(source("x", permanent=permanent), "me"), loaded, LIMITS)
    SourceRegistry().require_room(SourceEntry(source("z", permanent=permanent), "another"), loaded, LIMITS)


def test_a_client_may_use_the_names_that_the_profile_gives_the_channels_of_that_source() -> None:
    one = registry()
    one.profile["pond"] = SourceEntry(SourceSettings(name="pond", url="pond.flac", channel_names=("north", "south")))
    assert one.with_channel_names(source(permanent=False)).channel_names == ("north", "south")
    assert one.with_channel_names(source("lake")).channel_names == ()
