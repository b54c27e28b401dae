"""Layer names as Verilog identifiers."""

from __future__ import annotations

import re
from collections.abc import Iterable


def module_names(layers: Iterable[str]) -> dict[str, str]:
    """A module name for each layer: `layer_fc1`; no keyword, no two alike, nothing but letters, digits and _."""
    found: dict[str, str] = {}
    for layer in layers:
        name = stem = "layer_" + re.sub(r"\W", "_", layer, flags=re.ASCII)
        count = 1
        while name in found.values():
            count += 1
            name = f"{stem}_{count}"
        found[layer] = name
    return found


def identifier(text: str) -> str:
    """A text as a Verilog identifier that begins with a letter."""
    word = re.sub(r"\W", "_", text, flags=re.ASCII)
    return word if re.match(r"[A-Za-z]", word) else f"m_{word}"
