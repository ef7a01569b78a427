"""The settings of a node, typed, with defaults. A profile in YAML contains only the settings that it changes."""

from __future__ import annotations

import ipaddress
import re
import socket
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from tidzam.config.console import ConsoleSettings
from tidzam.config.decision import AnyDecisionSettings, DecisionSettings
from tidzam.config.detections import DetectionSettings
from tidzam.config.edge import EdgeSettings, edge_source_fault
from tidzam.config.files import FileSettings
from tidzam.config.gaps import GapSettings
from tidzam.config.healing import HealingSettings
from tidzam.config.inference import DEFAULT_ENGINE, EngineName
from tidzam.config.live_streams import LiveStreamSettings
from tidzam.config.location import LocationSettings
from tidzam.config.privacy import PrivacySettings
from tidzam.config.recording import DefaultRecordSettings
from tidzam.config.reload import ReloadSettings
from tidzam.config.search import SearchSettings
from tidzam.config.section import Names, Section, moved, renamed
from tidzam.config.server import Port as Port
from tidzam.config.server import ServerSettings as ServerSettings
from tidzam.config.shadow import ShadowSettings
from tidzam.config.signal_health import SignalHealthSettings
from tidzam.config.sinks import AnySinkSettings
from tidzam.config.sources import MountMode, SourceSettings
from tidzam.config.species_range import RangeSettings
from tidzam.config.store import StoreSettings


def _power_of_two(frames: int) -> int:
    if frames & (frames - 1):
        raise ValueError(f"{frames} is not a power of two; expected for example 1024 or 2048")
    return frames


def is_loopback(host: str) -> bool:
    """Whether `host` can only be reached from this machine."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


AccessMode = Literal["open", "token"]


class NodeSettings(Section):
    """The node itself."""

    name: str | None = Field(
        None,
        pattern=r"^[A-Za-z0-9_.-]{1,64}$",
        description="Name of the node in detection ids, events and metrics; by default the name of the host",
    )

    @property
    def known_as(self) -> str:
        """The name, or else the host's, reduced to the characters of names."""
        return self.name or re.sub(r"[^A-Za-z0-9_.-]+", "-", socket.gethostname())[:64] or "node"


class JackSettings(Section):
    """The JACK server."""

    server: str = Field("tidzam", pattern=r"^[A-Za-z0-9-]{1,32}$", description="Name of the server; unique per node")
    rate_hz: int = Field(44100, ge=8000, le=192000, description="Sample rate in Hz")
    period: Annotated[int, AfterValidator(_power_of_two)] = Field(2048, ge=16, le=8192, description="Frames per cycle")
    port_max: int = Field(
        2048, ge=16, le=4096, description="Maximum number of ports; each channel uses three, four if it is recorded"
    )
    timeout_ms: int = Field(100, ge=100, description="Milliseconds that jackd waits for a client that died or hangs")
    driver: Names = Field(("dummy",), description="Driver of jackd, such as `alsa`, and further options of it")
    device: str | None = Field(
        None,
        pattern=r"^[A-Za-z0-9][^\s]*$",
        description="ALSA device to capture from with the driver `alsa`, such as `hw:1`; `tidzam sources devices` "
        "lists them. Nothing is played",
    )
    capture_channels: int | None = Field(
        None,
        ge=1,
        le=256,
        description="Number of channels that the driver captures; by default, all that the device has",
    )
    buffer_periods: int | None = Field(
        None, ge=2, le=64, description="Cycles that the buffer of the ALSA device holds; 3 helps some USB devices"
    )
    realtime: bool = Field(False, description="Use real-time scheduling; the machine must permit it")
    synchronous: bool = Field(False, description="Wait for late clients; one that dies delays all by `timeout_ms`")

    @model_validator(mode="after")
    def _fits_driver(self) -> JackSettings:
        driver = self.driver[0] if self.driver else ""
        if driver != "alsa" and (self.device is not None or self.buffer_periods is not None):
            raise ValueError(f"device and buffer_periods are for the driver alsa; the driver is {driver!r}")
        if driver not in ("alsa", "dummy") and self.capture_channels is not None:
            raise ValueError(f"capture_channels is for the drivers alsa and dummy; the driver is {driver!r}")
        return self


