"""Which source plays under a name, and how many sources a client may load."""

from __future__ import annotations

import pytest

from stream_manager.roster import Claim, Roster
from tidzam.config import SourceSettings
from tidzam.config.settings import StreamManagerSettings
from tidzam.errors import RequestError

LIMITS = StreamManagerSettings(port=8080, max_permanent_sources=3, max_client_sources=2)


def source(name: str = "pond", *, permanent: bool = True) -> SourceSettings:
    return SourceSettings(name=name, url=f"{name}.flac", is_permanent=permanent)


OWN = Claim(source())
KEPT = Claim(source(), "a")
GUEST = Claim(source(permanent=False), "b")


def roster(*, kept: bool = False) -> Roster:
    made = Roster()
    made.profile["pond"] = OWN
    if kept:
        made.kept["pond"] = KEPT
    return made


def test_a_profile_source_returns_when_a_guest_that_replaced_it_is_dismissed() -> None:
    one = roster()
    one.dismiss(GUEST)
    assert one.claims("pond") == (OWN,)


def test_a_permanent_source_of_a_client_returns_when_a_guest_that_replaced_it_is_dismissed() -> None:
    one = roster(kept=True)
    one.dismiss(GUEST)
    assert one.claims("pond") == (KEPT, OWN)


def test_a_profile_source_returns_when_a_permanent_source_that_replaced_it_is_unloaded() -> None:
    one = roster(kept=True)
    one.dismiss(KEPT)
    assert one.claims("pond") == (OWN,)


def test_an_unloaded_profile_source_stays_away_and_is_missing() -> None:
    one = roster()
    one.dismiss(OWN)
    assert one.claims("pond") == ()
    assert one.missing([]) == ("pond",)
    one.dismiss(GUEST)
    assert one.claims("pond") == ()


def test_a_profile_source_that_is_not_permanent_is_not_missing_once_it_has_ended() -> None:
    one = Roster()
    one.profile["once"] = Claim(source("once", permanent=False))
    one.dismiss(one.profile["once"])
    assert one.missing([]) == ()


def test_permanent_sources_of_all_clients_are_limited_and_the_refusal_names_number_and_setting() -> None:
    one = roster()
    one.kept = {name: Claim(source(name), "somebody") for name in "xyz"}
    with pytest.raises(RequestError, match=r"loaded 3 permanent.*stream_manager\.max_permanent_sources") as caught:
        one.require_room(Claim(source("w"), "me"), {}, LIMITS)
    assert caught.value.code == "too_many_sources"
    one.require_room(Claim(source("x"), "me"), {}, LIMITS)
    one.require_room(Claim(source("w", permanent=False), "me"), {}, LIMITS)


@pytest.mark.parametrize("permanent", [True, False])
def test_sources_of_one_client_are_limited_and_the_refusal_names_number_and_setting(permanent: bool) -> None:
    loaded = {name: Claim(source(name, permanent=permanent), "me") for name in "xy"}
    loaded |= {"other": Claim(source("other"), "other"), "own": Claim(source("own"))}
    with pytest.raises(RequestError, match=r"This client has loaded 2 sources.*stream_manager\.max_client_sources"):
        Roster().require_room(Claim(source("z", permanent=permanent), "me"), loaded, LIMITS)
    Roster().require_room(Claim(source("x", permanent=permanent), "me"), loaded, LIMITS)
    Roster().require_room(Claim(source("z", permanent=permanent), "another"), loaded, LIMITS)
