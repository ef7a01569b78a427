"""Augmentations: random changes to training batches, by name in a training file.

`trainer.data.augmentation.base.Augmentation` is the contract. Overlapping signals add powers; their interference, which
is positive as often as negative, is neglected.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, PlainSerializer, ValidationError, ValidatorFunctionWrapHandler, WrapValidator

from tidzam.errors import ConfigError
from tidzam.extensions import Registry
from tidzam.suggest import did_you_mean
from tidzam.validation import reason
from trainer.data.augmentation.base import Augmentation, AugmentationStep, AugmentContext
from trainer.data.augmentation.crop import Crop
from trainer.data.augmentation.mixing import Background, Mixup, Overlay
from trainer.data.augmentation.spectrum import Equalize, Gain, MicrophoneNoise, ShiftBands, SpecAugment

log = logging.getLogger(__name__)

__all__ = [
    "AUGMENTATIONS",
    "AnyAugmentation",
    "AugmentContext",
    "Augmentation",
    "AugmentationStep",
    "Background",
    "Crop",
    "Equalize",
    "Gain",
    "MicrophoneNoise",
    "Mixup",
    "Overlay",
    "ShiftBands",
    "SpecAugment",
    "find_augmentation",
]

BUILT_IN = {
    "crop": "trainer.data.augmentation.crop:Crop",
    "gain": "trainer.data.augmentation.spectrum:Gain",
    "together": "trainer.data.augmentation.mixing:Overlay",
    "background": "trainer.data.augmentation.mixing:Background",
    "microphone_noise": "trainer.data.augmentation.spectrum:MicrophoneNoise",
    "equalize": "trainer.data.augmentation.spectrum:Equalize",
    "shift_bands": "trainer.data.augmentation.spectrum:ShiftBands",
    "mixup": "trainer.data.augmentation.mixing:Mixup",
    "spec_augment": "trainer.data.augmentation.spectrum:SpecAugment",
}
OLD_NAMES = {"equalise": "equalize"}
"""Names that training files of earlier versions use."""
AUGMENTATIONS = Registry("tidzam.augmentations", "augmentation", BUILT_IN)


def find_augmentation(name: str) -> type[AugmentationStep]:
    """The augmentation with the name `name`.

    Raises ConfigError if there is none (`unknown_extension`), or if a package's cannot be used (`broken_extension`).
    """
    found = AUGMENTATIONS.load(name)
    if not (isinstance(found, type) and issubclass(found, AugmentationStep)):
        raise _broken(name, f"{found!r} is not a subclass of trainer.data.augmentation.AugmentationStep")
    if found.model_fields["step"].default != name:
        raise _broken(name, f"the default of its field step is {found.model_fields['step'].default!r}")
    return found


def _broken(name: str, reason: str) -> ConfigError:
    return ConfigError(
        f"The augmentation {name!r} cannot be used: {reason}.",
        hint="Repair or uninstall the package that provides it.",
        code="broken_extension",
    )


def _validate(value: Any, validate_built_in: ValidatorFunctionWrapHandler) -> Any:
    """One item of a training file's `augment`: of ours by pydantic's union, of a package's by its class."""
    if isinstance(value, AugmentationStep):
        return value
    name = value.get("step") if isinstance(value, Mapping) else None
    if name in OLD_NAMES:
        log.warning("augmentation %s is deprecated; use %s", name, OLD_NAMES[name])
        return validate_built_in({**value, "step": OLD_NAMES[name]})
    if not isinstance(name, str) or name in BUILT_IN:
        return validate_built_in(value)
    known = AUGMENTATIONS.names()
    if name not in known:
        raise ValueError(
            f"there is no augmentation {name!r}. {did_you_mean(name, known)}Known augmentations: {', '.join(known)}"
        )
    found = find_augmentation(name)
    try:
        return found.model_validate(value)
    except ValidationError as error:  # in one line, since the reader of the file does not know its fields
        faults = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {reason(fault)}" for fault in error.errors())
        raise ValueError(f"{name}: {faults}. Its parameters: {', '.join(found.model_fields)}") from None


AnyAugmentation = Annotated[
    Annotated[
        Crop | Gain | Overlay | Background | MicrophoneNoise | Equalize | ShiftBands | Mixup | SpecAugment,
        Field(discriminator="step"),
    ],
    WrapValidator(_validate),
    PlainSerializer(lambda augmentation: augmentation.model_dump(mode="json")),
]
"""An item of a training file's `augment`: one of ours, or one of an installed package."""
