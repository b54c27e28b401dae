"""The integer network of a converted project, evaluated in numpy: the second witness beside C simulation.

It starts from the C++ that hls4ml wrote (`project.read_project`): its types, rounding, saturation, weights. Each layer
is a matrix product of integer-valued floats, then a cast; hundreds of times faster than C simulation and equal to it
on every output. Whatever it does not cover exactly is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hlsflow.emulation import layers as emulator_layers
from hlsflow.emulation import softmax as emulator_softmax
from hlsflow.emulation.step import Step, StepMaker
from hlsflow.foundation.errors import UnsupportedError
from hlsflow.foundation.interrupts import boundaries
from hlsflow.hls.project import HlsProject, destinations
from hlsflow.network.fixed_point import FixedType, to_integers

if TYPE_CHECKING:
    from hlsflow.foundation.arrays import Array

FLOAT32_BITS = 24
FLOAT64_BITS = 53

_MAKERS: dict[str, StepMaker] = {**emulator_layers.MAKERS, "softmax": emulator_softmax.softmax}


@dataclass(frozen=True, kw_only=True, slots=True)
class Emulator:
    """A project made ready to run. `bits` is the magnitude that its sums can reach."""

    project: HlsProject
    steps: tuple[tuple[Step, str], ...]
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
        ports = [(port.name, self.project.type_of(port.type_name)) for port in self.project.inputs]
        samples = len(inputs[0])
        parts: list[dict[str, Array]] = []
        for first in boundaries(range(0, samples, batch)):
            values: dict[str, Array] = {}
            for (name, type_), array in zip(ports, inputs, strict=True):
                part = array[first : first + batch]
                values[name] = _integers(part.reshape(len(part), -1), type_, self.dtype)
            parts.append(self._run_batch(values, wanted))
            if progress is not None:
                progress(min(samples, first + batch), samples)
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def _run_batch(self, values: dict[str, Array], wanted: frozenset[str]) -> dict[str, Array]:
        import numpy as np

        found: dict[str, Array] = {}
        for alias, name in self.project.aliases.items():
            if name in values:
                values[alias] = values[name]
        for step, layer in self.steps:
            results = step.function([values[name] for name in step.inputs])
            for name, result in zip(step.outputs, results, strict=True):
                values[name] = result
                for alias, target in self.project.aliases.items():
                    if target == name:
                        values[alias] = result
            if layer in wanted:
                found[layer] = results[0].astype(np.int64)
        for port in self.project.outputs:
            found[port.name] = values[port.name].astype(np.int64)
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
    """The emulator of a project. Raises UnsupportedError where some call is not covered exactly."""
    steps: list[tuple[Step, str]] = []
    for call in project.calls:
        maker = _MAKERS.get(call.function)
        if maker is None:
            raise UnsupportedError(f"the emulator does not cover nnet::{call.function} (layer '{call.layer}')")
        step = maker(project, call)
        if step.bits > FLOAT64_BITS:
            raise UnsupportedError(
                f"the emulator cannot hold layer '{call.layer}': it needs {step.bits} bits, float64 has {FLOAT64_BITS}"
            )
        assert step.outputs == destinations(call), (step.outputs, call)
        steps.append((step, call.layer))
    # float32 must hold every port and every intermediate value.
    port_bits = [project.type_of(port.type_name).width for port in (*project.inputs, *project.outputs)]
    return Emulator(project=project, steps=tuple(steps), bits=max([step.bits for step, _ in steps] + port_bits))
