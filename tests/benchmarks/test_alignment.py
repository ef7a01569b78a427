"""The measure of how faithful a recording is, on recordings whose faults are known."""

import numpy as np
import pytest

from benchmarks.alignment import BEST_DB, fidelity, snr_db

RATE_HZ = 8000


@pytest.fixture
def sound() -> np.ndarray:
    return np.random.default_rng(1).uniform(-0.5, 0.5, 2 * RATE_HZ).astype(np.float32)


def tape_of(sound: np.ndarray, *, at: int) -> np.ndarray:
    tape = np.zeros(len(sound) + 3 * RATE_HZ, np.float32)
    tape[at : at + len(sound)] = sound
    return tape


@pytest.mark.parametrize("at", [0, 1, 777, 3 * RATE_HZ])
def test_the_same_samples_later(sound: np.ndarray, at: int) -> None:
    assert fidelity(sound, tape_of(sound, at=at), RATE_HZ).snr_db == BEST_DB


def test_noise_of_a_known_level(sound: np.ndarray) -> None:
    noise = np.random.default_rng(2).standard_normal(len(sound)).astype(np.float32)
    noise *= np.sqrt(np.mean(sound**2) / np.mean(noise**2)) * 10 ** (-50 / 20)
    assert fidelity(sound, tape_of(sound + noise, at=500), RATE_HZ).snr_db == pytest.approx(50, abs=0.2)


def test_a_start_that_was_missed_costs_share_but_no_fidelity(sound: np.ndarray) -> None:
    tape = tape_of(sound, at=500)
    tape[: 500 + RATE_HZ // 2] = 0
    heard = fidelity(sound, tape, RATE_HZ)
    assert heard.snr_db == BEST_DB
    assert heard.share == pytest.approx(0.75, abs=1e-3)


def test_a_lost_block_shows(sound: np.ndarray) -> None:
    tape = tape_of(sound, at=500)
    tape[8000:8400] = 0
    heard = fidelity(sound, tape, RATE_HZ)
    assert heard.snr_db < 20
    assert heard.wrong_s == pytest.approx(0.05, abs=0.03)


def test_an_empty_tape(sound: np.ndarray) -> None:
    assert fidelity(sound, np.zeros(5 * RATE_HZ, np.float32), RATE_HZ).share == 0


def test_silence_is_like_silence() -> None:
    assert snr_db(np.zeros(4, np.float32), np.zeros(4, np.float32)) == BEST_DB
