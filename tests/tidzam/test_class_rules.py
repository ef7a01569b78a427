"""Decisions about classes: kept in a file, and what they mean for the classes of a cascade."""

from __future__ import annotations

from math import inf
from pathlib import Path

import pytest

from tidzam.class_rules import ClassRule, ClassRules, class_rules_file, read_class_rules, write_class_rules
from tidzam.errors import ConfigError
from tidzam.labels import LabelTree

TREE = LabelTree({"birds": None, "owl": "birds", "wren": "birds", "rain": None})


def test_rules_are_read_as_they_were_written(tmp_path: Path) -> None:
    rules = ClassRules(classes={"birds/wren": ClassRule(threshold=0.9), "rain": ClassRule(excluded=True)})
    write_class_rules(tmp_path, rules)
    assert read_class_rules(tmp_path) == rules


def test_without_a_file_nothing_is_decided(tmp_path: Path) -> None:
    assert read_class_rules(tmp_path).floors(TREE) == {}


@pytest.mark.parametrize("content", ["", "{", '{"classes": {"rain": {"threshold": 2}}}', '{"rules": {}}'])
def test_a_damaged_file_is_an_error_that_names_it(tmp_path: Path, content: str) -> None:
    class_rules_file(tmp_path).write_text(content)
    with pytest.raises(ConfigError, match=r"class-rules\.json cannot be read"):
        read_class_rules(tmp_path)


def test_a_class_is_excluded_with_those_below_it_and_never_by_another_of_its_name() -> None:
    rules = ClassRules(classes={"birds": ClassRule(excluded=True), "frogs/rain": ClassRule(excluded=True)})
    assert rules.floors(TREE) == {"birds": inf, "owl": inf, "wren": inf}


def test_a_threshold_is_that_of_its_class_alone() -> None:
    assert ClassRules(classes={"birds": ClassRule(threshold=0.7)}).floors(TREE) == {"birds": 0.7}


def test_a_rule_that_decides_nothing_is_forgotten() -> None:
    rules = ClassRules().changed("rain", ClassRule(excluded=True))
    assert rules.changed("rain", ClassRule()) == ClassRules()
