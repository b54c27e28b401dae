"""The gate: the hardware's outputs against the quantized model's, as integers of the output's type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hlsflow.conversion.fixed_point import FixedType

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """Where the first difference is: the layer, the sample, the value's place in the layer, and both integers."""

    layer: str
    sample: int
    position: int
    keras_integer: int
    hardware_integer: int
    type: str

    @property
    def error_lsb(self) -> int:
        return abs(self.hardware_integer - self.keras_integer)


@dataclass(frozen=True, kw_only=True, slots=True)
class Agreement:
    """How one output agrees with Keras, over all samples. `max_error_lsb` is in LSBs of `type`."""

    output: str
    type: str
    samples: int
    values: int
    mismatching_samples: int
    mismatching_values: int
    max_error_lsb: int
    argmax_agreement: float
    first_difference: Difference | None = None

    @property
    def exact(self) -> bool:
        return self.mismatching_values == 0


def agree(output: str, keras: np.ndarray, hardware: np.ndarray, type_: FixedType) -> Agreement:
    """The agreement of two int64 arrays (samples, values). Raises ValueError where their shapes differ."""
    import numpy as np

    if keras.shape != hardware.shape:
        raise ValueError(f"output '{output}': {keras.shape} values from Keras, {hardware.shape} from the hardware")
    wrong = keras != hardware
    return Agreement(
        output=output,
        type=str(type_.grid),
        samples=int(keras.shape[0]),
        values=int(keras.size),
        mismatching_samples=int(np.count_nonzero(wrong.any(axis=1))),
        mismatching_values=int(np.count_nonzero(wrong)),
        max_error_lsb=int(np.abs(keras - hardware).max(initial=0)),
        argmax_agreement=float(np.mean(keras.argmax(axis=1) == hardware.argmax(axis=1))),
    )


def first_difference(
    order: Sequence[str],
    keras: Mapping[str, np.ndarray],
    hardware: Mapping[str, np.ndarray],
    types: Mapping[str, FixedType],
    samples: Sequence[int],
) -> Difference | None:
    """The first layer in `order` where Keras and the hardware differ, at its worst value.

    `keras` and `hardware` hold int64 arrays (len(samples), values) by layer; `samples` are the samples' numbers in the
    whole set.
    """
    import numpy as np

    for name in order:
        if name not in keras or name not in hardware:
            continue
        error = np.abs(keras[name] - hardware[name])
        if not error.any():
            continue
        row, column = np.unravel_index(int(error.argmax()), error.shape)
        return Difference(
            layer=name,
            sample=int(samples[int(row)]),
            position=int(column),
            keras_integer=int(keras[name][row, column]),
            hardware_integer=int(hardware[name][row, column]),
            type=str(types[name].grid),
        )
    return None
