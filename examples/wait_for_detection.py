"""Wait until a class is detected on any channel, print the detection and exit."""

import asyncio
import sys

import socketio

ANALYZER = "http://127.0.0.1:8001"


async def main(*classes: str) -> None:
    async with socketio.AsyncSimpleClient() as analyzer:
        await analyzer.connect(ANALYZER)
        await analyzer.call("subscribe", {"events": ["detection"], "classes": list(classes), "mute_sys": True})
        while True:
            event, detection = await analyzer.receive()
            if event == "detection":
                print(detection["start"], detection["channel"], " > ".join(detection["path"]))
                return


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:] or ["birds*", "frogs*"]))
