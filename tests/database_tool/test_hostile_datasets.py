"""Datasets that are anybody's: every command says in one line which file is wrong, and `verify` finds every fault."""

from __future__ import annotations

import hashlib
import io
import json
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from database_tool.__main__ import app
from database_tool.editor.session import EditorSession
from tests.support.datasets import SPEC, write
from tidzam.dataset import open_dataset
from tidzam.errors import DatasetError, TidzamError
from trainer.data.compiled import CompiledSource

FEATURES, LABELS = "00000.features.npy", "00000.labels.npy"
COMMANDS = (("info",), ("metadata",), ("randomize",), ("merge", "other"), ("split", "--share", "0.5"), ("balance",))

Arrays = Callable[[Any], bytes]


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def pond(folder: Path) -> Path:
    """A dataset of two shards, and another beside it."""
    write(folder / "other", [0, 1, 2, 2])
    return write(folder / "pond", [0, 1, 2, 0], a_shard=2).folder


def seal(folder: Path, change: Callable[[dict[str, Any]], object] = lambda values: None) -> None:
    """Make a manifest's checksums those of the files as they are now, so that they tell nothing."""
    values = json.loads((folder / "manifest.json").read_text())
    for entry in (entry for shard in values["shards"] for entry in (shard["features"], shard["labels"])):
        path = folder / "shards" / entry["name"]
        if path.is_file():
            entry |= {"sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "size_bytes": path.stat().st_size}
    path = folder / "origins.csv"
    values["origins"] |= {"sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "size_bytes": path.stat().st_size}
    change(values)
    write_text(folder, json.dumps(values))


def write_text(folder: Path, text: str | bytes) -> None:
    raw = text if isinstance(text, bytes) else text.encode()
    (folder / "manifest.json").write_bytes(raw)
    (folder / "manifest.sha256").write_text(f"{hashlib.sha256(raw).hexdigest()}  manifest.json\n")


def message_of(result: Result) -> str:
    """The one line that a command ends with. Fails for a traceback."""
    assert isinstance(result.exception, TidzamError), (result.output, result.exception)
    assert result.exit_code == 1
    line = str(result.exception)
    assert "\n" not in line
    assert len(line) < 1000
    return line


def npy(values: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, values)
    return file.getvalue()


def with_header(header: str, version: bytes = b"\x01\x00") -> Arrays:
    def make(values: Any) -> bytes:
        text = header.encode("latin-1") + b"\n"
        return b"\x93NUMPY" + version + len(text).to_bytes(2, "little") + text + bytes(values.tobytes())

    return make


def stated(shape: str, kind: str = "'<f4'") -> Arrays:
    return with_header(f"{{'descr': {kind}, 'fortran_order': False, 'shape': {shape}, }}")


ARRAYS: dict[str, Arrays] = {
    "Fortran order": lambda values: npy(np.asfortranarray(values)),
    "float64": lambda values: npy(values.astype(np.float64)),
    "integers": lambda values: npy(values.astype(np.int32)),
    "big-endian": lambda values: npy(values.astype(">f4")),
    "objects": lambda values: npy(values.astype(object)),
    "a structure": lambda values: npy(np.zeros(2, dtype=[("a", "<f4"), ("b", "<i4")])),
    "a pickle": lambda values: pickle.dumps(values),
    "113 PiB": stated("(2, 5, 3181236836909056)"),
    "a shape beyond 64 bits": stated("(2, 5, 99999999999999999999999999)"),
    "a negative shape": stated("(2, -5, 8)"),
    "no dimension": stated("()"),
    "no samples": lambda values: npy(values[:0]),
    "a transposed shape": lambda values: npy(values.transpose(0, 2, 1)),
    "code for a header": with_header("__import__('os').system('true')"),
    "a deep header": with_header("(" * 4000),
    "a header without an end": lambda values: b"\x93NUMPY\x01\x00\xff\xff{",
    "version 3": with_header("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 5, 8), }", b"\x03\x00"),
    "a cut file": lambda values: npy(values)[:-7],
    "a longer file": lambda values: npy(values) + b"\0" * 7,
    "an empty file": lambda values: b"",
    "text": lambda values: b"not an array",
}
VALUES: dict[str, float] = {"NaN": np.nan, "infinity": np.inf, "minus infinity": -np.inf, "1e30": 1e30}


@pytest.mark.parametrize("name", ARRAYS)
def test_an_array_that_is_no_shard_is_one_clear_line_everywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = pond(tmp_path)
    path = folder / "shards" / FEATURES
    path.write_bytes(ARRAYS[name](np.load(path)))
    seal(folder)
    for command, *more in COMMANDS:
        assert FEATURES in message_of(run(command, "pond", *more))
    for opened in (lambda: open_dataset(folder), lambda: EditorSession.open(folder)):
        with pytest.raises(DatasetError, match=FEATURES):
            opened()
    found = run("verify", "pond")
    assert found.exit_code == 1
    assert found.stderr.count(FEATURES) == 1
    assert "1 file damaged" in found.stdout


@pytest.mark.parametrize("name", VALUES)
def test_features_that_are_no_levels_are_one_clear_line_where_they_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = pond(tmp_path)
    np.lib.format.open_memmap(folder / "shards" / FEATURES, mode="r+")[1, 2, 3] = VALUES[name]
    seal(folder)
    for command, *more in (("metadata",), ("randomize",), ("split", "--share", "0.5")):
        assert FEATURES in (line := message_of(run(command, "pond", *more)))
        assert "sample 1" in line
    source = CompiledSource(open_dataset(folder), ("frog", "rain", "wren"))
    source.sequence(0)
    with pytest.raises(DatasetError, match=FEATURES):
        source.sequence(1)
    found = run("verify", "pond")
    assert found.exit_code == 1
    assert "sample 1" in found.stderr


@pytest.mark.parametrize("labels", [[0, 99], [-1, 0], [2**31 - 1, 0]])
def test_labels_of_no_class_are_one_clear_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, labels: Any) -> None:
    monkeypatch.chdir(tmp_path)
    folder = pond(tmp_path)
    (folder / "shards" / LABELS).write_bytes(npy(np.array(labels, np.int32)))
    seal(folder)
    for command, *more in (("randomize",), ("merge", "other"), ("split", "--share", "0.5")):
        assert LABELS in message_of(run(command, "pond", *more))
    found = run("verify", "pond")
    assert found.exit_code == 1
    assert LABELS in found.stderr


def replaced(*way: Any, by: Any) -> Callable[[dict[str, Any]], object]:
    def change(values: dict[str, Any]) -> None:
        for step in way[:-1]:
            values = values[step]
        values[way[-1]] = by

    return change


MANIFESTS: dict[str, Callable[[dict[str, Any]], object]] = {
    "a path above": replaced("shards", 0, "features", "name", by="../../other/shards/00000.features.npy"),
    "an absolute path": replaced("shards", 0, "features", "name", by="/etc/passwd"),
    "a folder": replaced("shards", 0, "features", "name", by=".."),
    "a shard that stands there twice": lambda values: values["shards"].__setitem__(1, values["shards"][0]),
    "negative counts": replaced("counts", by={"frog": -2, "rain": 3, "wren": 3}),
    "counts of text": replaced("counts", by={"frog": "2", "rain": 1, "wren": 1}),
    "counts of a class more": replaced("counts", by={"frog": 2, "rain": 1, "wren": 1, "\x1b[31m": 0}),
    "no samples": replaced("shards", 0, "samples", by=0),
    "more samples than there are atoms": replaced("shards", 0, "samples", by=10**80),
    "a size beyond 64 bits": replaced("shards", 0, "features", "size_bytes", by=10**30),
    "a negative size": replaced("shards", 0, "features", "size_bytes", by=-1),
    "shards that are none": replaced("shards", by=[[], "x", None]),
    "no classes": replaced("classes", by=[]),
    "classes of numbers": replaced("classes", by=[1, 2, 3]),
    "a label tree that is a circle": replaced("labels", by={"frog": "rain", "rain": "frog", "wren": None}),
    "a label tree of lists": replaced("labels", by={"frog": ["rain"], "rain": None, "wren": None}),
    "a label that is a path": replaced("labels", by={"frog": None, "rain": None, "wren": None, "../x": None}),
    "endless features": replaced("features", "n_mels", by=10**12),
    "features without a number": replaced("features", "window_s", by=float("inf")),
    "other features than the shards'": replaced("features", "n_mels", by=16),
    "steps that are text": replaced("provenance", "steps", by="all of them"),
    "steps without words": replaced("provenance", "steps", by=[{"operation": {}}]),
    "files left out that are none": replaced("provenance", "steps", by=[{"operation": "x", "files_left_out": [1]}]),
    "statistics that are none": replaced("statistics", by=[]),
    "origins elsewhere": replaced("origins", "name", by="passwd"),
    "a field more": replaced("extra", by=1),
    "a name that is a path": replaced("name", by="../pond"),
}
TEXTS: dict[str, str | bytes] = {
    "deep JSON": "[" * 100_000,
    "a deep object": '{"a":' * 100_000,
    "a list": "[]",
    "a number": "7",
    "nothing": "",
    "a number of 5,000 digits": '{"format_version": ' + "9" * 5000 + "}",
    "a version that is an object": '{"format_version": {"a": []}}',
    "no UTF-8": b'{"format_version": 1, "\xff": 1}',
    "a field that stands there twice": '{"format_version": 1, "format_version": 1}',
    "UTF-16": '{"format_version": 1}'.encode("utf-16"),
}


@pytest.mark.parametrize("name", [*MANIFESTS, *TEXTS])
def test_a_manifest_that_cannot_be_is_one_clear_line_everywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = pond(tmp_path)
    if name in MANIFESTS:
        seal(folder, MANIFESTS[name])
    else:
        write_text(folder, TEXTS[name])
    for command, *more in (("info",), ("metadata",), ("merge", "other")):
        assert "pond" in (line := message_of(run(command, "pond", *more)))
        assert line.isprintable()
    found = run("verify", "pond")
    assert (found.exit_code == 1 and found.exception is None) or isinstance(found.exception, SystemExit)
    assert "damaged" in found.stdout


def test_statistics_of_another_program_do_not_disturb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    seal(pond(tmp_path), replaced("statistics", by={"mean_db": "much", "deep": [[[1]]]}))
    assert run("info", "pond").exit_code == 0
    assert run("verify", "pond").exit_code == 0


@pytest.mark.parametrize("place", ["manifest.json", "manifest.sha256", "origins.csv", f"shards/{FEATURES}", "shards"])
def test_a_link_out_of_the_dataset_is_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    monkeypatch.chdir(tmp_path)
    path = pond(tmp_path) / place
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    assert path.name in message_of(run("merge", "other", "pond"))
    found = run("verify", "pond")
    assert found.exit_code == 1
    assert "link" in found.stderr
    assert path.name in found.stderr


@pytest.mark.timeout(30)
@pytest.mark.parametrize("place", ["manifest.json", "manifest.sha256", "origins.csv", f"shards/{LABELS}"])
@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_what_is_no_regular_file_blocks_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, make: Callable[[Path], None]
) -> None:
    monkeypatch.chdir(tmp_path)
    path = pond(tmp_path) / place
    path.unlink()
    make(path)
    assert path.name in message_of(run("merge", "other", "pond"))
    found = run("verify", "pond")
    assert found.exit_code == 1
    assert path.name in found.stderr


