"""What routes share that change the classifiers of the running analyzer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from anyio import from_thread

from console.accounts.visitor import Visitor
from console.services.library.classifiers import RunningClassifiers
from console.services.library.library import is_running
from console.web.runtime import ConsoleRuntime
from tidzam.errors import RequestError


def running_classifiers(runtime: ConsoleRuntime, visitor: Visitor) -> RunningClassifiers:
    """The classifiers of the analyzer, which a visitor changes."""
    analysis = runtime.monitor.analysis
    return RunningClassifiers(
        url=runtime.monitor.analyzer,
        store=runtime.store,
        visitor=visitor,
        live={} if analysis is None else analysis.bundles,
        now=runtime.now(),
        token=runtime.token,
    )


@contextmanager
def refreshed(runtime: ConsoleRuntime) -> Iterator[None]:
    """The state of the node is found out again before and after a change, in the thread of a route."""
    from_thread.run(runtime.monitor.refresh)
    try:
        yield
    finally:
        from_thread.run(runtime.monitor.refresh)


def after_thresholds(runtime: ConsoleRuntime, visitor: Visitor, name: str) -> str | None:
    """Have the analyzer load a model whose thresholds were saved, if it runs it. Returns why it did not."""
    with refreshed(runtime):
        if not is_running(runtime.settings, runtime.monitor.analysis, name):
            return None
        try:
            running_classifiers(runtime, visitor).reload()
        except RequestError as error:
            return str(error)
    return None
