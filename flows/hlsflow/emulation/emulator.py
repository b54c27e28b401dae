"""The integer network of a converted project, evaluated in numpy: the second witness beside C simulation.

It is a view of `hls.integer_network`, and so starts from the C++ that hls4ml wrote: its types, rounding, saturation,
weights. Each layer is a matrix product of integer-valued floats, then a cast; hundreds of times faster than C
simulation and equal to it on every output. Whatever it does not cover exactly is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hlsflow.emulation.layers import MAKERS
from hlsflow.emulation.step import Step
from hlsflow.foundation.errors import UnsupportedError
from hlsflow.foundation.interrupts import boundaries
from hlsflow.hls.integer_network import IntegerNetwork, read_integer_network
from hlsflow.hls.integer_nodes import Node
from hlsflow.hls.project import HlsProject
from hlsflow.network.fixed_point import FixedType, to_integers

if TYPE_CHECKING:
    from hlsflow.foundation.arrays import Array

FLOAT32_BITS = 24
FLOAT64_BITS = 53


@dataclass(frozen=True, kw_only=True, slots=True)
class Emulator:
    """A network made ready to run. `bits` is the magnitude that its sums can reach."""

    network: IntegerNetwork
    steps: tuple[tuple[Step, Node], ...]
    bits: int

    @property
    def dtype(self) -> str:
        """The float that holds every intermediate integer exactly."""
        return "float32" if self.bits <= FLOAT32_BITS else "float64"

    def run(
        self,
        inputs: Sequence[Array],
        *,
        layers: Iterable[str] = (),
        batch: int = 500,
        progress: Callable[[int, int], None] | None = None,
    ) -> dict[str, Array]:
        """Outputs as int64 multiples of their type's LSB (samples, values), by port name and by layer name.

        `inputs` holds one array (samples, …) for each input port: floats are real values on the grid of its type,
        integers are multiples of its LSB (the pixels themselves, where the input is pixel/256), which is faster.
        Raises ValueError where a value is not one of the type.
        """
        import numpy as np

        wanted = frozenset(layers)
        samples = len(inputs[0])
        parts: list[dict[str, Array]] = []
        for first in boundaries(range(0, samples, batch)):
            values: dict[str, Array] = {}
            for port, array in zip(self.network.inputs, inputs, strict=True):
                part = array[first : first + batch]
                values[port.variable] = _integers(part.reshape(len(part), -1), port.type, self.dtype)
            parts.append(self._run_batch(values, wanted))
            if progress is not None:
                progress(min(samples, first + batch), samples)
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def _run_batch(self, values: dict[str, Array], wanted: frozenset[str]) -> dict[str, Array]:
        import numpy as np

        found: dict[str, Array] = {}
        for step, node in self.steps:
            results = step.function([values[name] for name in node.inputs])
            values.update(zip(node.outputs, results, strict=True))
            if node.name in wanted:
                found[node.name] = results[0].astype(np.int64)
        for port in self.network.outputs:
            found[port.name] = values[port.variable].astype(np.int64)
        return found


def _integers(values: Array, type_: FixedType, dtype: str) -> Array:
    """Inputs as integers of their type. Raises ValueError where one is not on its grid or out of range."""
    import numpy as np

    if values.dtype.kind in "iu":
        limits = np.iinfo(values.dtype)
        always = type_.min_int <= limits.min and limits.max <= type_.max_int
        if not always and values.size and (values.min() < type_.min_int or values.max() > type_.max_int):
            raise ValueError(f"an input leaves the range of its type {type_}")
        return values.astype(dtype)
    if values.dtype != np.float32 or dtype != "float32" or type_.width > 16:
        whole = to_integers(values, type_.fraction)
        if whole.size and (whole.min() < type_.min_int or whole.max() > type_.max_int):
            raise ValueError(f"an input leaves the range of its type {type_}")
        return whole.astype(dtype)
    # The common case, in three passes: through a small integer and back, which only whole numbers in range survive.
    whole = values * np.float32(2.0**type_.fraction)
    small = np.dtype(f"{'i' if type_.signed else 'u'}{1 if type_.width <= 8 else 2}")
    with np.errstate(invalid="ignore"):
        integers = whole.astype(small)
    exact = np.array_equal(integers, whole)
    if exact and (type_.width == 8 * small.itemsize or type_.min_int <= integers.min(initial=0)):
        if integers.max(initial=0) <= type_.max_int:
            return whole
    elif not np.array_equal(np.rint(whole), whole):
        raise ValueError(f"an input is not exact in its type {type_}: its values are not multiples of {type_.lsb:g}")
    raise ValueError(f"an input leaves the range of its type {type_}")


def make_emulator(project: HlsProject) -> Emulator:
    """The emulator of a project. Raises UnsupportedError where some node is not covered exactly."""
    return emulator_of(read_integer_network(project))


def emulator_of(network: IntegerNetwork) -> Emulator:
    """The emulator of an integer network. Raises UnsupportedError where some node is not covered exactly."""
    steps = tuple((_step_of(node), node) for node in network.nodes)
    # float32 must hold every port and every intermediate value.
    port_bits = [port.type.width for port in (*network.inputs, *network.outputs)]
    return Emulator(network=network, steps=steps, bits=max([step.bits for step, _ in steps] + port_bits))


def _step_of(node: Node) -> Step:
    maker = MAKERS.get(type(node))
    if maker is None:
        raise UnsupportedError(f"the emulator does not cover nnet::{node.function} (layer '{node.name}')")
    step = maker(node)
    if step.bits > FLOAT64_BITS:
        raise UnsupportedError(
            f"the emulator cannot hold layer '{node.name}': it needs {step.bits} bits, float64 has {FLOAT64_BITS}"
        )
    return step
