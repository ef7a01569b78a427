"""`python -m analyzer.sinks.example NAME --profile FILE`: sends an example detection through a configured sink.

It is of the class `example`, whatever classes the sink is for. What the running analyzer keeps is left alone.
"""

from __future__ import annotations

import asyncio
import logging
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Final

import numpy as np
import typer

from analyzer.sinks.base import NamedSink, ReportsFault, SinkContext, make_sinks, sink_names
from tidzam.config import load_settings
from tidzam.config.clips import ClipRule
from tidzam.config.notification_sink import NotificationRule, NotificationSinkSettings
from tidzam.config.settings import Settings
from tidzam.config.sink_base import DetectionFilter, SinkSettings
from tidzam.config.sinks import ClipSinkSettings
from tidzam.config.store import with_store
from tidzam.errors import ConfigError, TidzamError
from tidzam.labels import LabelTree
from tidzam.results import Analysis, AnalyzedBatch, DetectedChannel, Detection, DetectionChange, WindowBatch
from tidzam.scrub import scrub
from tidzam.terminal import command_line, exit_on_error, print_json
from tidzam.text import printable

LABEL: Final = "example"
CHANNEL: Final = "example:out_0"
_RATE_HZ: Final = 48000
_TONE_HZ: Final = 1000.0
_LEVEL_DBFS: Final = -20.0
_DELIVERY_S: Final = 60.0

app = command_line(help="Send an example detection through a sink of the profile.")


def example_batches(now: datetime) -> tuple[AnalyzedBatch, AnalyzedBatch]:
    """A detection of one window, a second of a sine: its start, and its end."""
    start = now - timedelta(seconds=1)
    times_s = np.arange(_RATE_HZ, dtype=np.float32) / _RATE_HZ
    samples = 10 ** (_LEVEL_DBFS / 20) * np.sin(2 * np.pi * _TONE_HZ * times_s, dtype=np.float32)[None]
    batch = WindowBatch((CHANNEL,), samples.astype(np.float32), _RATE_HZ, 0, (start,), (0,))
    analysis = Analysis(CHANNEL, start, now, 0, (LABEL,), {LABEL: 1.0}, _LEVEL_DBFS, 0, _RATE_HZ)
    found = Detection(
        id=f"{LABEL}-{now:%Y%m%dT%H%M%S%f}",
        channel=CHANNEL,
        label=LABEL,
        path=(LABEL,),
        start=start,
        end=now,
        peak_probability=1.0,
        mean_probability=1.0,
        windows=1,
        channels=(DetectedChannel(CHANNEL, _LEVEL_DBFS),),
    )
    nothing = WindowBatch((), np.zeros((0, _RATE_HZ), np.float32), _RATE_HZ, _RATE_HZ, (), ())
    return (
        AnalyzedBatch(batch, (analysis,), (DetectionChange("start", found),)),
        AnalyzedBatch(nothing, (), (DetectionChange("end", found),)),
    )


async def send_example(named: NamedSink, now: datetime) -> None:
    """Open a sink, deliver the example, and close it. Raises what the sink raises."""
    await named.sink.open()
    try:
        for batch in example_batches(now):
            await named.sink.deliver(batch)
    finally:
        await named.sink.close()
    if isinstance(named.sink, ReportsFault) and named.sink.fault:
        raise TidzamError(named.sink.fault, code="unsent")


def sink_for_example(
    settings: Settings, name: str, folder: Path, *, on_sent: Callable[[str], None] = lambda sent: None
) -> NamedSink:
    """The sink called `name` in logs and statuses, made to take the example; `folder` is for what it remembers.
    `on_sent` is called with what it sends or writes.

    Raises ConfigError if the profile has none of this name, and the errors of `make_sinks`.
    """
    sinks = with_store(settings.analyzer.sinks) if settings.store.enabled else settings.analyzer.sinks
    open_to_all = [_open_to_all(one, folder) for one in sinks]
    context = SinkContext(
        node=settings.node.known_as,
        labels=LabelTree({LABEL: None}),
        home=settings.home,
        is_example=True,
        location=settings.location,
        on_sent=on_sent,
        store=settings.store,
    )
    names = sink_names(sinks)
    if name not in names:
        known = ", ".join(names) or "none"
        raise ConfigError(
            f"The profile has no sink {name!r}.", hint=f"Its sinks are: {known}.", code="unknown_extension"
        )
    (made,) = make_sinks([open_to_all[names.index(name)]], context)
    return NamedSink(name, made.sink)


def _open_to_all(settings: SinkSettings, folder: Path) -> SinkSettings:
    """The settings without what would leave out the example."""
    changes: dict[str, object] = {}
    if isinstance(settings, DetectionFilter):
        changes = {"classes": ("*",), "channels": (), "min_probability": 0.0}
    if isinstance(settings, NotificationSinkSettings):
        changes = {"rules": (NotificationRule(interval_s=0),), "memory": folder / "memory.json"}
    if isinstance(settings, ClipSinkSettings):
        changes = {"rules": (ClipRule(rate=1.0),)}
    return settings.model_copy(update=changes)


@app.command()
def main(
    name: Annotated[str, typer.Argument(help="Name of the sink: its type, with -2 for the second of a type.")],
    profile: Annotated[Path, typer.Option(help="The profile, with all settings.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Send an example detection through a sink of the profile, and report what happened."""
    logging.getLogger().addHandler(logging.NullHandler())  # the error that ends this command says the same
    settings, sent = load_settings(profile), list[str]()
    with tempfile.TemporaryDirectory() as folder:
        named = sink_for_example(settings, name, Path(folder), on_sent=sent.append)
        began_s = time.monotonic()
        try:
            asyncio.run(asyncio.wait_for(send_example(named, datetime.now(UTC)), _DELIVERY_S))
        except TidzamError:
            raise
        except Exception as error:  # noqa: BLE001  whatever a third party's sink raises
            reason = scrub(f"{type(error).__name__}: {error}" if str(error) else type(error).__name__)
            raise TidzamError(f"The sink {name} failed: {reason}.", hint="Check its settings.", code="sink") from None
    took_s = round(time.monotonic() - began_s, 3)
    if as_json:
        print_json({"sink": name, "class": LABEL, "took_s": took_s, "sent": sent})
    else:
        typer.echo(f"The sink {name} took an example detection of the class {LABEL} in {took_s:.2f} s.")
        for line in sent:
            typer.echo(f"  {printable(line)}")


if __name__ == "__main__":
    with exit_on_error("tidzam"):
        app()
