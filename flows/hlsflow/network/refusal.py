"""Why a layer cannot be converted, and what to write instead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Refusal:
    """One layer that cannot be converted exactly: why, and what to write instead."""

    layer: str
    reason: str
    way_out: str


def message(model_name: str, refusals: Sequence[Refusal]) -> str:
    """All refusals of a model as one message."""
    lines = [f"layer '{item.layer}': {item.reason}; instead: {item.way_out}" for item in refusals]
    head = f"model '{model_name}' cannot be converted exactly:"
    return "\n  ".join([head, *lines])
