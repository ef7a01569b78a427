from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import pytest

from tidzam.errors import ConfigError, TidzamError
from tidzam.extensions import Registry

GROUP = "tidzam.test_things"


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on the path with the metadata of a package that adds `abacus`, `counter` and `broken`."""
    metadata = tmp_path / "things-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: things\nVersion: 1.0\n")
    points = "abacus = collections:OrderedDict\ncounter = collections:deque\nbroken = broken_thing:Thing\n"
    (metadata / "entry_points.txt").write_text(f"[{GROUP}]\n{points}")
    (tmp_path / "broken_thing.py").write_text("raise RuntimeError('no luck')\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    return tmp_path


def registry() -> Registry:
    return Registry(GROUP, "thing", {"counter": "collections:Counter"})


def test_names_are_ours_and_those_of_installed_packages(installed: Path) -> None:
    assert registry().names() == ("counter", "abacus", "broken")


def test_an_installed_implementation_is_loaded(installed: Path) -> None:
    assert registry().load("abacus").__name__ == "OrderedDict"


def test_a_package_cannot_replace_one_of_ours(installed: Path) -> None:
    assert registry().load("counter") is Counter


def test_an_unknown_name_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(ConfigError, match=r"There is no thing 'countr'") as caught:
        registry().load("countr")
    assert "Did you mean 'counter'?" in (caught.value.hint or "")


def test_a_package_that_cannot_be_imported_is_named_with_its_reason(installed: Path) -> None:
    with pytest.raises(ConfigError, match="RuntimeError: no luck"):
        registry().load("broken")


def test_an_implementation_is_called_with_its_arguments(installed: Path) -> None:
    assert registry().create("counter", "abba", hint="") == Counter("abba")


def test_what_a_package_raises_is_named_with_its_reason_and_the_hint(installed: Path) -> None:
    with pytest.raises(ConfigError, match="The thing 'abacus' cannot be created: TypeError: ") as caught:
        registry().create("abacus", 1, hint="Check its settings.")
    assert caught.value.hint == "Check its settings."


def test_an_error_for_people_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    def make() -> None:
        raise TidzamError("The pond is frozen.")

    things = registry()
    monkeypatch.setattr(things, "load", lambda name: make)
    with pytest.raises(TidzamError, match="The pond is frozen"):
        things.create("counter", hint="")
