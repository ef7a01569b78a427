"""The architecture of Tidzam 2019, for comparison: two layers of large filters, then two dense layers of 1024 units."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras


def build(
    input_shape: tuple[int, int], n_classes: int, *, dense: tuple[int, ...] = (1024, 1024), dropout: float = 0.5
) -> keras.Model:
    """From log-mel spectrograms in dB, shape (frames, mels), to the logits of `n_classes` classes.

    121 filters of 20 by 20, then 16 of 10 by 10, each followed by pooling by two; without normalization.
    """
    import keras
    from keras import layers

    spectrogram = keras.Input(input_shape, name="features")
    # Constants, not statistics of the training set: -60 dB becomes 0, and -40 dB becomes 1.
    x = layers.Reshape((*input_shape, 1))(layers.Rescaling(1 / 20, 3.0)(spectrogram))  # ONNX Runtime scales faster so
    for filters, size in ((121, 20), (16, 10)):
        x = layers.Conv2D(filters, size, padding="same", activation="relu", kernel_initializer="he_normal")(x)
        x = layers.MaxPooling2D(2, padding="same")(x)
    x = layers.Flatten()(x)
    for width in dense:
        x = layers.Dense(width, activation="relu", kernel_initializer="he_normal")(x)
        x = layers.Dropout(dropout)(x)
    return keras.Model(spectrogram, layers.Dense(n_classes, name="logits")(x))
