"""The webhook sink: signed requests, which a receiver can verify, recognize and date, sent until they are accepted."""

import hashlib
import hmac
import json
import logging
from base64 import b64decode, b64encode
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from analyzer.sinks.base import SinkContext
from analyzer.sinks.webhook import WebhookSink, signature, signing_key
from tests.support.batches import LABELS, Batches
from tests.support.eventually import eventually_async
from tests.support.ports import free_port
from tests.support.web_receiver import Received, web_receiver
from tidzam.config.webhook_sink import WebhookSinkSettings
from tidzam.errors import ConfigError, TidzamError

pytestmark = pytest.mark.timeout(60)

SECRET = "whsec_" + b64encode(b"a key of 24 bytes, random").decode()


def sink_to(url: str, folder: Path, *, now: float = 1777617000.5, **settings: Any) -> WebhookSink:
    made = WebhookSinkSettings(url=SecretStr(url), secret=SecretStr(SECRET), spool=folder / "spool", **settings)
    return WebhookSink(made, SinkContext(node="garden", labels=LABELS), clock=lambda: now)


async def a_call(sink: WebhookSink) -> None:
    source = Batches()
    await sink.open()
    await sink.deliver(source.batch(0, pond_0="birds-wren"))
    await sink.deliver(source.last())


def verified(request: Received) -> bool:
    """Whether a receiver that knows the secret accepts the signature; computed apart from the sink."""
    identifier, timestamp = request.headers["webhook-id"], request.headers["webhook-timestamp"]
    key = b64decode(SECRET.removeprefix("whsec_"))
    expected = hmac.new(key, b".".join([identifier.encode(), timestamp.encode(), request.body]), hashlib.sha256)
    version, _, found = request.headers["webhook-signature"].partition(",")
    return version == "v1" and hmac.compare_digest(b64decode(found), expected.digest())


async def test_detections_are_posted_as_their_events(tmp_path: Path) -> None:
    async with web_receiver() as server:
        sink = sink_to(f"{server.url}/hook", tmp_path)
        await a_call(sink)
        await sink.close()
    bodies = [json.loads(request.body) for request in server.accepted]
    events = [event for body in bodies for event in body["detections"]]
    assert [(event["state"], event["path"]) for event in events] == [
        ("start", ["birds", "birds-wren"]),
        ("end", ["birds", "birds-wren"]),
    ]
    assert {(body["type"], body["node"]) for body in bodies} == {("detections", "garden")}
    assert {request.path for request in server.accepted} == {"/hook"}


async def test_a_receiver_can_verify_the_signature_and_the_time(tmp_path: Path) -> None:
    async with web_receiver() as server:
        sink = sink_to(server.url, tmp_path)
        await a_call(sink)
        await sink.close()
    assert all(map(verified, server.accepted))
    assert {request.headers["webhook-timestamp"] for request in server.accepted} == {"1777617000"}


async def test_a_changed_body_is_not_verified(tmp_path: Path) -> None:
    async with web_receiver() as server:
        sink = sink_to(server.url, tmp_path)
        await a_call(sink)
        await sink.close()
    request = server.accepted[0]
    request.body = request.body.replace(b"wren", b"frog")
    assert not verified(request)


async def test_a_repeated_request_has_the_same_id(tmp_path: Path) -> None:
    async with web_receiver() as server:
        server.statuses = [503]
        sink = sink_to(server.url, tmp_path, states=("end",))
        await a_call(sink)
        await eventually_async(lambda: len(server.accepted) == 1)
        await sink.close()
    assert len({request.headers["webhook-id"] for request in server.requests}) == 1
    assert len(server.requests) == 2


async def test_without_a_secret_requests_are_not_signed(tmp_path: Path) -> None:
    async with web_receiver() as server:
        settings = WebhookSinkSettings(url=SecretStr(server.url), spool=tmp_path / "spool")
        sink = WebhookSink(settings, SinkContext(node="garden", labels=LABELS))
        await a_call(sink)
        await sink.close()
    assert not [request for request in server.accepted if "webhook-signature" in request.headers]


async def test_neither_the_path_of_the_address_nor_the_secret_is_shown(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    sink = sink_to(f"http://127.0.0.1:{free_port()}/hidden-token", tmp_path)
    await a_call(sink)
    with pytest.raises(TidzamError, match=r"127\.0\.0\.1:\d+ does not accept results") as caught:
        await sink.close()
    assert "hidden-token" not in f"{caught.value}{caplog.text}"
    assert SECRET not in f"{caught.value}{caplog.text}"


async def test_an_address_from_the_environment_is_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK", "ftp://hidden")
    settings = WebhookSinkSettings.model_validate({"url": {"env": "HOOK"}, "spool": tmp_path / "spool"})
    with pytest.raises(ConfigError, match="is not an http or https address"):
        await WebhookSink(settings, SinkContext(node="garden", labels=LABELS)).open()


def test_an_address_of_another_kind_is_refused() -> None:
    with pytest.raises(ValidationError, match="is not an http or https address"):
        WebhookSinkSettings(url=SecretStr("ftp://host"))


def test_the_signature_is_that_of_the_specifications_example() -> None:
    key = signing_key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    body = b'{"test": 2432232314}'
    found = signature(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body)
    assert found == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_damaged_key_is_refused_without_repeating_it() -> None:
    with pytest.raises(ConfigError, match="is not base64") as caught:
        signing_key("whsec_hidden!")
    assert "hidden" not in str(caught.value)
