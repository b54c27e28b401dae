"""A model's tensors as they become nodes: what is known of each, and how what waits on one is computed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING, Any

from hlsflow.frontends.nodes.builder import Builder
from hlsflow.frontends.nodes.entries import function_entry, reads, reshape, scale_entry, spacer
from hlsflow.frontends.nodes.parts import Parts
from hlsflow.frontends.onnx.files import identifier
from hlsflow.frontends.onnx.graph import MOST_TENSOR_VALUES, Graph, Step
from hlsflow.frontends.onnx.value import Constant, Value, arranged, plain
from hlsflow.network.fixed_point import FixedType
from hlsflow.network.graph import Node, Op
from hlsflow.network.quantizers import NotExact

if TYPE_CHECKING:
    from hlsflow.foundation.arrays import Array


class Conversion(Builder):
    """The nodes so far, the tensors, and which node's values are which tensor's, for the witness."""

    def __init__(self, graph: Graph, input_types: Mapping[str, FixedType] | FixedType) -> None:
        super().__init__(graph.name, {}, input_types)
        self.graph = graph
        self.constants: dict[str, Constant] = {
            name: Constant(values=values) for name, values in graph.constants.items()
        }  # fmt: skip
        self.values: dict[str, Value] = {}
        # The tensors of which a node holds the very values, by node.
        self.carried: dict[str, Value] = {}
        self.names: set[str] = set()

    def class_of(self, owner: Any) -> str:
        return str(owner.op)

    def fresh(self, wanted: str) -> str:
        """A node's name that none has yet."""
        name, count = wanted, 1
        while name in self.names:
            count += 1
            name = f"{wanted}_{count}"
        self.names.add(name)
        return name

    def base(self, step: Step) -> str:
        """The name for a node of a step."""
        return identifier(step.name, step.op.lower())

    def put(self, *nodes: Node) -> str:
        """Adds nodes; the name of the last.

        Raises NotExact where one has more values than are looked at, or constants that are no numbers.
        """
        import numpy as np

        for node in nodes:
            if prod(node.shape) > MOST_TENSOR_VALUES:
                raise NotExact(f"it gives {prod(node.shape):,} values a sample", f"at most {MOST_TENSOR_VALUES:,}")
            if not all(np.isfinite(array).all() for array in node.arrays.values()):
                raise NotExact("its constants are NaN or infinite", "constants that float32 holds")
            self.names.add(node.name)
            self.nodes.append(node)
            self.shapes[node.name] = node.shape
        return nodes[-1].name

    def set(self, value: Value) -> None:
        """Notes what a tensor is. One that waits for nothing is what its node holds."""
        self.values[value.tensor] = value
        if not value.waits and value.node not in self.carried:
            self.carried[value.node] = value

    def make(self, step: Step, source: Value, node: str, index: Array, **more: Any) -> Value:
        """The value that a step gives by a node, from a source whose scale and shift are not its own."""
        return Value(node=node, index=index, tensor=step.outputs[0], maker=step, **more)

    def constant(self, step: Step, index: int) -> Constant | None:
        """The constant that a step reads, None where it reads none there. Raises NotExact where it reads values."""
        name = step.inputs[index] if index < len(step.inputs) else ""
        if not name:
            return None
        if name not in self.constants:
            raise NotExact(f"its input '{name}' is computed from values", "a constant there")
        return self.constants[name]

    def value(self, step: Step, index: int = 0) -> Value:
        """The tensor that a step reads. Raises NotExact where it is a constant."""
        name = step.inputs[index]
        if name in self.constants:
            raise NotExact(f"its input '{name}' is a constant", "a tensor that is computed from an input there")
        return self.values[name]

    def parts(self, step: Step, value: Value, name: str | None = None) -> Parts:
        """Functions behind each other of what a node holds."""
        return Parts(self, {"name": name or self.fresh(self.base(step)), "inputs": [value.node]}, step)

    def settled(self, value: Value) -> Value:
        """The tensor with all that waited on it computed."""
        if not value.waits:
            return value
        maker = value.maker or Step(name=value.tensor, op="Input", domain="", inputs=(), outputs=(value.tensor,))
        base = self.base(maker)
        if value.scales:
            value = self.scaled(value, maker, self.fresh(f"{base}_scale" if value.rectified else base))
        if value.rectified:
            name = self.fresh(base)
            made = function_entry(name, [value.node], "relu")
            node = self.node(made, Op.ACTIVATION, self.shapes[value.node], maker, function="relu")
            value = value.of(node=self.put(node), rectified=False)
        self.values[value.tensor] = value
        self.carried.setdefault(value.node, value)
        return value

    def scaled(self, value: Value, owner: Step, name: str, *, apart: bool = False) -> Value:
        """Its scale and shift computed by a node, a ReLU left to wait. `apart`: a sign reads it, which hls4ml would
        merge."""
        import numpy as np

        if not value.scales:
            return value
        scale, shift = (value.in_hardware(item) for item in (value.scale, value.shift))
        shape = self.shapes[value.node]
        channels = shape[-1]
        found = [item.reshape(-1, channels) for item in (scale, shift)]
        source = value.node
        if any((item != item[0]).any() for item in found):
            # Not by channel: each value on its own.
            shape = (prod(shape),)
            source = self.put(reshape(self, owner, self.fresh(f"{name}_flat"), source, shape))
            found = [item.reshape(1, -1) for item in found]
        arrays = {"scale": np.array(found[0][0]), "bias": np.array(found[1][0])}
        made = scale_entry(name, [source], shape)
        node = self.put(self.node(made, Op.SCALE, shape, owner, arrays=arrays))
        if apart:
            entry = {"name": name, "inputs": [node]}
            node = self.put(spacer(self, entry, shape, owner))
        return value.of(node=node, scale=np.ones(()), shift=np.zeros(()))

    def unshifted(self, value: Value) -> Value:
        """The tensor with its shift and a ReLU computed, a scale above zero left to wait."""
        if value.shift.any() or value.rectified or (value.scale <= 0).any():
            return self.settled(value)
        return value

    def shaped(self, value: Value, shape: tuple[int, ...], owner: Step | None) -> Value:
        """Its node's values in another shape."""
        if self.shapes[value.node] == shape:
            return value
        source = next(node for node in reversed(self.nodes) if node.name == value.node)
        if source.op is Op.RESHAPE:
            # hls4ml cannot give out the second of two in a row where something reads it, too.
            return self.shaped(value.of(node=source.inputs[0]), shape, owner)
        name = self.fresh(f"{value.node}_{'flat' if len(shape) == 1 else 'shaped'}")
        entry = {"name": name, "inputs": [value.node]}
        node = value.node
        if len(shape) == 1 and reads(self, entry, Op.TRANSPOSE):
            # hls4ml drops a transposition before a flattening and reorders the weights behind it, but always as if it
            # were from channels first to channels last.
            node = self.put(spacer(self, entry, self.shapes[node], owner))
        return value.of(node=self.put(reshape(self, owner, name, node, shape)))

    def flat(self, value: Value, owner: Step) -> Value:
        """Its node's values as one axis."""
        return self.shaped(value, (value.index.size,), owner)

    def ordered(self, value: Value, axes: tuple[int, ...], owner: Step) -> Value:
        """The tensor with its axes in an order in hardware, and its node in their shape. Raises NotExact."""
        import numpy as np

        shape = tuple(value.shape[axis] for axis in axes)
        if not shape:
            raise NotExact("its values have no axis beside the batch", "one axis at least")
        index = arranged(value.shape, axes)
        if np.array_equal(value.index, index):
            return self.shaped(value, shape, owner)
        now = value.axes
        if now is None:
            reason = "its values stand in an order that no transposition gives"
            raise NotExact(reason, "no reshape across channels before it")
        value = self.shaped(value, tuple(value.shape[axis] for axis in now), owner)
        perm = tuple(now.index(axis) for axis in axes)
        node = value.node
        entry = {"name": self.fresh(f"{node}_moved"), "inputs": [node]}
        if self.shapes[node][0] == 1 and reads(self, entry, Op.INPUT):
            # hls4ml drops the transposition of an input whose first axis has one value, whichever it is.
            node = self.put(spacer(self, entry, self.shapes[node], owner))
        made = {
            **entry, "class_name": "Transpose", "inputs": [node], "data_format": "channels_last", "perm": list(perm)
        }  # fmt: skip
        dims = tuple(place + 1 for place in perm)
        moved = self.put(self.node(made, Op.TRANSPOSE, shape, owner, attributes={"dims": dims}))
        return value.of(node=moved, index=index)

    def alike(self, values: Sequence[Value], owner: Step) -> list[Value]:
        """Tensors of one shape, or of shapes that differ along one axis, with their axes in one order in hardware."""
        import numpy as np

        first = values[0]
        if all(np.array_equal(first.index, other.index) for other in values):
            return [self.shaped(value, self.shapes[first.node], owner) for value in values]
        orders = [value.axes for value in values]
        axes = next((order for order in orders if order is not None), plain(len(first.shape)))
        return [self.ordered(value, axes, owner) for value in values]
