"""From a compressed Keras model to a verified FPGA design and a report a person can decide by.

For notebooks: `build`, `board`, `lint`, `config`, `estimate`, `parse` and `compare`, as `hlsflow.api` describes them.
Nothing of them is imported before it is used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hlsflow.api.calls import board, build, compare, config, estimate, lint, parse

__version__ = "0.1.0"
__all__ = ["board", "build", "compare", "config", "estimate", "lint", "parse"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(importlib.import_module(".api.calls", __name__), name)
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
