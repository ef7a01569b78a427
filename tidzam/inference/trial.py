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
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tidzam.errors import BundleError, SetupError, TidzamError
from tidzam.inference.engine_records import EngineRecords, record_key
from tidzam.inference.engines import (
    TRIAL_BATCHES,
    Engine,
    Network,
    NetworkSpec,
    check_network,
    engine_for,
    find_engine,
    first_line,
    library_version,
    not_usable,
    require_shape,
)
from tidzam.inference.outputs import LogitsNetwork

if TYPE_CHECKING:
    from tidzam.bundle import Bundle, BundleManifest, NoveltySpec

WALL_S: Final = 45.0
"""The time for the process to start, and again for each network: enough on a busy machine."""
_FILE_COPIES: Final = 4
_MAX_FILE_BYTES: Final = 2**30
"""Keras unpacks parts of its archive."""
_WINDOWS: Final = sum(TRIAL_BATCHES)
_TIMED_S: Final = 0.5
_MOST_RUNS: Final = 400
"""For how long, and how often, a network is run to time it."""
RANGE_ENGINE: Final = "litert"
RANGE_INPUTS: Final = 3
"""The engine that runs range models, and the size of their input: latitude, longitude and week."""
FOREST_ENGINE: Final = "onnx"
"""The engine that runs the isolation forests of novelty bundles."""


@dataclass(frozen=True)
class _Tried:
    engine: str
    path: Path
    sha256: str
    spec: NetworkSpec

    def request(self) -> dict[str, Any]:
        return {"path": str(self.path), **asdict(self.spec)}

    def record_key(self) -> str:
        engine = find_engine(self.engine)
        limits = engine.trial_memory_mb, engine.trial_cpu_s
        library = self.engine, library_version(engine)
        return record_key("trial", library=library, limits=limits, sha256=self.sha256, spec=asdict(self.spec))


def spec_of(bundle: Bundle) -> NetworkSpec:
    """What the manifest of `bundle` states about its networks."""
    manifest = bundle.manifest
    if manifest.novelty is not None:
        return NetworkSpec(manifest.input.shape, manifest.input.silence, manifest.novelty.values, bounded=False)
    activation = manifest.activation if manifest.output == "logits" else None
    return NetworkSpec(manifest.input.shape, manifest.input.silence, len(manifest.classes), activation)


def range_spec(manifest: BundleManifest) -> NetworkSpec:
    """What a manifest states about its range model. Its silence is a place in the Gulf of Guinea."""
    return NetworkSpec((RANGE_INPUTS,), 0.0, len(manifest.classes), vectors=True)


def forest_spec(novelty: NoveltySpec) -> NetworkSpec:
    """What a manifest states about its isolation forest: vectors in, one score out."""
    return NetworkSpec((novelty.values,), 0.0, 1, bounded=False, vectors=True)


def engines_for(bundles: Sequence[Bundle], engine: str | Sequence[str]) -> list[str]:
    """The engine of each bundle: the one of `engine_for`, or that of a sequence."""
    if isinstance(engine, str):
        return [engine_for(bundle.manifest.files, engine) for bundle in bundles]
    return list(engine)


def try_networks(
    bundles: Sequence[Bundle], engine: str | Sequence[str] = "onnx", *, records: EngineRecords | None = None
) -> None:
    """Run the network of each bundle once, on silence, in a process with bounded memory and time; so its range model.

    A bundle runs on the engine that `engines_for` chooses. Networks of which `records` hold that they passed, with the
    same version of the engine's library, are not run again.

    Raises BundleError for the first one that cannot be used: `bundle_engine`, `bundle_features`, `bundle_classes`,
    `bundle_outputs`; SetupError if the engine's library is not installed, ConfigError if there is no such engine.
    """
    known = records or EngineRecords()
    names = engines_for(bundles, engine)
    networks = [one for pair in zip(bundles, names, strict=True) for one in _networks_of(*pair)]
    tried = {one.record_key(): one for one in networks}
    new = {key: one for key, one in tried.items() if known.get(key) is not True}
    for name in dict.fromkeys(one.engine for one in new.values()):
        _try_on(name, [one for one in new.values() if one.engine == name])
    known.put(dict.fromkeys(new, True))


