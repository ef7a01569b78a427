"""`python -m tests.support.excerpts MAX PORT...`: reads excerpts of ports that play frame codes, like the JACK agent.

Reads until one succeeds, MAX at most: on a busy machine, JACK may skip a cycle in the middle of any. Prints a JSON
object per excerpt: for each port that was read, its number of frames and whether they are contiguous.
"""

from __future__ import annotations

import json
import sys

import numpy as np

from stream_manager.signals.excerpt_reader import ExcerptReader
from tests.support.frame_codes import CODE_RANGE
from tests.support.jack_client import open_client


def main(maximum: int, ports: list[str]) -> None:
    reader = ExcerptReader(open_client("excerpts"))
    for _ in range(maximum):
        read = reader.read(ports)
        steps = {port: np.diff(samples) % CODE_RANGE for port, samples in read.items()}
        print(json.dumps({port: [len(step) + 1, bool((step == 1).all())] for port, step in steps.items()}))
        if steps:
            break


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
