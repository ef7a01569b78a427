"""The engines and decision rules that a profile may name: their registries, and the check of a name."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import AfterValidator

from tidzam.extensions import Registry

DEFAULT_RULE: Final = "thresholds"
DEFAULT_ENGINE: Final = "onnx"
AUTO_ENGINE: Final = "auto"
"""The name that stands for the fastest engine on this machine, for each bundle."""
ENGINES: Final = Registry(
    "tidzam.engines",
    "engine",
    {
        DEFAULT_ENGINE: "tidzam.inference.onnx_engine:OnnxEngine",
        "litert": "tidzam.inference.litert_engine:LiteRtEngine",
        "keras": "tidzam.inference.keras_engine:KerasEngine",
    },
)
"""All engines by the name that `analyzer.engine` selects."""
DECISION_RULES: Final = Registry(
    "tidzam.decision_rules",
    "decision rule",
    {
        DEFAULT_RULE: "tidzam.inference.decision:decide",
        "threshold": "tidzam.inference.decision:decide",
        "margin": "tidzam.inference.decision:margin",
        "topk": "tidzam.inference.decision:topk",
    },
)
"""All decision rules by the name that `analyzer.decision.rule` selects. Each is a function."""


def engine_names() -> tuple[str, ...]:
    """What `analyzer.engine` may be."""
    return (AUTO_ENGINE, *ENGINES.names())


def _one_of(registry: Registry, *others: str) -> AfterValidator:
    def check(name: str) -> str:
        known = (*others, *registry.names())
        if name not in known:
            raise ValueError(f"there is no such {registry.kind}; the known ones are {', '.join(known)}")
        return name

    return AfterValidator(check)


EngineName = Annotated[str, _one_of(ENGINES, AUTO_ENGINE)]
DecisionRuleName = Annotated[str, _one_of(DECISION_RULES)]
