"""The training file: all settings, written back unchanged, and every mistake reported at once."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidzam.audio.features import FeatureSpec
from tidzam.errors import ConfigError
from trainer.data.augmentation import Equalize, Mixup, SpecAugment
from trainer.training_file import FeatureOverrides, Optimizer, TrainingFile, override, read_training_file, to_yaml


def read(tmp_path: Path, text: str) -> TrainingFile:
    path = tmp_path / "training.yaml"
    path.write_text(text)
    return read_training_file(path)


def test_an_empty_file_gives_the_defaults(tmp_path: Path) -> None:
    assert read(tmp_path, "") == TrainingFile()
    assert TrainingFile().iterations_for(1000) == 20000
    assert TrainingFile().batch_size == 64


WHOLE = """
dnn: models/mine.py
dnn_options: {width: 32}
activation: softmax
background: [wind]
labels:
  birds: [crow, goose]
  rain:
features: {rate_hz: 44100, window_s: 2, n_mels: 128}
epochs: 150
batch_size: 32
draw: natural
optimizer: {learning_rate: 0.002, weight_decay: 0.01, label_smoothing: 0.1, ema: 0.999, warm_up: 0.1}
augment:
  - {step: crop, inside: 0.7}
  - {step: mixup, alpha: 0.4, domain: power}
  - step: spec_augment
overlap: 0.75
seed: 7
"""


def test_every_setting_is_read_and_written(tmp_path: Path) -> None:
    training = read(tmp_path, WHOLE)
    assert training.augmentations[1:] == (Mixup(alpha=0.4, domain="power"), SpecAugment())
    assert training.optimizer.ema == 0.999
    assert training.draw == "natural"
    assert training.labels is not None
    assert training.labels.parents == {"birds": None, "crow": "birds", "goose": "birds", "rain": None}
    assert training.iterations_for(320) == 1500
    assert read(tmp_path, to_yaml(training)) == training


@given(st.floats(1e-6, 1), st.sampled_from(["sigmoid", "softmax"]), st.integers(0, 10**6))
def test_a_training_that_is_written_and_read_is_the_same(rate: float, activation: str, seed: int) -> None:
    training = override(TrainingFile(), {"activation": activation, "seed": seed, "optimizer": {"learning_rate": rate}})
    import yaml

    again = TrainingFile.model_validate(yaml.safe_load(to_yaml(training)))
    assert again.augmentations == training.augmentations
    assert again.model_copy(update={"augment": None}) == training


MISTAKES = """\
batchsize: 32
activation: both
optimizer:
  learning_rate: -1
  momentum: 3
augment:
  - step: crop
  - step: spec_augment
    time: 2
    freq: 0.1
  - step: shout
features: {rate_hz: 8000, fft_length: 100000}
labels: [crow, crow]
"""


def test_every_mistake_is_reported_at_once_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as error:
        read(tmp_path, MISTAKES)
    reported = str(error.value).splitlines()
    assert [int(line.split(":")[1]) for line in reported] == [1, 2, 4, 5, 9, 10, 11, 12, 13]
    assert "Did you mean 'batch_size'?" in reported[0]
    assert "Allowed here:" in reported[3]
    assert "learning_rate" in reported[3]
    assert "weight_decay" in reported[3]
    assert "Allowed here: bands, masks, step, time" in reported[5]
    assert "mixup" in reported[6]
    assert "crow occurs twice in the tree" in reported[8]


@pytest.mark.parametrize(
    ("text", "reported"),
    [
        ("iterations: 5\nepochs: 2", "iterations and epochs are both set"),
        ("activation: softmax\naugment: [{step: together}]", "together gives an example several classes"),
        ("augment: [{step: gain}, {step: crop}]", "crop is only allowed as the first"),
        ("augment: [{step: together, odds: [0, 0]}]", "odds must not all be 0"),
    ],
)
def test_contradictions_are_refused(tmp_path: Path, text: str, reported: str) -> None:
    with pytest.raises(ConfigError, match=reported):
        read(tmp_path, text)


def test_the_command_line_overrides_the_file() -> None:
    file = TrainingFile(epochs=3, batch_size=8, optimizer=Optimizer(learning_rate=0.1, ema=0.9))
    both = override(file, {"iterations": 7, "batch_size": None, "optimizer": {"learning_rate": 0.2}})
    assert both.iterations_for(100) == 7
    assert both.batch_size == 8
    assert both.optimizer == Optimizer(learning_rate=0.2, ema=0.9)
    with pytest.raises(ConfigError, match="together"):
        override(TrainingFile(augment=TrainingFile().augmentations), {"activation": "softmax"})


def test_feature_overrides_change_the_features_of_the_data() -> None:
    base = FeatureSpec(n_mels=40, fmax_hz=9000)
    assert FeatureOverrides().over(base) == base
    assert FeatureOverrides(window_s=0.5).over(base) == FeatureSpec(n_mels=40, fmax_hz=9000, window_s=0.5)
    assert FeatureOverrides(rate_hz=8000).over(base).fmax_hz == 4000


@pytest.mark.parametrize(
    "labels", ["{no: crow}", "[no, crow]", "{birds: [12, crow]}", "{birds: {2024-01-01: }}", "1e3"]
)
def test_a_label_that_yaml_reads_as_something_else_must_be_quoted(tmp_path: Path, labels: str) -> None:
    with pytest.raises(ConfigError, match=r":2: YAML reads .*; if it is a name, quote it"):
        read(tmp_path, f"seed: 1\nlabels: {labels}\n")


def test_a_label_given_twice_names_both_lines(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"crow occurs twice in the tree: on line 3 and on line 5"):
        read(tmp_path, "labels:\n  birds:\n    - crow\n  rain:\n  crow:\n")


def test_a_quoted_label_is_a_label(tmp_path: Path) -> None:
    tree = read(tmp_path, "labels: {'no': ['12', \"e\u0301\"], rain: , wind: null}\n").labels
    assert tree is not None
    assert tree.parents == {"no": None, "12": "no", "é": "no", "rain": None, "wind": None}


def test_a_section_set_twice_names_both_lines(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match=r":3: features.n_mels is set twice|n_mels is set twice: on line 2 and on line 3"
    ):
        read(tmp_path, "features:\n  n_mels: 3\n  n_mels: 4\n")


def test_aliases_that_multiply_are_refused(tmp_path: Path) -> None:
    lines = ["dnn_options:", "  a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"  a{k}: &a{k} [{', '.join([f'*a{k - 1}'] * 10)}]" for k in range(1, 9)]
    with pytest.raises(ConfigError, match="its aliases expand to"):
        read(tmp_path, "\n".join(lines))


def test_an_augmentation_is_found_by_its_old_name(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "recipe.yaml"
    file.write_text("augment: [{step: equalise, db: 4}]")
    assert read_training_file(file).augmentations == (Equalize(db=4),)
    assert "use equalize" in caplog.text
