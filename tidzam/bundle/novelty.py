"""What the manifest of a novelty bundle states: how a vector is made of a window, and how its scores are judged."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from tidzam.manifest_fields import FileEntry

NOVEL: Final = "novel"
"""The class of sounds that a novelty bundle finds unusual."""
FOREST: Final = "forest.onnx"
"""The file of the isolation forest."""
MOST_VALUES: Final = 65_536

_Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
_Score = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class NormalScores(BaseModel):
    """Quantiles of the scores of normal audio: the share `shares[i]` of its windows scores below `scores[i]`."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    shares: tuple[_Share, ...] = Field(min_length=2, max_length=10_000, strict=False)
    scores: tuple[_Score, ...] = Field(min_length=2, max_length=10_000, strict=False)
    windows: int = Field(ge=1, description="The number of windows that they were measured on.")

    @model_validator(mode="after")
    def _ascend(self) -> NormalScores:
        if len(self.shares) != len(self.scores):
            raise ValueError(f"there are {len(self.shares)} shares, but {len(self.scores)} scores")
        if any(second <= first for first, second in pairwise(self.shares)):
            raise ValueError("shares do not ascend")
        if any(second < first for first, second in pairwise(self.scores)):
            raise ValueError("scores do not ascend")
        return self


class NoveltySpec(BaseModel):
    """How a novelty bundle judges windows. Higher scores are more unusual.

    The bundle's network makes a vector of `values` numbers of a window. The file `forest` adds two to it, the distance
    to typical windows and the largest deviation, and its isolation forest makes a score of all: s(x) = 2^(-E[h(x)] /
    c(n)), from 0 to 1, with h(x) the number of splits that separate x in a tree and c(n) its mean for n training
    windows (Liu, Ting and Zhou 2008, "Isolation Forest", equation 2); `-score_samples(x)` in scikit-learn. A window is
    novel from the score `threshold` on.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    vector: Literal["statistics", "embedding"] = Field(
        description="statistics: of the spectrogram's bands over the window; embedding: what the last layer of a "
        "classifier's network takes."
    )
    values: int = Field(ge=1, le=MOST_VALUES, description="The length of a vector.")
    forest: FileEntry
    threshold: _Score = Field(description="The score from which on a window is novel.")
    normal: NormalScores = Field(description="The scores of normal audio, which the forest was not trained on.")
