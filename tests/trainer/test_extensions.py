"""Networks and augmentations of other packages: the examples of docs/extending.md, as installed packages."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tidzam.bundle import read_bundle

ROOT = Path(__file__).parents[2]
SECTIONS = dict(
    part.split("\n", 1) for part in (ROOT / "docs" / "extending.md").read_text(encoding="utf-8").split("\n## ")[1:]
)


def install(section: str, site: Path) -> None:
    """Install the package in a section of the documentation into the folder `site`, as pip would."""
    text = SECTIONS[section]
    (entry_points,) = re.findall(r"```ini\n\[options.entry_points\]\n(.*?)```", text, re.S)
    (group,) = re.findall(r"^(\S+) =$", entry_points, re.M)
    (point,) = re.findall(r"^    (\S+ = \S+)$", entry_points, re.M)
    ((name, source),) = re.findall(r"```python\n# (\w+)\.py\n(.*?)```", text, re.S)
    site.joinpath(f"{name}.py").write_text(source, encoding="utf-8")
    metadata = site / f"{name}-1.0.dist-info"
    metadata.mkdir()
    metadata.joinpath("METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    metadata.joinpath("entry_points.txt").write_text(f"[{group}]\n{point}\n")


@pytest.fixture
def site(tmp_path: Path) -> Path:
    folder = tmp_path / "site"
    folder.mkdir()
    return folder


def run(site: Path, *argv: str) -> subprocess.CompletedProcess[str]:
    """Run Python with the packages in `site` installed."""
    env = {**os.environ, "PYTHONPATH": f"{site}{os.pathsep}{ROOT}"}
    return subprocess.run([sys.executable, *argv], env=env, capture_output=True, text=True, timeout=100, check=False)


def train(site: Path, folders: Path, out: Path, recipe: str) -> subprocess.CompletedProcess[str]:
    file = site / "training.yaml"
    file.write_text(f"features: {{rate_hz: 8000, window_s: 0.25, n_mels: 16}}\niterations: 3\nbatch_size: 8\n{recipe}")
    argv = ["-d", str(folders), "-o", str(out), "--training-file", str(file), "--stats-step", "0"]
    return run(site, "-m", "trainer", *argv)


@pytest.mark.timeout(120)
def test_packages_add_a_network_and_an_augmentation(folders: Path, site: Path, tmp_path: Path) -> None:
    install("A network", site)
    install("An augmentation", site)
    (augment,) = re.findall(r"```yaml\n(.*?)```", SECTIONS["An augmentation"], re.S)
    done = train(site, folders, tmp_path / "out", f"dnn: pond_net\ndnn_options: {{width: 8}}\n{augment}")
    assert done.returncode == 0, done.stderr
    assert "network pond_net: " in done.stderr
    manifest = read_bundle(tmp_path / "out").manifest
    assert manifest.classes == ("high", "low")
    recipe = yaml.safe_load(manifest.provenance["training_file"])
    assert recipe["augment"][1] == {"step": "dropouts", "share": 0.1}


def test_mistakes_in_the_parameters_of_a_package_are_reported(folders: Path, site: Path, tmp_path: Path) -> None:
    install("An augmentation", site)
    done = train(site, folders, tmp_path / "out", "augment: [{step: dropouts, share: 2, length: 1}]")
    assert done.returncode == 1
    assert "dropouts: share: expected at most 1.0; length: the name is unknown" in done.stderr
    assert "Its parameters: step, share" in done.stderr


def test_misspelled_augmentations_of_a_package_are_suggested(folders: Path, site: Path, tmp_path: Path) -> None:
    install("An augmentation", site)
    done = train(site, folders, tmp_path / "out", "augment: [{step: dropout}]")
    assert "there is no augmentation 'dropout'. Did you mean 'dropouts'?" in done.stderr


@pytest.mark.timeout(200)
@pytest.mark.parametrize(
    ("section", "name", "tests"),
    [("A network", "pond_net", "test_models.py"), ("An augmentation", "dropouts", "data/test_augmentation.py")],
)
def test_the_examples_pass_the_contract_tests(site: Path, section: str, name: str, tests: str) -> None:
    install(section, site)
    path = ROOT / "tests" / "trainer" / tests
    done = run(site, "-m", "pytest", "-v", "-p", "no:cacheprovider", str(path), "-k", f"TestContract and {name}")
    assert done.returncode == 0, done.stdout
