"""Load a source into the stream manager, list all sources, and unload it."""

import asyncio
import sys

import socketio

STREAM_MANAGER = "http://127.0.0.1:8080"


async def main(url: str) -> None:
    async with socketio.AsyncSimpleClient() as manager:
        await manager.connect(STREAM_MANAGER)
        source = {"name": "creek", "url": url, "is_permanent": True}
        print(await manager.call("sys", {"sys": {"loadsource": source}}))
        listed = await manager.call("sys", {"sys": {"sources": ""}})
        for status in listed["sys"]["sources"]:
            print(status["name"], status["state"], *status["ports"])
        print(await manager.call("sys", {"sys": {"unloadsource": {"name": "creek"}}}))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:] or ["http://127.0.0.1:8000/wetland-out_0.ogg"]))
