"""`python -m tests.support.forward_process URL TOKEN HOME CLIPS [NAME…]`: a node that forwards until killed.

Each NAME is a clip of a detection that ends. Its first line says that all are kept on disk.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from tests.support.forward_sink import forward_sink, heard


async def forward(url: str, token: str, home: str, clips: str, *names: str) -> None:
    """Forward the detections, and what waits from earlier runs."""
    sink = forward_sink(url, token, Path(home), clips=Path(clips), timeout_s=20.0)
    await sink.open()
    for number, name in enumerate(names):
        await sink.deliver(heard(number, clip=name))
    print("kept", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(forward(*sys.argv[1:]))
