"""Runs the outputs of a source, and contains their failures."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from typing import TypeVar

from stream_manager.outputs.base import Output, OutputFault
from stream_manager.outputs.registry import OutputType, load_outputs
from stream_manager.services import Services
from tidzam.config import SourceSettings
from tidzam.process import RestartPolicy

log = logging.getLogger(__name__)

T = TypeVar("T")

POLICY = RestartPolicy(first_delay_s=0.5, max_delay_s=30.0, stable_after_s=20.0)


class OutputRunner:
    """One output of a source, made and run again whenever it fails. `failures` counts how often it has failed."""

    def __init__(self, name: str, output_type: OutputType, source: SourceSettings, services: Services) -> None:
        self.name, self.failures = name, 0
        self._type, self._source, self._services = output_type, source, services
        self._output: Output | None = None
        self._error, self._began_s = "", 0.0
        self._task: asyncio.Task[None] | None = None
        self._is_ending = False

    @property
    def jack_suffix(self) -> str:
        """The suffix of its JACK client; empty if it has none, and for an output of a package that lacks it."""
        return getattr(self._type, "jack_suffix", "")

    async def start(self, channels: int) -> None:
        """Output `channels` channels from now on, instead of what was output before."""
        await self.stop()
        self._task = asyncio.create_task(self._keep_running(channels), name=f"{self._source.name} {self.name}")

    async def stop(self) -> None:
        """Return once nothing is output any more, also if the output is being stopped already."""
        while (task := self._task) is not None:
            if not self._is_ending:  # once: another cancellation would cut the output's own end short
                self._is_ending = task.cancel()
            await asyncio.wait([task])
            if self._task is task:
                self._task, self._is_ending = None, False

    async def _keep_running(self, channels: int) -> None:
        short_runs, task = 0, asyncio.current_task()
        while task is not None and not task.cancelling():  # whatever the output did with its cancellation
            self._began_s = time.monotonic()
            try:
                self._output = self._type(self._source, channels, self._services)
                await self._output.run()
                self._fail("it returned")
            except Exception as error:  # noqa: BLE001  a fault in an output must affect nothing else
                self._fail(f"{type(error).__name__}: {error}", error)
            finally:
                self._output = None
            short_runs = POLICY.failures_after(short_runs, time.monotonic() - self._began_s)
            await asyncio.sleep(POLICY.delay_s(short_runs))

    def _fail(self, reason: str, error: Exception | None = None) -> None:
        """Count a failure; log it unless it repeats the last one after a short run."""
        self.failures += 1
        if reason != self._error or time.monotonic() - self._began_s >= POLICY.stable_after_s:
            log.error("%s: output %s failed: %s", self._source.name, self.name, reason, exc_info=error)
        self._error = reason

    def _ask(self, question: Callable[[Output], T], otherwise: T) -> T:
        """What the output answers; `otherwise` if it does not run, or raises."""
        try:
            return otherwise if self._output is None else question(self._output)
        except Exception as error:  # noqa: BLE001  as above
            reason = f"{type(error).__name__}: {error}"
            if reason != self._error:  # it is asked again and again
                self._fail(reason, error)
            return otherwise

    @property
    def addresses(self) -> tuple[str, ...]:
        return self._ask(lambda output: output.addresses, ())

    @property
    def sent_bytes(self) -> int:
        return self._ask(lambda output: output.sent_bytes, 0)

    def faults(self) -> tuple[OutputFault, ...]:
        failed = OutputFault("output_failed", f"has no output {self.name}, which failed: {self._error}.")
        return self._ask(lambda output: output.faults(), (failed,) if self._error else ())


class SourceOutputs:
    """All outputs of a source, idle until `start`."""

    def __init__(self, types: Mapping[str, OutputType], source: SourceSettings, services: Services) -> None:
        self._source, self._services = source, services
        self._runners = [OutputRunner(name, output_type, source, services) for name, output_type in types.items()]
        self._channels = 0

    async def start(self, channels: int) -> None:
        """Output `channels` channels from now on."""
        if channels != self._channels:
            self._channels = channels
            await asyncio.gather(*(runner.start(channels) for runner in self._runners))

    async def add(self, name: str) -> None:
        """Output it there, too, from now on. Raises PlaybackError if JACK has no room for it."""
        if any(runner.name == name for runner in self._runners):
            return
        runner = OutputRunner(name, load_outputs((name,))[name], self._source, self._services)
        await self._services.reservations.extend(self._source.name, runner.jack_suffix)
        self._runners.append(runner)
        if self._channels:
            await runner.start(self._channels)

    async def stop(self) -> None:
        self._channels = 0
        await asyncio.gather(*(runner.stop() for runner in self._runners))

    @property
    def jack_suffixes(self) -> tuple[str, ...]:
        """The suffixes of their JACK clients."""
        return tuple(runner.jack_suffix for runner in self._runners if runner.jack_suffix)

    @property
    def addresses(self) -> tuple[str, ...]:
        return tuple(address for runner in self._runners for address in runner.addresses)

    @property
    def sent_bytes(self) -> int:
        return sum(runner.sent_bytes for runner in self._runners)

    def faults(self) -> tuple[OutputFault, ...]:
        return tuple(fault for runner in self._runners for fault in runner.faults())

    @property
    def failures(self) -> Mapping[str, int]:
        """How often each output has failed."""
        return {runner.name: runner.failures for runner in self._runners}
