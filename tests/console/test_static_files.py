"""What templates and scripts load from console/static is there."""

from __future__ import annotations

import re
from pathlib import Path

CONSOLE = Path(__file__).parents[2] / "console"
STATIC = CONSOLE / "static"
NAMED = re.compile(r"""static\(\s*["']([^"']+)["']\s*\)""")
IMPORTED = re.compile(r"""(?:from|import)\s*\(?["'](\.[^"']+)["']""")


def test_every_static_file_that_a_template_names_exists() -> None:
    named = {name for path in (CONSOLE / "templates").rglob("*.html") for name in NAMED.findall(path.read_text())}
    assert named
    assert {name for name in named if not (STATIC / name).is_file()} == set()


def test_every_script_that_a_script_imports_exists() -> None:
    scripts = (STATIC / "js").rglob("*.js")
    imported = {path.parent / name for path in scripts for name in IMPORTED.findall(path.read_text())}
    assert imported
    assert {str(path) for path in imported if not path.is_file()} == set()
