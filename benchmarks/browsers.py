"""`python -m benchmarks.browsers URL --seconds S < JSON`: browsers that watch, read pages and listen, for a while.

The JSON on stdin holds the fields of `Browsers`. At the end, one JSON object is printed: see `Measured`.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Final

import aiohttp

from tidzam.server.connections import raise_descriptor_limit

EVENTS: Final = "/api/v1/live/events"
_JOINING_AT_ONCE: Final = 16
PAUSE_S: Final = 5.0
"""Seconds between two pages of a browser, on the average."""


@dataclass(frozen=True)
class Browsers:
    """What to measure with: the values of the header `Cookie` of users who are logged in, among whom the browsers are
    divided; how many watch, read and listen; the paths that are read in turn, and the mounts that are listened to."""

    cookies: Sequence[str]
    watching: int
    reading: int
    listening: int
    pages: Sequence[str]
    mounts: Sequence[str]


@dataclass
class Measured:
    """What the browsers have seen: of each page its milliseconds, of each update how late it was after the end of the
    newest window in it; and what went wrong."""

    page_ms: dict[str, list[float]] = field(default_factory=dict)
    late_ms: list[float] = field(default_factory=list)
    updates: int = 0
    heard_bytes: list[int] = field(default_factory=list)
    failures: dict[str, int] = field(default_factory=dict)

    def fail(self, reason: str) -> None:
        self.failures[reason] = self.failures.get(reason, 0) + 1


class BrowserLoad:
    """The browsers at the console at `url`, until `end`."""

    def __init__(
        self, url: str, browsers: Browsers, http: aiohttp.ClientSession, measured: Measured, *, pause_s: float
    ) -> None:
        self._url, self._browsers, self._http, self._measured = url, browsers, http, measured
        self._pause_s = pause_s
        self._joining = asyncio.Semaphore(_JOINING_AT_ONCE)

    def tasks(self) -> list[Any]:
        """What each browser does."""
        of, cookies = self._browsers, self._browsers.cookies
        return [
            *(self._watch(cookies[number % len(cookies)]) for number in range(of.watching)),
            *(self._read(number, cookies[number % len(cookies)]) for number in range(of.reading)),
            *(self._listen(number, cookies[number % len(cookies)]) for number in range(of.listening)),
        ]

    async def _watch(self, cookie: str) -> None:
        """Receive what is heard at present."""
        async with self._joining:
            response = await self._http.get(f"{self._url}{EVENTS}", headers={"Cookie": cookie})
        if response.status != 200:
            self._measured.fail(f"{EVENTS} has the status {response.status}")
            return
        async for line in response.content:
            if line.startswith(b"data: "):
                self._note(line.removeprefix(b"data: "), time.time())
        self._measured.fail("updates ended")

    def _note(self, data: bytes, now_s: float) -> None:
        self._measured.updates += 1
        ends = [channel["time"] for channel in json.loads(data)["channels"] if channel["time"] is not None]
        if ends:
            newest_s = datetime.fromisoformat(max(ends)).timestamp()
            self._measured.late_ms.append(round(1000 * (now_s - newest_s), 1))

    async def _read(self, number: int, cookie: str) -> None:
        """Read one page after the other, with pauses."""
        chance = random.Random(number)
        await asyncio.sleep(chance.uniform(0, self._pause_s))
        at = number
        while True:
            page = self._browsers.pages[at % len(self._browsers.pages)]
            at += 1
            began_s = time.perf_counter()
            async with self._http.get(f"{self._url}{page}", headers={"Cookie": cookie}) as response:
                await response.read()
            taken_ms = 1000 * (time.perf_counter() - began_s)
            if response.status == 200:
                self._measured.page_ms.setdefault(page, []).append(round(taken_ms, 2))
            else:
                self._measured.fail(f"{page} has the status {response.status}")
            await asyncio.sleep(chance.uniform(0.5, 1.5) * self._pause_s)

    async def _listen(self, number: int, cookie: str) -> None:
        """Listen to a channel."""
        mount = self._browsers.mounts[number % len(self._browsers.mounts)]
        async with self._joining:
            response = await self._http.get(f"{self._url}/api/v1/listen/{mount}", headers={"Cookie": cookie})
        if response.status != 200:
            self._measured.fail(f"/listen has the status {response.status}")
            return
        heard, place = self._measured.heard_bytes, len(self._measured.heard_bytes)
        heard.append(0)
        async for part in response.content.iter_any():
            heard[place] += len(part)
        self._measured.fail("a channel ended")


async def measure(url: str, browsers: Browsers, *, seconds: float, pause_s: float = PAUSE_S) -> Measured:
    """Let the browsers work for a while. Each reads a page, pauses for `pause_s` on the average, and reads the next."""
    measured = Measured()
    timeout = aiohttp.ClientTimeout(total=None, sock_read=60)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), timeout=timeout) as http:
        tasks = [
            asyncio.create_task(work) for work in BrowserLoad(url, browsers, http, measured, pause_s=pause_s).tasks()
        ]
        gc.disable()  # it would delay what arrives
        await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_EXCEPTION)
        gc.enable()
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
    for fault in ended:
        if isinstance(fault, Exception):
            measured.fail(f"{type(fault).__name__}: {fault}")
    return measured


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.browsers")
    parser.add_argument("url")
    parser.add_argument("--seconds", type=float, default=30.0)
    options = parser.parse_args()
    raise_descriptor_limit()
    browsers = Browsers(**json.loads(sys.stdin.readline()))
    print(json.dumps(asdict(asyncio.run(measure(options.url, browsers, seconds=options.seconds)))), flush=True)


if __name__ == "__main__":
    main()
