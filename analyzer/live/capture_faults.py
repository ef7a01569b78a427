"""The faults of live analysis that capture causes, with their origins. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from analyzer.live.capture_health import CaptureState
from tidzam.errors import TidzamError
from tidzam.protocol.analyzer import AnalyzerFault, FaultCode, FaultOrigin

_MANY_FAILURES: Final = 3

STARTING: Final = AnalyzerFault(code="starting", origin="analyzer", message="The capture process is starting.")
JACK_FAULTS: Final = {
    CaptureState.JACK_WAITS: AnalyzerFault(
        code="jack_away", origin="jack", message="The JACK server does not answer the capture process."
    ),
    CaptureState.JACK_STALLED: AnalyzerFault(
        code="stalled", origin="jack", message="The JACK server has stopped: it delivers no audio."
    ),
}
_ORIGINS: Final[Mapping[str, tuple[FaultCode, FaultOrigin]]] = {
    "jack_away": ("jack_away", "jack"),
    "jack": ("jack_away", "jack"),
    "sample_rate": ("sample_rate", "settings"),
}


def fault_of(errors: ExceptionGroup[TidzamError], failures: int) -> AnalyzerFault:
    """The reason why the capture process ended, and the origin of the fault.

    A process that ended or hung is `starting` again. Only after several failures in a row is it a fault that a restart
    of the analyzer may repair.
    """
    error = next(one for one in _leaves(errors) if isinstance(one, TidzamError))
    again: FaultCode = "starting" if failures < _MANY_FAILURES else "capture"
    code, origin = _ORIGINS.get(error.code, (again, "analyzer"))
    return AnalyzerFault(code=code, origin=origin, message=str(error))


def _leaves(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    for error in group.exceptions:
        yield from _leaves(error) if isinstance(error, BaseExceptionGroup) else (error,)