class IcecastSettings(ServerSettings):
    """The Icecast server, and how channels are encoded for it."""

    port: Port = Field(8000, description="Port for listeners")
    max_clients: int = Field(1000, ge=1, description="Maximum number of listeners, and of sources")
    mounts: MountMode = Field(
        "always",
        description="When channels are encoded: `always`, or `on-demand` while somebody listens to their source",
    )
    codec: Literal["vorbis", "opus", "flac"] = Field(
        "vorbis", description="Encoding of the Ogg mount of each channel; flac is lossless, 16 bits"
    )
    bitrate_kbps: int = Field(
        96, ge=32, le=320, description="Bit rate of the mount of each channel in kbit/s; flac has none"
    )
    silence_timeout_s: float = Field(
        15.0,
        ge=1,
        description="Seconds without data after which the encoder of a source is replaced; should exceed "
        "`stream_manager.player_timeout_s`, since an encoder receives no data while the player hangs",
    )

    _renamed = model_validator(mode="before")(renamed("icecast", format="codec"))


class StreamManagerSettings(ServerSettings):
    """The stream manager."""

    port: Port = Field(8080, description="Port for Socket.IO and HTTP")
    media_roots: tuple[Path, ...] = Field((), description="Folders whose files clients may load")
    allow_private_addresses: bool = Field(
        False, description="Clients without the token may load addresses on this machine and private networks"
    )
    allow_public_addresses: bool = Field(
        True, description="Clients may load addresses on the Internet; if not, only those of `allowed_hosts`"
    )
    allowed_hosts: Names = Field(
        (), description="Hosts (HOST or HOST:PORT), also private and link-local ones, that clients may always load"
    )
    live_ports: int = Field(10, ge=0, le=256, description="Maximum number of live streams; 0 for none")
    live_streams: LiveStreamSettings = LiveStreamSettings()
    record: DefaultRecordSettings = DefaultRecordSettings()
    outputs: Names = Field(("icecast",), description="Names of the outputs of all sources' channels; `[]` for none")
    buffer_s: float = Field(
        100.0, gt=0, description="Seconds of a stream that the player reads ahead; at most 30 s of a live one are kept"
    )
    player_timeout_s: float = Field(
        10.0,
        ge=5,
        description="Seconds after which a player is replaced that does not answer, or whose position does not change "
        "although it plays sound",
    )
    silent_after_s: float = Field(
        10.0, ge=1, description="A source is `silent` after this much digital silence (samples of exactly zero)"
    )
    healing: HealingSettings = HealingSettings()
    signal: SignalHealthSettings = SignalHealthSettings()
    max_permanent_sources: int = Field(
        64, ge=0, le=1000, description="Maximum number of permanent sources loaded by clients"
    )
    max_client_sources: int = Field(32, ge=0, le=1000, description="Maximum number of sources loaded by one client")
    state_file: Path | None = Field(
        None, description="File that keeps permanent sources of clients; by default, `client-sources.json` in the home"
    )

    _moved = model_validator(mode="before")(moved("stream_manager", silence_timeout_s="healing.unhealthy_timeout_s"))


