"""Loads profiles: YAML, or the JSON format of Tidzam 2019."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from tidzam.addresses import is_address
from tidzam.config.read import read_model
from tidzam.config.recording import RecordSettings
from tidzam.config.secret import SecretReference
from tidzam.config.section import Section
from tidzam.config.settings import Settings
from tidzam.config.sinks import SinkSettings
from tidzam.config.sources import SourceSettings
from tidzam.paths import home_folder

Recording = TypeVar("Recording", bound=RecordSettings)


def load_settings(path: Path, *, home: Path | None = None) -> Settings:
    """The settings of a profile, with `home` in place of its own. The JSON format of Tidzam 2019, which holds only
    sources, is one, too.

    Raises ConfigError for all errors together: line, value found, what is allowed, nearest known name.
    """
    settings = read_model(path, Settings)
    chosen = settings if home is None else settings.model_copy(update={"home": home.expanduser().resolve()})
    return _anchored(chosen, path.parent)


def load_sources(path: Path) -> tuple[SourceSettings, ...]:
    """The sources of a profile or of a JSON file of Tidzam 2019 (`{"sources": [...]}`)."""
    return load_settings(path).sources


def _anchored(settings: Settings, folder: Path) -> Settings:
    """`settings` with relative paths made absolute: they are relative to the folder of the profile."""

    def anchor(path: Path | None) -> Path | None:
        return path and folder.resolve() / path.expanduser()

    def anchor_source(source: SourceSettings) -> SourceSettings:
        is_file = source.url is not None and not is_address(source.url)
        url = str(anchor(Path(source.url))) if is_file and source.url else source.url
        record = source.record and anchor_record(source.record)
        database = anchor(source.path_database)
        return source.model_copy(update={"url": url, "path_database": database, "record": record})

    def anchor_record(record: Recording) -> Recording:
        return record.model_copy(update={"path": anchor_or_in_home(record, "path")})

    def anchor_or_in_home(section: Section, name: str) -> Path | None:
        path: Path | None = getattr(section, name)
        return anchor(path) if path is None or name in section.model_fields_set else home_folder(home) / path

    def anchor_sink(sink: SinkSettings) -> SinkSettings:
        return sink.model_copy(update={name: anchor_value(value) for name, value in sink})

    def anchor_value(value: object) -> object:
        if isinstance(value, SecretReference):
            return value.model_copy(update={"file": anchor(value.file)})
        if isinstance(value, tuple):
            return tuple(map(anchor_value, value))
        return anchor(value) if isinstance(value, Path) else value

    home = anchor(settings.home)
    manager, analyzer, console = settings.stream_manager, settings.analyzer, settings.console
    files = {name: anchor(getattr(console, name)) for name in ("certificate", "private_key", "backups")}
    roots, state = tuple(anchor(root) for root in manager.media_roots), anchor(manager.state_file)
    novelty = tuple(str(anchor(Path(name))) if "/" in name else name for name in analyzer.novelty)
    shadow = analyzer.shadow and analyzer.shadow.model_copy(update={"nn": anchor(analyzer.shadow.nn)})
    edge = settings.edge.model_copy(update={name: anchor_or_in_home(settings.edge, name) for name in ("folder", "csv")})
    live = manager.live_streams.model_copy(update={"recordings": anchor(manager.live_streams.recordings)})
    return settings.model_copy(
        update={
            "home": home,
            "stream_manager": manager.model_copy(
                update={
                    "media_roots": roots,
                    "state_file": state,
                    "live_streams": live,
                    "record": anchor_record(manager.record),
                }
            ),
            "analyzer": analyzer.model_copy(
                update={
                    "nn": anchor(analyzer.nn),
                    "novelty": novelty,
                    "shadow": shadow,
                    "sinks": tuple(map(anchor_sink, analyzer.sinks)),
                }
            ),
            "console": console.model_copy(update=files),
            "edge": edge,
            "sources": tuple(map(anchor_source, settings.sources)),
        }
    )
