"""Stream a microphone, or a file in its place, to a node; print the port and where to listen."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator

import socketio
import soundfile

STREAM_MANAGER = "http://127.0.0.1:8080"
RATE_HZ = 44100
PACKET_S = 0.1


async def microphone() -> AsyncIterator[tuple[bytes, int]]:
    """Packets of 16-bit mono PCM from the default device of ALSA, and their sample rate."""
    argv = ["arecord", "--quiet", "--file-type=raw", "--format=S16_LE", "--channels=1", f"--rate={RATE_HZ}"]
    process = await asyncio.create_subprocess_exec(*argv, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    try:
        while True:
            yield await process.stdout.readexactly(2 * round(PACKET_S * RATE_HZ)), RATE_HZ
    except asyncio.IncompleteReadError:
        sys.exit("arecord has ended.")
    finally:
        if process.returncode is None:
            process.terminate()


async def file(path: str) -> AsyncIterator[tuple[bytes, int]]:
    """The first channel of a file in the same form, at the speed at which it plays."""
    loop = asyncio.get_running_loop()
    with soundfile.SoundFile(path) as audio:
        began_s, sent = loop.time(), 0
        for block in audio.blocks(round(PACKET_S * audio.samplerate), dtype="int16", always_2d=True):
            sent += len(block)
            await asyncio.sleep(began_s + sent / audio.samplerate - loop.time())
            yield block[:, 0].astype("<i2").tobytes(), audio.samplerate


async def main(path: str | None = None) -> None:
    async with socketio.AsyncSimpleClient() as manager:
        await manager.connect(STREAM_MANAGER, auth={"token": os.environ.get("TIDZAM_TOKEN", "")})
        answer = await manager.call("sys", {"sys": {"add_livestream": ""}})
        if not answer["ok"]:
            sys.exit(answer["error"]["message"])
        print(answer["sys"]["portname"], *answer["sys"]["mounts"], flush=True)
        async for pcm, rate_hz in microphone() if path is None else file(path):
            await manager.emit("audio", {"buffer": pcm, "samplerate": rate_hz})
        await manager.call("sys", {"sys": {"del_livestream": ""}})


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
