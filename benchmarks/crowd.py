"""`python -m benchmarks.crowd URL`: misbehaving clients of all kinds, until TERM; prints their counts at the end.

Idle clients answer pings and do nothing else; deaf ones subscribe to everything and never read; slow-loris connections
never finish a request; a flood sends wrong requests as fast as it can, and comes back when it is disconnected.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections import Counter
from contextlib import suppress
from urllib.parse import urlsplit

import aiohttp

from benchmarks.stopped_reader import WEBSOCKET, connect_and_stop_reading, text_frame
from tidzam.server.connections import raise_descriptor_limit

IDLE, DEAF, LORIS = 300, 20, 1000
_LORIS_EVERY_S = 2.0
_DEAF_EVERY_S = 0.1
_GONE = (aiohttp.ClientError, OSError, asyncio.TimeoutError)


class Crowd:
    """The clients, connected to the server at `url`."""

    def __init__(self, url: str, http: aiohttp.ClientSession) -> None:
        self._url, self._http = url, http
        self.counts: Counter[str] = Counter()

    async def gather(self, tasks: asyncio.TaskGroup, ready: asyncio.Event) -> list[asyncio.Task[None]]:
        """Start them; `ready` is set once the idle ones are connected."""
        running = [tasks.create_task(self._idle(ready)) for _ in range(IDLE)]
        await ready.wait()
        running += [tasks.create_task(self._deaf()) for _ in range(DEAF)]
        running += [tasks.create_task(self._loris(number)) for number in range(LORIS)]
        return [*running, tasks.create_task(self._flood())]

    async def _join(self) -> aiohttp.ClientWebSocketResponse:
        connection = await self._http.ws_connect(self._url + WEBSOCKET, max_msg_size=0)
        await connection.receive_str()
        await connection.send_str("40")
        return connection

    async def _idle(self, ready: asyncio.Event) -> None:
        connection = await self._join()
        self.counts["idle"] += 1
        if self.counts["idle"] == IDLE:
            ready.set()
        async for message in connection:
            if message.data == "2":
                await connection.send_str("3")
        self.counts["idle_disconnected"] += 1

    async def _deaf(self) -> None:
        """Read nothing from a connection, but notice when the server ends it: sending fails then."""
        packets = ("40", '42["subscribe",{"events":["analysis","detection","health"]}]')
        try:
            writer = await connect_and_stop_reading(self._url, packets)
            while not writer.is_closing():
                writer.write(text_frame("42" + json.dumps(["subscribe", {"x" * 900: 1}])))
                await asyncio.sleep(_DEAF_EVERY_S)
            writer.transport.abort()
        except (*_GONE, asyncio.IncompleteReadError):
            pass
        self.counts["deaf_disconnected"] += 1

    async def _loris(self, number: int) -> None:
        address = urlsplit(self._url)
        while True:
            with suppress(*_GONE):
                reader, writer = await asyncio.open_connection(address.hostname, address.port)
                self.counts["loris_opened"] += 1
                writer.write(f"GET /healthz HTTP/1.1\r\nX-{number}: ".encode())
                while not reader.at_eof():
                    writer.write(b"x")
                    with suppress(asyncio.TimeoutError):
                        await asyncio.wait_for(reader.read(1024), _LORIS_EVERY_S)
                writer.close()
            await asyncio.sleep(_LORIS_EVERY_S)

    async def _flood(self) -> None:
        wrong = "42" + json.dumps(["subscribe", {f"unknown-{number}": "x" * 200 for number in range(200)}])
        while True:
            with suppress(*_GONE):
                connection = await self._join()
                while not connection.closed:
                    await connection.send_str(wrong)
                    self.counts["flood_messages"] += 1
            self.counts["flood_disconnected"] += 1
            await asyncio.sleep(0.1)


async def main(url: str) -> None:
    raise_descriptor_limit()
    stop, ready = asyncio.Event(), asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as http, asyncio.TaskGroup() as tasks:
        crowd = Crowd(url, http)
        running = await crowd.gather(tasks, ready)
        print("ready", flush=True)
        await stop.wait()
        print(json.dumps(crowd.counts), flush=True)
        for task in running:
            task.cancel()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
