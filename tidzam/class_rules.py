"""What people decide about classes in the console: not to report one, or only from another probability on.

The rules are a file in the home of a node, which the analyzer reads at its start and again when it changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tidzam.atomic import write_atomically
from tidzam.errors import ConfigError
from tidzam.labels import LabelTree
from tidzam.paths import home_folder
from tidzam.validation import reason

SEPARATOR: Final = "/"
"""Between the labels of a class's path."""
FILE: Final = "class-rules.json"
Threshold = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class ClassRule(BaseModel):
    """What was decided about a class."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    excluded: bool = Field(False, description="Whether the class, and those below it, are not reported")
    threshold: Threshold | None = Field(
        None, description="Probability from which the class is reported; null for that of the profile or the bundle"
    )

    @property
    def is_empty(self) -> bool:
        """Whether nothing was decided."""
        return not self.excluded and self.threshold is None


class ClassRules(BaseModel):
    """The rules of a node, by the paths of classes with `/` between labels."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    classes: Mapping[str, ClassRule] = {}

    def of(self, path: str) -> ClassRule:
        """The rule of a class; an empty one if there is none."""
        return self.classes.get(path, ClassRule())

    def changed(self, path: str, rule: ClassRule) -> ClassRules:
        """The rules with another one for a class."""
        others = {known: one for known, one in self.classes.items() if known != path}
        return ClassRules(classes=others if rule.is_empty else {**others, path: rule})

    def floors(self, labels: LabelTree) -> dict[str, float]:
        """The probability from which each class with a rule is reported: more than any for one that is excluded.

        >>> rules = ClassRules(classes={"birds": ClassRule(excluded=True), "rain": ClassRule(threshold=0.8)})
        >>> rules.floors(LabelTree({"birds": None, "wren": "birds", "rain": None, "wind": None}))
        {'birds': inf, 'wren': inf, 'rain': 0.8}
        """
        floors: dict[str, float] = {}
        for label in labels if self.classes else ():
            path = labels.path(label)
            above = (SEPARATOR.join(path[: depth + 1]) for depth in range(len(path)))
            if any(self.of(one).excluded for one in above):
                floors[label] = inf
            elif (threshold := self.of(SEPARATOR.join(path)).threshold) is not None:
                floors[label] = threshold
        return floors


def class_rules_file(home: Path | None) -> Path:
    """Where the rules of the node with this home are."""
    return home_folder(home) / FILE


def read_class_rules(home: Path | None) -> ClassRules:
    """The rules of a node; none if there is no file. Raises ConfigError (`class_rules`) if it cannot be read."""
    path = class_rules_file(home)
    try:
        return ClassRules.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return ClassRules()
    except ValidationError as error:
        raise _unreadable(path, reason(error.errors()[0])) from None
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error)) from None


def write_class_rules(home: Path | None, rules: ClassRules) -> None:
    """Replace the rules of a node. Raises OSError."""
    write_atomically(class_rules_file(home), rules.model_dump_json(indent=1, exclude_defaults=True) + "\n")


def _unreadable(path: Path, cause: str) -> ConfigError:
    return ConfigError(
        f"The rules about classes in {path} cannot be read: {cause}.",
        hint="Correct or delete the file, or set the rules again on the page Species.",
        code="class_rules",
    )
