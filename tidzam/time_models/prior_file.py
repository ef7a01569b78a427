"""The file of time models in the home of a node: the console and `tidzam activity fit` write it, analyzers read it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pydantic import ValidationError

from tidzam.atomic import write_atomically
from tidzam.errors import ConfigError
from tidzam.paths import home_folder
from tidzam.time_models.prior import TimeModels
from tidzam.validation import reason

FILE: Final = "time-models.json"


def time_models_file(home: Path | None) -> Path:
    """Where the time models of the node with this home are."""
    return home_folder(home) / FILE


def read_time_models(home: Path | None) -> TimeModels | None:
    """The time models of a node; None if there are none. Raises ConfigError (`time_models`)."""
    path = time_models_file(home)
    try:
        return TimeModels.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValidationError as error:
        raise _unreadable(path, reason(error.errors()[0])) from None
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error)) from None


def write_time_models(home: Path | None, models: TimeModels) -> None:
    """Replace the time models of a node. Raises OSError."""
    write_atomically(time_models_file(home), models.model_dump_json() + "\n")


def _unreadable(path: Path, cause: str) -> ConfigError:
    return ConfigError(
        f"The time models in {path} cannot be read: {cause}.",
        hint="Make them again: `tidzam activity fit`.",
        code="time_models",
    )
