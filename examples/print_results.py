"""Print the result of each window of each channel."""

import asyncio
import sys

import socketio

ANALYZER = "http://127.0.0.1:8001"


async def main(windows: int) -> None:
    async with socketio.AsyncSimpleClient() as analyzer:
        await analyzer.connect(ANALYZER)
        while windows:
            event, data = await analyzer.receive()
            if event == "sys" and isinstance(data, list):
                windows -= 1
                for row in data:
                    print(row["analysis"]["time"], row["chan"], *row["analysis"]["result"])


if __name__ == "__main__":
    asyncio.run(main(int(*sys.argv[1:] or [5])))
