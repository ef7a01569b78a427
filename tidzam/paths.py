"""Where the project's own files are, in a checkout and when installed."""

from __future__ import annotations

import os
from pathlib import Path

PACKAGE = Path(__file__).parent
DEMO_BUNDLES = PACKAGE / "demo" / "bundles"
PROFILES = PACKAGE / "configs"
"""The ready profiles; in a checkout this is a link to `configs/`."""


HOME_ENV = "TIDZAM_HOME"
"""The environment variable that names a node's home."""
GAPS = "gaps"
"""The folder of the gap ledger, in the home of a node."""
MODELS = "models"
"""The folder of installed models, in the home of a node."""
MODEL_VERSIONS = "model-versions"
"""The folder of versions of installed models that run, or ran before, beside that of the models."""
DETECTORS = "detectors"
"""The folder of installed speech detectors, in the home of a node."""
SPOOL = "spool"
"""The folder of results that wait for a server, in the home of a node."""
STORE = "store"
"""The folder of the store, in the home of a node."""
CACHE = "cache"
"""The folder of what can be found out again, in the home of a node."""
FORWARDED = "forwarded"
"""The folder of the clips that other nodes have forwarded, in the home of a node."""
JOBS = "jobs"
"""The folder of the inputs and logs of jobs, in the home of a node."""
WANTED = "wanted"
"""The file in the home that exists while the node should be running: it was started, and has not been stopped since."""


def checkout() -> Path | None:
    """The checkout this Tidzam runs from, or None if it was installed by pip."""
    root = PACKAGE.parent
    return root if (root / "bin" / "tidzam").is_file() else None


def default_home() -> Path:
    """Where a node keeps its files by default: `var/` in a checkout."""
    root = checkout()
    return root / "var" if root else Path.home() / ".local" / "share" / "tidzam"


def models_folder(home: Path | None = None) -> Path:
    """The folder of installed models: in `home`, or else in that of the environment, or else in the default one."""
    return home_folder(home) / MODELS


def training_folder(bundle: Path) -> Path:
    """The folder beside a bundle in which the trainer keeps what a training needs to be continued."""
    return bundle.with_name(f"{bundle.name}.training")


def checkpoints_folder(bundle: Path) -> Path:
    """The folder with the checkpoints of the training of a bundle: there are some as long as it is unfinished."""
    return training_folder(bundle) / "checkpoints"


def has_unfinished_training(bundle: Path) -> bool:
    """Whether a training of this bundle ended early, so that it can be continued."""
    return any(checkpoints_folder(bundle).glob("*.index"))


def detectors_folder(home: Path | None = None) -> Path:
    """The folder of installed speech detectors: in `home`, or else where `models_folder` looks."""
    return home_folder(home) / DETECTORS


def spool_folder(home: Path | None = None) -> Path:
    """The folder of results that wait for a server: in `home`, or else where `models_folder` looks."""
    return home_folder(home) / SPOOL


def store_folder(home: Path | None = None) -> Path:
    """The folder of the store: in `home`, or else where `models_folder` looks."""
    return home_folder(home) / STORE


def gaps_folder(home: Path | None = None) -> Path:
    """The folder of the gap ledger: in `home`, or else where `models_folder` looks."""
    return home_folder(home) / GAPS


def cache_folder(home: Path | None = None) -> Path:
    """The folder of what can be found out again: in `home`, or else where `models_folder` looks."""
    return home_folder(home) / CACHE


def jobs_folder(home: Path | None = None) -> Path:
    """The folder of the files of jobs: in `home`, or else where `models_folder` looks."""
    return home_folder(home) / JOBS


def home_folder(home: Path | None = None) -> Path:
    """The home of a node: `home`, or else that of the environment, or else the default one."""
    environment = os.environ.get(HOME_ENV)
    return (home or (Path(environment) if environment else default_home())).expanduser().resolve()


def is_wanted(home: Path) -> bool:
    """Whether the node of `home` should be running."""
    return (home / WANTED).is_file()
