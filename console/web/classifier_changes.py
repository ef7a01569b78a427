"""What routes share that change the classifiers of the running analyzer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from anyio import from_thread

from console.accounts.visitor import Visitor
from console.services.library.classifiers import CascadeChange, RunningClassifiers
from console.services.library.library import removable_from_live, running_view
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


def after_thresholds(runtime: ConsoleRuntime, visitor: Visitor, name: str, *, replaced: str) -> str | None:
    """Have the analyzer run a model whose thresholds were saved, if it runs the version that was `replaced`.

    In place of a live version, the new one is promoted, so that it can be rolled back. Returns why it does not run.
    """
    with refreshed(runtime):
        running = running_classifiers(runtime, visitor)
        view = running_view(runtime.settings, runtime.monitor.analysis, name)
        try:
            if view.live_version == replaced and name in removable_from_live(runtime.settings):
                running.promote(CascadeChange(add=(name,)))
            elif replaced in (view.live_version, view.shadow_version):
                running.reload()
        except RequestError as error:
            return str(error)
    return None