ROWS = {
    "a value too few": "/a.wav,0,0,",
    "a value more": "/a.wav,0,0,,g,x",
    "no number": "/a.wav,nan,,,g",
    "an endless offset": "/a.wav,1e400,,,g",
    "a negative offset": "/a.wav,-1,,,g",
    "a channel that is none": "/a.wav,0,99999,,g",
    "a channel of other digits": "/a.wav,0,\u0663,,g",
    "a moment that is none": "/a.wav,0,,yesterday,g",
    "a moment before all moments": "/a.wav,0,,0001-01-01T00:00:00+23:00,g",
    "an open quote": '"/a.wav,0,,,g',
    "a NUL byte": "/a\0.wav,0,,,g",
    "a huge field": f"/{'a' * 200_000},0,,,g",
}


@pytest.mark.parametrize("name", ROWS)
def test_a_row_of_origins_that_cannot_be_names_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = pond(tmp_path)
    lines = (folder / "origins.csv").read_text().split("\n")
    lines[2] = ROWS[name]
    (folder / "origins.csv").write_text("\n".join(lines))
    seal(folder)
    for command, *more in (("info",), ("randomize",), ("merge", "other"), ("split", "--share", "0.5")):
        assert "origins.csv" in message_of(run(command, "pond", *more))
    message_of(run("merge", "other", "pond"))
    found = run("verify", "pond")
    assert found.exit_code == 1
    assert "origins.csv cannot" not in found.stderr
    assert "line " in found.stderr


