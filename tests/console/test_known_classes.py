"""What installed models say about classes: filters by group, and what is no sound."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from console.services.exports.ebird import is_bird, species_names
from console.services.known_classes import KnownClasses
from tests.support.console import ConsoleUnderTest, console_under_test
from tests.support.known_models import install_birdnet_manifest
from tests.support.store_records import detection
from tidzam.models.birdnet import birdnet_manifest
from tidzam.store.writer import StoreWriter
from tidzam.taxa import BIRDS

API = "/api/v1"
LABELS = (
    "Turdus merula_Eurasian Blackbird\nPseudacris crucifer_Spring Peeper\nGryllus rubens_Southeastern Field Cricket\n"
    "Canis latrans_Coyote\nEngine_Engine\nHuman vocal_Human vocal\nHuman non-vocal_Human non-vocal\n"
    "Power tools_Power tools\n"
)
HEARD = (
    ("Eurasian Blackbird",),
    ("Spring Peeper",),
    ("Coyote",),
    ("Engine",),
    ("birds", "wren"),
    ("frogs", "frogs-peeper"),
    ("rain",),
    ("silence",),
)


@pytest.fixture
def console(tmp_path: Path) -> Iterator[ConsoleUnderTest]:
    """A console where BirdNET is installed, which was heard beside a model with groups."""
    with console_under_test(tmp_path) as console:
        install_birdnet_manifest(console.runtime.settings.home, LABELS)
        now = console.clock()
        heard = [detection(id=f"{number}", path=path, start=now, end=now) for number, path in enumerate(HEARD)]
        StoreWriter(console.store).write(heard)
        yield console


def labels(console: ConsoleUnderTest, **filters: Any) -> set[str]:
    """The labels of the detections that fit, which are those of the classes in counts."""
    client = console.logged_in("viewer")
    found = {one["path"][-1] for one in client.get(f"{API}/detections", params=filters).json()["detections"]}
    assert {one["path"][-1] for one in client.get(f"{API}/detections/days", params=filters).json()} == found
    return found


@pytest.mark.parametrize(
    ("group", "expected"),
    [
        ("birds", {"Eurasian Blackbird", "wren"}),
        ("frogs", {"Spring Peeper", "frogs-peeper"}),
        ("mammals", {"Coyote"}),
        ("insects", set()),
    ],
)
def test_a_group_holds_species_of_birdnet_and_what_lies_below_it(
    console: ConsoleUnderTest, group: str, expected: set[str]
) -> None:
    assert labels(console, **{"class": group}) == expected


def test_the_filter_offers_the_groups_that_were_heard(console: ConsoleUnderTest) -> None:
    choices = console.logged_in("viewer").get(f"{API}/detections/choices").json()
    assert choices["groups"] == ["birds", "frogs", "mammals"]
    page = console.logged_in("viewer").get("/detections").text
    assert '<option value="mammals" >All mammals</option>' in page
    species = console.logged_in("viewer").get("/species?class=mammals").text
    assert ("Coyote" in species, "Spring Peeper" in species, 'aria-label="Groups"' in species) == (True, False, True)


def test_silence_is_shown_only_to_those_who_ask_for_it(console: ConsoleUnderTest) -> None:
    assert "silence" not in labels(console)
    assert "silence" in labels(console, silence=True)
    assert labels(console, **{"class": "silence"}) == {"silence"}


@pytest.mark.parametrize("path", ["/species", "/activity"])
def test_pages_leave_silence_out(console: ConsoleUnderTest, path: str) -> None:
    heard = [f">{label}<" in console.logged_in("viewer").get(path).text for label in ("rain", "silence")]
    assert heard == [True, False]
    assert ">silence<" in console.logged_in("viewer").get(f"{path}?silence=true").text


def test_the_last_hours_leave_silence_out(console: ConsoleUnderTest) -> None:
    heard = {one["path"][-1] for one in console.logged_in("viewer").get(f"{API}/live/hours").json()["classes"]}
    assert ("rain" in heard, "silence" in heard) == (True, False)


def test_the_part_of_the_day_cannot_be_chosen_without_a_position(console: ConsoleUnderTest) -> None:
    page = console.logged_in("viewer").get("/detections").text
    assert 'name="day_part" data-submit disabled' in page
    assert "Set location in the profile." in page


def test_a_label_may_hold_its_scientific_name() -> None:
    known = KnownClasses()
    assert known.scientific_name("Turdus merula_Eurasian Blackbird") == "Turdus merula"
    assert known.group(("Acris gryllus_Southern Cricket Frog",)) == "frogs"


def test_only_species_of_birdnet_are_birds_for_want_of_another_group() -> None:
    known = KnownClasses((birdnet_manifest(LABELS, threshold=0.5),))
    found = [known.group((label,)) for label in ("Eurasian Blackbird", "Engine", "rain", "Turdus pilaris")]
    assert found == [BIRDS, None, None, None]


@pytest.mark.parametrize("label", ["Human vocal", "Human non-vocal", "Power tools", "Reed warbler", "Engine_Engine"])
def test_a_class_that_is_no_species_has_no_scientific_name(label: str) -> None:
    known = KnownClasses((birdnet_manifest(LABELS, threshold=0.5),))
    assert known.scientific_name(label) is None


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (("Turdus pilaris_Fieldfare",), True),
        (("Rana temporaria_Common Frog",), False),
        (("birds", "Otis tarda_Great Bustard"), True),
        (("Acris gryllus_Southern Cricket Frog",), False),
        (("Human vocal",), False),
        (("Reed warbler",), False),
        (("birds",), False),
    ],
)
def test_only_what_is_known_to_be_birds_goes_to_ebird(path: tuple[str, ...], expected: bool) -> None:
    assert is_bird(path, KnownClasses((birdnet_manifest(LABELS, threshold=0.5),))) is expected


def test_a_tag_of_two_words_is_a_common_name() -> None:
    assert species_names("Reed warbler", KnownClasses()) == ("Reed warbler", "", "")
