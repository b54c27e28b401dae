"""Which C++ compiler it is: its program, all that it says of itself, its target, and the environment that bends it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from hlsflow.keys.environment import COMPILER_VARIABLES, values_of
from hlsflow.processes.process import ask

_TIMEOUT_S = 20


def compiler_identity(
    path: str, flags: Sequence[str], environ: Mapping[str, str] | None = None
) -> dict[str, object]:  # fmt: skip
    """What decides a compiled program besides its source. Runs the compiler twice, at once: a hundredth of a second."""
    # Of a distribution's compiler all of it tells builds of one version apart, where the first line may not.
    with ThreadPoolExecutor(2) as pool:
        version, target = pool.map(lambda option: _said(path, option), ("--version", "-dumpmachine"))
    return {
        "path": str(Path(path).resolve()),
        "version": version,
        "target": target,
        "flags": list(flags),
        "environment": values_of(COMPILER_VARIABLES, os.environ if environ is None else environ),
    }


def _said(path: str, option: str) -> str:
    """What the compiler prints; nothing where it does not know the option: compiling will tell."""
    said = ask([path, option], timeout_s=_TIMEOUT_S)
    return "" if said is None else said.output
