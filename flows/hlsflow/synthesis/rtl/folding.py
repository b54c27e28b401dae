"""How a layer is folded: which products each cycle makes, from hls4ml's reuse factor, and the rows of its memories."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hlsflow.errors import UnsupportedError
from hlsflow.synthesis.rtl.network import DenseLayer, IntegerNetwork

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, kw_only=True, slots=True)
class Folding:
    """P inputs and Q outputs a cycle, in `groups` groups of outputs.

    One group: the inputs are used as they come (`dense_stream`). More: P is 1 and a frame is stored and worked through
    (`dense_program`); `steps` is how many cycles that takes without the steps that only multiply by zero.
    """

    inputs: int
    outputs: int
    groups: int
    lanes_out: int
    steps: int
    dense_steps: int

    @property
    def streams(self) -> bool:
        return self.groups == 1

    @property
    def multipliers(self) -> int:
        return self.inputs * self.outputs


def fold_network(network: IntegerNetwork) -> tuple[Folding, ...]:
    """The folding of every layer by its reuse factor. A layer gives as many values a cycle as the next one takes."""
    foldings: list[Folding] = []
    lanes = 1
    for layer in reversed(network.layers):
        folding = fold(layer, layer.reuse_factor, lanes)
        foldings.append(folding)
        lanes = folding.inputs
    return tuple(reversed(foldings))


def fold(layer: DenseLayer, reuse_factor: int, lanes_out: int) -> Folding:
    """The folding of one layer that makes about n_in * n_out / reuse_factor products a cycle, as hls4ml does."""
    if reuse_factor < 1:
        raise ValueError(f"reuse factor {reuse_factor} of layer '{layer.name}'")
    lanes_out = min(lanes_out, layer.n_out)
    groups = max(1, min(reuse_factor // layer.n_in, layer.n_out))
    outputs = -(-layer.n_out // groups)
    # Groups of whole beats: only the last one may be cut off.
    outputs = min(layer.n_out, -(-outputs // lanes_out) * lanes_out)
    groups = -(-layer.n_out // outputs)
    inputs = -(-layer.n_in // reuse_factor) if groups == 1 else 1
    dense_steps = -(-layer.n_in // inputs) * groups
    found = Folding(
        inputs=inputs, outputs=outputs, groups=groups, lanes_out=lanes_out, steps=dense_steps, dense_steps=dense_steps
    )
    if found.streams:
        return found
    steps = sum(len(_inputs_of(layer, found, group)) for group in range(groups))
    return Folding(
        inputs=1, outputs=outputs, groups=groups, lanes_out=lanes_out, steps=steps, dense_steps=dense_steps
    )  # fmt: skip


def _inputs_of(layer: DenseLayer, folding: Folding, group: int) -> list[int]:
    """The inputs that a group of outputs needs: those with a weight that is not zero, and at least one."""
    import numpy as np

    first = group * folding.outputs
    used = np.flatnonzero(np.any(layer.weights[:, first : first + folding.outputs], axis=1))
    return [int(index) for index in used] or [0]


def index_bits(size: int) -> int:
    """Bits of a counter of `size` states, at least one."""
    return max(1, (size - 1).bit_length())


def weight_rows(layer: DenseLayer, folding: Folding) -> list[str]:
    """The rows of the weights of a layer that streams, hexadecimal: output q, input p at index q * P + p."""
    import numpy as np

    padded = np.zeros((folding.steps * folding.inputs, layer.n_out), dtype=np.int64)
    padded[: layer.n_in] = layer.weights
    blocks = padded.reshape(folding.steps, folding.inputs, layer.n_out).transpose(0, 2, 1)
    return [packed(block.ravel(), layer.weight.width) for block in blocks]


def program_rows(layer: DenseLayer, folding: Folding) -> list[str]:
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
            row = _pack(padded[index, columns], layer.weight.width) | index << bits
            row |= int(index == inputs[-1]) << (width - 1)
            rows.append(_hex(row, width))
    return rows


def bias_rows(layer: DenseLayer, folding: Folding) -> list[str]:
    """A row of Q biases for each group."""
    import numpy as np

    padded = np.zeros(folding.groups * folding.outputs, dtype=np.int64)
    padded[: layer.n_out] = layer.bias
    return [packed(group, layer.accum.width) for group in padded.reshape(folding.groups, folding.outputs)]


def packed(values: np.ndarray, width: int) -> str:
    """Integers side by side, the first in the lowest bits, in two's complement; hexadecimal digits."""
    return _hex(_pack(values, width), width * len(values))


def _pack(values: np.ndarray, width: int) -> int:
    mask = (1 << width) - 1
    row = 0
    for value in reversed(values.tolist()):
        row = row << width | value & mask
    return row


def _hex(row: int, width: int) -> str:
    return f"{row:0{-(-width // 4)}x}"


def fit_multipliers(network: IntegerNetwork, limit: int) -> IntegerNetwork:
    """The network with reuse factors raised until its multipliers fit, those of the least busy layers first.

    Raises UnsupportedError where even one multiplier a layer is too many.
    """
    layers = list(network.layers)
    while True:
        fitted = replace(network, layers=tuple(layers))
        foldings = fold_network(fitted)
        if sum(folding.multipliers for folding in foldings) <= limit:
            return fitted
        shared = [index for index, folding in enumerate(foldings) if folding.multipliers > 1]
        if not shared:
            raise UnsupportedError(f"open RTL: {len(layers)} layers need a multiplier each, the device has {limit}")
        least = min(shared, key=lambda index: (foldings[index].steps, -index))
        layer = layers[least]
        # Up to n_in a cycle takes fewer inputs, beyond it fewer outputs.
        raised = layer.reuse_factor * 2 if layer.reuse_factor * 2 <= layer.n_in else layer.n_in
        if raised <= layer.reuse_factor:
            raised = (layer.reuse_factor // layer.n_in + 1) * layer.n_in
        layers[least] = replace(layer, reuse_factor=raised)
