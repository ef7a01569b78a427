"""A small separable network: some 10,000 weights, for a handful of classes on a small machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras

MOMENTUM = 0.95
"""So that the statistics of a short training are those of its end, not of its beginning."""


def build(
    input_shape: tuple[int, int], n_classes: int, *, widths: tuple[int, ...] = (32, 48, 64), dropout: float = 0.3
) -> keras.Model:
    """From log-mel spectrograms in dB, shape (frames, mels), to the logits of `n_classes` classes.

    Time is pooled away and frequency is not: two whistles may differ in nothing but pitch.
    """
    import keras
    from keras import layers

    spectrogram = keras.Input(input_shape, name="features")
    # Constants, not statistics of the training set: -60 dB becomes 0, and 20 dB become 1.
    x = layers.Rescaling(1 / 20, 3.0)(layers.Reshape((*input_shape, 1))(spectrogram))
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
