"""Where the project's own files are, in a checkout and when installed."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).parent
DEMO_BUNDLES = PACKAGE / "demo" / "bundles"
PROFILES = PACKAGE / "configs"
"""The ready profiles; in a checkout this is a link to `configs/`."""


GAPS = "gaps"
"""The folder of the gap ledger, in the home of a node."""
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


def is_wanted(home: Path) -> bool:
    """Whether the node of `home` should be running."""
    return (home / WANTED).is_file()
