"""The sending end of forwarding: the sink, what it is given, and clips. It does not import the console."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import SecretStr

from analyzer.sinks.base import SinkContext
from analyzer.sinks.forward import ForwardSink
from tests.support.batches import LABELS, Batches
from tidzam.config.forward_sink import ForwardSinkSettings
from tidzam.results import AnalyzedBatch, WindowBatch

NODE = "garden"


def heard(
    number: int,
    *,
    clip: str | None = None,
    label: str = "birds-wren",
    probability: float = 0.9,
    node: str = NODE,
) -> AnalyzedBatch:
    """A batch in which a detection ends that was heard `number` seconds after the first."""
    source = Batches(node)
    source.batch(number, pond_0=label)
    (ended,) = source.last().detections
    found = replace(ended.detection, clip=clip, peak_probability=probability, id=f"{ended.detection.id}-{number}")
    batch = WindowBatch((), np.zeros((0, 1), np.float32), 1, 0, (), ())
    return AnalyzedBatch(batch, (), (replace(ended, detection=found),))


def write_noise(folder: Path, name: str, size: int) -> bytes:
    """Write a clip of random bytes, which do not compress, and return them."""
    path, content = folder / name, random.Random(name).randbytes(size)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return content


def forward_sink(
    url: str, token: str, home: Path, *, clips: Path | None = None, node: str = NODE, **settings: Any
) -> ForwardSink:
    """The sink of a node, whose clips are in `clips`."""
    values = {"url": url, "token": SecretStr(token), "collect_s": 0.0, "timeout_s": 5.0, **settings}
    context = SinkContext(node=node, labels=LABELS, home=home, clip_folders=() if clips is None else (clips,))
    return ForwardSink(ForwardSinkSettings.model_validate(values), context)
