"""Words of sentences that people read."""

from __future__ import annotations


def possessive(name: str) -> str:
    """A name as the owner of something: `Keras'`, `qonnx's`."""
    return name + ("'" if name.endswith("s") else "'s")
