"""Unrolls a network in a process of its own, within time and memory: da4ml is a library, and may take hours.

Started as a script: `python open_unroll.py REQUEST RESULT`, both pickles.
"""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if __name__ == "__main__":
    # The folder of a script comes first on Python's path, where its modules would shadow others.
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from hlsflow.foundation.errors import HlsflowError
from hlsflow.foundation.workspace import write_bytes
from hlsflow.opentools.budget import Budget, run_within

if TYPE_CHECKING:
    from hlsflow.rtl.chain import Chain
    from hlsflow.rtl.design import RtlDesign


def unroll_within(
    budget: Budget,
    chain: Chain,
    top: str,
    bus_bits: int | None,
    folder: Path,
    progress: Callable[[float, str], None] | None = None,
) -> RtlDesign:
    """The unrolled design. Raises what `unrolled_design` raises, and ToolError where it needs more than the budget."""
    request, result = folder / "request.pickle", folder / "result.pickle"
    folder.mkdir(parents=True, exist_ok=True)
    write_bytes(request, pickle.dumps((chain, top, bus_bits)))
    words = (sys.executable, str(Path(__file__).resolve()), str(request), str(result))
    run_within(budget, words, what="da4ml", log=folder / "da4ml.log", cwd=folder, progress=progress)
    kind, found = pickle.loads(result.read_bytes())
    if kind is not None:
        message, hint = found
        raise kind(message, hint=hint)
    return found


def main(request: Path, result: Path) -> None:
    """Writes (None, design), or the class of an error with its message and hint."""
    from hlsflow.rtl.unrolled import unrolled_design

    chain, top, bus_bits = pickle.loads(request.read_bytes())

    def say(layer: str) -> None:
        print(f"unrolling {layer}", flush=True)

    try:
        answer = (None, unrolled_design(chain, top, bus_bits=bus_bits, on_layer=say))
    except HlsflowError as error:
        answer = (type(error), (error.message, error.hint))
    write_bytes(result, pickle.dumps(answer))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
