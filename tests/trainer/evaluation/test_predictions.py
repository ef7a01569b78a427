"""Predictions of windows in order, their targets, and samples of windows."""

from dataclasses import replace

import numpy as np

from tests.support.memory_source import MemorySource
from tidzam.audio.features import FeatureSpec
from tidzam.dataset import Origin
from tidzam.types import Float32
from trainer.data.source import BACKGROUND
from trainer.evaluation.predictions import BATCH_WINDOWS, clips_of, draw_examples, predict_windows, window_starts

SPEC = FeatureSpec(rate_hz=8000, window_s=0.25, fft_length=256, hop_length=128, n_mels=4, fmax_hz=4000)
N = SPEC.n_frames


def numbered(*lengths: int, labels: tuple[int, ...] | None = None) -> MemorySource:
    """MemorySource whose frames count up from 1000 times their own number."""
    sequences = [
        np.repeat(np.arange(1000.0 * k, 1000 * k + length, dtype=np.float32)[:, None], SPEC.n_mels, axis=1)
        for k, length in enumerate(lengths)
    ]
    return MemorySource(SPEC, ("a", "b"), sequences, np.array(labels or [0] * len(lengths), dtype=np.int64))


def first_frame(features: Float32) -> Float32:
    return features[:, 0, :2]


def test_windows_are_adjacent_and_a_short_sequence_is_one_window() -> None:
    assert window_starts(2 * N + N // 2, N) == [0, N]
    assert window_starts(1, N) == window_starts(N, N) == [0]
    assert window_starts(28, 14, 0.5) == [0, 7, 14]


def test_each_answer_knows_its_window() -> None:
    source = numbered(3 * N, 2, N)
    predictions = predict_windows(source, SPEC, first_frame)
    assert predictions.sequences.tolist() == [0, 0, 0, 1, 2]
    assert predictions.starts.tolist() == [0, N, 2 * N, 0, 0]
    np.testing.assert_array_equal(predictions.outputs[:, 0], 1000 * predictions.sequences + predictions.starts)


def test_a_short_sequence_is_padded_with_silence() -> None:
    def last_frame(features: Float32) -> Float32:
        return features[:, -1, :2]

    assert predict_windows(numbered(2), SPEC, last_frame).outputs[0, 0] == SPEC.floor_db


def test_many_windows_are_predicted_piece_by_piece() -> None:
    sizes: list[int] = []

    def predict(features: Float32) -> Float32:
        sizes.append(len(features))
        return first_frame(features)

    predictions = predict_windows(numbered((BATCH_WINDOWS + 10) * N), SPEC, predict)
    assert sizes == [BATCH_WINDOWS, 10]
    np.testing.assert_array_equal(predictions.outputs[:, 0], predictions.starts)


def test_targets_of_background_are_none() -> None:
    source = numbered(N, N, N, labels=(1, BACKGROUND, 0))
    assert predict_windows(source, SPEC, first_frame).targets(source).tolist() == [[0, 1], [0, 0], [1, 0]]


def test_a_table_gives_a_class_several_targets() -> None:
    source = numbered(N, N, labels=(0, 1))
    table = np.array([[1, 1, 0], [0, 0, 1]], dtype=np.float32)
    assert predict_windows(source, SPEC, first_frame).targets(source, table).tolist() == [[1, 1, 0], [0, 0, 1]]


def test_sequences_of_one_file_and_class_are_one_clip() -> None:
    origins = (Origin("a.wav"), Origin("b.wav"), Origin("a.wav", 60.0), Origin("a.wav", 90.0), Origin("a.wav", 0.0, 1))
    source = replace(numbered(N, N, N, N, N, labels=(0, 0, 0, 1, 0)), origins=origins)
    assert clips_of(source).tolist() == [0, 1, 0, 2, 3]


def test_examples_are_drawn_once_by_their_loudest_window() -> None:
    source = numbered(*[3 * N] * 20, labels=(0, 1) * 10)
    for k, sequence in enumerate(source.sequences):
        sequence[:] = -1000 - k
        sequence[N // 2 : N // 2 + N] += 900
    drawn, again = (draw_examples(source, SPEC, count=8, seed=3) for _ in range(2))
    np.testing.assert_array_equal(drawn.batch.features, again.batch.features)
    sequences = [int(origin.group) for origin in drawn.origins]
    assert len(set(sequences)) == 8
    np.testing.assert_array_equal(drawn.batch.features.min(axis=(1, 2)), -100 - np.array(sequences))
    np.testing.assert_array_equal(drawn.batch.targets.argmax(axis=1), source.labels[sequences])
    assert {origin.offset_s for origin in drawn.origins} == {N // 2 * 128 / 8000}
