"""`python -m analyzer`: analyze files (--stream), or JACK ports live (--jack, --profile)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import ValidationError

from analyzer.archive.inputs import is_plain_file
from tidzam.config.files import FileSettings
from tidzam.config.inference import engine_names
from tidzam.config.load import load_settings
from tidzam.config.location import LocationSettings
from tidzam.config.result_formats import ResultTarget
from tidzam.config.settings import AnalyzerSettings, Settings, StreamManagerSettings
from tidzam.config.shadow import ShadowSettings
from tidzam.config.sinks import ClipSinkSettings, CsvSinkSettings, SinkSettings
from tidzam.config.store import with_store
from tidzam.log import set_up_logging
from tidzam.paths import GAPS
from tidzam.startup_signals import release_hangups
from tidzam.terminal import command_line, exit_on_error
from tidzam.text import comma_list
from tidzam.tokens import take_token

if TYPE_CHECKING:  # each way to run imports what it needs: the others would double the time of a start
    from analyzer.live.start import LiveProgram

STANDALONE = Settings(analyzer=AnalyzerSettings(port=8080), stream_manager=StreamManagerSettings(port=8081))
"""Settings without a profile: the port of Tidzam 2019."""

app = command_line()


@app.command()
def analyze(
    stream: Annotated[
        list[str] | None,
        typer.Option("--stream", "-s", help="Audio file, folder or glob to analyze. Repeatable.", show_default=False),
    ] = None,
    more: Annotated[list[str] | None, typer.Argument(metavar="FILES", help="Further files, as after --stream.")] = None,
    channel: Annotated[
        int | None,
        typer.Option("--channel", "-c", min=0, help="Channel to analyze, from 0 (only with --stream); by default all."),
    ] = None,
    jack: Annotated[
        str, typer.Option("--jack", "-j", help="JACK ports to analyze: globs or prefixes, comma-separated.")
    ] = "",
    nn: Annotated[
        Path | None,
        typer.Option("--nn", "-n", help="Folder of bundles; by default the demo's, if there are no models."),
    ] = None,
    models: Annotated[
        str,
        typer.Option(help="Installed models, comma-separated (`tidzam models list`); they join the bundles of --nn."),
    ] = "",
    novelty: Annotated[
        str,
        typer.Option(
            help="Novelty bundles that find unusual sound: installed models (in the home of the profile, or else the "
            "default one) or folders, comma-separated."
        ),
    ] = "",
    shadow: Annotated[
        Path | None,
        typer.Option(help="Folder of bundles to try on live sound, beside the live ones; see `tidzam models shadow`."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder for extracted clips; without it, none are kept.")
    ] = None,
    extract: Annotated[
        str, typer.Option(help="Classes to extract: globs or prefixes (unknown,birds-); by default all.")
    ] = "",
    extract_dd: Annotated[
        bool, typer.Option(help="Extract rare classes, by the clips in --out, rather than common ones.")
    ] = True,
    extract_channels: Annotated[
        str, typer.Option(help="Channels to extract from: numbers or ports (0,3); by default all.")
    ] = "",
    show: Annotated[
        bool, typer.Option("--show", help="Play it in a window with its spectrogram; with FILE.png, write a picture.")
    ] = False,
    csv: Annotated[Path | None, typer.Option(help="CSV file for the detections.")] = None,
    results: Annotated[
        list[str] | None,
        typer.Option(
            help="File for the detections: .csv, .jsonl or .parquet; or raven:FOLDER, audacity:FOLDER, "
            "predictions:FILE. Repeatable.",
            show_default=False,
        ),
    ] = None,
    jobs: Annotated[
        int | None, typer.Option(min=1, max=1024, help="Files analyzed at a time; by default one per core.")
    ] = None,
    journal: Annotated[
        Path | None, typer.Option(help="File that keeps the results of finished files; by default beside --results.")
    ] = None,
    resume: Annotated[bool, typer.Option(help="Continue an interrupted analysis.")] = True,
    scheduler: Annotated[
        str, typer.Option(help="Analyze on the dask.distributed cluster at tcp://HOST:PORT.", show_default=False)
    ] = "",
    sinks_of_files: Annotated[
        str | None,
        typer.Option(
            "--sinks", help="Sinks of the profile that receive the detections; by default those that keep them, or ''."
        ),
    ] = None,
    time_zone: Annotated[
        str | None, typer.Option(help="Time zone of recordings that state none; by default UTC.")
    ] = None,
    name_pattern: Annotated[
        list[str] | None, typer.Option(help="File names with a date (*_%d.%m.%Y_%Hh%M). Repeatable.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object per file instead of the table.")] = False,
    overlap: Annotated[
        float | None, typer.Option(min=0, max=0.99, help="Fraction of a window shared with the next; by default 0.")
    ] = None,
    chain_api: Annotated[
        str, typer.Option("--chainAPI", help="Post results to the Chain API at user:password@url.")
    ] = "",
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Socket.IO port; by default 8080 or the profile's.")
    ] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on; by default 127.0.0.1.")] = None,
    engine: Annotated[
        str | None,
        typer.Option(help="Engine that runs the classifiers: onnx, litert, keras, an installed one, or auto."),
    ] = None,
    gate: Annotated[
        float | None, typer.Option(min=0, max=1, help="Parent probability at which an expert runs; by default 0.05.")
    ] = None,
    threads: Annotated[int | None, typer.Option(min=1, max=64, help="Threads that a classifier runs on.")] = None,
    batch: Annotated[
        int | None, typer.Option(min=1, max=1024, help="Windows that a classifier runs on at once.")
    ] = None,
    latitude: Annotated[
        float | None,
        typer.Option(min=-90, max=90, help="Latitude in degrees: only species that live there are reported."),
    ] = None,
    longitude: Annotated[float | None, typer.Option(min=-180, max=180, help="Longitude in degrees.")] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Refuse audio whose sample rate lacks some of the band that is needed.")
    ] = False,
    profile: Annotated[Path | None, typer.Option(help="Profile of the node (YAML); other options override it.")] = None,
    debug: Annotated[int, typer.Option(help="Above 0: log everything.")] = 0,
) -> None:
    """Analyze files, or JACK ports live."""
    picture = _picture(more or []) if show else None
    given = (*(stream or ()), *(text for text in more or () if text != str(picture)))
    if more and not stream:
        raise typer.BadParameter("Files follow --stream.")
    if given and jack:
        raise typer.BadParameter("--stream excludes --jack, which is for live analysis.")
    if not given and (
        channel is not None or csv or as_json or show or results or jobs or journal or scheduler or sinks_of_files
    ):
        raise typer.BadParameter(
            "--channel, --csv, --results, --json, --show, --jobs, --journal, --scheduler and --sinks require --stream."
        )
    if scheduler and jobs:
        raise typer.BadParameter("--jobs is for this machine; with --scheduler, the cluster's workers count.")
    if given and shadow is not None:
        raise typer.BadParameter("--shadow is for live analysis.")
    if not given and not jack and profile is None:
        raise typer.BadParameter("Specify the input: --stream FILE, --jack PORTS or --profile YAML.")
    if engine is not None and engine not in engine_names():
        raise typer.BadParameter(f"There is no engine {engine!r}. The known ones are {', '.join(engine_names())}.")
    one_file = is_plain_file(given) and not (results or journal or scheduler or sinks_of_files is not None)
    targets = [ResultTarget.parse(text) for text in results or ()]
    sinks: list[SinkSettings] = []
    if out is not None:
        from analyzer.clips.rules import rules_of

        rules = rules_of(classes=comma_list(extract), dynamic=extract_dd, channels=comma_list(extract_channels))
        sinks.append(ClipSinkSettings(folder=out, rules=rules))
    if csv is not None and one_file:
        sinks.append(CsvSinkSettings(path=csv, replace=True))
    elif csv is not None:
        targets.insert(0, ResultTarget("csv", csv))
    if chain_api:
        from analyzer.sinks.chain import parse_chain_address

        sinks.append(parse_chain_address(chain_api))
    over: dict[str, object] = {"nn": nn, "models": comma_list(models) or None, "ports": comma_list(jack) or None}
    over |= {"strict": strict or None, "overlap": overlap, "host": host, "port": port, "gate": gate, "engine": engine}
    over["shadow"] = None if shadow is None else ShadowSettings(nn=shadow)
    over |= {"threads": threads, "batch": batch, "novelty": _bundle_names(novelty)}
    location = _location(latitude, longitude)
    settings = _settings(profile, over, sinks, _files(time_zone, name_pattern), location)
    set_up_logging("debug" if debug else settings.log.level, json_lines=settings.log.json_lines)
    if not given:
        settings = _keeping(settings)
        from analyzer.live.start import start_live

        server = settings.jack.server if profile else None
        asyncio.run(
            start_live(settings.analyzer, partial(_live_program, settings), jack_server=server, home=settings.home)
        )
        return
    release_hangups()  # an analysis of files ends with its terminal
    if one_file:
        from analyzer.file_runner import FileOptions, run_file

        file = FileOptions(
            path=Path(given[0]),
            settings=settings.analyzer,
            node=settings.node.known_as,
            channel=channel,
            as_json=as_json,
            show=show and picture is None,
            picture=picture,
            location=settings.location,
            home=settings.home,
            store=settings.store,
        )
        raise typer.Exit(run_file(file))
    if show:
        raise typer.BadParameter("--show is for a single file.")
    from analyzer.archive.run import ArchiveOptions, run_archive

    archive = ArchiveOptions(
        given=given,
        settings=settings.analyzer,
        node=settings.node.known_as,
        location=settings.location,
        channel=channel,
        jobs=jobs,
        results=tuple(targets),
        journal=journal,
        resume=resume,
        scheduler=scheduler,
        as_json=as_json,
        home=settings.home,
        sinks=None if sinks_of_files is None else comma_list(sinks_of_files),
        store=settings.store,
    )
    raise typer.Exit(run_archive(archive))


def _picture(words: Sequence[str]) -> Path | None:
    """The picture in `--show FILE.png`: the option has no value, so that the name is among the files."""
    from analyzer.show.picture import SUFFIXES as PICTURES

    return next((Path(word) for word in words if Path(word).suffix.lower() in PICTURES), None)


def _bundle_names(given: str) -> tuple[str, ...] | None:
    """The bundles after `--novelty`; folders as absolute paths, which no model can be called."""
    return tuple(str(Path(one).absolute()) if Path(one).is_dir() else one for one in comma_list(given)) or None


def _files(time_zone: str | None, name_patterns: Sequence[str] | None) -> dict[str, object]:
    """The settings of files that were given as options."""
    given = {"time_zone": time_zone, "name_patterns": tuple(name_patterns or ()) or None}
    try:
        return FileSettings(**{name: value for name, value in given.items() if value is not None}).model_dump(
            exclude_unset=True
        )
    except ValidationError as error:
        raise typer.BadParameter(str(error.errors()[0]["msg"]).removeprefix("Value error, ")) from None


def _live_program(settings: Settings) -> LiveProgram:
    from analyzer.app import LiveOptions, run_live
    from tidzam.server import Access

    options = LiveOptions(
        settings=settings.analyzer,
        node=settings.node.known_as,
        access=Access.of(settings.access, host=settings.analyzer.host, token=take_token(settings.home)),
        limits=settings.limits,
        gaps=None if settings.home is None else settings.home / GAPS,
        keep_gap_days=settings.gaps.keep_days,
        location=settings.location,
        home=settings.home,
        store=settings.store,
        rate_hz=settings.jack.rate_hz,
    )
    return partial(run_live, options)


def _keeping(settings: Settings) -> Settings:
    """The settings of a node that runs, which keeps what it hears. Without a home, no node runs."""
    if settings.home is None or not settings.store.enabled:
        return settings
    analyzer = settings.analyzer.model_copy(update={"sinks": with_store(settings.analyzer.sinks)})
    return settings.model_copy(update={"analyzer": analyzer})


def _location(latitude: float | None, longitude: float | None) -> LocationSettings | None:
    if latitude is None or longitude is None:
        if latitude is not None or longitude is not None:
            raise typer.BadParameter("--latitude and --longitude require each other.")
        return None
    return LocationSettings(latitude=latitude, longitude=longitude)


def _settings(
    profile: Path | None,
    given: Mapping[str, object],
    sinks: Sequence[SinkSettings],
    files: Mapping[str, object],
    location: LocationSettings | None,
) -> Settings:
    """The profile's settings, or the defaults, with the command line's options applied; typer has validated these.

    `sinks` are added to the profile's; `files` replace single settings of files.
    """
    settings = load_settings(profile) if profile else STANDALONE
    over = {name: value for name, value in given.items() if value is not None}
    over["sinks"] = (*settings.analyzer.sinks, *sinks)
    over["files"] = settings.analyzer.files.model_copy(update=files)
    update = {"analyzer": settings.analyzer.model_copy(update=over), "location": location or settings.location}
    return settings.model_copy(update=update)


def main() -> None:
    """Run the command line. Exit codes: 0 success, 1 failure (with one line on stderr), 2 wrong usage."""
    with exit_on_error("analyzer"):
        app()


if __name__ == "__main__":
    main()
