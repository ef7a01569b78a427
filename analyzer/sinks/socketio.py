"""The analyzer's Socket.IO interface: the `sys` event for everybody, and the events that a client subscribes to."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import chain
from typing import Any, Final

from analyzer.spectrograms import SpectrogramPart, spectrogram_event
from analyzer.subscriptions import Subscriptions
from tidzam.errors import RequestError
from tidzam.labels import LabelTree
from tidzam.protocol.analyzer import (
    AnalyzerHealth,
    EventName,
    Subscribe,
    analysis_event,
    detection_event,
    sys_event,
)
from tidzam.protocol.classifiers import LIST, classifier_answer, classifier_list, parse_classifier_request
from tidzam.protocol.messages import Message, parse
from tidzam.protocol.privacy import speech_event
from tidzam.results import Analysis, AnalyzedBatch, Detection
from tidzam.server import Right, Server

_SYS_ROOM: Final = "sys"
_HEALTH_EVERY_S: Final = 2.0
_SUBSCRIBE_COST: Final = 10.0
"""Number of messages that one subscription counts as."""


ClassifierCommand = Callable[[str, Message], Awaitable[Message]]
"""From the id of a client and the content of its request to the content of the answer. May raise TidzamError."""


class SocketIoSink:
    """Answers clients and sends them results. `commands` are requests about the classifiers, which need the right to
    manage.

    Clients with the same subscription share a room, so that an event is encoded once per distinct subscription.
    `deliver` does not wait for clients: the server drops events that a slow client does not take.
    """

    def __init__(
        self,
        server: Server,
        *,
        node: str,
        classifiers: tuple[str, ...],
        labels: LabelTree,
        health: Callable[[], AnalyzerHealth],
        commands: Mapping[str, ClassifierCommand] | None = None,
    ) -> None:
        self._server, self._node, self._classifiers, self._health = server, node, classifiers, health
        self._paths, self._shadow_paths = _LabelPaths(labels), _LabelPaths(labels)
        self._subscriptions, self._commands = Subscriptions(), commands or {}
        server.on("sys", self._on_sys, needs=_needs)
        server.on("subscribe", self._on_subscribe, needs=Right.LISTEN, cost=_SUBSCRIBE_COST)
        server.on_connect(self._on_connect)
        server.on_disconnect(self._on_disconnect)

    async def _on_connect(self, sid: str) -> None:
        await self._server.enter_room(sid, _SYS_ROOM)
        await self._server.emit("sys", classifier_list(self._classifiers), to=sid)

    async def _on_disconnect(self, sid: str) -> None:
        self._subscriptions.drop(sid)

    async def _on_sys(self, sid: str, data: Any) -> dict[str, Any]:
        command, content = parse_classifier_request(data)
        if command not in self._commands:
            return classifier_list(self._classifiers)
        answer = await self._commands[command](sid, content)
        return classifier_answer(command, answer.model_dump(mode="json"))

    async def _on_subscribe(self, sid: str, data: Any) -> None:
        subscription = parse(Subscribe, data)
        left, room = self._subscriptions.put(sid, subscription)
        if left is not None:
            await self._server.leave_room(sid, left)
        await self._server.enter_room(sid, room)
        change = self._server.leave_room if subscription.mute_sys else self._server.enter_room
        await change(sid, _SYS_ROOM)

    async def use_classifiers(self, names: tuple[str, ...]) -> None:
        """Other classifiers are live: answer with their names, and send these to the clients that receive `sys`."""
        if names != self._classifiers:
            self._classifiers = names
            await self._server.emit("sys", classifier_list(names), to=_SYS_ROOM)

    async def open(self) -> None:
        """Nothing to open: the server is started by the program."""

    async def deliver(self, analyzed: AnalyzedBatch) -> None:
        """Send the events of one batch to the clients concerned."""
        if analyzed.analyses and self._server.has_clients(_SYS_ROOM):  # it may hold thousands of classes
            await self._server.emit("sys", sys_event(analyzed.analyses), to=_SYS_ROOM)
        paths = self._paths.of(analyzed)
        for analysis in analyzed.analyses:
            if rooms := self._subscriptions.rooms("analysis", analysis.channel, _classes(analysis, paths)):
                await self._send("analysis", analysis_event(analysis, paths, node=self._node), rooms)
        for change in analyzed.detections:
            if rooms := self._rooms_of(change.detection, "detection"):
                await self._send("detection", detection_event(change, node=self._node), rooms)
        if analyzed.speech is not None and (rooms := self._subscriptions.rooms_for("speech")):
            await self._send("speech", speech_event(analyzed.batch, analyzed.speech, node=self._node), rooms)

    async def deliver_shadow(self, analyzed: AnalyzedBatch) -> None:
        """Send the events of a batch of the shadow cascade to those who subscribe to them."""
        paths = self._shadow_paths.of(analyzed)
        for analysis in analyzed.analyses:
            if rooms := self._subscriptions.rooms("shadow", analysis.channel, _classes(analysis, paths)):
                await self._send("analysis", analysis_event(analysis, paths, node=self._node, shadow=True), rooms)
        for change in analyzed.detections:
            if rooms := self._rooms_of(change.detection, "shadow"):
                await self._send("detection", detection_event(change, node=self._node, shadow=True), rooms)

    @property
    def sends_spectrograms(self) -> bool:
        """Whether anybody subscribes to spectrograms."""
        return bool(self._subscriptions.rooms_for("spectrogram"))

    def sends_spectrogram_of(self, channel: str) -> bool:
        """Whether anybody subscribes to the spectrogram of a channel."""
        return bool(self._subscriptions.rooms_of("spectrogram", channel))

    async def deliver_spectrograms(self, parts: Sequence[SpectrogramPart]) -> None:
        """Send spectrograms to those who subscribe to them: an event per subscription."""
        by_room: dict[str, list[SpectrogramPart]] = {}
        for part in parts:
            for room in self._subscriptions.rooms_of("spectrogram", part.channel):
                by_room.setdefault(room, []).append(part)
        for room, wanted in by_room.items():
            await self._send("spectrogram", spectrogram_event(wanted, node=self._node), [room])

    async def close(self) -> None:
        """Nothing to close."""

    def _rooms_of(self, found: Detection, event: EventName) -> list[str]:
        """The rooms of the subscriptions to `event` that include a detection, by any of its channels."""
        rooms = (self._subscriptions.rooms(event, channel, found.path) for channel in found.channel_names)
        return list(dict.fromkeys(chain.from_iterable(rooms)))

    async def _send(self, event: EventName, message: Message, rooms: list[str]) -> None:
        data = message.model_dump(mode="json")
        for room in rooms:
            await self._server.emit(event, data, to=room)

    async def send_health(self) -> None:
        """Send `health` to its subscribers every two seconds, until cancelled."""
        while True:
            await self._send("health", self._health(), self._subscriptions.rooms_for("health"))
            await asyncio.sleep(_HEALTH_EVERY_S)


def _needs(data: Any) -> Right:
    """Anything but a list changes something. A malformed request is refused later, with the reason."""
    try:
        command, _ = parse_classifier_request(data)
    except RequestError:
        return Right.LISTEN
    return Right.LISTEN if command == LIST else Right.MANAGE


def _classes(analysis: Analysis, paths: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """The classes decided and their parents."""
    return tuple(label for result in analysis.result for label in paths.get(result, (result,)))


class _LabelPaths:
    """The path of each class of the cascade that made the last batch."""

    def __init__(self, labels: LabelTree) -> None:
        self._use(labels)

    def _use(self, labels: LabelTree) -> None:
        self._labels, self._paths = labels, {label: labels.path(label) for label in labels}

    def of(self, analyzed: AnalyzedBatch) -> Mapping[str, tuple[str, ...]]:
        """The paths for a batch; the last ones if it does not say which cascade made it."""
        if analyzed.cascade is not None and analyzed.cascade.labels is not self._labels:
            self._use(analyzed.cascade.labels)
        return self._paths
