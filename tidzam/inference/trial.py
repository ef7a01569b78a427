"""Running the networks of bundles once, on silence, in a separate process: bundles may come from anywhere.

A network may allocate all memory, never end or crash its engine. Here, that ends a process that does nothing
else, and the bundle is refused with the reason. One process tries all bundles of a cascade.

`try_networks` is called wherever bundles are loaded; `python -m tidzam.inference.trial` is the process. It imports
the engine and NumPy, nothing more, so that a trial of small networks takes half a second.
"""

from __future__ import annotations

import json
import math
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tidzam.errors import BundleError, SetupError, TidzamError
from tidzam.inference.engines import (
    TRIAL_BATCHES,
    Engine,
    NetworkSpec,
    check_network,
    engine_for,
    find_engine,
    first_line,
    not_usable,
    require_shape,
)
from tidzam.inference.outputs import LogitsNetwork

if TYPE_CHECKING:
    from tidzam.bundle import Bundle, BundleManifest

WALL_S: Final = 45.0
"""The time for the process to start, and again for each network: enough on a busy machine."""
_FILE_COPIES: Final = 4
_MAX_FILE_BYTES: Final = 2**30
"""Keras unpacks parts of its archive."""
_WINDOWS: Final = sum(TRIAL_BATCHES)
RANGE_ENGINE: Final = "litert"
RANGE_INPUTS: Final = 3
"""The engine that runs range models, and the size of their input: latitude, longitude and week."""


@dataclass(frozen=True)
class _Tried:
    engine: str
    path: Path
    spec: NetworkSpec


def spec_of(bundle: Bundle) -> NetworkSpec:
    """What the manifest of `bundle` states about its networks."""
    manifest = bundle.manifest
    activation = manifest.activation if manifest.output == "logits" else None
    return NetworkSpec(manifest.input.shape, manifest.input.silence, len(manifest.classes), activation)


def range_spec(manifest: BundleManifest) -> NetworkSpec:
    """What a manifest states about its range model. Its silence is a place in the Gulf of Guinea."""
    return NetworkSpec((RANGE_INPUTS,), 0.0, len(manifest.classes))


def try_networks(bundles: Sequence[Bundle], engine: str = "onnx") -> None:
    """Run the network of each bundle once, on silence, in a process with bounded memory and time; so its range model.

    A bundle runs on the engine that `engine_for` chooses.

    Raises BundleError for the first one that cannot be used: `bundle_engine`, `bundle_features`, `bundle_classes`,
    `bundle_outputs`; SetupError if the engine's library is not installed, ConfigError if there is no such engine.
    """
    tried = [one for bundle in bundles for one in _networks_of(bundle, engine)]
    for name in dict.fromkeys(one.engine for one in tried):
        _try_on(name, [one for one in tried if one.engine == name])


def _networks_of(bundle: Bundle, engine: str) -> list[_Tried]:
    name = engine_for(bundle.manifest.files, engine)
    networks = [_Tried(name, bundle.file(find_engine(name).file_format), spec_of(bundle))]
    if bundle.manifest.range_model is not None:
        path = bundle.folder / bundle.manifest.range_model.name
        networks.append(_Tried(RANGE_ENGINE, path, range_spec(bundle.manifest)))
    return networks


def _try_on(engine: str, networks: list[_Tried]) -> None:
    """Run networks once on one engine. Raises the errors of `try_networks`."""
    tried = [{"path": str(network.path), **asdict(network.spec)} for network in networks]
    lines, ending = _run({"engine": engine, "networks": tried})
    for network, line in zip(networks, lines, strict=False):
        _raise(network.path, json.loads(line))
    if len(lines) < len(networks):
        raise not_usable(f"The network {networks[len(lines)].path}", _death(find_engine(engine), ending))


def _run(request: dict[str, Any]) -> tuple[list[str], int | None]:
    """The lines that the process answered, and its exit code; None if it had to be killed after its time."""
    limit_s = WALL_S * (1 + len(request["networks"]))
    with subprocess.Popen(
        [sys.executable, *(["-P"] if sys.flags.safe_path else []), "-m", "tidzam.inference.trial"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            output, _ = process.communicate(json.dumps(request), timeout=limit_s)
            return output.splitlines(), process.returncode
        except subprocess.TimeoutExpired:
            process.kill()
            output, _ = process.communicate()
            return output.splitlines(), None
        except BaseException:
            process.kill()
            raise


def _raise(path: Path, answer: dict[str, str]) -> None:
    """Raise the error that an answer holds, if it holds one."""
    if "message" in answer:
        kind = SetupError if answer["code"] == SetupError.code else BundleError
        raise kind(answer["message"], hint=answer["hint"], code=answer["code"])


def _death(engine: Engine, ending: int | None) -> str:
    """Why the process ended without an answer, as a predicate."""
    if ending is None:
        return f"gave no result for silence within {WALL_S:.0f} s."
    if ending == -signal.SIGXCPU:
        return f"took more than {engine.trial_cpu_s} s of processor time for {_WINDOWS} windows of silence."
    how = signal.Signals(-ending).name if ending < 0 else f"exit code {ending}"
    return f"ended the process that tried it ({how}); the limit is {engine.trial_memory_mb} MB besides its file."


def main() -> None:
    """The process: a request on standard input, one line of JSON per network on standard output."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what an engine prints is not an answer
    request = json.load(sys.stdin)
    engine = find_engine(request["engine"])
    for network in request["networks"]:
        answer = _answer(engine, network)
        print(json.dumps(answer), file=answers, flush=True)
        if answer:
            break
    os._exit(0)  # engines may hang or crash on exit


def _answer(engine: Engine, network: dict[str, Any]) -> dict[str, str]:
    """What is wrong with a network; empty if nothing is."""
    path = Path(network["path"])
    name = f"The network {path}"
    spec = NetworkSpec(tuple(network["shape"]), network["silence"], network["classes"], network["activation"])
    try:
        engine.import_library()  # before the limits are set: they are for the network
        _limit(engine, path)
        loaded = engine.load(path, threads=1)
        if spec.activation is not None:
            loaded = LogitsNetwork(loaded, spec.activation)
        require_shape(loaded, spec, name)
        check_network(loaded, spec, name)
    except TidzamError as error:
        if "not enough memory" in error.message:
            error = not_usable(
                name, f"takes more than {engine.trial_memory_mb} MB of memory for {_WINDOWS} windows of silence."
            )
        return _wire(error)
    except Exception as error:  # noqa: BLE001 - whatever error a hostile file causes is the answer
        return _wire(not_usable(name, f"cannot be used: {first_line(error)}"))
    return {}


def _wire(error: TidzamError) -> dict[str, str]:
    return {"message": error.message, "hint": error.hint, "code": error.code}


def _limit(engine: Engine, path: Path) -> None:
    """Limit this process's memory and computing time to what it has used so far and what one network may use."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    allowed = (engine.trial_memory_mb << 20) + _FILE_COPIES * path.stat().st_size
    _lower(resource.RLIMIT_AS, pages * resource.getpagesize() + allowed)
    used = resource.getrusage(resource.RUSAGE_SELF)
    _lower(resource.RLIMIT_CPU, math.ceil(used.ru_utime + used.ru_stime) + engine.trial_cpu_s)
    _lower(resource.RLIMIT_FSIZE, _MAX_FILE_BYTES)
    _lower(resource.RLIMIT_CORE, 0)


def _lower(what: int, limit: int) -> None:
    _, hard = resource.getrlimit(what)
    resource.setrlimit(what, (limit if hard == resource.RLIM_INFINITY else min(limit, hard), hard))


if __name__ == "__main__":
    main()
