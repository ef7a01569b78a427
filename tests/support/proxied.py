"""HTTP requests by way of a proxy."""

from __future__ import annotations

import aiohttp


async def get(url: str, proxy: str, *, redirects: bool = True) -> tuple[int, bytes]:
    async with (
        aiohttp.ClientSession() as session,
        session.get(url, proxy=proxy, allow_redirects=redirects) as answer,
    ):
        return answer.status, await answer.read()
