"""What the exit code of a probe says about a JACK server that did not accept it."""

from __future__ import annotations

from tidzam.jack.probe_protocol import REFUSED, REFUSED_WITHIN_S, SERVER_GONE, refusal_code


def test_a_server_that_has_no_room_has_refused_the_probe() -> None:
    assert refusal_code(server_failed=False, took_s=0.01) == REFUSED


def test_a_server_that_refuses_only_after_waiting_for_a_cycle_has_not_answered() -> None:
    assert refusal_code(server_failed=False, took_s=REFUSED_WITHIN_S + 2.0) == SERVER_GONE


def test_a_server_that_is_not_there_has_not_answered() -> None:
    assert refusal_code(server_failed=True, took_s=0.01) == SERVER_GONE
