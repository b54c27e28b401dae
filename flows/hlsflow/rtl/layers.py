"""The layers of a chain as values, each with what it computes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from hlsflow.hls.window import Window
from hlsflow.network.fixed_point import FixedType, cast

if TYPE_CHECKING:
    import numpy as np

_FLOAT64_BITS = 53


@dataclass(frozen=True, kw_only=True, slots=True)
class Cast:
    """A value assigned to a type, after max(0, x) if `relu`. `name` is the layer that does it."""

    name: str
    relu: bool
    source: FixedType
    target: FixedType


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class ProductLayer:
    """A matrix product and its casts: of the whole frame, or with a `window` of each of its patches (a convolution).

    `weights` (n_in, n_out) int64 in LSBs of `weight`, `bias` (n_out,) of `accum`. The inputs of a patch are in the
    order row, column, channel.
    """

    name: str
    weights: np.ndarray
    bias: np.ndarray
    data: FixedType
    weight: FixedType
    accum: FixedType
    casts: tuple[Cast, ...]
    reuse_factor: int
    window: Window | None = None

    @property
    def n_in(self) -> int:
        return int(self.weights.shape[0])

    @property
    def n_out(self) -> int:
        return int(self.weights.shape[1])

    @property
    def windows(self) -> int:
        """Matrix products of a frame."""
        return 1 if self.window is None else self.window.out_height * self.window.out_width

    @property
    def input_size(self) -> int:
        return self.n_in if self.window is None else image_size(self.window)

    @property
    def output_size(self) -> int:
        return self.windows * self.n_out

    @property
    def shift(self) -> int:
        """Left shift from the products' grid to the accumulator's."""
        return self.accum.fraction - self.data.fraction - self.weight.fraction

    @property
    def total(self) -> FixedType:
        """The type of the sums, before the casts."""
        return self.accum

    @property
    def result(self) -> FixedType:
        return self.casts[-1].target if self.casts else self.accum

    def run(self, values: np.ndarray) -> np.ndarray:
        rows = values if self.window is None else self.window.patches(values, 0).reshape(-1, self.n_in)
        total = (self._product(rows) << self.shift) + self.bias
        return apply(self.casts, cast(total, 0, _integers(self.accum))).reshape(len(values), -1)

    def _product(self, rows: np.ndarray) -> np.ndarray:
        """rows @ weights, exactly; by float64 where that holds every sum, for it is several times faster."""
        import numpy as np

        most = max(abs(self.data.min_int), self.data.max_int) * int(np.abs(self.weights).sum(axis=0).max())
        if most.bit_length() >= _FLOAT64_BITS:
            return rows @ self.weights
        return (rows.astype(np.float64) @ self.weights.astype(np.float64)).astype(np.int64)


@dataclass(frozen=True, kw_only=True, slots=True)
class PoolLayer:
    """The maximum or the sum of each window, channel by channel, and its casts.

    `total` is the type of what the casts begin with: that of the input, or wide enough for the sum.
    """

    name: str
    function: Literal["max", "sum"]
    window: Window
    data: FixedType
    total: FixedType
    casts: tuple[Cast, ...]

    @property
    def channels(self) -> int:
        return self.window.channels

    @property
    def windows(self) -> int:
        return self.window.out_height * self.window.out_width

    @property
    def input_size(self) -> int:
        return image_size(self.window)

    @property
    def output_size(self) -> int:
        return self.windows * self.channels

    @property
    def result(self) -> FixedType:
        return self.casts[-1].target

    @property
    def padding(self) -> int:
        """What stands outside of the image, in LSBs: hls4ml pads a maximum with the sign bit alone."""
        if self.function == "sum":
            return 0
        return self.data.min_int if self.data.signed else 1 << (self.data.width - 1)

    def run(self, values: np.ndarray) -> np.ndarray:
        patches = self.window.patches(values, self.padding)
        found = patches.max(axis=(3, 4)) if self.function == "max" else patches.sum(axis=(3, 4))
        return apply(self.casts, found).reshape(len(values), -1)


@dataclass(frozen=True, kw_only=True, slots=True)
class ArgmaxLayer:
    """1 where the largest of `size` values stands, the first of equal ones, 0 elsewhere."""

    name: str
    size: int
    data: FixedType
    result: FixedType

    @property
    def input_size(self) -> int:
        return self.size

    @property
    def output_size(self) -> int:
        return self.size

    @property
    def one(self) -> int:
        """1 in LSBs of the result's type, as an assignment makes it: 0 where the type has no room for it."""
        import numpy as np

        return int(cast(np.array([1]), 0, self.result)[0])

    def run(self, values: np.ndarray) -> np.ndarray:
        import numpy as np

        found = np.zeros_like(values)
        found[np.arange(len(found)), values.argmax(axis=1)] = self.one
        return found


Layer = ProductLayer | PoolLayer | ArgmaxLayer


def image_size(window: Window) -> int:
    """Values of the image that a window slides over."""
    return window.in_height * window.in_width * window.channels


def _integers(type_: FixedType) -> FixedType:
    """The bits of a type read as whole numbers that wrap."""
    return FixedType(width=type_.width, integer=type_.width, signed=type_.signed)


def apply(casts: Sequence[Cast], values: np.ndarray) -> np.ndarray:
    """Integers after a chain of casts."""
    for step in casts:
        positive = values.clip(min=0) if step.relu else values
        values = cast(positive, step.source.fraction, step.target)
    return values
