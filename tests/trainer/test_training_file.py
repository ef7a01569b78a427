"""A training file says all, is written back as it was, and every mistake in it is told at once."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidzam.audio.features import FeatureSpec
from tidzam.errors import ConfigError
from trainer.data.augmentation import Mixup, SpecAugment
from trainer.training_file import Features, Optimizer, TrainingFile, override, read_training_file, to_yaml


def read(tmp_path: Path, text: str) -> TrainingFile:
    path = tmp_path / "training.yaml"
    path.write_text(text)
    return read_training_file(path)


def test_what_is_not_said_is_as_ever(tmp_path: Path) -> None:
    assert read(tmp_path, "") == TrainingFile()
    assert TrainingFile().iterations_for(1000) == 20000 and TrainingFile().batch_size == 64


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


def test_everything_can_be_said_and_comes_back(tmp_path: Path) -> None:
    training = read(tmp_path, WHOLE)
    assert training.steps[1:] == (Mixup(alpha=0.4, domain="power"), SpecAugment())
    assert training.optimizer.ema == 0.999 and training.draw == "natural"
    assert training.labels is not None
    assert training.labels.parents == {"birds": None, "crow": "birds", "goose": "birds", "rain": None}
    assert training.iterations_for(320) == 1500
    assert read(tmp_path, to_yaml(training)) == training


@given(st.floats(1e-6, 1), st.sampled_from(["sigmoid", "softmax"]), st.integers(0, 10**6))
def test_written_and_read_it_is_the_same(rate: float, activation: str, seed: int) -> None:
    training = override(TrainingFile(), {"activation": activation, "seed": seed, "optimizer": {"learning_rate": rate}})
    import yaml

    again = TrainingFile.model_validate(yaml.safe_load(to_yaml(training)))
    assert again.steps == training.steps and again.model_copy(update={"augment": None}) == training


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


def test_every_mistake_is_told_at_once_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as error:
        read(tmp_path, MISTAKES)
    told = str(error.value).splitlines()
    assert [int(line.split(":")[1]) for line in told] == [1, 2, 4, 5, 9, 10, 11, 12, 13]
    assert "Did you mean 'batch_size'?" in told[0]
    assert "learning_rate" in told[3] and "weight_decay" in told[3], "what is allowed there is named"
    assert "Allowed here: bands, masks, step, time" in told[5]
    assert "mixup" in told[6] and "crow occurs twice in the tree" in told[8]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("iterations: 5\nepochs: 2", "both say how long to train"),
        ("activation: softmax\naugment: [{step: together}]", "together lays classes over one another"),
        ("augment: [{step: gain}, {step: crop}]", "crop comes first"),
        ("augment: [{step: together, odds: [0, 0]}]", "odds must not all be 0"),
    ],
)
def test_what_does_not_go_together_is_refused(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        read(tmp_path, text)


def test_the_command_line_wins() -> None:
    file = TrainingFile(epochs=3, batch_size=8, optimizer=Optimizer(learning_rate=0.1, ema=0.9))
    both = override(file, {"iterations": 7, "batch_size": None, "optimizer": {"learning_rate": 0.2}})
    assert both.iterations_for(100) == 7 and both.batch_size == 8
    assert both.optimizer == Optimizer(learning_rate=0.2, ema=0.9)
    with pytest.raises(ConfigError, match="together"):
        override(TrainingFile(augment=TrainingFile().steps), {"activation": "softmax"})


def test_features_say_what_differs_from_the_data() -> None:
    base = FeatureSpec(n_mels=40, fmax_hz=9000)
    assert Features().over(base) == base
    assert Features(window_s=0.5).over(base) == FeatureSpec(n_mels=40, fmax_hz=9000, window_s=0.5)
    assert Features(rate_hz=8000).over(base).fmax_hz == 4000


@pytest.mark.parametrize(
    "labels", ["{no: crow}", "[no, crow]", "{birds: [12, crow]}", "{birds: {2024-01-01: }}", "1e3"]
)
def test_a_label_that_yaml_reads_as_something_else_is_to_be_quoted(tmp_path: Path, labels: str) -> None:
    with pytest.raises(ConfigError, match=r":2: YAML reads .*; if it is a name, quote it"):
        read(tmp_path, f"seed: 1\nlabels: {labels}\n")


def test_a_label_given_twice_names_both_lines(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"crow occurs twice in the tree: on line 3 and on line 5"):
        read(tmp_path, "labels:\n  birds:\n    - crow\n  rain:\n  crow:\n")


def test_a_quoted_label_is_a_label(tmp_path: Path) -> None:
    tree = read(tmp_path, "labels: {'no': ['12', \"e\u0301\"], rain: , wind: null}\n").labels
    assert tree is not None and tree.parents == {"no": None, "12": "no", "é": "no", "rain": None, "wind": None}


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
