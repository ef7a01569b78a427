"""Which species are reported at a place in a week."""

from datetime import date

import numpy as np
import pytest

from tidzam.audio.waveform import WaveformSpec
from tidzam.bundle import BundleManifest
from tidzam.config.location import LocationSettings
from tidzam.config.species_range import RangeSettings
from tidzam.errors import ConfigError
from tidzam.inference.species_range import RangeModel, SpeciesRange, week_of
from tidzam.labels import LabelTree
from tidzam.types import Float32

CLASSES = ("owl", "swallow", "penguin", "engine")
SCIENTIFIC = {"owl": "Strix aluco", "swallow": "Hirundo rustica", "penguin": "Aptenodytes forsteri"}
NORTH = LocationSettings(latitude=52.0, longitude=5.0)
SUMMER, WINTER = date(2026, 6, 15), date(2026, 1, 15)


class Ranges:
    """Owls live in the north, swallows there in summer, penguins in the south; of engines it says nothing true."""

    input_shape = (None, 3)

    def predict(self, inputs: Float32) -> Float32:
        ((latitude, _, week),) = inputs
        north = float(latitude > 0)
        return np.array([[0.9 * north, 0.5 * (13 < week < 40), 0.8 * (1 - north), 0.0]], dtype=np.float32)


def manifest() -> BundleManifest:
    spec = WaveformSpec(rate_hz=8000, window_s=0.5, fmax_hz=4000.0)
    return BundleManifest(
        name="birds",
        waveform=spec,
        hop_s=spec.window_s,
        classes=CLASSES,
        labels=LabelTree.flat(CLASSES),
        activation="sigmoid",
        thresholds=dict.fromkeys(CLASSES, 0.5),
        root=True,
        scientific_names=SCIENTIFIC,
        provenance={},
        accuracy={},
    )


def species_range(location: LocationSettings | None = NORTH, **settings: object) -> SpeciesRange:
    return SpeciesRange(
        CLASSES,
        LabelTree.flat(CLASSES),
        settings=RangeSettings.model_validate(settings),
        scientific_names=SCIENTIFIC,
        location=location,
        models=[RangeModel(manifest(), Ranges())],
    )


def reported(found: SpeciesRange, day: date | None) -> list[str]:
    return [label for label, hidden in zip(CLASSES, found.hidden(day), strict=True) if not hidden]


@pytest.mark.parametrize(
    ("day", "week"),
    [
        (date(2026, 1, 1), 1),
        (date(2026, 1, 8), 2),
        (date(2026, 7, 2), 25),
        (date(2024, 2, 29), 8),
        (date(2026, 12, 31), 48),
        (date(2024, 12, 31), 48),
        (None, -1),
    ],
)
def test_a_year_has_48_weeks(day: date | None, week: int) -> None:
    assert week_of(day) == week


def test_the_week_decides_on_migrants() -> None:
    assert reported(species_range(), SUMMER) == ["owl", "swallow", "engine"]
    assert reported(species_range(), WINTER) == ["owl", "engine"]


def test_the_place_decides() -> None:
    assert reported(species_range(LocationSettings(latitude=-75, longitude=0)), WINTER) == ["penguin", "engine"]


def test_the_least_probability_decides() -> None:
    assert reported(species_range(min_probability=0.6), SUMMER) == ["owl", "engine"]


def test_included_species_are_reported_anywhere() -> None:
    assert "penguin" in reported(species_range(include=["Aptenodytes forsteri"]), WINTER)


def test_excluded_classes_are_never_reported() -> None:
    assert reported(species_range(include=["owl"], exclude="engine, owl"), SUMMER) == ["swallow"]


def test_what_is_below_an_excluded_class_is_not_reported() -> None:
    tree = LabelTree({"birds": None, "owl": "birds", "rain": None})
    found = SpeciesRange(("birds", "rain", "owl"), tree, settings=RangeSettings(exclude=("birds",)))
    assert found.hidden(SUMMER).tolist() == [True, False, True]


def test_without_a_location_every_species_is_reported() -> None:
    assert species_range(None).hides_nothing
    assert reported(species_range(None), SUMMER) == list(CLASSES)


def test_an_unknown_class_is_refused_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"range\.exclude names 'owll'") as caught:
        species_range(exclude="owll")
    assert "Did you mean 'owl'?" in caught.value.hint
