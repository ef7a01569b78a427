"""The synthesized wetland: its audio and its ground truth agree."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from tidzam.demo.render import Rendering, render, write_scene
from tidzam.demo.scene import LABELS, SILENCE, VOICES, Event, Scene, gaps, read_truth, truth_at
from tidzam.demo.sounds import write_training_folders
from tidzam.demo.wetland import wetland
from tidzam.errors import DatasetError

RATE_HZ = 44100


def alone(label: str, seed: int = 3, rate_hz: int = RATE_HZ) -> Rendering:
    """One voice, near, on one channel."""
    event = Event(label=label, channel=0, start_s=0.5, end_s=5.0, distance_m=10.0, seed=seed)
    scene = Scene(name="test", seed=1, duration_s=6.0, rate_hz=rate_hz, noise_dbfs=(-70.0,), events=(event,))
    return render(scene)


def spectrum_of(label: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Frequencies, and the share of power that a voice has in each."""
    samples = alone(label).samples[0]
    power = np.abs(np.fft.rfft(samples.astype(np.float64))) ** 2
    share: NDArray[np.float64] = power / power.sum()
    return np.fft.rfftfreq(len(samples), 1 / RATE_HZ).astype(np.float64), share


@pytest.fixture(scope="module")
def seven() -> Rendering:
    return render(wetland(7, duration_s=40.0))


def test_same_seed_same_samples() -> None:
    one, other = (render(wetland(5, duration_s=8.0, channels=2)).samples for _ in range(2))
    np.testing.assert_array_equal(one, other)


def test_other_seed_other_scene() -> None:
    assert wetland(1).events != wetland(2).events


def test_any_number_of_channels_and_any_rate() -> None:
    rendering = render(wetland(3, duration_s=5.0, channels=6, rate_hz=48000))
    assert rendering.samples.shape == (6, 5 * 48000)
    assert rendering.samples.dtype == np.float32


def test_nothing_clips(seven: Rendering) -> None:
    assert 0.05 < np.abs(seven.samples).max() < 1.0


def test_channels_differ(seven: Rendering) -> None:
    correlation = np.corrcoef(seven.samples)
    assert np.abs(correlation - np.eye(4)).max() < 0.1


@pytest.mark.parametrize("seed", [7, 8, 9])
def test_every_channel_opens_with_a_clear_call(seed: int) -> None:
    truth = render(wetland(seed, duration_s=20.0)).truth
    for channel in range(4):
        opening = [e for e in truth.events if e.channel == channel and e.label != SILENCE and e.start_s < 2]
        assert opening
        assert opening[0].snr_db > 20
        assert opening[0].end_s - opening[0].start_s >= 1.0


def test_something_is_labelled_most_of_the_time(seven: Rendering) -> None:
    moments = np.arange(0, 40, 0.25)
    for channel in range(4):
        labeled = [bool(truth_at(seven.truth, moment)[channel]) for moment in moments]
        assert np.mean(labeled) > 0.8


def test_the_end_joins_the_beginning(seven: Rendering) -> None:
    steps = np.abs(np.diff(seven.samples, axis=1))
    joint = np.abs(seven.samples[:, 0] - seven.samples[:, -1])
    assert np.all(joint <= steps.max(axis=1))


@pytest.mark.parametrize(
    ("label", "low_hz", "high_hz"),
    [
        ("birds-chickadee", 2700, 4300),
        ("birds-sparrow", 3000, 7000),
        ("birds-warbler", 1500, 7600),
        ("birds-dove", 350, 1500),
        ("frogs-peeper", 2400, 3500),
        ("frogs-bullfrog", 80, 2000),
        ("crickets", 4100, 5200),
        ("rain", 500, 20000),
        ("wind", 20, 1000),
        ("engine", 30, 5000),
    ],
)
def test_voice_has_its_power_where_it_should(label: str, low_hz: float, high_hz: float) -> None:
    frequencies, share = spectrum_of(label)
    assert share[(frequencies >= low_hz) & (frequencies <= high_hz)].sum() > 0.9


@pytest.mark.parametrize("label", VOICES)
def test_voice_sounds_from_its_start_to_its_end(label: str) -> None:
    rendering = alone(label)
    event = next(e for e in rendering.truth.events if e.label == label)
    assert event.start_s == pytest.approx(0.5, abs=0.01)
    assert event.end_s <= 5.05
    inside = rendering.samples[0, int(0.5 * RATE_HZ) : int(event.end_s * RATE_HZ)]
    quiet = rendering.samples[0, : int(0.4 * RATE_HZ)]
    assert np.std(inside) > 5 * np.std(quiet)


def test_farther_is_softer_and_duller() -> None:
    near, far = (
        render(
            Scene(
                name="test",
                seed=1,
                duration_s=4.0,
                rate_hz=RATE_HZ,
                noise_dbfs=(-90.0,),
                events=(Event(label="rain", channel=0, start_s=0.0, end_s=4.0, distance_m=d, seed=2),),
            )
        )
        for d in (10.0, 80.0)
    )
    assert near.truth.events[0].level_dbfs - far.truth.events[0].level_dbfs == pytest.approx(20 * np.log10(8), abs=0.2)
    brightness = [np.std(np.diff(r.samples[0])) / np.std(r.samples[0]) for r in (near, far)]
    assert brightness[1] < 0.9 * brightness[0]


def test_a_masked_event_has_a_low_snr() -> None:
    dove = Event(label="birds-dove", channel=0, start_s=1.0, end_s=5.0, distance_m=50.0, seed=1)
    engine = Event(label="engine", channel=0, start_s=0.0, end_s=6.0, distance_m=5.0, seed=1)
    scene = Scene(name="t", seed=1, duration_s=6.0, rate_hz=RATE_HZ, noise_dbfs=(-65.0,), events=(dove, engine))
    snr_db = {event.label: event.snr_db for event in render(scene).truth.events}
    assert snr_db["birds-dove"] < 3 < 20 < snr_db["engine"]


def test_truth_at_repeats_and_names_parents() -> None:
    truth = alone("frogs-peeper").truth
    assert truth_at(truth, 1.0) == truth_at(truth, 1.0 + 5 * 6.0) == {0: {"frogs", "frogs-peeper"}}


def test_gaps_between_spans() -> None:
    assert gaps([(4, 5), (1, 2), (1.5, 3)], duration_s=10, min_s=1.0) == [(0.0, 1), (3, 4), (5, 10)]


def test_scene_on_disk(tmp_path: Path) -> None:
    sound, truth = write_scene(tmp_path, "pond", wetland(2, duration_s=6.0))
    info = soundfile.info(sound)
    assert (info.channels, info.samplerate, info.frames) == (4, 44100, 6 * 44100)
    assert read_truth(truth) == render(wetland(2, duration_s=6.0)).truth


def test_an_invalid_ground_truth_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text("{}")
    with pytest.raises(DatasetError, match="truth of a scene"):
        read_truth(tmp_path / "x.json")


def test_training_folders_have_every_leaf(tmp_path: Path) -> None:
    write_training_folders(tmp_path, seed=1, clips=1)
    found = {path.parent.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.flac")}
    assert found == {"/".join(LABELS.path(label)) for label in (*VOICES, SILENCE)}
