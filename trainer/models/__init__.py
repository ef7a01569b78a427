"""The networks that can be trained: one architecture per file, found by name or by path.

An architecture is a function `build`; `BuildModel` is its contract. Temperature scaling and activation are not part of
it: the trainer adds them when it exports the network.
"""

from __future__ import annotations

import importlib.util
import inspect
import pkgutil
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from tidzam.errors import ConfigError
from tidzam.extensions import Registry
from tidzam.suggest import did_you_mean
from tidzam.tensorflow_loader import load_tensorflow

if TYPE_CHECKING:
    import keras

Activation = Literal["sigmoid", "softmax"]
Build = Callable[[tuple[int, int], int], "keras.Model"]
"""An architecture with its options bound: from input shape and number of classes to a network."""


class BuildModel(Protocol):
    """An architecture: the extension point `tidzam.models`, and the function `build` of a file given by its path.

    It is called in the process that trains, once or several times, and may be called with any number of classes.
    TensorFlow is loaded before. It must not keep references to the networks that it returns, and must draw all random
    numbers through Keras, so that a training can be repeated from its seed.
    """

    def __call__(self, input_shape: tuple[int, int], n_classes: int, **options: Any) -> keras.Model:
        """A new network with random weights.

        Its input has shape (n, frames, mels) with `input_shape` (frames, mels): log-mel features in dB, float32. Its
        output has shape (n, `n_classes`): logits, without activation. `options` are the training file's
        `dnn_options`: keyword parameters with defaults.
        """
        ...


BUILT_IN = {module.name: f"trainer.models.{module.name}:build" for module in pkgutil.iter_modules(__path__)}
"""Every module of this package."""
OLD_NAMES = {"original": "tidzam2019"}
"""Names that training files of earlier versions use."""
MODELS = Registry("tidzam.models", "network", BUILT_IN)


def find_model(dnn: str, options: Mapping[str, Any] | None = None) -> Build:
    """The architecture with the name `dnn`, or of the Python file at that path, with `options` bound.

    What it returns raises ConfigError if the network's input or output does not fit. Raises ConfigError if there is no
    such network or file, if it cannot be imported or has no `build`, or if it does not have one of the options.
    """
    build = _find_build(OLD_NAMES.get(dnn, dnn))
    try:
        inspect.signature(build).bind((1, 1), 1, **(options or {}))
    except TypeError as error:
        raise _invalid(
            f"Network {dnn} cannot be built: {error}.", f"Its signature is build{inspect.signature(build)}."
        ) from None
    return partial(_build_checked, build, dnn, dict(options or {}))


def ensemble_of(build: Build, members: int) -> Build:
    """An ensemble of `members` separate networks of `build`, whose outputs are concatenated.

    It is built for `members` times the number of classes.
    """

    def build_all(input_shape: tuple[int, int], outputs: int) -> keras.Model:
        import keras

        features = keras.Input(input_shape, name="features")
        logits = [build(input_shape, outputs // members)(features) for _ in range(members)]
        return keras.Model(features, keras.layers.Concatenate(name="members")(logits))

    return build if members == 1 else build_all


def _find_build(dnn: str) -> Callable[..., Any]:
    if dnn in BUILT_IN:
        return _checked_build(MODELS.load(dnn), dnn)
    load_tensorflow()  # silences start-up messages, before another's module imports it
    if dnn in MODELS.names():
        return _checked_build(MODELS.load(dnn), dnn)
    path = Path(dnn)
    if not path.is_file():
        known = MODELS.names()
        raise _invalid(
            f"There is no network {dnn!r}, and no such file.",
            f"{did_you_mean(dnn, known)}Known networks: {', '.join(known)}. Or give the path of a Python file.",
        )
    return _checked_build(_build_in(path), dnn)


def _build_in(path: Path) -> Any:
    """The attribute `build` of the Python file at `path`; None if it has none."""
    spec = importlib.util.spec_from_file_location(f"tidzam_model_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise _invalid(f"{path} is not a Python file.", "Its name must end in .py.")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # whatever a user's file raises
        raise _invalid(f"{path} cannot be imported: {type(error).__name__}: {error}.", "Fix the file.") from error
    return getattr(module, "build", None)


def _checked_build(build: Any, dnn: str) -> Callable[..., Any]:
    if not callable(build):
        raise _invalid(f"{dnn} defines no function build.", "Define build(input_shape, n_classes) in it.")
    function: Callable[..., Any] = build
    return function


def _build_checked(
    build: Callable[..., Any], dnn: str, options: dict[str, Any], input_shape: tuple[int, int], n_classes: int
) -> keras.Model:
    import keras

    try:
        model = build(input_shape, n_classes, **options)
    except Exception as error:  # whatever a user's or a package's architecture raises
        raise _invalid(
            f"Network {dnn} cannot be built: {type(error).__name__}: {error}.", "Fix its function build."
        ) from error
    if not isinstance(model, keras.Model):
        raise _invalid(f"build of {dnn} returns {type(model).__name__}, expected keras.Model.", "Fix it.")
    shapes = (tuple(model.input_shape), tuple(model.output_shape))
    expected = ((None, *input_shape), (None, n_classes))
    if shapes != expected:
        raise _invalid(
            f"Network {dnn} maps {shapes[0]} to {shapes[1]}, expected {expected[0]} to {expected[1]}.",
            "Take features of input_shape, and return n_classes logits.",
        )
    return model


def _invalid(message: str, hint: str) -> ConfigError:
    return ConfigError(message, hint=hint, code="dnn", field="dnn")
