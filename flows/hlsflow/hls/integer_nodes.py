"""The nodes of an integer network as values: what each computes, on which integers, in which types.

What a view of them does not cover, it refuses: a node says what the C++ says.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

from hlsflow.hls.window import Window
from hlsflow.network.fixed_point import FixedType
from hlsflow.network.value_tables import ValueTable

if TYPE_CHECKING:
    from hlsflow.foundation.arrays import Array


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Node:
    """A call of `nnet::function`; of this very class where it is of a function that nobody reads more of.

    `inputs` and `outputs` are the variables with its values, whatever other names they have; `reshaped`: it reads its
    input in another shape than was written.
    """

    name: str
    function: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    reshaped: bool = False


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Unary(Node):
    """A node of one operand: `data` is the type of its values, `result` that of what it gives."""

    data: FixedType
    result: FixedType


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Product(Unary):
    """A matrix product and its bias.

    `weights` int64 in LSBs of `weight`, `bias` int64 (n_out,) in LSBs of `accum`. `strategy` is the word after
    `nnet::`, `multiplication` what hls4ml multiplies by.
    """

    weights: Array
    bias: Array
    weight: FixedType
    accum: FixedType
    strategy: str
    multiplication: str
    reuse_factor: int


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Matrix(Product):
    """A product of the whole frame, or with a `window` of each of its patches. `weights` are (n_in, n_out)."""

    window: Window | None = None


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Depthwise(Product):
    """A product of each channel of each patch with weights of its own, (taps, channels)."""

    window: Window


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Scale(Unary):
    """Every value times the factor of its channel, and an offset: `factor` and `offset` int64 (channels,) in LSBs of
    `factor_type` and `offset_type`."""

    factor: Array
    offset: Array
    factor_type: FixedType
    offset_type: FixedType


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Pooling(Unary):
    """The maximum or the mean of each window, channel by channel, in `accum` and then in `result`.

    `whole`: the one window is the image.
    """

    kind: Literal["max", "average"]
    window: Window
    accum: FixedType
    whole: bool = False


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Padding(Unary):
    """Zeros around an image of `height` x `width` positions of `channels` values."""

    height: int
    width: int
    channels: int
    top: int
    bottom: int
    left: int
    right: int


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Cast(Unary):
    """Values assigned to a type, after max(0, x) if `relu`."""

    relu: bool = False


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class ElementCast(Unary):
    """Each element assigned to a type of its own, or zero where that is None, and then all to `result`. There are as
    many `types` as values at a position, or in the whole tensor."""

    types: tuple[FixedType | None, ...]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Copies(Unary):
    """The same values in each of its outputs."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class HardClip(Unary):
    """clip(slope * x + shift, 0, 1) * times + plus, in full precision, then cast."""

    slope: float
    shift: float
    times: int
    plus: int


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class LeakyRelu(Unary):
    """Values below zero times a slope: `slopes` int64 (values,), or (1,) for all, in LSBs of `slope`."""

    slopes: Array
    slope: FixedType


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Sign(Unary):
    """1 where a value is not negative, else -1."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Ternary(Unary):
    """The sign of a value that is beyond ±1, else 0; `doubled` values are compared, in their own type."""

    doubled: bool


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Resize(Unary):
    """An image of `channels` values a position, each new position the nearest old one."""

    height: int
    width: int
    channels: int
    new_height: int
    new_width: int


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Transpose(Unary):
    """Values of a `shape` with its axes in another order."""

    shape: tuple[int, ...]
    axes: tuple[int, ...]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Lookup(Unary):
    """A function of single values, read from a table."""

    table: ValueTable


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Slices(Unary):
    """What is computed of each `slice` of `size` values; `last`: slices lie along the last axis, and in a stream each
    is a pack."""

    size: int
    slice: int
    last: bool


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Argmax(Slices):
    """1 where the largest value of a slice stands, the first of equal ones, 0 elsewhere."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SoftmaxTables:
    """The tables of a stable softmax and the types on the way from one to the other, by hls4ml's names of them."""

    exp_table: FixedType
    inv_table: FixedType
    inp_norm: FixedType
    inv_inp: FixedType
    accum: FixedType
    exp_table_size: int
    inv_table_size: int
    exp_scale: float


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Softmax(Slices):
    """A softmax of each slice; `tables` are None of an implementation that has others."""

    implementation: str
    tables: SoftmaxTables | None


class Combination(StrEnum):
    """What is made of two values."""

    ADD = "add"
    SUBTRACT = "subtract"
    AVERAGE = "average"
    MULTIPLY = "multiply"
    MAXIMUM = "maximum"
    MINIMUM = "minimum"


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Pair(Node):
    """A node of two operands, whose types are `first` and `second`."""

    first: FixedType
    second: FixedType
    result: FixedType


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Merge(Pair):
    """Two tensors of a shape, value by value."""

    by: Combination


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Concatenation(Pair):
    """Two tensors behind each other along an axis of theirs, the first of which is 0."""

    shapes: tuple[tuple[int, ...], tuple[int, ...]]
    axis: int
