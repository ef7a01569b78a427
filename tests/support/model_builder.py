"""A node with recordings of two days and annotated tones, from which models are built."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import soundfile
from scipy.signal import resample_poly

from console.services.annotations.channels import require_channel
from tests.support.annotations import ANNOTATOR
from tests.support.console import ConsoleUnderTest
from tests.support.openset import DAYS, write_recordings
from tidzam.annotations.rules import AnnotationContent
from tidzam.recording_names import parse_recording_name
from tidzam.store.annotations import NewAnnotation
from tidzam.store.tables.annotations import AnnotationOrigin

CHANNEL = "pond:out_0"
TAGS = ["high", "low"]


def recorded_profile(folder: Path) -> dict[str, Any]:
    """The profile of a node whose source `pond` has recordings in `folder`."""
    folder.mkdir(exist_ok=True)
    write_recordings(folder)
    for path in folder.glob("*.wav"):
        samples, rate_hz = soundfile.read(path)
        soundfile.write(path, resample_poly(samples, 3, 1), 3 * rate_hz)  # what the demo's selector needs at least
    record = {"path": str(folder)}
    return {"sources": [{"name": "pond", "url": "https://stream.example/pond.ogg", "record": record}]}


def annotate(console: ConsoleUnderTest, folder: Path) -> int:
    """Annotate the tones. Returns how many there are."""
    service, made = console.runtime.annotations, []
    channel_id = require_channel(console.store, console.runtime.settings, service.node(), CHANNEL)
    for line in (folder / "calls.csv").read_text().splitlines()[1:]:
        name, start_s, end_s, tag = line.split(",")
        named = parse_recording_name(Path(name))
        assert named is not None
        begun = datetime.combine(named.local.date(), named.local.time(), UTC)
        start, end = (begun + timedelta(seconds=float(at_s)) for at_s in (start_s, end_s))
        made.append(NewAnnotation(channel_id=channel_id, content=AnnotationContent(start=start, end=end, tag=tag)))
    with console.store.write() as session:
        service.add_all(session, ANNOTATOR, made, AnnotationOrigin.MANUAL)
    return len(made)


def build_request(**changes: Any) -> dict[str, Any]:
    """A recognizer of both tones, trained on the first day and tested on the second."""
    days = {DAYS[0]: "train", DAYS[1]: "test"}
    return {"models": [{"name": "tones", "tags": TAGS}], "days": days, "background_windows": 30, **changes}