def test_verify_names_every_fault_not_only_the_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = pond(tmp_path)
    np.lib.format.open_memmap(folder / "shards" / FEATURES, mode="r+")[0, 0, 0] = np.nan
    (folder / "shards" / "00001.features.npy").unlink()
    (folder / "shards" / "00001.labels.npy").write_bytes(npy(np.array([7, 7], np.int32)))
    (folder / "origins.csv").write_text("file\n")
    (folder / "shards" / "stray\x1b[2J").touch()
    (folder / ".DS_Store").touch()
    found = run("verify", "pond", "--json")
    damaged = {Path(one["file"]).name: one["reason"] for one in json.loads(found.stdout)["damaged"]}
    assert set(damaged) == {FEATURES, "00001.features.npy", "00001.labels.npy", "origins.csv", "stray\x1b[2J"}
    assert "checksum" in damaged[FEATURES]
    assert "not finite" in damaged[FEATURES]
    assert "checksum" in damaged["00001.labels.npy"]
    assert "labels 7 to 7, expected 0 to 2" in damaged["00001.labels.npy"]
    assert found.exit_code == 1
    assert "\x1b" not in run("verify", "pond").stderr


def test_verify_looks_at_the_shards_of_a_dataset_whose_manifest_is_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = pond(tmp_path)
    np.lib.format.open_memmap(folder / "shards" / FEATURES, mode="r+")[0, 0, 0] = np.nan
    (folder / "manifest.json").write_text("{")
    found = run("verify", "pond")
    assert found.exit_code == 1
    assert "2 files damaged" in found.stdout
    assert FEATURES in found.stderr


def test_a_huge_sparse_shard_takes_no_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = pond(tmp_path)
    path, samples = folder / "shards" / FEATURES, 1 << 32
    path.write_bytes(stated(f"({samples}, {SPEC.n_frames}, {SPEC.n_mels})")(np.zeros(0, np.float32)))
    size = path.stat().st_size + 4 * samples * SPEC.n_frames * SPEC.n_mels
    try:
        os.truncate(path, size)
    except OSError:
        pytest.skip("this file system has no files of so many bytes")
    values = json.loads((folder / "manifest.json").read_text())
    values["shards"][0] |= {"samples": samples}
    values["shards"][0]["features"] |= {"size_bytes": size}
    values["counts"]["frog"] += samples - 2
    write_text(folder, json.dumps(values))
    assert "a shard has at most" in message_of(run("info", "pond"))
