"""A residual network with attention over time: accuracy first, for classes that take a few seconds to be told apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras

MOMENTUM = 0.95


def build(
    input_shape: tuple[int, int], n_classes: int, *, widths: tuple[int, ...] = (32, 64, 128), dropout: float = 0.3
) -> keras.Model:
    """From log-mel spectrograms in dB, shape (frames, mels), to the logits of `n_classes` classes.

    Two convolutions a block with a path around them; then each moment says how much it counts for each class.
    """
    import keras
    from keras import layers

    spectrogram = keras.Input(input_shape, name="features")
    # Constants, not statistics of the training set: -60 dB becomes 0, and 20 dB become 1.
    x = layers.Rescaling(1 / 20, 3.0)(layers.Reshape((*input_shape, 1))(spectrogram))
    x = layers.Conv2D(widths[0], 3, strides=2, padding="same", use_bias=False)(x)
    for width in widths:
        x = layers.MaxPooling2D(2, padding="same")(_block(x, width))
    x = keras.ops.mean(layers.ReLU()(layers.BatchNormalization(momentum=MOMENTUM)(x)), axis=2)
    x = layers.Dropout(dropout)(x)
    share = layers.Softmax(axis=1)(layers.Dense(n_classes, name="attention")(x))
    logits = layers.Dense(n_classes, name="logits")(x)
    return keras.Model(spectrogram, keras.ops.sum(share * logits, axis=1))


def _block(x: Any, width: int) -> Any:
    from keras import layers

    around = x if x.shape[-1] == width else layers.Conv2D(width, 1, use_bias=False)(x)
    for _ in range(2):
        x = layers.ReLU()(layers.BatchNormalization(momentum=MOMENTUM)(x))
        x = layers.Conv2D(width, 3, padding="same", use_bias=False)(x)
    return layers.Add()([around, x])
