"""Nothing that comes from elsewhere can drive a terminal."""

import json
import logging
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from tidzam.errors import AudioError
from tidzam.log import JsonFormatter, LineFormatter
from tidzam.text import json_printable, printable, shown

ANY = st.text(st.characters(exclude_categories=[]))
HARMLESS = {"\n", "\t"}


DIRECTIONS = {"LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI", "FSI", "PDI"}


def harmful(text: str) -> set[str]:
    """Control characters, halves of characters, line separators, and what turns the direction of writing."""
    return {
        c
        for c in set(text) - HARMLESS
        if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") or unicodedata.bidirectional(c) in DIRECTIONS
    }


@given(ANY)
def test_nothing_printable_is_a_control_character(text: str) -> None:
    assert not harmful(printable(text))
    assert "\n" not in shown(text)
    printable(text).encode()


@given(ANY)
def test_json_means_the_same_and_holds_no_control_character(text: str) -> None:
    escaped = json_printable(json.dumps(text, ensure_ascii=False))
    assert json.loads(escaped) == text
    assert not harmful(escaped)


def test_words_of_any_language_stay_as_they_are() -> None:
    for text in ("Rotkehlchen, Erithacus rubecula", "コマドリ", "мухоловка", "طائر", "🐸"):
        assert printable(text) == text


@given(ANY)
def test_errors_and_log_lines_are_printable(text: str) -> None:
    assert not harmful(str(AudioError(f"{text} is no sound.", hint=text)))
    record = logging.LogRecord("a", logging.WARNING, "", 0, "%s", (text,), None)
    assert not harmful(LineFormatter().format(record))
    assert not harmful(JsonFormatter().format(record))
