"""The language of the sources and the documentation: spelling, and phrasings that pyproject.toml bans."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
BANNED = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["tidzam"]["words"]["banned"]


def texts() -> list[Path]:
    """All text files of the project. pyproject.toml holds the list itself."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    kinds = {".py", ".md", ".yaml", ".yml", ".cfg", ".sh", ".tcss"}
    paths = (ROOT / name for name in listed.split("\0") if name)
    return [path for path in paths if path.suffix in kinds and path.is_file()]


@pytest.mark.parametrize("pattern", BANNED)
def test_no_text_has_a_banned_phrasing(pattern: str) -> None:
    banned = re.compile(pattern, re.IGNORECASE)
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in texts()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if banned.search(line)
    ]
    assert not found


def test_words_are_spelled_right() -> None:
    checked = subprocess.run([sys.executable, "-m", "codespell_lib"], cwd=ROOT, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout


def test_no_two_classes_of_the_programs_have_the_same_name() -> None:
    programs = ("tidzam", "stream_manager", "analyzer", "trainer", "database_tool", "console")
    sources = [path.read_text(encoding="utf-8") for name in programs for path in (ROOT / name).rglob("*.py")]
    names = Counter(name for source in sources for name in re.findall(r"^class (\w+)", source, re.MULTILINE))
    assert [name for name, count in names.items() if count > 1] == []
