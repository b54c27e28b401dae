"""How a layer is folded: which products each cycle makes, from hls4ml's reuse factor, and the rows of its memories."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import gcd

from hlsflow.foundation.errors import UnsupportedError
from hlsflow.hls.window import Window
from hlsflow.rtl.chain import Chain
from hlsflow.rtl.layers import ArgmaxLayer, Layer, PoolLayer, ProductLayer
from hlsflow.rtl.rows import hexadecimal, index_bits, pack, packed
from hlsflow.rtl.sparse.plan import SparsePlan


@dataclass(frozen=True, kw_only=True, slots=True)
class Folding:
    """P inputs and Q outputs a cycle, in `groups` groups of outputs, `windows` times a frame (once, but for images).

    One group: the inputs are used as they come (`dense_stream`). More: P is 1 and a window's inputs are stored and
    worked through (`dense_program`); `steps` is how many cycles that takes without the steps that only multiply by
    zero. `lanes_in` values a beat come in, `lanes_out` go out. A pooling has no multipliers, and no steps of its own.
    With a `sparse` plan it is that which says who works when (`dense_sparse`): P banks of Q lanes, one group.
    """

    inputs: int
    outputs: int
    groups: int
    lanes_in: int
    lanes_out: int
    steps: int
    dense_steps: int
    windows: int = 1
    sparse: SparsePlan | None = None

    @property
    def streams(self) -> bool:
        return self.groups == 1

    @property
    def multipliers(self) -> int:
        return self.inputs * self.outputs

    @property
    def queue_bits(self) -> int:
        """The queue that groups of sums need, to follow one another as fast as their steps do; 0 for none.

        Only the windows of an image do so in a frame. A group leaves the multipliers some cycles after its last step,
        and then takes the cycles of its beats.
        """
        under_way = 5 + max(0, self.inputs - 1).bit_length()
        steps = max(1, self.steps // self.groups)
        if self.windows == 1 or steps >= under_way + -(-self.outputs // self.lanes_out):
            return 0
        return (under_way // steps + 2).bit_length()

    @property
    def cycles(self) -> int:
        """Cycles of a frame that the multipliers are busy."""
        return self.steps * self.windows


def fold_network(chain: Chain) -> tuple[Folding, ...]:
    """The folding of every layer by its reuse factor. A layer gives as many values a cycle as the next one takes."""
    foldings: list[Folding] = []
    lanes = 1
    for index in reversed(range(len(chain.layers))):
        layer = chain.layers[index]
        before = chain.layers[index - 1] if index else None
        folding = fold_layer(layer, lanes, before)
        foldings.append(folding)
        lanes = folding.lanes_in
    return tuple(reversed(foldings))


def fold_layer(layer: Layer, lanes_out: int, before: Layer | None) -> Folding:
    """The folding of one layer behind another, by its reuse factor."""
    unit = pixel(before)
    # What comes pixel by pixel is not cut across pixels: a layer before takes the largest part of one that fits.
    lanes_out = min(lanes_out, pixel(layer) or layer.output_size)
    match layer:
        case ProductLayer(window=None):
            return fold(layer, layer.reuse_factor, lanes_out, unit)
        case ProductLayer(window=Window() as window):
            folding = fold(layer, layer.reuse_factor, lanes_out)
            # Most windows begin at every pixel, but strides and borders leave pixels without one.
            cycles = folding.steps * layer.windows / (window.in_height * window.in_width)
            lanes = _pixel_lanes(window.channels, unit, max(cycles, _pace(before)))
            return replace(folding, lanes_in=lanes, windows=layer.windows)
        case PoolLayer():
            lanes, outputs, windows = _pixel_lanes(layer.channels, unit, _pace(before)), layer.channels, layer.windows
        case ArgmaxLayer():
            lanes, outputs, windows = lanes_out, layer.size, 1
    return Folding(
        inputs=0, outputs=outputs, groups=1, lanes_in=lanes, lanes_out=lanes_out, steps=0, dense_steps=0,
        windows=windows,
    )  # fmt: skip


def _pixel_lanes(channels: int, unit: int | None, cycles: float) -> int:
    """The fewest lanes that bring a pixel in so many cycles, or all that the pixels of the layer before allow."""
    whole = gcd(channels, unit or channels)
    return next((n for n in divisors(whole) if channels <= n * cycles), whole)


def _pace(layer: Layer | None) -> int:
    """Cycles from one value, or pixel, of a layer to the next."""
    if not isinstance(layer, ProductLayer):
        return 1
    steps = fold(layer, layer.reuse_factor, 1).steps
    return steps if layer.window is not None else max(1, steps // layer.n_out)


def pixel(layer: Layer | None) -> int | None:
    """How many values a layer gives at a time where it slides over an image; None where it gives whole frames."""
    if isinstance(layer, PoolLayer):
        return layer.channels
    return layer.n_out if isinstance(layer, ProductLayer) and layer.window is not None else None


def divisors(number: int) -> list[int]:
    """All divisors, rising."""
    return [n for n in range(1, number + 1) if number % n == 0]


def legal_lanes(wanted: int, size: int, unit: int | None) -> int:
    """The most lanes, at most `wanted`, in which a frame of `size` values comes that is made of pixels of `unit`.

    A part of a pixel a beat, or so many whole pixels a beat as go into the frame.
    """
    if unit is None:
        return wanted
    whole = [unit * n for n in divisors(size // unit)]
    return max(n for n in (*divisors(unit), *whole) if n <= wanted)


def fold(layer: ProductLayer, reuse_factor: int, lanes_out: int, unit: int | None = None) -> Folding:
    """The folding of one layer that makes about n_in * n_out / reuse_factor products a cycle, as hls4ml does.

    `unit`: the inputs come in pixels of so many values.
    """
    if reuse_factor < 1:
        raise ValueError(f"reuse factor {reuse_factor} of layer '{layer.name}'")
    lanes_out = min(lanes_out, layer.n_out)
    groups = max(1, min(reuse_factor // layer.n_in, layer.n_out))
    outputs = -(-layer.n_out // groups)
    # Groups of whole beats: only the last one may be cut off.
    outputs = min(layer.n_out, -(-outputs // lanes_out) * lanes_out)
    groups = -(-layer.n_out // outputs)
    inputs = legal_lanes(-(-layer.n_in // reuse_factor), layer.n_in, unit) if groups == 1 else 1
    dense_steps = -(-layer.n_in // inputs) * groups
    found = Folding(
        inputs=inputs, outputs=outputs, groups=groups, lanes_in=inputs, lanes_out=lanes_out, steps=dense_steps,
        dense_steps=dense_steps,
    )  # fmt: skip
    if found.streams:
        return found
    return replace(found, steps=sum(len(_inputs_of(layer, found, group)) for group in range(groups)))


def _inputs_of(layer: ProductLayer, folding: Folding, group: int) -> list[int]:
    """The inputs that a group of outputs needs: those with a weight that is not zero, and at least one."""
    import numpy as np

    first = group * folding.outputs
    used = np.flatnonzero(np.any(layer.weights[:, first : first + folding.outputs], axis=1))
    return [int(index) for index in used] or [0]


def weight_rows(layer: ProductLayer, folding: Folding) -> list[str]:
    """The rows of the weights of a layer that streams, hexadecimal: output q, input p at index q * P + p."""
    import numpy as np

    padded = np.zeros((folding.steps * folding.inputs, layer.n_out), dtype=np.int64)
    padded[: layer.n_in] = layer.weights
    blocks = padded.reshape(folding.steps, folding.inputs, layer.n_out).transpose(0, 2, 1)
    return [packed(block.ravel(), layer.weight.width) for block in blocks]


def program_rows(layer: ProductLayer, folding: Folding) -> list[str]:
    """The rows of the program of a layer that stores its inputs: {last of the group, input, Q weights}."""
    import numpy as np

    padded = np.zeros((layer.n_in, folding.groups * folding.outputs), dtype=np.int64)
    padded[:, : layer.n_out] = layer.weights
    bits = folding.outputs * layer.weight.width
    width = 1 + index_bits(layer.n_in) + bits
    rows = []
    for group in range(folding.groups):
        columns = slice(group * folding.outputs, (group + 1) * folding.outputs)
        inputs = _inputs_of(layer, folding, group)
        for index in inputs:
            row = pack(padded[index, columns].tolist(), layer.weight.width) | index << bits
            row |= int(index == inputs[-1]) << (width - 1)
            rows.append(hexadecimal(row, width))
    return rows


def bias_rows(layer: ProductLayer, folding: Folding) -> list[str]:
    """A row of Q biases for each group."""
    import numpy as np

    padded = np.zeros(folding.groups * folding.outputs, dtype=np.int64)
    padded[: layer.n_out] = layer.bias
    return [packed(group, layer.accum.width) for group in padded.reshape(folding.groups, folding.outputs)]


def fit_multipliers(chain: Chain, limit: int) -> Chain:
    """The network with reuse factors raised until its multipliers fit, those of the least busy layers first.

    Raises UnsupportedError where even one multiplier a layer is too many.
    """
    layers = list(chain.layers)
    while True:
        fitted = replace(chain, layers=tuple(layers))
        foldings = fold_network(fitted)
        if sum(folding.multipliers for folding in foldings) <= limit:
            return fitted
        shared = [index for index, folding in enumerate(foldings) if folding.multipliers > 1]
        if not shared:
            count = len(chain.products)
            raise UnsupportedError(f"open RTL: {count} layers need a multiplier each, the device has {limit}")
        least = min(shared, key=lambda index: (foldings[index].cycles, -index))
        layer = layers[least]
        # Up to n_in a cycle takes fewer inputs, beyond it fewer outputs.
        raised = layer.reuse_factor * 2 if layer.reuse_factor * 2 <= layer.n_in else layer.n_in
        if raised <= layer.reuse_factor:
            raised = (layer.reuse_factor // layer.n_in + 1) * layer.n_in
        layers[least] = replace(layer, reuse_factor=raised)
