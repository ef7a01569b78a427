"""Time models of all classes from what was heard. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tidzam.time_models.circular import Float64
from tidzam.time_models.curves import TimeModeler, is_enough
from tidzam.time_models.prior import ClassTimeModel, TimeModels

LEAST: Final = 50
"""Detections from which a class gets a model: of fewer, chance would decide."""
_DIGITS: Final = 4


def fit_time_models(
    days: Sequence[date],
    exposure_h: Float64,
    counts: Mapping[tuple[str, ...], NDArray[np.integer]],
    *,
    time_zone: str,
    now: datetime,
) -> TimeModels:
    """The models of those classes that were heard often enough; none if too little was listened. Shapes as for
    `TimeModeler`."""
    modeler = TimeModeler(days, exposure_h, draws=1)
    classes = {}
    for path, observed in sorted(counts.items()):
        if is_enough(exposure_h) and observed.sum() >= LEAST:
            found = modeler.model(observed)
            day, year = (tuple(np.round(one.relative, _DIGITS).tolist()) for one in (found.day, found.year))
            classes["/".join(path)] = ClassTimeModel(count=found.count, day=day, year=year)
    return TimeModels(fitted=now, first_day=days[0], last_day=days[-1], time_zone=time_zone, classes=classes)
