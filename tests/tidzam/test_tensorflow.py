"""Loading TensorFlow: that its native libraries print nothing on a user's terminal, and that errors still appear."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.support.noise import start_up_noise
from tidzam.errors import SetupError
from tidzam.paths import DEMO_BUNDLES
from tidzam.tensorflow_loader import load_tensorflow

PRINTED = [
    "WARNING: All log messages before absl::InitializeLog() is called are written to STDERR",
    "I0000 00:00:1795745374.879095    8672 port.cc:153] oneDNN custom operations are on.",
    "W0000 00:00:1795745374.879095    8672 cuda_dnn.cc:1] Unable to register cuDNN factory",
    "2026-05-01 06:30:00.123456: I tensorflow/core/platform/cpu_feature_guard.cc:182] This TensorFlow binary",
    "2026-05-01 06:30:00.123456: E external/local_xla/cuda_fft.cc:477] Unable to register cuFFT factory",
    "2026-05-01T06:30:00.123Z info analyzer.app: a line of ours",
    "F0000 00:00:1795745374.879095    8672 cpu.cc:1] TensorFlow was compiled to use AVX instructions",
    "2026-05-01 06:30:00.123456: F tensorflow/core/platform/cpu_feature_guard.cc:47] was compiled to use AVX",
    "Illegal instruction",
]
KEPT = PRINTED[5:]

ABORT = """
import os, sys
from tidzam.tensorflow_loader import START_UP_LINES, without_lines
with without_lines(START_UP_LINES):
    os.write(2, sys.argv[1].encode())
    os.abort()
"""

START_A_CHILD = """
import subprocess, sys
from tidzam.tensorflow_loader import START_UP_LINES, without_lines
with without_lines(START_UP_LINES):
    subprocess.Popen(["sh", "-c", "sleep 3; echo from the child >&2"])
print("after", file=sys.stderr)
"""


def test_start_up_lines_are_dropped_and_what_ends_the_program_is_printed() -> None:
    argv = [sys.executable, "-c", ABORT, "\n".join(PRINTED) + "\n"]
    process = subprocess.Popen(argv, stderr=subprocess.PIPE, text=True)
    _, printed = process.communicate(timeout=30)
    assert process.returncode == -6
    assert printed.splitlines() == KEPT


def test_a_process_started_meanwhile_keeps_its_stderr() -> None:
    script = ABORT.replace("    os.write(2, sys.argv[1].encode())\n    os.abort()\n", "    import subprocess\n")
    script += (
        "    subprocess.Popen(['sh', '-c', 'sleep 3; echo from the child >&2'])\nprint('after', file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=True)
    assert done.stderr.splitlines() == ["after", "from the child"]


@pytest.mark.timeout(180)
def test_the_keras_engine_prints_nothing_of_its_libraries(tmp_path: Path) -> None:
    sound = tmp_path / "sound.wav"
    soundfile.write(sound, 0.1 * np.random.default_rng(1).standard_normal(96000), 48000)
    argv = [sys.executable, "-m", "analyzer", "--stream", str(sound), "--nn", str(DEMO_BUNDLES), "--engine", "keras"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=170, check=False)
    assert done.returncode == 0, done.stderr
    assert start_up_noise(done.stderr) == []


def test_without_tensorflow_one_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    monkeypatch.setitem(sys.modules, "keras", None)
    with pytest.raises(SetupError, match="tidzam install train"):
        load_tensorflow()
