"""The networks that can be trained, one architecture a file, by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from tidzam.errors import ConfigError
from trainer.models import small

if TYPE_CHECKING:
    import keras

Activation = Literal["sigmoid", "softmax"]
Build = Callable[[tuple[int, int], int, Activation], "keras.Model"]

MODELS: dict[str, Build] = {"small": small.build}


def find_model(name: str) -> Build:
    """The network called `name`. Raises ConfigError, naming those there are, if there is none."""
    if name not in MODELS:
        raise ConfigError(
            f"There is no network called {name!r}.", hint=f"Known: {', '.join(MODELS)}.", code="dnn", field="dnn"
        )
    return MODELS[name]
