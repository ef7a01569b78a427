"""The costs that one client can cause on a real server: log, memory, time, connections."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from contextlib import suppress
from typing import Any

import aiohttp
import psutil
import pytest

from benchmarks.stopped_reader import connect_and_stop_reading
from tests.support.eventually import eventually_async
from tests.support.raw_client import WEBSOCKET, healthy, raw, tracebacks, warnings
from tests.support.server import HANDSHAKE, TOKEN, Polling, RunningServer, client, serving
from tidzam.config.settings import LimitSettings

pytestmark = pytest.mark.timeout(90)

POST = b"POST /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: localhost:PORT\r\n"
"""The head of a request that no check of the host refuses."""


async def test_a_flood_is_reported_once_then_disconnected_while_others_are_served() -> None:
    limits = LimitSettings(messages_per_s=20)
    async with serving(limits=limits) as place, client(place) as friend, raw(place) as socket:
        for number in range(400):
            try:
                await socket.send_str(f'42{number}["read",1]')
            except aiohttp.ClientConnectionResetError:
                break
        answers = []
        async with asyncio.timeout(10):
            while not socket.closed:
                message = await socket.receive()
                if message.type is aiohttp.WSMsgType.TEXT:
                    answers.append(message.data)
        refused = [answer for answer in answers if "rate_limited" in answer]
        assert len(refused) == 1
        assert 90 <= len(answers) <= 130
        assert (await friend.call("read", 1))["ok"]


async def test_unread_answers_are_bounded_in_bytes_and_their_client_is_disconnected() -> None:
    """A client asks for large answers and never reads: what waits stays bounded, and memory comes back."""
    limits = LimitSettings(queue_bytes=200_000, stalled_s=1.0, messages_per_s=10_000, bytes_per_s=1e9)
    async with serving(limits=limits) as place:
        place.server.on("large", _large)
        before = psutil.Process().memory_info().rss
        writers = []
        for _ in range(10):
            async with aiohttp.ClientSession() as http:
                poll = await Polling.open(http, place)
                await poll.join()
            _, writer = await asyncio.open_connection("127.0.0.1", place.port, limit=2048)
            writer.transport.pause_reading()  # type: ignore[attr-defined]
            body = "\x1e".join(['42["large",1]'] * 16)
            head = f"POST {HANDSHAKE}&sid={poll.eio_sid} HTTP/1.1\r\nHost: 127.0.0.1:{place.port}\r\n"
            for _ in range(20):
                writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())
            writers.append(writer)
        sockets = place.server._sockets
        await eventually_async(lambda: place.server.dropped > 500)
        assert all(session.queue.waiting_bytes < 300_000 for session in sockets.sessions.values())
        await eventually_async(lambda: not sockets.sessions)
        assert psutil.Process().memory_info().rss - before < 40e6
        for writer in writers:
            writer.close()
        assert await healthy(place)


async def _large(sid: str, data: Any) -> dict[str, Any]:
    return {"large": "x" * 50_000}


async def test_a_websocket_that_never_reads_is_disconnected_while_others_miss_nothing() -> None:
    limits = LimitSettings(queue_bytes=100_000, stalled_s=0.5)
    async with serving(limits=limits) as place, client(place) as friend, raw(place) as socket:
        heard: list[int] = []
        friend.on("news", lambda data: heard.append(data["number"]))
        transport = socket._response.connection.transport  # type: ignore[union-attr]
        transport.pause_reading()  # type: ignore[union-attr]
        sockets = place.server._sockets
        number = 0
        async with asyncio.timeout(30):
            while len(sockets.sessions) > 1:
                await place.server.emit("news", {"number": number, "text": "x" * 90_000})
                number += 1
                await asyncio.sleep(0.005)
        await eventually_async(lambda: len(heard) == number)
        assert heard == list(range(number))


async def test_the_kernel_keeps_nothing_for_a_websocket_that_never_read() -> None:
    limits = LimitSettings(queue_bytes=100_000, stalled_s=0.5)
    async with serving(limits=limits) as place:
        writer = await connect_and_stop_reading(place.url, ("40",))
        sockets = place.server._sockets
        await eventually_async(lambda: len(sockets.sessions) == 1)
        async with asyncio.timeout(30):
            while sockets.sessions:
                await place.server.emit("news", "x" * 90_000)
                await asyncio.sleep(0.005)
        await eventually_async(lambda: not _connections_of(place.port))
        writer.close()


def _connections_of(port: int) -> list[str]:
    """The states of the connections that the server on `port` has, or the kernel after it."""
    states = ((one.laddr and one.laddr.port, one.status) for one in psutil.net_connections("tcp"))
    return [status for local, status in states if local == port and status != psutil.CONN_LISTEN]


async def test_unfinished_requests_are_closed_and_leave_room(caplog: pytest.LogCaptureFixture) -> None:
    """Slow-loris: more connections than there may be, each with a request that is never finished."""
    limits = LimitSettings(connections=100, header_timeout_s=1.0)
    async with serving(limits=limits) as place, client(place) as friend:
        connections = [await asyncio.open_connection("127.0.0.1", place.port) for _ in range(150)]
        for index, (_, writer) in enumerate(connections):
            writer.write(b"GET / HTTP/1.1\r\nX: " if index % 2 else _unfinished_body(place))
        assert await healthy(place)
        assert (await friend.call("read", 1))["ok"]
        began = time.monotonic()
        for reader, _ in connections:
            with suppress(ConnectionResetError):
                assert await asyncio.wait_for(reader.read(), 10) == b""
        assert time.monotonic() - began < 8
        for _, writer in connections:
            writer.close()
        assert (await friend.call("read", 1))["ok"]
    assert tracebacks(caplog) == []
    assert len(warnings(caplog)) <= 3


def _unfinished_body(place: RunningServer) -> bytes:
    return f"POST {HANDSHAKE} HTTP/1.1\r\nHost: 127.0.0.1:{place.port}\r\nContent-Length: 1000\r\n\r\nab".encode()


async def test_an_idle_connection_is_closed_after_its_time() -> None:
    async with serving(limits=LimitSettings(idle_timeout_s=0.5)) as place:
        reader, writer = await asyncio.open_connection("127.0.0.1", place.port)
        writer.write(f"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:{place.port}\r\n\r\n".encode())
        assert b"200 OK" in await asyncio.wait_for(reader.readline(), 5)
        await asyncio.wait_for(reader.read(), 5)
        writer.close()


async def test_one_address_may_hold_so_many_clients_and_health_still_answers() -> None:
    async with (
        serving(limits=LimitSettings(clients_per_address=3)) as place,
        client(place),
        client(place),
        client(place),
    ):
        async with aiohttp.ClientSession() as http, http.get(place.url + HANDSHAKE) as answer:
            assert answer.status == 503
            assert (await answer.json())["error"]["code"] == "too_many_clients"
        assert await healthy(place)


async def test_sessions_that_never_connect_make_room_for_clients() -> None:
    async with serving(limits=LimitSettings(clients_per_address=5)) as place, aiohttp.ClientSession() as http:
        for _ in range(5):
            await Polling.open(http, place)
        await asyncio.sleep(1.1)  # they are no longer young: what a client needs to connect
        async with client(place) as io:
            assert (await io.call("read", 1))["ok"]


async def test_two_polls_at_once_of_one_session_end_it() -> None:
    async with serving() as place, aiohttp.ClientSession() as http:
        poll = await Polling.open(http, place)
        await poll.join()
        answers = await asyncio.gather(poll.poll(), poll.poll())
        assert sorted(status for status, _ in answers) == [200, 400]
        assert await poll.post("3") == 400


async def test_two_websockets_at_once_of_one_session_end_it() -> None:
    """Each would be waited for without end, and one client could hold every connection."""
    async with serving() as place, aiohttp.ClientSession() as http:
        poll = await Polling.open(http, place)
        url = f"{place.url}{WEBSOCKET}&sid={poll.eio_sid}"
        async with http.ws_connect(url) as first:
            with pytest.raises(aiohttp.WSServerHandshakeError):
                await http.ws_connect(url)
            message = await asyncio.wait_for(first.receive(), 5)
            assert message.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)


async def test_a_second_connection_to_the_namespace_is_a_violation() -> None:
    """Each would be greeted: a flood of them was answered without end."""
    async with serving() as place, raw(place) as socket:
        await socket.send_str("40")
        async with asyncio.timeout(5):
            while not socket.closed:
                await socket.receive()


async def test_a_client_that_neither_reads_nor_answers_pings_leaves_no_connection_behind() -> None:
    """Engine.IO waited for ever until what was under way to such a client had been sent."""
    async with serving() as place:
        sockets = place.server._sockets
        sockets.eio.ping_interval = sockets.eio.ping_timeout = 0.5
        async with raw(place) as socket:
            socket._response.connection.transport.pause_reading()  # type: ignore[union-attr]
            for _ in range(30):
                await place.server.emit("news", "x" * 60_000)
                await asyncio.sleep(0.01)
            await eventually_async(lambda: not sockets.sessions)
            runner = place.server._runner
            await eventually_async(
                lambda: runner is not None and runner.server is not None and not runner.server.connections
            )


def test_a_server_raises_its_limit_of_descriptors() -> None:
    program = """
import resource
from tidzam.server.connections import raise_descriptor_limit
_, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (128, 512))
print(raise_descriptor_limit(), resource.getrlimit(resource.RLIMIT_NOFILE))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "512 (512, 512)\n"


async def test_a_flood_of_http_requests_is_refused_except_with_the_token() -> None:
    async with serving(limits=LimitSettings(messages_per_s=10)) as place, aiohttp.ClientSession() as http:
        statuses = []
        for _ in range(80):
            async with http.get(place.url + "/healthz") as answer:
                statuses.append(answer.status)
        assert statuses[:50] == [200] * 50
        assert statuses[-1] == 429
        async with http.get(place.url + "/healthz", headers={"Authorization": f"Bearer {TOKEN}"}) as answer:
            assert answer.status == 200
