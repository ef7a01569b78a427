"""Whether a Keras file holds code. Read as what it is, a zip archive with JSON in it: nothing is loaded.

A `.keras` file describes its layers in `config.json` (https://keras.io/api/saving/model_saving_and_loading). Some hold
code, such as the bytecode of a Lambda layer. Other objects name the module that their class is imported from.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from tidzam.errors import BundleError
from tidzam.manifest_fields import MAX_MANIFEST_BYTES, parse_object

CONFIG: Final = "config.json"
_TRUSTED: Final = frozenset(
    {
        *("keras", "builtins", "keras.activations", "keras.constraints", "keras.initializers", "keras.layers"),
        *("keras.losses", "keras.metrics", "keras.models", "keras.optimizers", "keras.optimizers.schedules"),
        *("keras.regularizers", "keras.src.models.functional", "keras.src.models.sequential"),
        *("keras.src.models.model", "keras.src.ops.numpy", "keras.src.ops.nn", "keras.src.ops.math"),
    }
)
"""The modules whose classes a description may name: layers and what belongs to them."""
_REFUSED: Final[Mapping[str, str]] = {
    **dict.fromkeys(("Lambda", "__lambda__"), "holds Python code"),
    **dict.fromkeys(("TorchModuleWrapper", "JaxLayer", "FlaxLayer"), "holds code of another library"),
    "TFSMLayer": "loads another model",
    **dict.fromkeys(("StringLookup", "IntegerLookup", "TextVectorization"), "may read other files"),
}
"""Those of them that run code, or read files, and what each does."""


def require_no_code(path: Path) -> None:
    """Raises BundleError (`model_code`) if a Keras file holds code or names foreign classes, `bundle_engine` if it is
    not a Keras file."""
    try:
        with zipfile.ZipFile(path) as archive, archive.open(CONFIG) as file:
            config = parse_object(file.read(MAX_MANIFEST_BYTES + 1))
    except (OSError, ValueError, KeyError, NotImplementedError, RuntimeError, zipfile.BadZipFile) as error:
        raise BundleError(
            f"{path} is not a Keras file: {str(error)[:200]}.", hint="Save the model as *.keras.", code="bundle_engine"
        ) from None
    for one in _objects(config):
        kind, module = str(one.get("class_name")), one.get("module")
        if kind in _REFUSED:
            raise _holds_code(path, f"its layer {_name(one)} is a {kind}, which {_REFUSED[kind]}")
        if module is not None and str(module) not in _TRUSTED:
            raise _holds_code(
                path, f"{_name(one)} is a class of the module {str(module)[:80]!r}, which it would import"
            )


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    """Every JSON object in a value, at any depth. Its nesting was checked when it was parsed."""
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            yield from _objects(inner)


def _name(one: dict[str, Any]) -> str:
    config = one.get("config")
    name = config.get("name") if isinstance(config, dict) else None
    return repr(str(name or one.get("class_name"))[:80])


def _holds_code(path: Path, reason: str) -> BundleError:
    return BundleError(
        f"{path} is refused, because a model must not bring code: {reason}.",
        hint="Build the model from the layers of Keras, or export it as ONNX or LiteRT.",
        code="model_code",
    )
