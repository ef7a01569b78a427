"""A failing sink costs the analysis of a file nothing but its own results."""

from __future__ import annotations

import logging

import pytest

from analyzer.sinks.base import NamedSink
from analyzer.sinks.file_sinks import FileSinks
from tests.support.batches import Batches
from tests.support.sinks import RecordingSink
from tidzam.errors import TidzamError


def delivered(*sinks: RecordingSink, batches: int = 2) -> FileSinks:
    """The sinks after `batches` batches."""
    made = Batches()
    with FileSinks([NamedSink(f"sink-{number}", sink) for number, sink in enumerate(sinks)]) as file_sinks:
        for number in range(batches):
            file_sinks.deliver(made.batch(number))
    return file_sinks


def test_every_sink_is_opened_receives_every_batch_and_is_closed() -> None:
    sink = RecordingSink()
    assert not delivered(sink).errors
    assert sink.calls == ["open", "deliver", "deliver", "close"]


@pytest.mark.parametrize("method", ["deliver", "close"])
def test_a_failure_is_counted(method: str) -> None:
    assert delivered(RecordingSink(None, **{method: 1})).errors == {"sink-0": 1}


@pytest.mark.parametrize("method", ["deliver", "close"])
def test_a_failure_does_not_affect_the_other_sinks(method: str) -> None:
    other = RecordingSink()
    delivered(RecordingSink(None, **{method: 1}), other)
    assert other.calls == ["open", "deliver", "deliver", "close"]


def test_a_sink_that_keeps_failing_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        file_sinks = delivered(RecordingSink(deliver=5), batches=5)
    assert file_sinks.errors == {"sink-0": 5}
    assert [record.getMessage() for record in caplog.records] == ["sink sink-0 failed: no luck"]


def test_a_sink_that_cannot_be_opened_ends_the_run_with_its_name() -> None:
    with pytest.raises(TidzamError, match="sink-0 cannot be opened: RuntimeError: no luck") as caught:
        delivered(RecordingSink(open=1))
    assert caught.value.code == "sink"


def test_an_error_of_a_sink_keeps_its_code() -> None:
    with pytest.raises(TidzamError) as caught:
        delivered(RecordingSink(TidzamError("The disk is full.", code="output"), open=1))
    assert caught.value.code == "output"


def test_sinks_that_were_opened_are_closed_when_another_cannot_be() -> None:
    first = RecordingSink()
    with pytest.raises(TidzamError):
        delivered(first, RecordingSink(open=1))
    assert first.calls == ["open", "close"]
