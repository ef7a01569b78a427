"""Malformed input to a real server: one line in its log, an answer, and no other client is affected."""

from __future__ import annotations

import asyncio
import json
import random
from typing import Any

import aiohttp
import pytest

from tests.support.eventually import eventually_async
from tests.support.raw_client import healthy, raw, tracebacks, warnings
from tests.support.server import Polling, client, serving

pytestmark = pytest.mark.timeout(90)

POST = b"POST /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: localhost:PORT\r\n"
"""The head of a request that no check of the host refuses."""
MALFORMED = [
    "",
    "0",
    "7",
    "9nonsense",
    "4",
    "4x",
    "4[",
    "4{}",
    "44",
    "46",
    "4²",
    "42",
    "42{}",
    "42[]",
    "42[1]",
    "42[[]]",
    "42" + "[" * 50000,
    '42["sys"',
    "42999999999999999999999999",
    "42" + "9" * 200,
    '45["sys",{"_placeholder":true,"num":0}]',
    '4599999999-["sys",{"_placeholder":true,"num":0}]',
    '451-["sys",{"_placeholder":true,"num":7}]\x1ebQUJD',
    '451-["sys",{"_placeholder":true,"num":"x"}]\x1ebQUJD',
    '451-["sys",{"_placeholder":true,"num":0}]\x1e42["read"]',
    '4561-["a"]',
    "43[]",
    '431["a"]',
    "40",
    '40/other,{"token":1}\x1e42/other,["read"]',
    "bQUJD",
    "b!!!!",
    "2",
    "\ud7ff",
]


@pytest.mark.parametrize("transport", ["websocket", "polling"])
async def test_malformed_packets_leave_one_line_and_no_traceback(
    transport: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving() as place, aiohttp.ClientSession() as http:
        for packets in MALFORMED:
            if transport == "polling":
                poll = await Polling.open(http, place)
                await poll.join()
                await poll.post(packets)
                continue
            async with raw(place) as socket:
                for packet in packets.split("\x1e"):
                    await socket.send_str(packet)
                await socket.close()
        assert await healthy(place)
        await eventually_async(lambda: not place.server._sockets.sessions)
    assert tracebacks(caplog) == []
    assert len(warnings(caplog)) <= 2
    assert place.changes == []


async def test_a_client_that_sends_a_malformed_packet_is_disconnected_and_no_other() -> None:
    async with serving() as place, client(place) as friend, raw(place) as socket:
        await socket.send_str("42nonsense")
        async with asyncio.timeout(5):
            while not socket.closed:
                await socket.receive()
        assert (await friend.call("read", 1))["ok"]


@pytest.mark.parametrize("seed", range(3))
async def test_random_packets_and_bodies_leave_no_traceback(seed: int, caplog: pytest.LogCaptureFixture) -> None:
    chance = random.Random(seed)
    parts = [*"0123456[]{},:", "40", "42", "43", "451-", '"sys"', '"read"', "probe", "null", "1e999", "9" * 30]
    parts += ['"\\ud800"', '{"_placeholder":true,"num":-1}', "/x,", "é", "\x00"]
    async with serving() as place, aiohttp.ClientSession() as http, client(place) as friend:
        for _ in range(60):
            packets = ["".join(chance.choices(parts, k=chance.randint(0, 8))) for _ in range(4)]
            if chance.random() < 0.5:
                poll = await Polling.open(http, place)
                await poll.post("40")
                await poll.post("\x1e".join(packets) if chance.random() < 0.8 else chance.randbytes(20))
                continue
            async with raw(place, join=chance.random() < 0.8) as socket:
                for packet in packets:
                    if not socket.closed:
                        await (socket.send_str(packet) if chance.random() < 0.8 else socket.send_bytes(packet.encode()))
        assert (await friend.call("read", 1))["ok"]
        assert await healthy(place)
    assert tracebacks(caplog) == []
    assert len(warnings(caplog)) < 20


@pytest.mark.parametrize(
    "request_",
    [
        b"GET / HTTP/1.1\r\nBad Header\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"GET " + b"/" * 20000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST /socket.io/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        b"POST /socket.io/ HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"\r\n" * 100 + b"nonsense\r\n\r\n",
        POST + b"Content-Encoding: gzip\r\nContent-Length: 5\r\n\r\nabcde",
        POST + b"Content-Encoding: deflate\r\nContent-Length: 5\r\n\r\nabcde",
        POST + b"Content-Encoding: br\r\nContent-Length: 5\r\n\r\nabcde",
        POST + b"Content-Encoding: gzip\r\nContent-Length: 50\r\n\r\n\x1f\x8b",
        POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        POST + b"Expect: nonsense\r\nContent-Length: 5\r\n\r\nabcde",
    ],
)
async def test_malformed_http_leaves_one_line_and_no_traceback(
    request_: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving() as place:
        for _ in range(20):
            reader, writer = await asyncio.open_connection("127.0.0.1", place.port)
            writer.write(request_.replace(b":PORT", f":{place.port}".encode()))
            writer.write_eof()
            await asyncio.wait_for(reader.read(), 10)
            writer.close()
        assert await healthy(place)
    assert tracebacks(caplog) == []
    assert len(warnings(caplog)) <= 1


@pytest.mark.parametrize("transport", ["polling", "websocket"])
@pytest.mark.parametrize(
    "content", ["9" * 5000, '"\\ud800"', "[" * 500 + "]" * 500, "NaN", '"' + "x" * 70000 + '"', '{"\\udfff":1}']
)
async def test_bad_input_is_answered_as_such_and_never_as_internal(transport: str, content: str) -> None:
    async with serving() as place, aiohttp.ClientSession() as http:
        packet = f'427["change",{content}]'
        if transport == "polling":
            poll = await Polling.open(http, place)
            await poll.join()
            assert await poll.post(packet) == 200
            answer = (await poll.poll())[1]
        else:
            async with raw(place) as socket:
                await socket.send_str(packet)
                answer = await socket.receive_str()
        assert answer.startswith("437")
        error = json.loads(answer[3:])[0]["error"]
        assert error["code"] == "request"
        assert len(error["message"]) < 300
    assert place.changes == []


async def test_a_refusal_echoes_no_more_than_the_beginning_of_a_request() -> None:
    async with serving() as place, raw(place) as socket:
        await socket.send_str("42" + json.dumps(["change", {"a": ["x" * 900] * 60, "b": 10**25}]))
        assert len(await socket.receive_str()) < 2000


@pytest.mark.parametrize("transport", ["polling", "websocket"])
async def test_a_message_beyond_every_bound_ends_its_client(transport: str, caplog: pytest.LogCaptureFixture) -> None:
    async with serving() as place, aiohttp.ClientSession() as http:
        if transport == "polling":
            poll = await Polling.open(http, place)
            assert await poll.post("4" + "2" * 3_000_000) == 413
        else:
            async with raw(place) as socket:
                await socket.send_str("42" + "x" * 3_000_000)
                message = await asyncio.wait_for(socket.receive(), 5)
                assert message.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)
        assert await healthy(place)
    assert tracebacks(caplog) == []


async def test_large_binary_data_are_for_audio_alone() -> None:
    async with serving() as place:
        heard = asyncio.Event()

        async def audio(sid: str, data: Any) -> None:
            assert len(data) == 500_000
            heard.set()

        place.server.on("audio", audio)
        async with client(place) as io:
            await io.emit("audio", b"\0" * 500_000)
            await asyncio.wait_for(heard.wait(), 5)
            await io.emit("change", b"\0" * 500_000)
            await eventually_async(lambda: not io.connected)
    assert place.changes == []
