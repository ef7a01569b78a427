"""A small network of separable convolutions: about 10,000 weights, for a few classes on a small machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras

MOMENTUM = 0.95
"""Momentum of the moving statistics, low enough for those of a short training to be those of its end."""


def build(
    input_shape: tuple[int, int], n_classes: int, *, widths: tuple[int, ...] = (32, 48, 64), dropout: float = 0.3
) -> keras.Model:
    """From log-mel spectrograms in dB, shape (frames, mels), to the logits of `n_classes` classes.

    Features are pooled over time, but not over frequency, since calls may differ in pitch alone.
    """
    import keras
    from keras import layers

    spectrogram = keras.Input(input_shape, name="features")
    # Constants, not statistics of the training set: -60 dB becomes 0, and -40 dB becomes 1.
    x = layers.Reshape((*input_shape, 1))(layers.Rescaling(1 / 20, 3.0)(spectrogram))  # ONNX Runtime scales faster so
    x = layers.Conv2D(16, 5, strides=2, padding="same", use_bias=False)(x)
    x = layers.ReLU()(layers.BatchNormalization(momentum=MOMENTUM)(x))
    for width in widths:
        x = layers.SeparableConv2D(width, 3, padding="same", use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization(momentum=MOMENTUM)(x))
        x = layers.MaxPooling2D(2, padding="same")(x)
    steady = keras.ops.mean(x, axis=1)
    peak = keras.ops.max(x, axis=1)
    x = layers.Flatten()(layers.Concatenate()([steady, peak]))
    x = layers.Dropout(dropout)(x)
    return keras.Model(spectrogram, layers.Dense(n_classes, name="logits")(x))
