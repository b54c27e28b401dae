"""Sums of products: nnet_dense*.h, nnet_conv1d*.h, nnet_conv2d*.h and nnet_sepconv*.h (hls4ml 1.3.0)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hlsflow.emulation.step import (
    Step,
    magnitude_bits,
    type_bits,
    unary,
)
from hlsflow.foundation.errors import UnsupportedError
from hlsflow.hls.integer_nodes import Depthwise, Matrix, Product
from hlsflow.network.fixed_point import FixedType, Overflow, apply_overflow, cast

if TYPE_CHECKING:
    from hlsflow.foundation.arrays import Array


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Products:
    """A matrix product with an accumulator: rows of integers (m, n_in) in, integers of the result (m, n_out) out.

    `order` is the order in which the hardware adds the products of one output; it matters only where a saturating
    accumulator can overflow on the way.
    """

    weights: Array
    bias: Array
    data: FixedType
    product_fraction: int
    accum: FixedType
    result: FixedType
    order: Sequence[int]

    @property
    def _rounds(self) -> bool:
        return self.accum.fraction < self.product_fraction

    def bounds(self) -> tuple[float, float]:
        """Bounds of every partial sum on the finer of the two grids, over all inputs of the data type."""
        import numpy as np

        low, high = float(self.data.min_int), float(self.data.max_int)
        scale = 2.0 ** max(0, self.accum.fraction - self.product_fraction)
        least = np.minimum(np.minimum(self.weights * low, self.weights * high), 0).sum(axis=0) * scale
        most = np.maximum(np.maximum(self.weights * low, self.weights * high), 0).sum(axis=0) * scale
        offset = self.bias * 2.0 ** max(0, self.product_fraction - self.accum.fraction)
        return float((least + np.minimum(offset, 0)).min()), float((most + np.maximum(offset, 0)).max())

    def function(self) -> tuple[Callable[[Array], Array], int]:
        """The function, and the bits that it needs."""
        low, high = self.bounds()
        bits = max(
            magnitude_bits(low, high),
            type_bits(self.accum, self.product_fraction if self._rounds else None),
            type_bits(self.accum, self.result.fraction),
        )
        shift = max(0, self.product_fraction - self.accum.fraction)
        fits = self.accum.min_int <= low / 2**shift and high / 2**shift + 1 <= self.accum.max_int + 1
        if self._rounds or not (fits or self.accum.overflow is Overflow.WRAP):
            return self._one_by_one, bits
        weights = self.weights * 2.0 ** (self.accum.fraction - self.product_fraction)
        # The usual case: the result has the accumulator's grid and holds every sum, so assigning it changes nothing.
        same = (
            fits
            and self.result.fraction == self.accum.fraction
            and self.result.min_int <= low / 2**shift
            and high / 2**shift <= self.result.max_int
        )
        operands: dict[object, tuple[Array, Array]] = {}

        def at_once(x: Array) -> Array:
            if x.dtype not in operands:
                operands[x.dtype] = weights.astype(x.dtype), self.bias.astype(x.dtype)
            matrix, offset = operands[x.dtype]
            total = x @ matrix
            total += offset
            if same:
                return total
            # A wrapping sum is the same in any order, so one wrap at the end does.
            return cast(total if fits else apply_overflow(total, self.accum), self.accum.fraction, self.result)

        return at_once, bits

    def _one_by_one(self, x: Array) -> Array:
        """Every product cast to the accumulator, then added, as the C++ does."""
        import numpy as np

        total = np.broadcast_to(self.bias.astype(x.dtype), (len(x), self.weights.shape[1])).copy()
        weights = self.weights.astype(x.dtype)
        for index in self.order:
            product = cast(x[:, index : index + 1] * weights[index], self.product_fraction, self.accum)
            total = apply_overflow(total + product, self.accum)
        return cast(total, self.accum.fraction, self.result)


def _products(node: Product, order: Sequence[int]) -> Products:
    import numpy as np

    if not node.multiplication.endswith("::mult"):
        raise UnsupportedError(f"the emulator does not cover {node.multiplication} (layer '{node.name}')")
    return Products(
        weights=node.weights.astype(np.float64),
        bias=node.bias.astype(np.float64),
        data=node.data,
        product_fraction=node.data.fraction + node.weight.fraction,
        accum=node.accum,
        result=node.result,
        order=order,
    )


def _is_resource(node: Product) -> bool:
    if node.strategy not in ("latency", "resource"):
        raise UnsupportedError(f"the emulator does not cover the strategy {node.strategy} (layer '{node.name}')")
    return node.strategy == "resource"


def _order(node: Product) -> Sequence[int]:
    """The order of the additions: rising, or for few multipliers every reuse_factor-th first."""
    n_in, reuse = node.weights.shape[0], node.reuse_factor
    if not _is_resource(node) or reuse >= n_in:
        return range(n_in)
    return [index for first in range(reuse) for index in range(first, n_in, reuse)]


def matrix(node: Matrix) -> Step:
    function, bits = _products(node, _order(node)).function()
    window, n_in = node.window, node.weights.shape[0]
    if window is None:
        return unary(function, bits)

    def run(x: Array) -> Array:
        return function(window.patches(x, 0).reshape(-1, n_in)).reshape(len(x), -1)

    return unary(run, bits)


def depthwise(node: Depthwise) -> Step:
    import numpy as np

    window = node.window
    size = window.height * window.width
    products = _products(node, range(size))
    accum, result, bias = products.accum, products.result, products.bias
    low, high = products.bounds()
    # All products of a channel at once, where their order and the accumulator's width make no difference.
    rounds = accum.fraction < products.product_fraction
    fits = not rounds and accum.min_int <= low <= high <= accum.max_int
    at_once = fits or (not rounds and accum.overflow is Overflow.WRAP)
    weights = products.weights * (2.0 ** (accum.fraction - products.product_fraction) if at_once else 1.0)
    taps = np.zeros((0, 0), dtype=np.int64) if at_once else _depthwise_order(node, size, window.channels)

    def run(x: Array) -> Array:
        patches = window.patches(x, 0).reshape(len(x), -1, size, window.channels)
        if at_once:
            total = np.einsum("npsc,sc->npc", patches, weights.astype(x.dtype)) + bias.astype(x.dtype)
            return cast(total if fits else apply_overflow(total, accum), accum.fraction, result).reshape(len(x), -1)
        channels = np.arange(window.channels)
        total = np.broadcast_to(bias.astype(x.dtype), (*patches.shape[:2], window.channels)).copy()
        for tap in taps:
            product = patches[:, :, tap, channels] * weights[tap, channels].astype(x.dtype)
            total = apply_overflow(total + cast(product, products.product_fraction, accum), accum)
        return cast(total, accum.fraction, result).reshape(len(x), -1)

    bits = max(
        magnitude_bits(low, high),
        type_bits(accum, products.product_fraction if rounds else None),
        type_bits(accum, result.fraction),
    )
    return unary(run, bits)


def _depthwise_order(node: Depthwise, size: int, channels: int) -> Array:
    """For each channel the order in which its taps are added, (taps, channels): rising, or with few multipliers every
    reuse_factor-th value of a window first (nnet_depthwise_product.h)."""
    import numpy as np

    values = np.arange(size * channels)
    if _is_resource(node):
        reuse = min(node.reuse_factor, size * channels)
        values = values[np.lexsort((values // reuse, values % reuse))]
    columns = [values[values % channels == channel] // channels for channel in range(channels)]
    return np.stack(columns, axis=1)