def time_networks(bundles: Sequence[Bundle], engine: str, *, threads: int, windows: int) -> list[float | None]:
    """Milliseconds per window of the network of each bundle on an engine, on `threads` threads and `windows` windows at
    once, in a process as of `try_networks`. None for a network that cannot be used."""
    networks = [_networks_of(bundle, engine)[0] for bundle in bundles]
    timing = {"threads": threads, "windows": windows}
    lines, _ = run_in_process({"engine": engine, "networks": [one.request() for one in networks], "timing": timing})
    times = [json.loads(line).get("ms_per_window") for line in lines]
    return [*times, *[None] * (len(networks) - len(times))]


def _networks_of(bundle: Bundle, engine: str) -> list[_Tried]:
    manifest, file_format = bundle.manifest, find_engine(engine).file_format
    path = bundle.file(file_format)
    networks = [_Tried(engine, path, manifest.files[file_format].sha256, spec_of(bundle))]
    if manifest.range_model is not None:
        path = bundle.folder / manifest.range_model.name
        networks.append(_Tried(RANGE_ENGINE, path, manifest.range_model.sha256, range_spec(manifest)))
    if manifest.novelty is not None:
        path = bundle.folder / manifest.novelty.forest.name
        networks.append(_Tried(FOREST_ENGINE, path, manifest.novelty.forest.sha256, forest_spec(manifest.novelty)))
    return networks


def _try_on(engine: str, networks: list[_Tried]) -> None:
    """Run networks once on one engine. Raises the errors of `try_networks`."""
    lines, ending = run_in_process({"engine": engine, "networks": [network.request() for network in networks]})
    for network, line in zip(networks, lines, strict=False):
        _raise(network.path, json.loads(line))
    if len(lines) < len(networks):
        raise not_usable(f"The network {networks[len(lines)].path}", _death(find_engine(engine), ending))


def run_in_process(request: dict[str, Any]) -> tuple[list[str], int | None]:
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
    timing = request.get("timing")
    for network in request["networks"]:
        answer = _answer(engine, network, timing)
        print(json.dumps(answer), file=answers, flush=True)
        if answer and timing is None:
            break
    os._exit(0)  # engines may hang or crash on exit


def _answer(engine: Engine, network: dict[str, Any], timing: dict[str, int] | None) -> dict[str, Any]:
    """What is wrong with a network; if nothing is, empty, or how long it takes."""
    path = Path(network["path"])
    name = f"The network {path}"
    spec = NetworkSpec(
        tuple(network["shape"]),
        network["silence"],
        network["classes"],
        network["activation"],
        bounded=network["bounded"],
        vectors=network["vectors"],
    )
    try:
        engine.import_library()  # before the limits are set: they are for the network
        _limit(engine, path)
        loaded = engine.load(path, threads=timing["threads"] if timing else 1)
        if spec.activation is not None:
            loaded = LogitsNetwork(loaded, spec.activation)
        require_shape(loaded, spec, name)
        check_network(loaded, spec, name)
        return {"ms_per_window": _ms_per_window(loaded, spec, timing["windows"])} if timing else {}
    except TidzamError as error:
        if "not enough memory" in error.message:
            error = not_usable(
                name, f"takes more than {engine.trial_memory_mb} MB of memory for {_WINDOWS} windows of silence."
            )
        return _wire(error)
    except Exception as error:  # noqa: BLE001 - whatever error a hostile file causes is the answer
        return _wire(not_usable(name, f"cannot be used: {first_line(error)}"))


def _ms_per_window(network: Network, spec: NetworkSpec, windows: int) -> float:
    """The least time of several runs on noise: other load on the machine only makes a run slower."""
    low, high = (spec.silence, 0.0) if spec.silence else (-0.1, 0.1)
    noise = np.random.default_rng(1).uniform(low, high, (windows, *spec.shape)).astype(np.float32)
    network.predict(noise)  # engines plan, and allocate, in the first run of a size
    took_s: list[float] = []
    while not took_s or (sum(took_s) < _TIMED_S and len(took_s) < _MOST_RUNS):
        began_s = time.perf_counter()
        network.predict(noise)
        took_s.append(time.perf_counter() - began_s)
    return 1000 * min(took_s) / windows


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
