"""Writes the files in the home that a node needs before its programs start."""

from __future__ import annotations

import errno
import os
import secrets
from contextlib import suppress
from pathlib import Path

import yaml

from tidzam.atomic import write_atomically
from tidzam.config import Settings, SourceSettings
from tidzam.config.settings import AnalyzerSettings
from tidzam.config.sources import DemoSettings
from tidzam.errors import SetupError
from tidzam.icecast_passwords import ADMIN_PASSWORD_ENV, PASSWORD_ENV
from tidzam.node.edge_profile import ignored_at_edge, without_ignored
from tidzam.node.home import Home, disk_full
from tidzam.node.icecast import icecast_config, listeners_file
from tidzam.node.programs import LaunchContext, supervised_programs
from tidzam.node.supervisor import SupervisedProgram, launcher, supervisor_config
from tidzam.progress import Say
from tidzam.tokens import ensure_token, find_token

DEMO_CHANNELS = 4


def prepare(home: Home, settings: Settings, say: Say) -> Settings:
    """Write the scenes, the resolved profile and the configuration of the servers; return the resolved settings.

    Raises SetupError if the disk is full or the home cannot be written.
    """
    try:
        home.logs.mkdir(parents=True, exist_ok=True)
        home.require_space()
        with suppress(SetupError):  # `verify` and the programs report a token file that must not be trusted
            ensure_token(home.token)
        sources = tuple(_resolve(source, home, settings, say) for source in settings.sources)
        resolved = settings.model_copy(update={"home": home.root, "sources": sources})
        if settings.edge.enabled:
            for remark in ignored_at_edge(settings):
                say(remark)
            resolved = without_ignored(resolved)
        password, admin_password = secrets.token_urlsafe(16), secrets.token_urlsafe(16)
        profile = yaml.safe_dump(resolved.model_dump(mode="json", by_alias=True), sort_keys=False)
        _write(home.profile, profile.encode())
        if not settings.edge.enabled:
            _write(home.icecast_config, _icecast(home, settings, password, admin_password).encode())
        passwords = {PASSWORD_ENV: password, ADMIN_PASSWORD_ENV: admin_password}
        write_configuration(home, supervised_programs(LaunchContext(home, settings, passwords)))
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise disk_full(home.root, str(error.strerror)) from None
        raise
    return resolved


def _icecast(home: Home, settings: Settings, password: str, admin_password: str) -> str:
    """The text of icecast.xml. If listening requires the token, the list of users is written, too."""
    listeners = None
    if settings.access.listen_mode == "token":
        listeners = home.icecast_listeners
        _write(listeners, listeners_file(find_token(home.root)).encode())
    return icecast_config(
        settings.icecast,
        password=password,
        admin_password=admin_password,
        origins=settings.access.origins,
        listeners=listeners,
    )


def write_configuration(home: Home, programs: tuple[SupervisedProgram, ...]) -> None:
    """Write the files that supervisord needs to run `programs`. Raises OSError."""
    for program in programs:
        _write(home.launcher(program.name), launcher(program))
    _write(home.supervisor_config, supervisor_config(programs).encode())


def require_classifiers(settings: Settings, home: Path) -> None:
    """Check what the analyzer would refuse. If what was promoted cannot be used, the classifiers of the settings count.

    Raises BundleError for unusable bundles, AudioError if JACK's sample rate is too low, and the errors of
    `make_detector` if speech is to be detected and cannot be.
    """
    from tidzam.bundle.promotions import load_promoted  # NumPy: only needed here

    load_promoted(settings.analyzer, home, lambda analyzer: _require_cascade(analyzer, settings.jack.rate_hz, home))


def _require_cascade(analyzer: AnalyzerSettings, rate_hz: int, home: Path) -> None:
    from tidzam.audio.waveform import require_rate  # NumPy: only needed here
    from tidzam.bundle import cascade_folders, novelty_folders, read_bundle
    from tidzam.bundle.hierarchy import merged_labels, ordered
    from tidzam.inference.engine_choice import choose_engines
    from tidzam.inference.engine_records import EngineRecords
    from tidzam.inference.trial import try_networks
    from tidzam.speech.base import DetectorContext, make_detector

    bundles = [read_bundle(path) for path in cascade_folders(analyzer.nn, analyzer.models, home=home)]
    labels = merged_labels(ordered(bundle.manifest for bundle in bundles))
    records = EngineRecords.in_home(home)
    choices = choose_engines(bundles, analyzer.engine, threads=analyzer.threads, batch=analyzer.batch, records=records)
    try_networks(bundles, [choice.engine for choice in choices], records=records)
    require_rate(rate_hz, [bundle.manifest.input for bundle in bundles])
    window_s = max(bundle.manifest.input.window_s for bundle in bundles)
    novelty = [read_bundle(path) for path in novelty_folders(analyzer.novelty, home=home)]
    if novelty:
        try_networks(novelty, records=records)
        require_rate(rate_hz, [bundle.manifest.input for bundle in novelty])
    make_detector(analyzer.privacy, DetectorContext(labels=labels, window_s=window_s, home=home))


def _resolve(source: SourceSettings, home: Home, settings: Settings, say: Say) -> SourceSettings:
    """Replace a demo source by a synthesized file that is repeated; other sources stay as they are."""
    if source.demo is None:
        return source
    channels = source.nb_channels or (1 if settings.edge.enabled else DEMO_CHANNELS)
    path = _synthesize(source.demo, channels, home.scenes, settings.jack.rate_hz, say)
    return source.model_copy(update={"demo": None, "url": _url(path, home), "nb_channels": channels, "loop": True})


def _url(path: Path, home: Home) -> str:
    """The absolute path of a scene. If it is not valid Unicode, which JSON requires, the path relative to the home,
    which is the working directory of all programs."""
    try:
        return os.fsencode(path).decode()
    except UnicodeDecodeError:
        return str(path.relative_to(home.root))


def _synthesize(demo: DemoSettings, channels: int, folder: Path, rate_hz: int, say: Say) -> Path:
    name = f"{demo.scene}-seed{demo.seed}-{demo.duration_s:g}s-{channels}ch-{rate_hz}"
    path = folder / f"{name}.flac"
    if not path.is_file():
        from tidzam.demo.render import write_scene  # SciPy: only needed here
        from tidzam.demo.wetland import wetland

        say(f"synthesizing {channels} channels of {demo.scene}, {demo.duration_s:g} s")
        scene = wetland(demo.seed, duration_s=demo.duration_s, channels=channels, rate_hz=rate_hz)
        write_scene(folder, name, scene)
    return path


def _write(path: Path, content: bytes) -> None:
    """Readable by the owner only: some of the files hold passwords."""
    path.parent.mkdir(exist_ok=True)
    write_atomically(path, content, mode=0o600)
