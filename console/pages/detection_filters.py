"""The filter of a page in its address, so that what is seen can be shared."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from pydantic import ValidationError
from starlette.requests import Request

from console.services.detection_models import DetectionSearch
from console.web.runtime import ConsoleRuntime

DEFAULT_DAYS: Final = 30
PRESETS: Final = ((1, "Today"), (7, "7 days"), (30, "30 days"), (365, "A year"))
_MANY: Final = frozenset({"class", "channel", "model", "day_part", "verdict"})
_NOT_FILTERS: Final = frozenset({"before", "done", "left", "kept", "open", "on"})


def today(runtime: ConsoleRuntime) -> date:
    """The day by the node's clock."""
    return runtime.now().astimezone(runtime.time_zone).date()


def read_filter(request: Request, runtime: ConsoleRuntime) -> tuple[DetectionSearch, str | None]:
    """The filter in an address, of the last days if it names none; and what is wrong with it, which is then ignored."""
    values: dict[str, Any] = {}
    for name, value in request.query_params.multi_items():
        if name in _NOT_FILTERS or not value:
            continue
        if name in _MANY:
            values.setdefault(name, []).append(value)
        else:
            values[name] = value
    wrong = None
    try:
        wanted = DetectionSearch.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        wrong = f"The filter {'.'.join(map(str, first['loc'][:1]))} was ignored: {first['msg'].lower()}."
        wanted = DetectionSearch()
    return _bounded(wanted, today(runtime)), wrong


def _bounded(wanted: DetectionSearch, now: date) -> DetectionSearch:
    """With both days: charts need an end and a beginning."""
    last = wanted.last_day or max(now, wanted.first_day or now)
    first = wanted.first_day or last - timedelta(days=DEFAULT_DAYS - 1)
    return wanted.model_copy(update={"first_day": min(first, last), "last_day": last})


def query_of(wanted: DetectionSearch, **changes: Any) -> str:
    """The filter as the query of an address. `changes` are by the names of parameters; None leaves one out."""
    values = wanted.model_dump(mode="json", by_alias=True, exclude_defaults=True) | changes
    return urlencode({name: value for name, value in values.items() if value is not None}, doseq=True)


def presets(wanted: DetectionSearch, now: date) -> list[tuple[str, str, bool]]:
    """Links to usual periods: title, query, and whether it is the present one."""
    found = []
    for days, title in PRESETS:
        first = now - timedelta(days=days - 1)
        is_current = (wanted.first_day, wanted.last_day) == (first, now)
        found.append((title, query_of(wanted, first_day=first.isoformat(), last_day=now.isoformat()), is_current))
    return found
