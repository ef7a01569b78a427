"""The sign of life of a JACK server, with scripted probes on a fake clock; test_cycle_check.py uses a real server."""

from __future__ import annotations

from tidzam.jack.client_grace import CLIENT_GRACE_S
from tidzam.node.jack_sign import OPENING_S, REFUSED_RETRY_S, RENEWAL_S, JackSign

PID = 7


class ScriptedProbe:
    def __init__(self, server: ScriptedServer, frames: int | None) -> None:
        self._server, self.frames, self.ended, self.has_left = server, frames, False, False
        self.was_refused = False

    def latest_frames(self) -> int | None:
        if self.frames is not None and not self.ended:
            self.frames = self._server.frames
        return self.frames

    def leave(self) -> None:
        self.has_left = self.ended = True


class ScriptedServer:
    """Accepts clients, refuses them, or lets them wait; its frame time advances while it runs."""

    def __init__(self) -> None:
        self.now_s, self.frames = 100.0, 0
        self.runs = self.accepts = True
        self.refuses = self.breaks_off = False
        self.probes: list[ScriptedProbe] = []
        self.sign = JackSign("pond", open_probe=self.open_probe, clock=lambda: self.now_s)

    def open_probe(self, name: str) -> ScriptedProbe:
        probe = ScriptedProbe(self, self.frames if self.accepts and not self.refuses and not self.breaks_off else None)
        probe.ended = self.refuses or self.breaks_off
        probe.was_refused = self.refuses
        self.probes.append(probe)
        return probe

    def signs(self, seconds: float, *, pid: int = PID) -> list[bool]:
        """Whether there was a sign, asked once per second."""
        found = []
        for _ in range(round(seconds)):
            self.now_s += 1.0
            self.frames += 48000 * self.runs
            found.append(self.sign(pid))
        return found

    @property
    def opened(self) -> int:
        return len(self.probes)


def test_a_server_whose_frame_time_advances_gives_a_sign_each_time() -> None:
    server = ScriptedServer()
    assert server.signs(10)[1:] == [True] * 9


def test_a_server_whose_cycles_stand_still_gives_none() -> None:
    server = ScriptedServer()
    server.signs(10)
    server.runs = False
    assert not any(server.signs(60))


def test_a_probe_without_news_is_replaced_as_often_as_a_client_may_need_to_open() -> None:
    server = ScriptedServer()
    server.signs(10)
    server.runs = False
    server.signs(4 * CLIENT_GRACE_S)
    assert 3 <= server.opened - 1 <= 4


def test_no_probe_is_replaced_before_the_next_one_was_accepted() -> None:
    server = ScriptedServer()
    server.signs(10)
    server.accepts = False
    server.signs(RENEWAL_S + 5)
    assert [probe.has_left for probe in server.probes] == [False, False]


def test_a_client_is_opened_again_and_again_while_all_is_well() -> None:
    server = ScriptedServer()
    assert all(server.signs(3 * RENEWAL_S + 5)[1:])
    assert server.opened == 4
    assert [probe.has_left for probe in server.probes] == [True, True, True, False]


def test_a_server_that_runs_but_accepts_no_client_gives_no_sign_after_a_while() -> None:
    server = ScriptedServer()
    server.signs(10)
    server.accepts = False
    signs = server.signs(RENEWAL_S + OPENING_S + 20)
    assert all(signs[: round(OPENING_S)])
    assert not any(signs[-10:])


def test_a_server_that_accepts_clients_again_gives_signs_again() -> None:
    server = ScriptedServer()
    server.signs(10)
    server.accepts = False
    server.signs(RENEWAL_S + OPENING_S + 20)
    server.accepts, server.probes[-1].frames = True, server.frames
    assert all(server.signs(5))


def test_a_server_that_refuses_a_client_has_answered() -> None:
    server = ScriptedServer()
    server.signs(10)
    server.refuses = True
    assert all(server.signs(2 * RENEWAL_S + OPENING_S))
    assert server.opened <= 4


def test_a_full_server_that_has_never_had_room_for_a_probe_gives_signs() -> None:
    server = ScriptedServer()
    server.refuses = True
    signs = server.signs(300)
    longest_silence = max(map(len, "".join("x" if sign else "." for sign in signs).split("x")))
    assert longest_silence <= REFUSED_RETRY_S + 2


def test_a_full_server_is_not_asked_in_every_round() -> None:
    server = ScriptedServer()
    server.refuses = True
    server.signs(300)
    assert server.opened <= 300 / (1 + REFUSED_RETRY_S)


def test_a_probe_that_failed_otherwise_is_no_sign() -> None:
    server = ScriptedServer()
    server.breaks_off = True
    assert not any(server.signs(60))


def test_a_full_server_whose_cycles_stand_still_gives_no_sign_while_a_probe_reads_them() -> None:
    server = ScriptedServer()
    server.signs(10)
    server.refuses, server.runs = True, False
    assert not any(server.signs(300)[1:])


def test_a_server_that_has_room_again_is_read_by_a_probe() -> None:
    server = ScriptedServer()
    server.refuses = True
    server.signs(60)
    server.refuses = False
    server.signs(REFUSED_RETRY_S + 2)
    assert all(server.signs(10))


def test_the_next_server_is_asked_by_a_probe_of_its_own() -> None:
    server = ScriptedServer()
    server.signs(5)
    server.signs(3, pid=PID + 1)
    assert [probe.has_left for probe in server.probes] == [True, False]
    assert server.signs(3, pid=PID + 1) == [True] * 3
