"""The networks that can be trained, one architecture a file, by name or by path.

A file defines `build(input_shape, n_classes, **options) -> keras.Model`: from features in dB, shape (frames, mels),
to `n_classes` **logits**. Temperature and activation are the trainer's, and put behind it when it is exported.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import pkgutil
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal

from tidzam.errors import ConfigError
from tidzam.tensorflow_loader import load_tensorflow

if TYPE_CHECKING:
    import keras

Activation = Literal["sigmoid", "softmax"]
Build = Callable[[tuple[int, int], int], "keras.Model"]


def known_models() -> tuple[str, ...]:
    """The names of the networks that come with the trainer."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__)))


def find_model(dnn: str, options: Mapping[str, Any] | None = None) -> Build:
    """The network called `dnn`, or defined by the Python file at that path, built with `options`.

    The result refuses, with ConfigError, a network whose input or output does not fit. Raises ConfigError if there is
    no such network or file, the file cannot be run or has no `build`, or an option is none of its own.
    """
    module = _module(dnn)
    build = getattr(module, "build", None)
    if not callable(build):
        raise _wrong(f"{dnn} defines no function build.", "Define build(input_shape, n_classes) in it.")
    try:
        inspect.signature(build).bind((1, 1), 1, **(options or {}))
    except TypeError as error:
        raise _wrong(f"{dnn} cannot be built: {error}.", f"It is build{inspect.signature(build)}.") from None
    return partial(_build_checked, build, dnn, dict(options or {}))


def several(build: Build, members: int) -> Build:
    """A network of so many of what `build` gives, each drawn anew; its outputs are theirs, one member's after another.

    It is built for `members` times the classes.
    """

    def build_all(input_shape: tuple[int, int], outputs: int) -> keras.Model:
        import keras

        features = keras.Input(input_shape, name="features")
        said = [build(input_shape, outputs // members)(features) for _ in range(members)]
        return keras.Model(features, keras.layers.Concatenate(name="members")(said))

    return build if members == 1 else build_all


def _module(dnn: str) -> ModuleType:
    if dnn in known_models():
        return importlib.import_module(f"trainer.models.{dnn}")
    path = Path(dnn)
    if not path.is_file():
        known = ", ".join(known_models())
        raise _wrong(f"There is no network called {dnn!r}, and no such file.", f"Known: {known}; or name a file.")
    spec = importlib.util.spec_from_file_location(f"tidzam_model_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise _wrong(f"{path} is not a Python file.", "Its name must end in .py.")
    module = importlib.util.module_from_spec(spec)
    load_tensorflow()  # quietly, before the file imports it
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # the file is the user's: anything can go wrong in it
        raise _wrong(f"{path} cannot be run: {type(error).__name__}: {error}.", "Mend it.") from error
    return module


def _build_checked(
    build: Callable[..., Any], dnn: str, options: dict[str, Any], input_shape: tuple[int, int], n_classes: int
) -> keras.Model:
    import keras

    try:
        model = build(input_shape, n_classes, **options)
    except Exception as error:  # the file may be the user's: anything can go wrong in it
        raise _wrong(f"{dnn} cannot be built: {type(error).__name__}: {error}.", "Mend its build.") from error
    if not isinstance(model, keras.Model):
        raise _wrong(f"build of {dnn} gives {type(model).__name__}.", "It must give a keras.Model.")
    shapes = (tuple(model.input_shape), tuple(model.output_shape))
    wanted = ((None, *input_shape), (None, n_classes))
    if shapes != wanted:
        raise _wrong(
            f"{dnn} goes from {shapes[0]} to {shapes[1]}, not from {wanted[0]} to {wanted[1]}.",
            "Take features of input_shape, and end in n_classes logits.",
        )
    return model


def _wrong(message: str, hint: str) -> ConfigError:
    return ConfigError(message, hint=hint, code="dnn", field="dnn")
