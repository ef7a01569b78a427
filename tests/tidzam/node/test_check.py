"""Which statuses are healthy, and which restarts repair the others."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.support.status import AWAY, LIMITS, analyzer, manager, node, servers, source, source_fault
from tidzam.node.check import are_of_failed_sources, culprit, faults, programs_are_up, remarks, restarts, settled
from tidzam.node.status import NodeStatus, ProcessStatus, ServerHealth, SupervisorState
from tidzam.protocol.analyzer import AnalyzerFault, SinkStatus
from tidzam.protocol.channel_status import ChannelStatus
from tidzam.protocol.classifiers import ReloadStatus
from tidzam.protocol.shadow import ShadowStatus
from tidzam.protocol.source_status import SourceRemark
from tidzam.protocol.stream_manager import StreamManagerFault
from tidzam.results import ChannelState


def reasons(status: NodeStatus) -> str:
    return " ".join(fault.reason for fault in faults(status, LIMITS))


def restarted(status: NodeStatus) -> tuple[str, ...]:
    return restarts(faults(status, LIMITS))


def test_a_node_that_does_its_job_has_no_fault() -> None:
    assert faults(node(), LIMITS) == ()
    assert programs_are_up(node())


def test_programs_that_do_not_run_are_restarted_causes_first() -> None:
    running = tuple(ProcessStatus(name, "RUNNING", 1, 1.0) for name in ("icecast", "watchdog", "watchdog_guard"))
    assert restarted(node(processes=running)) == ("jackd", "stream_manager", "analyzer", "console")


@pytest.mark.parametrize("state", ["STARTING", "BACKOFF", "STOPPING"])
def test_programs_that_are_starting_are_waited_for(state: str) -> None:
    processes = tuple(replace(each, state=state) for each in node().processes)
    found = faults(node(processes=processes), LIMITS)
    assert restarts(found) == ()
    assert not settled(found)


@pytest.mark.parametrize("state", ["STARTING", "BACKOFF", "FATAL", "EXITED"])
def test_a_start_that_fails_is_blamed_on_the_program_that_is_down_not_on_those_that_wait_for_it(state: str) -> None:
    broken = tuple(replace(each, state=state) if each.name == "jackd" else each for each in node().processes)
    status = node(processes=broken, servers=servers(stream_manager=AWAY))
    assert culprit(status, faults(status, LIMITS)) == "jackd"


@pytest.mark.parametrize(
    ("uptime_s", "restart"), [(3.0, ()), (60.0, ("jackd", "icecast", "stream_manager", "analyzer", "console"))]
)
def test_a_program_that_was_just_started_is_not_restarted_for_not_answering_yet(
    uptime_s: float, restart: tuple[str, ...]
) -> None:
    status = node(
        processes=tuple(replace(each, uptime_s=uptime_s) for each in node().processes),
        jack_ok=False,
        servers=dict.fromkeys(servers(), AWAY),
        manager=None,
        analyzer=None,
    )
    found = faults(status, LIMITS)
    assert restarts(found) == restart
    assert not settled(found)


def test_faults_that_only_a_person_can_repair_are_not_waited_for() -> None:
    status = node(manager=manager(sources=(source(), source("far", "waiting", "Unreachable."))), free_mb=10)
    assert settled(faults(status, LIMITS))


@pytest.mark.parametrize(
    ("state", "attempts", "is_waited_for"),
    [("loading", 1, True), ("waiting", 1, True), ("waiting", 2, False), ("failed", 1, False)],
)
def test_a_start_waits_for_a_source_until_it_has_failed_for_good_or_twice(
    state: str, attempts: int, is_waited_for: bool
) -> None:
    far = source("far", state, "Unreachable.").model_copy(update={"restarts": attempts - 1})
    status = node(manager=manager(source_fault("far", "Source far: unreachable."), sources=(source(), far)))
    assert are_of_failed_sources(status, faults(status, LIMITS)) is not is_waited_for


def test_a_start_waits_for_other_faults_than_those_of_failed_sources() -> None:
    status = node(manager=manager(sources=(source("far", "failed", "No file."),)), servers=servers(icecast=AWAY))
    assert not are_of_failed_sources(status, faults(status, LIMITS))


def test_a_suspended_jackd_is_restarted_and_nothing_that_depends_on_it() -> None:
    stalled = AnalyzerFault(code="stalled", origin="jack", message="JACK delivered nothing for 10 s.")
    silent = StreamManagerFault(code="jack_away", origin="jack", message="The JACK server does not answer.")
    status = node(
        jack_ok=False,
        manager=manager(silent),
        analyzer=analyzer(stalled),
        servers=servers(
            stream_manager=ServerHealth(False, (silent.message,)), analyzer=ServerHealth(False, (stalled.message,))
        ),
    )
    assert restarted(status) == ("jackd",)
    assert not programs_are_up(status)


def test_an_icecast_that_does_not_answer_is_restarted() -> None:
    assert restarted(node(servers=servers(icecast=AWAY))) == ("icecast",)


def test_a_server_that_does_not_answer_is_restarted() -> None:
    assert restarted(node(servers=servers(stream_manager=AWAY), manager=None)) == ("stream_manager",)
    assert restarted(node(servers=servers(analyzer=AWAY), analyzer=None)) == ("analyzer",)


@pytest.mark.parametrize(("origin", "restart"), [("analyzer", ("analyzer",)), ("jack", ()), ("settings", ())])
def test_an_analyzer_is_restarted_only_for_its_own_faults(origin: Any, restart: tuple[str, ...]) -> None:
    late = AnalyzerFault(code="late", origin=origin, message="No window was analyzed for 9 s.")
    status = node(analyzer=analyzer(late), servers=servers(analyzer=ServerHealth(False, (late.message,))))
    assert restarted(status) == restart
    assert late.message in reasons(status)


@pytest.mark.parametrize("state", ["failed", "waiting", "silent", "playing"])
def test_no_state_of_a_source_restarts_a_program_that_plays_others(state: str) -> None:
    error = "file:///etc/passwd is refused. Name a path without file://."
    sources = (source(), source("bad", state, error))
    status = node(
        manager=manager(source_fault("bad", f"Source bad is {state}: {error}"), sources=sources),
        servers=servers(stream_manager=ServerHealth(False, ("Source bad",))),
    )
    assert restarted(status) == ()
    assert reasons(status) == f"Source bad is {state}: {error}"
    assert programs_are_up(status)


def test_a_client_s_source_that_waits_is_reported_and_restarts_nothing() -> None:
    status = node(manager=manager(sources=(source(), source("far", "waiting", "The address cannot be reached."))))
    assert restarted(status) == ()
    assert "Source far is waiting: The address cannot be reached." in reasons(status)


def test_a_node_without_sources_is_healthy_although_the_analyzer_has_no_channel() -> None:
    idle = AnalyzerFault(code="no_channel", origin="source", message="No JACK port matches *:out_*.")
    status = node(
        manager=manager(sources=()),
        analyzer=analyzer(idle, windows=0),
        servers=servers(analyzer=ServerHealth(False, (idle.message,))),
    )
    assert faults(status, LIMITS) == ()


def test_a_node_with_copied_sources_alone_is_healthy_although_the_analyzer_has_no_channel() -> None:
    idle = AnalyzerFault(code="no_channel", origin="source", message="No JACK port matches *:out_*.")
    copied = source().model_copy(update={"ports": ()})
    status = node(
        manager=manager(sources=(copied,)),
        analyzer=analyzer(idle, windows=0),
        servers=servers(analyzer=ServerHealth(False, (idle.message,))),
    )
    assert faults(status, LIMITS) == ()


def test_an_analyzer_without_channels_is_a_consequence_of_sources_that_do_not_play() -> None:
    idle = AnalyzerFault(code="no_channel", origin="source", message="No JACK port matches *:out_*.")
    status = node(
        manager=manager(sources=(source(state="waiting", last_error="Unreachable."),)), analyzer=analyzer(idle)
    )
    assert reasons(status) == "Source pond is waiting: Unreachable."


def test_memory_over_the_limit_restarts_the_largest_program_that_has_run_for_long() -> None:
    large = ProcessStatus("analyzer/capture", "RUNNING", 5, 9.0, share_mb=2000.0)
    old = tuple(replace(process, uptime_s=7200.0) for process in node().processes)
    assert restarted(node(processes=(*old, large))) == ("analyzer",)
    assert "limit of 1000 MB" in reasons(node(processes=(*old, large)))


def test_a_memory_limit_that_is_too_low_does_not_restart_a_program_at_every_check() -> None:
    large = ProcessStatus("analyzer/capture", "RUNNING", 5, 9.0, share_mb=2000.0)
    assert restarted(node(processes=(*node().processes, large))) == ()


def test_a_source_with_a_low_rate_is_remarked_with_its_band_and_is_not_a_fault() -> None:
    changes = {"rate_hz": 8000, "band_hz": 4000, "remarks": (SourceRemark.LOW_SAMPLE_RATE,)}
    narrow = ChannelStatus(channel="pond:out_0", state=ChannelState.BAND_LIMITED, missing_band={"birds": 0.6})
    heard = analyzer().model_copy(update={"channel_states": (narrow,)})
    status = node(manager=manager(sources=(source().model_copy(update=changes),)), analyzer=heard)
    assert faults(status, LIMITS) == ()
    assert remarks(status) == (
        "Source pond has a sample rate of 8000 Hz: it has no content above 4000 Hz.",
        "Channel pond:out_0 is band limited: it lacks 60 % of the band of classifier birds.",
    )


def test_a_failing_sink_is_remarked_and_is_not_a_fault() -> None:
    sink = SinkStatus(name="csv", errors=3, dropped=0, fault="a.csv cannot be written.")
    status = node(analyzer=analyzer().model_copy(update={"sinks": (sink,)}))
    assert faults(status, LIMITS) == ()
    assert remarks(status) == (
        "The analyzer's sink csv fails and is tried again until it works: a.csv cannot be written.",
    )


def test_a_full_disk_is_reported_and_restarts_nothing() -> None:
    status = node(free_mb=10)
    assert restarted(status) == ()
    assert "Free some space" in reasons(status)


def test_processes_that_outlive_supervisord_are_named() -> None:
    strays = (ProcessStatus("icecast2", "sleeping", 42, 9.0),)
    gone = node(supervisor=SupervisorState.GONE, processes=(), strays=strays)
    assert reasons(gone) == "supervisord is gone, but these processes of the node are still running: icecast2 (42)."
    assert "does not answer" in reasons(replace(gone, supervisor=SupervisorState.SILENT))
    assert reasons(replace(gone, strays=())) == "The node is not running."


def test_privacy_is_remarked_with_what_was_not_kept() -> None:
    privacy = {"detector": "silero-vad", "action": "drop", "margin_s": 1.0, "scope": "source"}
    rows = [{"channel": "pond:out_0", "speech_s": 12.4, "dropped_clips": 3, "muted_clips": 0}]
    status = node(analyzer=analyzer(privacy={**privacy, "channels": rows}))
    assert remarks(status) == (
        "Privacy is active (silero-vad): 12 s of speech on all channels, 3 clips dropped, 0 muted.",
    )


REFUSED = ReloadStatus(refused=1, refusal="The bundle is broken.")
REFUSAL = "New classifiers are refused, and the old ones continue: The bundle is broken."


def test_classifiers_that_are_refused_are_a_remark() -> None:
    assert remarks(node(analyzer=analyzer(reload=REFUSED))) == (REFUSAL,)


def test_classifiers_that_are_refused_are_no_fault() -> None:
    health = ServerHealth(ok=True, reasons=(REFUSAL,))
    assert faults(node(analyzer=analyzer(reload=REFUSED), servers=servers(analyzer=health)), LIMITS) == ()


def test_a_shadow_that_fails_is_a_remark() -> None:
    shadow = ShadowStatus(state="running", fault="It failed: out of luck.")
    (remark,) = remarks(node(analyzer=analyzer(shadow=shadow)))
    assert remark == "The shadow does not work, and the live classifiers continue: It failed: out of luck."
