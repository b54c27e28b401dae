"""The network as hardware sees it: nodes with the very weights that the quantizers give, before any type is chosen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from hlsflow.network.fixed_point import FixedType

if TYPE_CHECKING:
    from hlsflow.foundation.arrays import Array


class Op(StrEnum):
    """What a node computes."""

    INPUT = "input"
    DENSE = "dense"
    CONV = "conv"
    DEPTHWISE = "depthwise"
    SCALE = "scale"
    ACTIVATION = "activation"
    QUANTIZE = "quantize"
    PRELU = "prelu"
    MAX_POOL = "max_pool"
    AVERAGE_POOL = "average_pool"
    MERGE = "merge"
    CONCATENATE = "concatenate"
    RESHAPE = "reshape"
    TRANSPOSE = "transpose"
    PAD = "pad"
    RESIZE = "resize"
    SOFTMAX = "softmax"
    TABLE = "table"


@dataclass(frozen=True, kw_only=True, slots=True)
class Operation:
    """What holds for every node of an op.

    `roles` are the types that a configuration may state for it, in the order in which a person reads them, and
    `struct_roles` those that hls4ml writes into the layer's struct, as `<role>_t`. `data_keys` are hls4ml's keys of its
    arrays, by role. An op that `moves` values computes nothing: its result has the type of its input. One that
    `multiplies` has multipliers: a reuse factor, a strategy and an accumulator.
    """

    roles: tuple[str, ...] = ("result",)
    struct_roles: tuple[str, ...] = ()
    data_keys: Mapping[str, str] = field(default_factory=dict)
    moves: bool = False
    multiplies: bool = False


def _product(kernel: str) -> Operation:
    return Operation(
        roles=("weight", "bias", "accum", "result"),
        struct_roles=("weight", "bias", "accum"),
        data_keys={"weight": kernel, "bias": "bias_data"},
        multiplies=True,
    )


_MOVE = Operation(roles=(), moves=True)
_POOL = Operation(roles=("accum", "result"), struct_roles=("accum",))
_TABLES = ("exp_table", "inv_table", "inp_norm", "inv_inp", "accum")
# A new op has its entry here, a rule in `network.ranges`, a reader in `hls.call_readers`, a maker in
# `emulation.layers`, and a kind in the estimate.
OPERATIONS: Mapping[Op, Operation] = {
    Op.INPUT: Operation(),
    Op.DENSE: _product("weight_data"),
    Op.CONV: _product("weight_data"),
    Op.DEPTHWISE: _product("depthwise_data"),
    Op.SCALE: Operation(
        roles=("scale", "bias", "result"),
        struct_roles=("scale", "bias"),
        data_keys={"scale": "scale_data", "bias": "bias_data"},
    ),
    Op.ACTIVATION: Operation(),
    Op.QUANTIZE: Operation(),
    Op.PRELU: Operation(roles=("param", "result"), data_keys={"param": "param_data"}),
    Op.MAX_POOL: _POOL,
    Op.AVERAGE_POOL: _POOL,
    Op.MERGE: Operation(),
    Op.CONCATENATE: Operation(),
    Op.RESHAPE: _MOVE,
    Op.TRANSPOSE: _MOVE,
    Op.PAD: _MOVE,
    Op.RESIZE: _MOVE,
    Op.SOFTMAX: Operation(roles=(*_TABLES, "result"), struct_roles=_TABLES),
    Op.TABLE: Operation(roles=("table", "result"), struct_roles=("table",)),
}
MOVES = frozenset(op for op, operation in OPERATIONS.items() if operation.moves)
MULTIPLIES = frozenset(op for op, operation in OPERATIONS.items() if operation.multiplies)
# What is read from tables and so only close to the function: a softmax, or a function of single values.
CLOSE = frozenset((Op.SOFTMAX, Op.TABLE))
# The attribute of a node whose values Keras itself rounds, so that nothing equals them: it says why.
ROUNDED = "rounded"
# The attribute of a cast whose framework computes it by HGQ's formula, which rounds the value itself (`float32`).
FORMULA = "formula"
# The attribute of a node whose values are none that the framework has: in other units, or on the way to them.
INNER = "inner"
# The attribute of an input that names the framework of its network, where it is not the first that there was.
FRAMEWORK = "framework"
USUAL_FRAMEWORK = "Keras"


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Node:
    """One node.

    `shape` is that of its output without the batch axis, channels last. `arrays` holds the effective weights as
    float64: what Keras multiplies by, after its quantizers. `declared` holds the types that quantizers fix
    (`result`, `weight`, `bias`); what is absent is derived from the values. `entry` is the layer as hls4ml's
    converter takes it, all but its arrays.
    """

    name: str
    op: Op
    inputs: tuple[str, ...]
    shape: tuple[int, ...]
    function: str = ""
    arrays: Mapping[str, Array] = field(default_factory=dict)
    declared: Mapping[str, FixedType] = field(default_factory=dict)
    attributes: Mapping[str, Any] = field(default_factory=dict)
    entry: Mapping[str, Any] = field(default_factory=dict)
    keras_layer: str = ""
    keras_class: str = ""

    @property
    def is_convolution(self) -> bool:
        """Whether hls4ml builds it with its convolutions: also a dense layer over more than one axis, which it takes
        for one with a kernel of one."""
        return self.op is Op.CONV or (self.op is Op.DENSE and len(self.shape) > 1)

    @property
    def multiplications(self) -> tuple[int, int]:
        """(n_in, n_out) of the matrix that the node multiplies by: what reuse factors divide."""
        if self.op is Op.DENSE:
            return tuple(self.arrays["weight"].shape)  # type: ignore[return-value]
        if self.op is Op.CONV:
            *kernel, channels, filters = self.arrays["weight"].shape
            size = channels
            for length in kernel:
                size *= length
            return size, filters
        raise ValueError(f"{self.name} ({self.op}) has no multiplication matrix")


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Network:
    """All nodes in an order of computation, with the names of the model's inputs and outputs."""

    nodes: tuple[Node, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    def __getitem__(self, name: str) -> Node:
        for node in self.nodes:
            if node.name == name:
                return node
        raise KeyError(name)

    @property
    def framework(self) -> str:
        """What computes the outputs that it is held to."""
        return framework_of(self.nodes)

    def consumers(self, name: str) -> list[Node]:
        """The nodes that read `name`."""
        return [node for node in self.nodes if name in node.inputs]

    @property
    def gate_outputs(self) -> tuple[str, ...]:
        """The outputs that the gate compares as integers: those of the model, a final table left out, and the layer
        with the values where they are reshaped in the end.

        hls4ml's softmax, sigmoid and their like are tables and only close; what goes into the last one is compared.
        """
        ends = (self[name] for name in self.output_values)
        return tuple(self.values_of(node.inputs[0]) if node.op in CLOSE else node.name for node in ends)

    def is_inner(self, name: str) -> bool:
        """Whether something is computed of the values of `name`: more than another shape."""
        users = self.consumers(name)
        return any(user.op is not Op.RESHAPE or self.is_inner(user.name) for user in users)

    @property
    def inner_tables(self) -> tuple[Node, ...]:
        """What is read from tables and computed with: it is close to the function, and so is all that stands behind."""
        return tuple(node for node in self.nodes if node.op in CLOSE and self.is_inner(node.name))

    @property
    def rounded(self) -> tuple[Node, ...]:
        """What Keras itself rounds, in float32: the hardware is close to it, and so is all that stands behind."""
        return tuple(node for node in self.nodes if ROUNDED in node.attributes)

    @property
    def output_values(self) -> tuple[str, ...]:
        """The nodes that compute the outputs."""
        return tuple(self.values_of(name) for name in self.outputs)

    def values_of(self, name: str) -> str:
        """The node that computes the values of `name`: a reshape gives those that it reads another shape alone."""
        node = self[name]
        while node.op is Op.RESHAPE:
            node = self[node.inputs[0]]
        return node.name


def framework_of(nodes: Iterable[Node]) -> str:
    """The framework of a network of these nodes."""
    said = (node.attributes[FRAMEWORK] for node in nodes if FRAMEWORK in node.attributes)
    return str(next(said, USUAL_FRAMEWORK))
