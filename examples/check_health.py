"""Exit with 0 if the node does its job, else print the reasons and exit with 1: for monitoring."""

import asyncio
import sys

import aiohttp

PROGRAMS = {"stream manager": "http://127.0.0.1:8080", "analyzer": "http://127.0.0.1:8001"}


async def reasons(session: aiohttp.ClientSession, name: str, url: str) -> list[str]:
    """Why a program does not do its job; empty if it does."""
    try:
        async with session.get(f"{url}/healthz", timeout=aiohttp.ClientTimeout(total=5)) as response:
            health = await response.json()
    except (aiohttp.ClientError, TimeoutError) as error:
        return [f"{name}: {error or 'no answer'}"]
    return [f"{name}: {reason}" for reason in health.get("reasons", [])]


async def main() -> int:
    async with aiohttp.ClientSession() as session:
        found = [reason for name, url in PROGRAMS.items() for reason in await reasons(session, name, url)]
    print(*found, sep="\n", end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
