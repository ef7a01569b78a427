"""The settings of the webhook sink."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field, SecretStr

from tidzam.config.secret import Secret
from tidzam.config.sink_base import ArchiveUse, ChangeKind, DetectionFilter, SinkSettings, SpoolSettings, is_web_address


def _address(url: Secret) -> Secret:
    if isinstance(url, SecretStr) and not is_web_address(url.get_secret_value()):
        raise ValueError("url is not an http or https address without a user")
    return url


class WebhookSinkSettings(SpoolSettings, DetectionFilter, SinkSettings):
    """Detections posted to a web address as JSON, signed as https://www.standardwebhooks.com describes."""

    for_archives: ClassVar[ArchiveUse] = "if_chosen"

    type: Literal["webhook"] = Field("webhook", description="Posts detections to a web address as JSON")
    url: Annotated[Secret, AfterValidator(_address)] = Field(
        description="http or https address: a text, `{env: NAME}` or `{file: PATH}`. Only its host is logged"
    )
    secret: Secret | None = Field(
        None,
        description="Key of the signature (HMAC-SHA256): a text, of which `whsec_…` is read as base64; `{env: NAME}` "
        "or `{file: PATH}`. Without it, requests are not signed",
    )
    states: tuple[ChangeKind, ...] = Field(
        ("start", "end"), description="Changes of a detection that are posted: start, update, end"
    )
