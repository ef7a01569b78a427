"""What programs write into the store, as lines of JSON that wait in a spool until the database has taken them.

A record states everything by name, so that it can be written by another program, later, and twice.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from tidzam.daytime import DayPart

_Binary = bytes
"""Bytes, also in a record that has a field of that name."""


class _Record(BaseModel):
    """The base class of records. `node` is the name of the node."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    node: str


class DetectionRecord(_Record):
    """A detection as it is known so far. `id` is the analyzer's; a later record of it replaces an earlier one.

    `path` leads from the root to the class. `model` and `version` are those of the classifier, empty if it is not
    known. `time_zone` is that of the node.
    """

    kind: Literal["detection"] = "detection"
    id: str
    source: str
    channel: str
    path: tuple[str, ...] = Field(min_length=1)
    start: AwareDatetime
    end: AwareDatetime
    peak_probability: float
    mean_probability: float
    windows: int
    is_open: bool = False
    model: str = ""
    version: str = ""
    level_dbfs: float | None = None
    clip: str | None = None
    time_zone: str = "UTC"
    day_part: DayPart | None = None
    channels: tuple[Mapping[str, Any], ...] = ()

    @property
    def key(self) -> bytes:
        """The digest of the id that the store keeps."""
        return event_key(self.id)


class AnalyzerStartRecord(_Record):
    """The analyzer of a node has started: what it had not ended before will never go on."""

    kind: Literal["analyzer_start"] = "analyzer_start"


class RecordingRecord(_Record):
    """A complete file of a source's recordings, at `path`. `max_amp` is its largest absolute sample, `section_peaks`
    those of its sections, as in `tidzam.recorded_sound.sections`."""

    model_config = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")

    kind: Literal["recording"] = "recording"
    source: str
    path: str
    start: AwareDatetime
    end: AwareDatetime
    channels: int
    bytes: int
    max_amp: float | None = None
    is_segment: bool = False
    section_peaks: _Binary | None = None


class RemovedRecordingsRecord(_Record):
    """Files of a source's recordings that exist no more."""

    kind: Literal["removed_recordings"] = "removed_recordings"
    source: str
    paths: tuple[str, ...]


class GapRecord(_Record):
    """A gap, as the gap ledger records it."""

    kind: Literal["gap"] = "gap"
    channel: str
    reason: str
    start: AwareDatetime
    end: AwareDatetime
    count: int = 1


class LoadedRecord(_Record):
    """An interval in which a source was loaded, as the gap ledger records it."""

    kind: Literal["loaded"] = "loaded"
    source: str
    channels: int
    start: AwareDatetime
    end: AwareDatetime


class AuditRecord(_Record):
    """A change for the audit log, as `tidzam.accounts.audit` describes it."""

    kind: Literal["audit"] = "audit"
    time: AwareDatetime
    actor: str
    address: str = ""
    action: str
    subject: str
    detail: Mapping[str, str] = Field(default_factory=dict)


StoreRecord = (
    DetectionRecord
    | AnalyzerStartRecord
    | RecordingRecord
    | RemovedRecordingsRecord
    | GapRecord
    | LoadedRecord
    | AuditRecord
)
_RECORDS: Final[TypeAdapter[StoreRecord]] = TypeAdapter(Annotated[StoreRecord, Field(discriminator="kind")])


def event_key(identifier: str) -> bytes:
    """A digest of 16 bytes of a detection's id in events, which is several times as long."""
    return hashlib.blake2b(identifier.encode(), digest_size=16).digest()


def encode(record: StoreRecord) -> str:
    """A record as a line of JSON, without a line break."""
    return record.model_dump_json(exclude_defaults=False, exclude_none=True)


def decode(line: str) -> StoreRecord:
    """The inverse of `encode`. Raises ValueError for anything else."""
    try:
        return _RECORDS.validate_json(line)
    except ValidationError as error:
        raise ValueError(f"not a record of the store: {error.errors()[0]['msg']}") from None
