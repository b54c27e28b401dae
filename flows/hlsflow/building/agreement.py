"""How the hardware's outputs agree with the quantized model's: as real numbers, so that nothing is rounded away.

A value of Keras that the hardware's type cannot hold differs, by a fraction of an LSB if need be. Rounding Keras to the
hardware's last bit first would hide whatever a coarse type loses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hlsflow.foundation.errors import ModelError
from hlsflow.network.fixed_point import FixedType

if TYPE_CHECKING:
    from hlsflow.foundation.arrays import Array


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """Where the first difference is: the layer, the sample, the value's place in the layer, and both values.

    `expected_lsb` and `found_lsb` are in LSBs of `type`; what was expected may lie between two of its values.
    """

    layer: str
    sample: int
    position: int
    expected_lsb: float
    found_lsb: int
    type: str

    @property
    def error_lsb(self) -> float:
        return abs(self.found_lsb - self.expected_lsb)


@dataclass(frozen=True, kw_only=True, slots=True)
class Agreement:
    """How one output agrees with Keras, over all samples.

    `max_error_lsb` is in LSBs of `type`, `max_abs_error` in the output's own unit: the largest |hardware - Keras| of
    real values, whatever either can hold.
    """

    output: str
    type: str
    samples: int
    values: int
    mismatching_samples: int
    mismatching_values: int
    max_error_lsb: float
    max_abs_error: float
    argmax_agreement: float
    first_difference: Difference | None = None

    @property
    def exact(self) -> bool:
        return self.mismatching_values == 0


def in_lsb(output: str, values: Array, type_: FixedType, framework: str = "Keras") -> Array:
    """Real float64 values as multiples of a type's LSB, float64; scaling by a power of two rounds nothing.

    Raises ModelError where a value is no number.
    """
    import numpy as np

    if not np.isfinite(values).all():
        where = np.argwhere(~np.isfinite(values))[0]
        raise ModelError(
            f"output '{output}' of {framework} is {values[tuple(where)]} for sample {where[0]}: no hardware can equal "
            "that",
            hint="the model's weights or its activations overflow: train it again",
        )
    return values.astype(np.float64) * 2.0**type_.fraction


def agree(output: str, keras: Array, hardware: Array, type_: FixedType, framework: str = "Keras") -> Agreement:
    """The agreement of Keras' real values, float64, and the hardware's int64 LSBs of a type, both (samples, values).

    Raises ValueError where their shapes differ, ModelError where Keras gives no number.
    """
    import numpy as np

    if keras.shape != hardware.shape:
        given = f"{keras.shape} values from {framework}, {hardware.shape} from the hardware"
        raise ValueError(f"output '{output}': {given}")
    expected = in_lsb(output, keras, type_, framework)
    error = np.abs(hardware.astype(np.float64) - expected)
    wrong = error != 0
    largest = float(error.max(initial=0))
    return Agreement(
        output=output,
        type=str(type_.grid),
        samples=int(keras.shape[0]),
        values=int(keras.size),
        mismatching_samples=int(np.count_nonzero(wrong.any(axis=1))),
        mismatching_values=int(np.count_nonzero(wrong)),
        max_error_lsb=largest,
        max_abs_error=largest * type_.lsb,
        argmax_agreement=float(np.mean(expected.argmax(axis=1) == hardware.argmax(axis=1))),
    )


def first_difference(
    order: Sequence[str],
    expected: Mapping[str, Array],
    found: Mapping[str, Array],
    types: Mapping[str, FixedType],
    samples: Sequence[int],
    tolerances: Mapping[str, float] | None = None,
) -> Difference | None:
    """The first layer in `order` whose values are not the expected ones, at its worst value.

    `expected` holds real float64 arrays (len(samples), values) by layer, `found` int64 ones in LSBs of the layer's
    type; `samples` are the samples' numbers in the whole set. `tolerances` are largest differences, in the layers' own
    unit, that are none: where Keras itself rounds, or the hardware cuts off a quotient further down.
    """
    import numpy as np

    for name in order:
        if name not in expected or name not in found:
            continue
        wanted = in_lsb(name, expected[name], types[name])
        error = np.abs(found[name].astype(np.float64) - wanted)
        allowed = (tolerances or {}).get(name, 0.0) / types[name].lsb
        if not (error > allowed).any():
            continue
        row, column = np.unravel_index(int(error.argmax()), error.shape)
        return Difference(
            layer=name,
            sample=int(samples[int(row)]),
            position=int(column),
            expected_lsb=float(wanted[row, column]),
            found_lsb=int(found[name][row, column]),
            type=str(types[name].grid),
        )
    return None
