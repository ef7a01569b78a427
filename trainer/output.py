"""The output folders of a training: checked before it begins, and the record of its settings."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from tidzam.bundle import MANIFEST
from tidzam.errors import ConfigError, SetupError
from tidzam.manifest_fields import NAME_PATTERN
from tidzam.paths import has_unfinished_training
from trainer.options import TrainingOptions
from trainer.training_file import read_training_file, to_yaml


def check_output(options: TrainingOptions) -> None:
    """Refuse now what would fail at the end of the training, or overwrite something that is not a bundle.

    Raises ConfigError.
    """
    if re.fullmatch(NAME_PATTERN, options.name) is None:
        raise ConfigError(
            f"Invalid classifier name {options.name!r}.",
            hint="Use letters, digits, '.', '_' and '-' in --name.",
            field="name",
        )
    if options.init is not None and options.training.ensemble > 1:
        raise ConfigError(
            "An ensemble cannot start from a bundle: its members would be identical.",
            hint="Remove --init, or set ensemble to 1.",
            field="init",
        )
    out = options.out
    bundles = [path for path in _entries(out) if not _is_extra(path)] if options.expert else [out]
    if any(not is_free(bundle) for bundle in bundles) or (out.exists() and not out.is_dir()):
        raise ConfigError(
            f"{out} exists and is not a bundle.",
            hint="Give --out a new folder, an empty folder or an existing bundle.",
            field="out",
        )
    if options.resume and options.restart:
        raise ConfigError("A training is either resumed or started again.", hint="Remove an option.", field="restart")
    if has_unfinished_training(out) and not (options.resume or options.restart):
        raise ConfigError(
            f"{options.work} contains an unfinished training.",
            hint="Continue it with --resume, or start again with --restart.",
            field="resume",
            code="unfinished",
        )


def prepare_output(options: TrainingOptions) -> None:
    """Create the folder beside the bundle and write the training file into it.

    When resuming, the training file must be the same. Raises ConfigError (`resume_other`) with the settings that
    differ, SetupError if the folder cannot be written.
    """
    file = options.work / "training.yaml"
    if options.resume and file.is_file():
        _require_same_training(file, options)
        return
    if not options.resume:
        shutil.rmtree(options.work if options.restart else options.summaries, ignore_errors=True)
    try:
        options.work.mkdir(parents=True, exist_ok=True)
        file.write_text(to_yaml(options.training), encoding="utf-8")
    except OSError as error:
        raise SetupError(
            f"Cannot write {options.work}: {(error.strerror or str(error)).lower()}.",
            hint="Choose another folder with --out, or free disk space.",
            field="out",
        ) from None


def _require_same_training(file: Path, options: TrainingOptions) -> None:
    before = read_training_file(file)
    now = options.training.model_copy(update={"augment": options.training.augmentations})
    other = [name for name in type(now).model_fields if getattr(before, name) != getattr(now, name)]
    if other:
        raise ConfigError(
            f"The settings differ from those in {file}: {', '.join(other)}.",
            hint="Resume with the same settings, or start again with --restart.",
            code="resume_other",
        )


def _entries(folder: Path) -> list[Path]:
    return list(folder.iterdir()) if folder.is_dir() else []


def _is_extra(path: Path) -> bool:
    """Whether `path` is hidden, or the evaluation of a bundle."""
    return path.name.startswith(".") or path.name.endswith(".evaluation")


def is_free(path: Path) -> bool:
    """Whether a bundle may be written to `path`: nothing is lost but an older bundle."""
    return not path.exists() or (path / MANIFEST).is_file() or (path.is_dir() and not any(path.iterdir()))
