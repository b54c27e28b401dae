"""Projects of one `nnet::` call written out by hand, and what its result must be, for the parts of the emulator.

No hls4ml here: `Call` and `Config` are what `read_project` would find, and the expected value of every output comes
from the function's definition in rational numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from casts import cast_one

from hlsflow.emulation.emulator import make_emulator
from hlsflow.hls.project import HlsProject, Port
from hlsflow.hls.source import Call, Config
from hlsflow.network.fixed_point import FixedType, parse_type

# Fine enough for every value that the tests name.
_FINE = 60


def assign(exact: Fraction, to: FixedType) -> int:
    """What `ap_fixed` keeps of a number assigned to a variable of type `to`, in LSBs."""
    scaled = exact * 2**_FINE
    assert scaled.denominator == 1
    return cast_one(int(scaled), _FINE, to)


def real(code: int, type_: FixedType) -> Fraction:
    return Fraction(int(code)) * Fraction(2) ** -type_.fraction


def codes(type_: FixedType) -> range:
    return range(type_.min_int, type_.max_int + 1)


def project(
    function: str,
    types: Sequence[str],
    *,
    config: Mapping[str, Any] | None = None,
    mult: Mapping[str, Any] | None = None,
    folder: Path | None = None,
    weights: Mapping[str, np.ndarray] | None = None,
    arguments: Sequence[str] | None = None,
    inputs: int = 1,
    stream: bool = False,
) -> HlsProject:
    """One call. `types` are those of its template in order, the last one the output's; weights are real values."""
    if weights:
        place = folder / "firmware" / "weights"
        place.mkdir(parents=True, exist_ok=True)
        for name, values in weights.items():
            (place / f"{name}.txt").write_text(", ".join(repr(float(value)) for value in np.ravel(values)))
    names = ["x", "z"][:inputs]
    arguments = (*names, "y") if arguments is None else tuple(arguments)
    named = {f"t{index}_t": parse_type(text) for index, text in enumerate(types)}
    configs = {"config1": Config(name="config1", values={k: str(v) for k, v in (config or {}).items()})}
    if mult is not None:
        configs["config1_mult"] = Config(name="config1_mult", values={k: str(v) for k, v in mult.items()})
    return HlsProject(
        root=folder or Path("."),
        top="myproject",
        inputs=tuple(Port(name=name, type_name=f"t{index}_t", size=0) for index, name in enumerate(names)),
        outputs=(Port(name="y", type_name=f"t{len(types) - 1}_t", size=0),),
        types=named,
        packed={"t0_t": 1} if stream else {},
        configs=configs,
        calls=(Call(function=function, template=(*named, "config1"), arguments=arguments, layer="layer"),),
        aliases={},
        traced={},
    )


def run(made: HlsProject, *inputs: np.ndarray) -> list[list[int]]:
    """The emulator's output for integer inputs (samples, values)."""
    return make_emulator(made).run([np.asarray(x, dtype=np.int64) for x in inputs])["y"].tolist()


def bits(made: HlsProject) -> int:
    """The bits that the call's own step asks for."""
    return make_emulator(made).steps[0][0].bits