class AnalyzerSettings(ServerSettings):
    """The analyzer."""

    port: Port = Field(8001, description="Port for Socket.IO and HTTP")
    nn: Path | None = Field(None, description="Folder of bundles; by default the demo's, unless there are models")
    models: Names = Field(
        (), description="Installed models (`tidzam models list`) that are part of the cascade, beside the bundles of nn"
    )
    novelty: Names = Field(
        (),
        description="Novelty bundles that run beside the cascade and find unusual sound (detections of the class "
        "`novel`): installed models by name, or folders, which have a `/`",
    )
    ports: Names = Field(("*:out_*",), description="JACK ports to analyze: globs, or prefixes of names")
    overlap: float = Field(0.0, ge=0, lt=1, description="Fraction of a window that the next one shares")
    gate: float = Field(0.05, ge=0, le=1, description="Parent probability from which an expert runs; 0: always")
    engine: EngineName = Field(
        DEFAULT_ENGINE,
        description="Engine that runs the classifiers: onnx, litert (needs the part `litert`), keras (needs the part "
        "`train`) or an installed one. With onnx, a bundle without an ONNX file runs on the engine of the file it has. "
        "With auto, those that can run a bundle are timed once on this machine, and the fastest runs it",
    )
    decision: AnyDecisionSettings = DecisionSettings()
    detections: DetectionSettings = DetectionSettings()
    range: RangeSettings = RangeSettings()
    privacy: PrivacySettings = PrivacySettings()
    reload: ReloadSettings = ReloadSettings()
    shadow: ShadowSettings | None = Field(
        None, description="Classifiers that are tried on live sound beside the live ones, and compared with these"
    )
    strict: bool = Field(
        False,
        description="Refuse audio whose sample rate lacks a part of the band that a classifier needs: files, and live, "
        "the channels of such a source by that classifier; by default it runs, and the missing share is reported",
    )
    threads: int = Field(1, ge=1, le=64, description="Threads that a classifier runs on")
    batch: int = Field(
        16, ge=1, le=1024, description="Maximum number of windows that a classifier runs on at once; more need memory"
    )
    max_channels: int = Field(256, ge=1, le=1024, description="Maximum number of channels")
    sinks: tuple[AnySinkSettings, ...] = Field(
        (), description="Where results go besides Socket.IO: a list of `{type: NAME, …}` with the settings of that type"
    )
    files: FileSettings = FileSettings()

    _renamed = model_validator(mode="before")(renamed("analyzer", jack="ports"))


def _origins(origins: tuple[str, ...]) -> tuple[str, ...]:
    for origin in origins:
        if not re.fullmatch(r"https?://[^\s/?#@*]+", origin, re.IGNORECASE):
            raise ValueError(f"{origin!r} is not an origin; expected for example https://example.org")
    return origins


def _hosts(hosts: tuple[str, ...]) -> tuple[str, ...]:
    for host in hosts:
        if not re.fullmatch(r"[^\s/?#@*\[\]]+|\[[0-9A-Fa-f:.]+\](:\d+)?", host):
            raise ValueError(f"{host!r} is not a host; expected for example station.example or station.example:8001")
    return hosts


Origins = Annotated[Names, AfterValidator(_origins)]
Hosts = Annotated[Names, AfterValidator(_hosts)]


class AccessSettings(Section):
    """Who may listen and who may manage. `auto` is `open` on a loopback address; elsewhere managing needs the token."""

    listen: Literal["auto", "open", "token"] = Field(
        "auto",
        description="Who may receive events, read the state and listen to mounts: all clients (open), or only those "
        "with the token",
    )
    manage: Literal["auto", "open", "token"] = Field(
        "auto", description="Who may change the state: all clients (open), or only those with the token"
    )
    origins: Origins = Field((), description="Origins of web pages that may connect, such as https://example.org")
    hosts: Hosts = Field((), description="Additional names (NAME or NAME:PORT) under which clients reach the servers")

    @property
    def listen_mode(self) -> AccessMode:
        return "open" if self.listen == "auto" else self.listen

    def manage_mode(self, host: str) -> AccessMode:
        """Who may manage a server that listens on `host`."""
        if self.manage != "auto":
            return self.manage
        return "open" if is_loopback(host) else "token"


class LimitSettings(Section):
    """Limits per client and per address in the stream manager, in the analyzer, and of connections in the console."""

    message_bytes: int = Field(65536, ge=1024, description="Maximum size of a message in bytes")
    audio_message_bytes: int = Field(
        1_000_000, ge=1024, description="Maximum size in bytes of the binary data of the event `audio`"
    )
    queue_bytes: int = Field(
        1_000_000, ge=65536, description="Maximum number of bytes queued per client; more is dropped"
    )
    stalled_s: float = Field(10.0, gt=0, description="Seconds after which a client with a full queue is disconnected")
    messages_per_s: float = Field(200.0, gt=0, description="Maximum average rate of messages per client")
    bytes_per_s: float = Field(2_000_000.0, gt=0, description="Maximum average rate of bytes per client")
    clients_per_address: int = Field(512, ge=1, description="Maximum number of clients per address")
    connections: int = Field(4096, ge=16, description="Maximum number of connections, up to half the file descriptors")
    header_timeout_s: float = Field(10.0, gt=0, description="Seconds that a client may take to send a complete request")
    idle_timeout_s: float = Field(60.0, gt=0, description="Seconds that a connection may stay open without a request")


