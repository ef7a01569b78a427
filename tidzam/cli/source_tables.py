"""The tables of `tidzam sources`. Pure: from values to tables and JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.markup import escape
from rich.table import Table

from tidzam.audio.alsa import AlsaDevice
from tidzam.cli.tables import duration, plain_table, state_markup
from tidzam.gaps import GapReason
from tidzam.gaps.heard import Heard
from tidzam.gaps.report import DayReport
from tidzam.protocol.source_status import GapStatus, SourceState, SourceStatus

_DEFAULT_RATE_HZ = 48000


def words(reason: GapReason) -> str:
    return reason.value.replace("_", " ")


def sources_table(sources: Sequence[SourceStatus]) -> Table:
    """The sources with their states and gaps."""
    table = plain_table("Sources", "source", "state", "channels", "kHz", "restarts", "gaps", "missing", "last gap")
    for source in sources:
        table.add_row(
            escape(source.name),
            state_markup(source.state),
            str(source.channels or ""),
            "" if source.rate_hz is None else f"{source.rate_hz / 1000:g}",
            str(source.restarts),
            str(source.gaps),
            duration(source.gap_s) if source.gap_s else "",
            last_gap(source.last_gap),
        )
    return table


def source_faults(sources: Sequence[SourceStatus]) -> list[str]:
    """A sentence about each source that does not play as it should."""
    return [
        f"Source {source.name} {source.state.predicate}: {source.last_error or 'No audio yet.'}"
        for source in sources
        if not source.ok and source.state is not SourceState.PLAYING
    ]


def output_faults(sources: Sequence[SourceStatus]) -> list[str]:
    """A sentence about each source that plays, but has an output that does not work. It may have just begun."""
    return [
        f"Source {source.name} plays, but lacks an output, such as a mount. `tidzam status` names it."
        for source in sources
        if not source.ok and source.state is SourceState.PLAYING
    ]


def last_gap(gap: GapStatus | None) -> str:
    if gap is None:
        return ""
    if gap.end is None:
        return f"[red]{words(gap.reason)} since {gap.start:%H:%M:%S}[/]"
    return f"{words(gap.reason)} {gap.start:%H:%M:%S}, {duration((gap.end - gap.start).total_seconds())}"


def heard_table(report: DayReport) -> Table:
    """The minutes heard per channel. Times are in UTC."""
    is_over = report.until.date() != report.day
    title = f"Minutes heard on {report.day} (UTC){'' if is_over else f' until {report.until:%H:%M}'}"
    table = plain_table(title, "channel", "loaded", "heard", "", "missing")
    for column in table.columns[1:4]:
        column.justify = "right"
    for row in report.channels:
        table.add_row(
            escape(row.channel),
            f"{row.loaded_s / 60:.1f}",
            f"{row.heard_s / 60:.1f}",
            _share(row),
            ", ".join(f"{words(reason)} {duration(seconds)}" for reason, seconds in row.missing_s.items()),
        )
    return table


def _share(row: Heard) -> str:
    """The part that was heard, in percent. It is 100 only if nothing is missing."""
    if not row.loaded_s:
        return ""
    percent = 100 * row.heard_s / row.loaded_s
    return f"{min(percent, 99.99):.2f} %" if row.missing_s else "100 %"


def heard_json(report: DayReport) -> Mapping[str, Any]:
    """The output of `tidzam sources heard --json`; all lengths are in seconds."""
    return {
        "day": report.day.isoformat(),
        "until": report.until.isoformat(),
        "damaged_lines": report.damaged,
        "channels": [
            {
                "channel": row.channel,
                "loaded_s": row.loaded_s,
                "heard_s": row.heard_s,
                "missing_s": {reason.value: seconds for reason, seconds in row.missing_s.items()},
            }
            for row in report.channels
        ],
    }


def alsa_table(devices: Sequence[AlsaDevice]) -> Table:
    table = plain_table("ALSA devices that capture", "jack.device", "card", "device", "channels", "rates (Hz)")
    for device in devices:
        channels = ", ".join(map(str, device.channels))
        rates = ", ".join(device.rates)
        table.add_row(device.name, escape(device.card_name), escape(device.device_name), channels, escape(rates))
    return table


def device_profile(device: AlsaDevice, *, edge: bool = False) -> str:
    """The sections of a profile that make a source of `device`, on an `edge` node or on another one."""
    rate_hz = _DEFAULT_RATE_HZ
    fixed = [int(rate) for rate in device.rates if rate.isdecimal()]
    if fixed and _DEFAULT_RATE_HZ not in fixed:
        rate_hz = max((rate for rate in fixed if rate >= 8000), default=rate_hz)
    if edge:
        return f"""sources:
  - name: microphone
    input: {{device: "plug{device.name}", rate_hz: {rate_hz}}}
    nb_channels: 1
"""
    return f"""jack:
  driver: alsa
  device: {device.name}
  rate_hz: {rate_hz}

sources:
  - name: microphone
    input: {{}}
"""


def jack_table(ports: Sequence[str]) -> Table:
    table = plain_table("Capture ports of JACK", "input.ports")
    for port in ports:
        table.add_row(escape(port))
    if not ports:
        table.add_row("[dim]none[/]")
    return table
