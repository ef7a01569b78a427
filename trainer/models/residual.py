"""A residual network with attention over time: more accurate, for classes that differ over a few seconds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras

MOMENTUM = 0.95
"""Momentum of the moving statistics, low enough for those of a short training to be those of its end."""


def build(
    input_shape: tuple[int, int], n_classes: int, *, widths: tuple[int, ...] = (24, 48, 96, 192), dropout: float = 0.3
) -> keras.Model:
    """From log-mel spectrograms in dB, shape (frames, mels), to the logits of `n_classes` classes.

    One convolution with a skip connection per block, each at half the resolution of the one before; at the end,
    attention weights the frames for each class. Pooling and attention after Q. Kong et al., "PANNs", 2020.
    """
    import keras
    from keras import layers

    spectrogram = keras.Input(input_shape, name="features")
    # Constants first (-60 dB becomes 0, and -35 dB becomes 1), then the mean and variance of each band in training.
    x = layers.BatchNormalization(momentum=MOMENTUM)(layers.Rescaling(1 / 25, 2.4)(spectrogram))
    x = layers.Reshape((*input_shape, 1))(x)
    x = layers.Conv2D(widths[0], 5, strides=2, padding="same", use_bias=False)(x)
    x = layers.ReLU()(layers.BatchNormalization(momentum=MOMENTUM)(x))
    for number, width in enumerate(widths):
        x = _block(layers.AveragePooling2D(2, padding="same")(x) if number else x, width)
    x = layers.Dropout(dropout)(keras.ops.mean(x, axis=2, keepdims=True))
    share = layers.Softmax(axis=1)(layers.Conv2D(n_classes, 1, name="attention")(x))
    logits = layers.Conv2D(n_classes, 1, name="logits")(x)
    return keras.Model(spectrogram, keras.ops.sum(share * logits, axis=(1, 2)))


def _block(x: Any, width: int) -> Any:
    from keras import layers

    skip = x if x.shape[-1] == width else layers.Conv2D(width, 1, use_bias=False)(x)
    through = layers.Conv2D(width, 3, padding="same", use_bias=False)(x)
    return layers.ReLU()(layers.BatchNormalization(momentum=MOMENTUM)(layers.Add()([skip, through])))