class LogSettings(Section):
    """The logs of the programs."""

    level: Literal["debug", "info", "warning", "error"] = Field("info", description="Lowest level that is logged")
    json_lines: bool = Field(False, alias="json", description="Write one JSON object per line")


class CheckSettings(Section):
    """When `tidzam check` reports a fault, and how long `tidzam start` and the watchdog wait."""

    memory_limit_mb: int = Field(2048, ge=64, description="Maximum memory of all processes of the node together, in MB")
    start_timeout_s: float = Field(60.0, gt=0, description="Seconds that `tidzam start` and `check` wait for programs")
    hung_after_s: float = Field(
        20.0,
        ge=4,
        description="Seconds without an answer after which a program is replaced; half of it if it was suspended",
    )


def _distinct(sources: tuple[SourceSettings, ...]) -> tuple[SourceSettings, ...]:
    names = [source.name for source in sources]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"several sources have the name {', '.join(twice)}")
    return sources


def _device_fault(source: SourceSettings) -> str | None:
    """Why a node that is no edge node cannot play a source that names a sound card."""
    if source.input is None or source.input.device is None:
        return None
    return "`input.device` is for edge nodes; set `jack.driver: alsa` and `jack.device`"


class Settings(Section):
    """A node. All its ports, the name of its JACK server and its home are settings, so nodes can run side by side."""

    home: Path | None = Field(None, description="Home of the node, unless --home or TIDZAM_HOME is given")
    node: NodeSettings = NodeSettings()
    location: LocationSettings | None = Field(None, description="Where the node listens")
    jack: JackSettings = JackSettings()
    icecast: IcecastSettings = IcecastSettings()
    stream_manager: StreamManagerSettings = StreamManagerSettings()
    analyzer: AnalyzerSettings = AnalyzerSettings()
    console: ConsoleSettings = ConsoleSettings()
    edge: EdgeSettings = EdgeSettings()
    access: AccessSettings = AccessSettings()
    limits: LimitSettings = LimitSettings()
    log: LogSettings = LogSettings()
    check: CheckSettings = CheckSettings()
    gaps: GapSettings = GapSettings()
    store: StoreSettings = StoreSettings()
    search: SearchSettings = SearchSettings()
    sources: Annotated[tuple[SourceSettings, ...], AfterValidator(_distinct)] = ()

    @model_validator(mode="after")
    def _tones_exist(self) -> Settings:
        for source in self.sources:
            if source.tone is not None and 2 * source.tone.frequency_hz >= self.jack.rate_hz:
                raise ValueError(
                    f"the tone of source {source.name} has {source.tone.frequency_hz:g} Hz; at a jack.rate_hz of "
                    f"{self.jack.rate_hz} it must be below {self.jack.rate_hz / 2:g} Hz"
                )
        return self

    @model_validator(mode="after")
    def _sun_is_known(self) -> Settings:
        if self.analyzer.decision.needs_sun and self.location is None:
            raise ValueError(
                "analyzer.decision.overrides depend on the sun; they need location: {latitude: …, longitude: …}"
            )
        return self

    @model_validator(mode="after")
    def _fits_edge(self) -> Settings:
        for source in self.sources:
            fault = edge_source_fault(source) if self.edge.enabled else _device_fault(source)
            if fault is not None:
                raise ValueError(f"source {source.name}: {fault}")
        return self

    @model_validator(mode="after")
    def _no_shared_port(self) -> Settings:
        ports = {name: section.port for name, section in self if isinstance(section, ServerSettings)}
        if len(set(ports.values())) < len(ports):
            raise ValueError(f"several servers have the same port: {ports}")
        return self
