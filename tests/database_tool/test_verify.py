"""`verify` finds all damage."""

from pathlib import Path

import numpy as np
import pytest

from database_tool.verify import verify
from tests.support.datasets import write
from tidzam.dataset.manifest import read_manifest, write_manifest
from tidzam.errors import DatasetError
from tidzam.manifest_fields import entry_of


def test_every_flipped_byte_is_found(tmp_path: Path) -> None:
    folder = write(tmp_path / "pond", [0, 1, 2], a_shard=2).folder
    assert verify(folder) == []
    for path in sorted(one for one in folder.rglob("*") if one.is_file()):
        raw = bytearray(path.read_bytes())
        for place in range(len(raw)):
            raw[place] ^= 1 << place % 8
            path.write_bytes(raw)
            assert [damage.path for damage in verify(folder)] == [folder / path.relative_to(folder)] or (
                path.name == "manifest.sha256" and verify(folder)
            ), f"byte {place} of {path.name}"
            raw[place] ^= 1 << place % 8
        path.write_bytes(raw)
    assert verify(folder) == []


def test_missing_truncated_and_additional_files_are_found(tmp_path: Path) -> None:
    folder = write(tmp_path / "pond", [0, 1, 2], a_shard=2).folder
    labels, features = folder / "shards" / "00000.labels.npy", folder / "shards" / "00001.features.npy"
    labels.unlink()
    features.write_bytes(features.read_bytes()[:-3])
    stray = folder / "shards" / "00002.features.npy"
    stray.touch()
    found = {damage.path: damage.reason for damage in verify(folder)}
    assert set(found) == {labels, features, stray}
    assert found[labels] == "it is missing"


def test_wrong_counts_are_found_although_all_checksums_match(tmp_path: Path) -> None:
    folder = write(tmp_path / "pond", [0, 1, 2]).folder
    manifest, _ = read_manifest(folder)
    write_manifest(folder, manifest.model_copy(update={"counts": {"frog": 2, "rain": 1, "wren": 0}}))
    (damage,) = verify(folder)
    assert damage.path.name == "manifest.json"
    assert "[2, 1, 0]" in damage.reason


def test_a_missing_row_is_found_although_all_checksums_match(tmp_path: Path) -> None:
    folder = write(tmp_path / "pond", [0, 1, 2]).folder
    manifest, _ = read_manifest(folder)
    table = folder / "origins.csv"
    table.write_text("".join(table.read_text().splitlines(keepends=True)[:-1]))
    write_manifest(folder, manifest.model_copy(update={"origins": entry_of(table)}))
    (damage,) = verify(folder)
    assert "it has 2 rows, expected 3" in damage.reason


def test_samples_that_are_not_finite_are_found_although_all_checksums_match(tmp_path: Path) -> None:
    folder = write(tmp_path / "pond", [0, 1, 2]).folder
    manifest, _ = read_manifest(folder)
    path = folder / "shards" / "00000.features.npy"
    np.lib.format.open_memmap(path, mode="r+")[1, 0, 0] = np.nan
    shard = manifest.shards[0].model_copy(update={"features": entry_of(path)})
    write_manifest(folder, manifest.model_copy(update={"shards": (shard,)}))
    (damage,) = verify(folder)
    assert damage.path == path
    assert "not finite" in damage.reason
    assert "sample 1" in damage.reason


def test_a_folder_that_is_not_a_dataset_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="cannot be read"):
        verify(tmp_path)
