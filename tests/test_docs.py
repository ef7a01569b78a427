"""The documentation: generated pages are up to date, links work, and what pages name exists."""

from __future__ import annotations

import ast
import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tidzam.error_codes import CODES

ROOT = Path(__file__).parent.parent
PACKAGES = ("tidzam", "stream_manager", "analyzer", "trainer", "database_tool", "console")


def test_generated_pages_are_up_to_date() -> None:
    spec = importlib.util.spec_from_file_location("generate_docs", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    assert list(generate.out_of_date()) == [], "run: .venv/bin/python docs/generate.py"


def test_the_site_is_built_without_a_warning(tmp_path: Path) -> None:
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path / "site")],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
    )
    assert built.returncode == 0, built.stdout + built.stderr


def links_out_of_docs() -> Iterator[tuple[Path, str]]:
    """Relative links in Markdown files that are not part of the site."""
    for page in [*ROOT.glob("*.md"), *ROOT.glob("examples/*.md"), *ROOT.glob("docker/*.md")]:
        for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
            if not target.startswith(("http:", "https:", "#")):
                yield page, target.partition("#")[0]


def test_links_in_other_pages_lead_to_files() -> None:
    dead = [f"{page.name}: {target}" for page, target in links_out_of_docs() if not (page.parent / target).exists()]
    assert not dead


def codes_in(source: str) -> Iterator[str]:
    """The literal error codes in a module: `code="…"` in calls, `code = "…"` in classes."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            values = [keyword.value for keyword in node.keywords if keyword.arg == "code"]
        elif isinstance(node, ast.ClassDef):
            values = [line.value for line in node.body if isinstance(line, ast.Assign) and _is_code(line.targets[0])]
        else:
            continue
        parts = [
            part
            for value in values
            for part in ([value.body, value.orelse] if isinstance(value, ast.IfExp) else [value])
        ]
        yield from (part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str))


def _is_code(target: ast.expr) -> bool:
    return isinstance(target, ast.Name) and target.id == "code"


def test_every_error_code_is_explained() -> None:
    used = {
        code
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        for code in codes_in(path.read_text(encoding="utf-8"))
    }
    assert used - set(CODES) == set()


def test_no_explained_error_code_is_unused() -> None:
    sources = "".join(
        path.read_text(encoding="utf-8")
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        if path.name != "error_codes.py"
    )
    assert [code for code in CODES if f'"{code}"' not in sources] == []


def test_the_architecture_page_names_every_package() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    packages = {path.parent.relative_to(ROOT) for package in PACKAGES for path in (ROOT / package).rglob("__init__.py")}
    assert sorted(str(package) for package in packages if f"| `{package}/` |" not in page) == []


def test_every_module_states_its_responsibility() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        if path.name != "__init__.py" and not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert silent == []


def test_pages_name_no_file_that_does_not_exist() -> None:
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]
    named = [
        (page.name, name)
        for page in pages
        if page.name != "CHANGELOG.md"
        for name in re.findall(rf"`((?:{'|'.join(PACKAGES)}|tests|docs|examples)/[\w/.-]*)`", page.read_text("utf-8"))
    ]
    assert [(page, name) for page, name in named if not (ROOT / name).exists()] == []
