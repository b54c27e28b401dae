"""A graph of ONNX as a `Network`: every operator either has an exact counterpart in hardware or is refused here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from hlsflow.foundation.errors import UnsupportedError
from hlsflow.foundation.strict_read import brief
from hlsflow.frontends.onnx.conversion import Conversion
from hlsflow.frontends.onnx.files import identifier
from hlsflow.frontends.onnx.folding import folded
from hlsflow.frontends.onnx.graph import CHANNELS_LAST, Graph, Step
from hlsflow.frontends.onnx.layout import input_axes
from hlsflow.frontends.onnx.ops import activations, elementwise, linear, moves, pooling, quantizers
from hlsflow.frontends.onnx.value import Constant, Value, arranged
from hlsflow.network.fixed_point import FixedType, fraction_of
from hlsflow.network.graph import FRAMEWORK, INNER, ROUNDED, Network, Node, Op
from hlsflow.network.quantizers import NotExact
from hlsflow.network.refusal import Refusal, message
from hlsflow.network.steps import quantizers_behind
from hlsflow.network.unbuildable import refusals_of_network

if TYPE_CHECKING:
    from hlsflow.foundation.arrays import Array

Handler = Callable[[Conversion, Step], Value]
_HANDLERS: Mapping[str, Handler] = {
    "MatMul": linear.matmul,
    "Gemm": linear.gemm,
    "Conv": linear.conv,
    "BatchNormalization": elementwise.batch_norm,
    "Neg": elementwise.negative,
    **dict.fromkeys(("Add", "Sub", "Mul", "Div", "Max", "Min", "Sum"), elementwise.arithmetic),
    "Relu": activations.relu,
    "LeakyRelu": activations.leaky_relu,
    "PRelu": activations.prelu,
    "Clip": activations.clip,
    **dict.fromkeys(("Sigmoid", "Tanh", "Selu", "Softplus", "Softsign"), activations.table),
    "Elu": activations.elu,
    "HardSigmoid": activations.hard_sigmoid,
    "Softmax": activations.softmax,
    **dict.fromkeys(("MaxPool", "AveragePool"), pooling.pool),
    **dict.fromkeys(("GlobalMaxPool", "GlobalAveragePool"), pooling.global_pool),
    **dict.fromkeys(("ReduceMean", "ReduceMax"), pooling.reduce),
    **dict.fromkeys(("Identity", "Dropout"), moves.identity),
    "Transpose": moves.transpose,
    "Reshape": moves.reshape,
    "Flatten": moves.flatten,
    "Squeeze": moves.squeeze,
    "Unsqueeze": moves.unsqueeze,
    "Concat": moves.concat,
    "Pad": moves.pad,
    **dict.fromkeys(("Resize", "Upsample"), moves.resize),
    "QuantizeLinear": quantizers.quantize_linear,
    "DequantizeLinear": quantizers.dequantize_linear,
}
_OF_QONNX: Mapping[str, Handler] = {
    **dict.fromkeys(("Quant", "IntQuant", "BipolarQuant"), quantizers.quant),
    "Trunc": quantizers.trunc,
}
_CHANNELS_LAST = frozenset(("Conv", "MaxPool", "BatchNormalization"))
# The bits of a float32: constants of the file itself have no more, but products of several have.
_FLOAT32_BITS = 24
_SEE = "what docs/onnx.md lists, or a request for it"


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Converted:
    """The network, and for the witness: the tensor of each node that holds one, and the inputs by the model's names.

    `constants` are those that steps gave of constants alone, as the framework computes with them. `shapes` are those of
    one sample of each tensor.
    """

    network: Network
    tensors: Mapping[str, Value]
    inputs: Mapping[str, Value]
    constants: Mapping[str, Constant]
    shapes: Mapping[str, tuple[int, ...]]


def converted(graph: Graph, input_types: Mapping[str, FixedType] | FixedType) -> Converted:
    """The network of a graph whose inputs have the given types.

    Raises UnsupportedError naming every node that no policy makes exact, with the reason and a way out.
    """
    conversion = Conversion(with_biases(graph), input_types)
    inputs = _inputs(conversion)
    refusals: list[Refusal] = []
    lost: set[str] = set()
    for step in conversion.graph.steps:
        if lost.intersection(step.inputs):
            lost.update(step.outputs)
            continue
        try:
            _demanded(conversion, step)
        except NotExact as problem:
            refusals.append(Refusal(step.name, f"{step.kind}: {problem}", problem.way_out))
            lost.update(step.outputs)
    if refusals:
        raise UnsupportedError(message(graph.name, refusals))
    outputs = []
    for name in conversion.graph.outputs:
        if name not in conversion.values:
            raise UnsupportedError(message(graph.name, [Refusal(name, "an output that is a constant", "leave it out")]))
        try:
            outputs.append(conversion.settled(conversion.values[name]).node)
        except NotExact as problem:
            raise UnsupportedError(message(graph.name, [Refusal(name, str(problem), problem.way_out)])) from problem
    unread = [name for name in inputs if not graph.readers(name)]
    if unread:
        reason, way_out = "no node reads this input", "leave it out of the inputs of the graph"
        raise UnsupportedError(message(graph.name, [Refusal(name, reason, way_out) for name in unread]))
    network = _finished(conversion, tuple(inputs[name].node for name in inputs), tuple(outputs))
    late = refusals_of_network(network)
    if late:
        raise UnsupportedError(message(graph.name, late))
    return Converted(
        network=network,
        tensors={name: value for name, value in conversion.carried.items()},
        inputs=inputs,
        constants=conversion.constants,
        shapes=_shapes(graph, conversion),
    )


def _shapes(graph: Graph, conversion: Conversion) -> dict[str, tuple[int, ...]]:
    """The shape of one sample of each tensor of a graph, those among them that became one step with the next."""
    found = {name: value.shape for name, value in conversion.values.items()}
    for step in graph.steps:
        for name in step.outputs:
            if step.op == "MatMul" and name not in found:
                found[name] = found[graph.readers(name)[0].outputs[0]]
    return found


def with_biases(graph: Graph) -> Graph:
    """The graph with every MatMul and the constants that alone are added to it as one step, whose third input they
    are."""
    steps: list[Step] = []
    taken: dict[str, Step] = {}
    for step in graph.steps:
        source = next((name for name in step.inputs if name in taken), None)
        if step.op == "Add" and source is not None:
            other = next((name for name in step.inputs if name != source), "")
            product = taken[source]
            weight = graph.constants.get(product.inputs[1])
            bias = graph.constants.get(other)
            if bias is not None and weight is not None and bias.shape[-1:] == weight.shape[-1:] == (bias.size,):
                merged = replace(product, inputs=(*product.inputs, other), outputs=step.outputs)
                steps = [item for item in steps if item is not product]
                steps.append(merged)
                continue
        bare = step.op == "MatMul" and len(step.inputs) == 2 and step.outputs[0] not in graph.outputs
        if bare and len(graph.readers(step.outputs[0])) == 1:
            taken[step.outputs[0]] = step
        steps.append(step)
    return replace(graph, steps=tuple(steps))


def _inputs(conversion: Conversion) -> dict[str, Value]:
    found = {}
    for name, shape in conversion.graph.inputs.items():
        axes = input_axes(conversion.graph, name)
        types = conversion.input_types
        declared = types if isinstance(types, FixedType) else types[name]
        node = conversion.fresh(identifier(name, "input"))
        inside = tuple(shape[axis] for axis in axes)
        entry = {
            "name": node, "class_name": "InputLayer", "data_format": "channels_last", "input_shape": list(inside),
            "inputs": [],
        }  # fmt: skip
        attributes: dict[str, Any] = {} if isinstance(types, FixedType) else {"of_card": True}
        attributes[FRAMEWORK] = conversion.graph.framework
        conversion.put(
            conversion.node(entry, Op.INPUT, inside, None, declared={"result": declared}, attributes=attributes)
        )
        value = Value(node=node, index=arranged(shape, axes), tensor=name, maker=None)
        conversion.set(value)
        found[name] = value
    return found


def _demanded(conversion: Conversion, step: Step) -> None:
    """Converts a step. Raises NotExact, also for attributes and inputs that are none of the operator's: a file may
    state anything at all."""
    try:
        _convert(conversion, step)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        reason = f"its attributes or inputs are none of this operator ({type(error).__name__}: {brief(str(error))})"
        raise NotExact(reason, "a model that onnx.checker.check_model passes") from error


def _convert(conversion: Conversion, step: Step) -> None:
    if step.op == "Shape" and not step.domain and step.inputs[0] in conversion.values:
        import numpy as np

        whole = np.array([1, *conversion.values[step.inputs[0]].shape], dtype=np.int64)
        cut = whole[step.attributes.get("start", 0) : step.attributes.get("end", len(whole))]
        conversion.constants[step.outputs[0]] = Constant(values=cut)
        return
    if all(name in conversion.constants for name in step.inputs if name):
        made = folded(step, conversion.constants, conversion.graph.opset)
        conversion.constants.update(zip(step.outputs, made, strict=False))
        return
    handlers: Mapping[str, Handler] = _OF_QONNX if step.is_quantizer else _HANDLERS
    if step.op == "Cast" and not step.domain:
        _demand_float(step)
        conversion.set(moves.identity(conversion, step))
        return
    handler = handlers.get(step.op)
    if handler is None or (step.domain == CHANNELS_LAST and step.op not in _CHANNELS_LAST):
        raise NotExact("no test proves the conversion of this operator", _SEE)
    conversion.set(handler(conversion, step))


def _demand_float(step: Step) -> None:
    if step.attributes.get("to") not in (1, 11):
        raise NotExact("it casts values to another type than float", "leave it out, or round by a Quant")


def _finished(conversion: Conversion, inputs: tuple[str, ...], outputs: tuple[str, ...]) -> Network:
    """The network of all nodes that are read, with those noted that hold no tensor of the model, and scales that only
    float32 rounds."""
    nodes = {node.name: node for node in conversion.nodes}
    needed: set[str] = set()
    waiting = [*outputs]
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed.add(name)
            waiting += nodes[name].inputs
    kept = tuple(
        node if node.name in conversion.carried else replace(node, attributes={**node.attributes, INNER: True})
        for node in conversion.nodes
        if node.name in needed or node.op is Op.INPUT
    )
    network = Network(nodes=kept, inputs=inputs, outputs=outputs)
    return replace(network, nodes=tuple(_rounded(network, node) for node in network.nodes))


def _rounded(network: Network, node: Node) -> Node:
    """A scale of products of float32 constants that no quantizer reads, rounded as the framework has it: in float32.

    A scale that is one such constant is exact, in hardware as in the framework's float64.
    """
    import numpy as np

    if node.op is not Op.SCALE or {"threshold", "above"} & set(node.attributes):
        return node
    short = all(_significant_bits(array) <= _FLOAT32_BITS for array in node.arrays.values())
    if short or quantizers_behind(network, node.name) is not None:
        return node
    arrays: dict[str, Any] = {role: np.float64(np.float32(array)) for role, array in node.arrays.items()}
    why = "its scale or shift is no short binary fraction, and no quantizer reads it: the framework itself rounds"
    return replace(node, arrays=arrays, attributes={**node.attributes, ROUNDED: why})


def _significant_bits(values: Array) -> int:
    """The most bits of a value, from its first to its last."""
    import numpy as np

    found = [fraction_of(value) + int(np.floor(np.log2(abs(value)))) + 1 for value in np.unique(values) if value]
    return max(found, default=0)
