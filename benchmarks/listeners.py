"""`python -m benchmarks.listeners URL --clients N --first K --channels M`: well-behaved Socket.IO clients, until TERM.

Client i subscribes to the events of channel i modulo M. At the end, one JSON object is printed: for each client, the
end of each window that it received an event of, and the time of arrival, both in seconds since 1970.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import re
import signal
import time
from datetime import datetime

import aiohttp

from benchmarks.stopped_reader import WEBSOCKET
from tidzam.server.connections import raise_descriptor_limit

_END = re.compile(r'"end":\s*"([^"]+)"')
_JOINING_AT_ONCE = 16


class Listeners:
    """The clients number `first` and up, connected to the server at `url`."""

    def __init__(self, url: str, http: aiohttp.ClientSession, *, channels: int) -> None:
        self._url, self._http, self._channels = url, http, channels
        self._joining = asyncio.Semaphore(_JOINING_AT_ONCE)
        self.received: dict[int, list[tuple[float, str]]] = {}
        self.disconnected = 0

    async def listen(self, number: int, joined: asyncio.Event) -> None:
        """Subscribe to one channel and record what arrives."""
        async with self._joining:
            connection = await self._http.ws_connect(self._url + WEBSOCKET, max_msg_size=0)
            await connection.receive_str()
            await connection.send_str("40")
            await connection.send_str("42" + json.dumps(["subscribe", subscription(number, self._channels)]))
        events = self.received.setdefault(number, [])
        joined.set()
        async for message in connection:
            now, text = time.time(), str(message.data)
            if text == "2":
                await connection.send_str("3")
            elif text.startswith('42["analysis"'):
                events.append((now, text))
        self.disconnected += 1

    def ends(self) -> dict[int, list[tuple[float, float]]]:
        """For each client, the end of each window and the arrival of its event."""
        return {
            number: [(end_of(text), round(now, 4)) for now, text in events] for number, events in self.received.items()
        }


def subscription(number: int, channels: int) -> dict[str, object]:
    """What client `number` subscribes to: one of `channels` channels."""
    return {"events": ["analysis"], "channels": [f"feeder:out_{number % channels}"], "mute_sys": True}


def end_of(event: str) -> float:
    """The end of the window of an `analysis` event, as it is on the wire, in seconds since 1970."""
    found = _END.search(event)
    if found is None:
        raise ValueError(f"not an analysis event: {event[:80]}")
    return datetime.fromisoformat(found[1]).timestamp()


async def main(options: argparse.Namespace) -> None:
    raise_descriptor_limit()
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http, asyncio.TaskGroup() as tasks:
        listeners = Listeners(options.url, http, channels=options.channels)
        joined = [asyncio.Event() for _ in range(options.clients)]
        running = [
            tasks.create_task(listeners.listen(options.first + index, event)) for index, event in enumerate(joined)
        ]
        for event in joined:
            await event.wait()
        gc.disable()  # it would delay what arrives
        print("ready", flush=True)
        await stop.wait()
        print(json.dumps({"events": listeners.ends(), "disconnected": listeners.disconnected}), flush=True)
        for task in running:
            task.cancel()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.listeners")
    parser.add_argument("url")
    parser.add_argument("--clients", type=int, required=True, help="number of clients")
    parser.add_argument("--first", type=int, default=0, help="number of the first client")
    parser.add_argument("--channels", type=int, required=True, help="channels that the clients are divided among")
    return parser.parse_args()


if __name__ == "__main__":
    asyncio.run(main(_options()))
