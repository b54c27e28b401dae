"""What a tensor of the model is in hardware: a node's values, where each of them lies, and what is yet to be computed.

A transposition or a reshape of the model moves no value of hardware: it is noted where each value lies, and the layer
that reads them has its weights in that order. Likewise a scale and a shift wait for what reads the tensor: a quantizer
takes them into its own, a product passes the scale on, and only what takes neither has them computed.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import prod
from typing import TYPE_CHECKING, Any

from hlsflow.network.fixed_point import FixedType

if TYPE_CHECKING:
    from hlsflow.foundation.arrays import Array
    from hlsflow.frontends.onnx.graph import Step


def _one() -> Array:
    import numpy as np

    return np.ones(())


def _zero() -> Array:
    import numpy as np

    return np.zeros(())


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Constant:
    """A constant as the framework computes with it. On a grid that is no power of two it is `integers` (float64) times
    `scale` (float64, of the same number of axes, or of none); `type` is the one that a quantizer of weights states."""

    values: Array
    integers: Array | None = None
    scale: Array | None = None
    type: FixedType | None = None


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Value:
    """A tensor of the model: hw * scale + shift, held at zero from below where `rectified`.

    `index` (int64, the shape of one sample in the model) says which of the flat values of `node` each one is. `scale`
    and `shift` are float64 and broadcast to that shape. `tensor` is its name in the model, and `maker` the step that
    gives it, None for an input.
    """

    node: str
    index: Array
    tensor: str
    maker: Step | None
    scale: Array = field(default_factory=_one)
    shift: Array = field(default_factory=_zero)
    rectified: bool = False

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.index.shape)

    @property
    def waits(self) -> bool:
        """Whether anything is yet to be computed."""
        return self.rectified or self.scales

    @property
    def scales(self) -> bool:
        """Whether a scale or a shift is."""
        return bool((self.scale != 1).any() or self.shift.any())

    @property
    def single_scale(self) -> float | None:
        """The scale where it is one for all values and nothing else waits."""
        if self.rectified or self.shift.any() or (self.scale != self.scale.ravel()[0]).any():
            return None
        return float(self.scale.ravel()[0])

    def of(self, **more: Any) -> Value:
        return replace(self, **more)

    def scaled(self, factor: Array, offset: Array) -> Value:
        """It times a factor, plus an offset; a rectified one takes a factor above zero alone."""
        return replace(self, scale=self.scale * factor, shift=self.shift * factor + offset)

    def moved(self, how: Any) -> Value:
        """Its values in other places: `how` maps arrays of its shape."""
        return replace(
            self,
            index=how(self.index),
            scale=self.scale if self.scale.size == 1 else how(self._whole(self.scale)),
            shift=self.shift if self.shift.size == 1 else how(self._whole(self.shift)),
        )

    def _whole(self, values: Array) -> Array:
        import numpy as np

        return np.broadcast_to(values, self.shape)

    def in_hardware(self, values: Array) -> Array:
        """Values that broadcast to its shape, in the order of the node's: (values,)."""
        import numpy as np

        found = np.empty(self.index.size)
        found[self.index.ravel()] = np.broadcast_to(values, self.shape).ravel()
        return found

    @property
    def axes(self) -> tuple[int, ...] | None:
        """The model's axes in the order in which they vary in hardware, the slowest first; None where no order of axes
        gives it. Axes of one value stand where they stand in the model."""
        import numpy as np

        shape = self.shape
        long = [axis for axis, size in enumerate(shape) if size > 1]
        strides = {
            axis: int(np.take(self.index, 1, axis).ravel()[0] - np.take(self.index, 0, axis).ravel()[0])
            for axis in long
        }
        order = sorted(long, key=lambda axis: -strides[axis])
        for axis in range(len(shape)):
            if axis not in long:
                order.insert(axis, axis)
        found = tuple(order)
        return found if np.array_equal(self.index, arranged(shape, found)) else None


def arranged(shape: tuple[int, ...], axes: tuple[int, ...]) -> Array:
    """The index of a tensor whose axes vary in an order in hardware."""
    import numpy as np

    inverse = sorted(range(len(axes)), key=lambda place: axes[place])
    return np.arange(prod(shape)).reshape([shape[axis] for axis in axes]).transpose(inverse)


def plain(rank: int) -> tuple[int, ...]:
    """The axes of a tensor in the model's own order."""
    return tuple(range(rank))


def channels_last(rank: int) -> tuple[int, ...]:
    """The axes with the first one, the channels, behind the others."""
    return (*range(1, rank), 0)
