"""A batch normalization in front of quantizers: its float32 constants, of some 24 bits each and far apart, replaced by
the shortest that give the same outputs for every integer that comes in. See `network.staircase`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from hlsflow.network.graph import Network, Node, Op
from hlsflow.network.intervals import Interval, per_channel
from hlsflow.network.staircase import Constants, staircase
from hlsflow.network.steps import Steps, quantizers_behind, steps_behind

if TYPE_CHECKING:
    pass

# The attribute of a scale whose constants were replaced: the number of steps that were held in place, the quantizers
# whose steps they are, and the nodes between, which have other values than Keras gives, up to those quantizers.
SHORTENED = "shortened"


def shortened(network: Network, node: Node, x: Interval) -> Node:
    """A scale with the shortest constants that its quantizers do not tell from its own, for inputs in an interval; as
    it is where something else than quantizers reads it, or no shorter constants were found."""
    readers = quantizers_behind(network, node.name)
    steps = None if readers is None else steps_behind(network, readers)
    if readers is None or steps is None:
        return node
    x = x.at(x.fraction + readers.mean_bits)
    low, high = per_channel(x)
    arrays = [node.arrays["scale"], node.arrays["bias"], low, high, steps.at]
    found = _shortest(tuple(array.astype("<f8").tobytes() for array in arrays), steps.inclusive.tobytes(), x.fraction)
    if found is None:
        return node
    constants, count = found
    said = {
        "steps": count,
        "quantizers": [network[name].keras_layer for name, _ in readers.quantizers],
        "between": list(readers.between),
    }
    return replace(
        node,
        arrays={"scale": constants.scale, "bias": constants.bias},
        attributes={**node.attributes, SHORTENED: said},
    )


@lru_cache(maxsize=256)
def _shortest(numbers: tuple[bytes, ...], inclusive: bytes, fraction: int) -> tuple[Constants, int] | None:
    """The constants and the number of steps; kept, for a build asks for its types several times."""
    import numpy as np

    scale, bias, low, high, at = (np.frombuffer(number, dtype="<f8") for number in numbers)
    steps = Steps(at=at, inclusive=np.frombuffer(inclusive, dtype=bool))
    stairs = staircase(scale=scale, bias=bias, low=low, high=high, fraction=fraction, steps=steps)
    found = None if stairs is None else stairs.narrowest()
    if stairs is None or found is None or not stairs.holds(found):
        return None
    # hls4ml leaves out what multiplies by one and adds nothing, and merges what it finds behind.
    identity = (found.scale == 1).all() and not found.bias.any()
    return None if identity else (found, stairs.count)


def unlike_keras(nodes: Sequence[Node]) -> frozenset[str]:
    """The nodes whose values are Keras' no sooner than a quantizer has rounded them."""
    return frozenset(
        name
        for node in nodes
        if node.op is Op.SCALE and SHORTENED in node.attributes
        for name in (node.name, *node.attributes[SHORTENED]["between"])
    )
