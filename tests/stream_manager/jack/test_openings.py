"""The turns in which JACK clients are opened, with a simulated JACK graph."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from stream_manager.jack.openings import ClientOpenings, Opener
from tests.support.eventually import eventually_async
from tests.support.services import SimulatedGraph

pytestmark = pytest.mark.timeout(20)


def opener(name: str) -> Opener:
    """`player` and `live` are those, others are outputs."""
    return {"player": Opener.PLAYER, "live": Opener.LIVE_STREAMS}.get(name.partition("-")[0], Opener.OUTPUT)


class Crowd:
    """Clients that take turns. `began` are those that have had theirs."""

    def __init__(self, *, turn_s: float = 60.0) -> None:
        self.graph = SimulatedGraph()
        self.openings = ClientOpenings(self.graph, turn_s=turn_s)
        self.began: list[str] = []
        self.tasks: dict[str, asyncio.Task[None]] = {}

    def come(self, *names: str) -> None:
        for name in names:
            self.tasks[name] = asyncio.create_task(self._run(name))

    async def _run(self, name: str) -> None:
        async with self.openings.turn(name, opener(name)):
            self.began.append(name)
            await asyncio.Event().wait()


@asynccontextmanager
async def crowd(*names: str, turn_s: float = 60.0) -> AsyncIterator[Crowd]:
    """Those clients, once all have come and the first have begun."""
    made = Crowd(turn_s=turn_s)
    made.come(*names)
    await settle()
    yield made
    for task in made.tasks.values():
        task.cancel()
    await asyncio.wait(made.tasks.values())


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_two_clients_are_opened_at_a_time() -> None:
    async with crowd("a", "b", "c") as made:
        assert made.began == ["a", "b"]


async def test_a_client_that_has_ports_makes_room_for_the_next_one() -> None:
    async with crowd("a", "b", "c", "d") as made:
        await made.graph.add(["b:out_0"])
        await settle()
        assert made.began == ["a", "b", "c"]


async def test_a_client_that_is_open_makes_room_although_it_has_no_ports() -> None:
    async with crowd("a", "b", "c", "d") as made:
        for _ in range(2):
            made.openings.opened("b")
            await settle()
        assert made.began == ["a", "b", "c"]


async def test_a_client_that_is_open_without_a_turn_changes_nothing() -> None:
    async with crowd("a", "b", "c") as made:
        made.openings.opened("c")
        await settle()
        assert made.began == ["a", "b"]


async def test_a_player_comes_before_outputs_that_have_waited_longer() -> None:
    async with crowd("a", "b", "c", "player", "d") as made:
        await made.graph.add(["a:out_0"])
        await settle()
        assert made.began == ["a", "b", "player"]


async def test_live_streams_come_before_all_players_of_a_node_that_starts() -> None:
    async with crowd(*(f"player-{number}" for number in range(40)), "live") as made:
        await made.graph.add(["player-0:out_0"])
        await settle()
        assert made.began == ["player-0", "player-1", "live"]


@pytest.mark.parametrize("rounds", range(8))
async def test_a_client_that_leaves_while_it_gets_its_turn_keeps_no_place(rounds: int) -> None:
    """`rounds` of the event loop pass between the end of another turn and its leaving."""
    async with crowd("a", "b", "c", "d") as made:
        made.tasks["a"].cancel()
        for _ in range(rounds):
            await asyncio.sleep(0)
        made.tasks["c"].cancel()
        await settle()
        assert "d" in made.began


async def test_a_process_that_has_ended_makes_room_for_the_next_one() -> None:
    async with crowd("a", "b", "c") as made:
        made.tasks["a"].cancel()
        await settle()
        assert made.began == ["a", "b", "c"]


async def test_a_process_that_opens_no_client_delays_the_others_only_for_a_while() -> None:
    async with crowd("a", "b", "c", turn_s=0.05) as made:
        await eventually_async(lambda: "c" in made.began)
        assert made.began == ["a", "b", "c"]


async def test_a_turn_that_is_over_at_once_is_given_back() -> None:
    made = Crowd()
    for number in range(5):
        async with made.openings.turn(f"brief-{number}"):
            pass
    made.come("a", "b", "c")
    await settle()
    assert made.began == ["a", "b"]
    for task in made.tasks.values():
        task.cancel()
    await asyncio.wait(made.tasks.values())


async def test_who_waits_in_vain_takes_nobodys_turn() -> None:
    async with crowd("a", "b", "c", "d") as made:
        made.tasks["c"].cancel()
        await made.graph.add(["a:out_0"])
        await settle()
        assert made.began == ["a", "b", "d"]
