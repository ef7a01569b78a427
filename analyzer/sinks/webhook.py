"""Detections posted to a web address as JSON, signed as Standard Webhooks 1.0 describes.

    {"type": "detections", "node": "garden", "detections": [<the `detection` event>, …]}

`webhook-id` is the same when a request is repeated, `webhook-timestamp` is the time of sending in seconds, and
`webhook-signature` is `v1,` and the base64 of HMAC-SHA256 over `ID.TIMESTAMP.BODY`. A receiver rejects old timestamps
and known ids. Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Sequence
from typing import ClassVar, Final
from urllib.parse import urlsplit

from analyzer.sinks.base import SinkContext
from analyzer.sinks.posting import Post, PostReceiver
from analyzer.sinks.selection import covers
from tidzam.config.secret import reveal
from tidzam.config.sink_base import SinkSettings, is_web_address
from tidzam.config.webhook_sink import WebhookSinkSettings
from tidzam.errors import ConfigError
from tidzam.protocol.analyzer import detection_event
from tidzam.results import AnalyzedBatch
from tidzam.spool.spooled import SpooledDelivery

_EVENTS: Final = 100
"""Events in one request at most."""
_BASE64_PREFIX: Final = "whsec_"


class WebhookSink:
    """Posts events in their order. They wait on disk until the receiver has accepted them."""

    settings_model: ClassVar[type[SinkSettings]] = WebhookSinkSettings

    def __init__(
        self, settings: WebhookSinkSettings, context: SinkContext, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._settings, self._node, self._clock = settings, context.node, clock
        self._key: bytes | None = None
        self._on_sent = context.on_sent
        identity = settings.model_dump_json(include={"url", "secret"})
        self._delivery = SpooledDelivery(
            settings, home=context.home, name="webhook", identity=identity, file_lines=_EVENTS
        )

    @property
    def fault(self) -> str | None:
        """Why nothing can be sent at present."""
        return self._delivery.fault

    async def open(self) -> None:
        """Begin to send what waits. Raises ConfigError (`secret`) and TidzamError (`spool`)."""
        url, self._key = await asyncio.to_thread(self._secrets)
        parts = urlsplit(url)
        shown = f"{parts.scheme}://{parts.netloc}"
        timeout_s = self._settings.timeout_s
        receiver = PostReceiver(url, self._compose, shown=shown, timeout_s=timeout_s, on_sent=self._on_sent)
        await self._delivery.open(receiver)

    def _secrets(self) -> tuple[str, bytes | None]:
        settings = self._settings
        url = reveal(settings.url, "The url of the sink webhook")
        if not is_web_address(url):
            raise ConfigError(
                "The url of the sink webhook is not an http or https address.", hint="Correct it.", code="secret"
            )
        secret = settings.secret
        return url, None if secret is None else signing_key(reveal(secret, "The secret of the sink webhook"))

    def _compose(self, lines: Sequence[str]) -> Post:
        events = ",".join(lines)
        body = f'{{"type":"detections","node":{json.dumps(self._node)},"detections":[{events}]}}'.encode()
        identifier, timestamp = f"msg_{hashlib.sha256(body).hexdigest()[:32]}", int(self._clock())
        headers = {
            "Content-Type": "application/json",
            "webhook-id": identifier,
            "webhook-timestamp": str(timestamp),
        }
        if self._key is not None:
            headers["webhook-signature"] = signature(self._key, identifier, timestamp, body)
        return Post(body, headers)

    async def deliver(self, analyzed: AnalyzedBatch) -> None:
        """Store the events, to be sent. Raises TidzamError (`spool`)."""
        settings = self._settings
        wanted = [one for one in analyzed.detections if one.kind in settings.states and covers(settings, one)]
        await self._delivery.put([detection_event(one, node=self._node).model_dump_json() for one in wanted])

    async def close(self) -> None:
        """Send what can be sent. Raises TidzamError (`unsent`) if some results remain on disk."""
        await self._delivery.close()


def signing_key(secret: str) -> bytes:
    """The key in a secret: of `whsec_…` the decoded base64, else the text. Raises ConfigError (`secret`)."""
    if not secret.startswith(_BASE64_PREFIX):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix(_BASE64_PREFIX), validate=True)
    except binascii.Error:
        raise ConfigError(
            "The secret of the sink webhook begins with whsec_, but is not base64.", hint="Correct it.", code="secret"
        ) from None


def signature(key: bytes, identifier: str, timestamp: int, body: bytes) -> str:
    """The signature of a request, with its version."""
    signed = f"{identifier}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
