"""Limits on what a client may send, without a server."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidzam.server.packets import BadPacket, Unusable, check_text, decode_json, split_body

BOUND = 65536


def reason(text: str) -> str:
    """Why an event's content cannot be used."""
    name, content = decode_json(text, most_bytes=BOUND)
    assert name == "sys"
    assert isinstance(content, Unusable)
    assert len(content.reason) < 200
    return content.reason


@pytest.mark.parametrize(
    "value", [{"a": [1, 2.5, None, True, "é🐦"]}, [], 0, "x" * 8192, [0] * 1024, -(2**63), 2**64 - 1]
)
def test_valid_content_is_decoded_unchanged(value: Any) -> None:
    for text in (json.dumps(["sys", value]), json.dumps(["sys", value], ensure_ascii=False)):
        assert decode_json(text, most_bytes=BOUND) == ["sys", value]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("9" * 5000, "5000 characters"),
        ("-" + "9" * 60000, "An integer has"),
        ("1e999", "too large"),
        ("NaN", "NaN"),
        ("-Infinity", "Infinity"),
        ('"\\ud800"', "surrogate"),
        ('"\\udfff\\ud800"', "surrogate"),
        ('{"\\ud800": 1}', "surrogate"),
        ('{"a": [{"b": "\\udc00"}]}', "surrogate"),
        ('"' + "x" * 8193 + '"', "8193 characters"),
        ("[" * 17 + "]" * 17, "nested deeper"),
        ("[" * 30000 + "]" * 30000, "nested deeper"),
        ("[" * 60000, "nested deeper"),
        ('{"a":' * 10000 + "1" + "}" * 10000, "nested deeper"),
        ("[" + "0," * 1024 + "0]", "1025 values"),
        ("{" + ",".join(f'"{n}":0' for n in range(257)) + "}", "257 keys"),
        ("[" + ",".join(["[" + "0," * 999 + "0]"] * 9) + "]", "more than 4096 values"),
        ('"' + "y" * 70000 + '"', "at most 65536 bytes"),
        ('"' + "é" * 40000 + '"', "at most 65536 bytes"),
    ],
)
def test_content_beyond_a_limit_is_refused_with_the_limit(content: str, expected: str) -> None:
    assert expected in reason(f'["sys",{content}]')


@pytest.mark.parametrize(
    "text", ["", "[", "{", '["sys"', "nonsense", "[" * 70000, '["\\ud800",NaN]', "{" * 20, '"' * 50000]
)
def test_text_that_is_neither_json_nor_an_event_is_a_bad_packet(text: str) -> None:
    with pytest.raises(BadPacket):
        decode_json(text, most_bytes=BOUND)


def test_brackets_inside_of_texts_do_not_count_as_nesting() -> None:
    value = ["sys", '[[[[[[[[{{{{{{{{[[[[[[[[\\"[[[[']
    assert decode_json(json.dumps(value), most_bytes=BOUND) == value


@pytest.mark.parametrize("text", ['"\\' * 32000, '["' + '\\"' * 30000, "[]" * 30000, '["a","' + '\\"[' * 20000])
def test_hostile_text_takes_linear_time(text: str) -> None:
    start = time.process_time()
    with suppress(BadPacket):
        decode_json(text, most_bytes=BOUND)
    assert time.process_time() - start < 0.5


LEAVES = st.none() | st.booleans() | st.floats() | st.integers() | st.text()


@given(st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_any_value_is_decoded_or_refused_and_never_a_traceback(value: Any) -> None:
    decoded = decode_json(json.dumps(["sys", value]), most_bytes=BOUND)
    assert decoded[0] == "sys"


@given(st.text(alphabet='[]{}",:\\u0d8e1-9NaInfity sy', max_size=60))
def test_any_text_is_decoded_or_refused_and_never_a_traceback(text: str) -> None:
    with suppress(BadPacket):
        decode_json(text, most_bytes=BOUND)


@pytest.mark.parametrize(
    "packet", ["40", '42["sys"]', "41", "2probe", "3", "5", "1", "3probe", '451-["audio",{}]', '40{"token":"t"}']
)
def test_packets_of_clients_pass(packet: str) -> None:
    check_text(packet)


@pytest.mark.parametrize(
    "packet", ["", "0", "7", "x", "4", "4x", "4[", "44{}", "47", "²", "4²", "3" * 10, "2probe2", "2", "6", "b", "1{}"]
)
def test_anything_else_is_a_bad_packet(packet: str) -> None:
    with pytest.raises(BadPacket):
        check_text(packet)


@pytest.mark.parametrize(
    "body", [b"", b"\xff", b"d=42", b"\x1e", b"b%%%", b"bQQ=", "\x1e".join(["3"] * 17).encode(), b"b" + b"A" * 400]
)
def test_malformed_bodies_of_the_polling_transport_are_bad_packets(body: bytes) -> None:
    with pytest.raises(BadPacket):
        split_body(body, most_bytes=100)


def test_a_body_of_packets_is_split() -> None:
    assert split_body(b"3\x1ebQUJD\x1e40", most_bytes=100) == ["3", "bQUJD", "40"]
