"""What the readers of calls share: the fields that nodes have in common, and the weights of a call as integers."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from hlsflow.foundation.errors import UnsupportedError
from hlsflow.hls.project import HlsProject, destinations, operands
from hlsflow.hls.source import Call, Config
from hlsflow.network.fixed_point import FixedType, to_integers

if TYPE_CHECKING:
    from hlsflow.foundation.arrays import Array


class WireFields(TypedDict):
    """What every node has."""

    name: str
    function: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    reshaped: bool


class UnaryFields(WireFields):
    """What every node of one operand has."""

    data: FixedType
    result: FixedType


class ProductFields(UnaryFields):
    """What every product has."""

    weights: Array
    bias: Array
    weight: FixedType
    accum: FixedType
    strategy: str
    multiplication: str
    reuse_factor: int


class PairFields(WireFields):
    """What every node of two operands has."""

    first: FixedType
    second: FixedType
    result: FixedType


def wires(project: HlsProject, call: Call) -> WireFields:
    return {
        "name": call.layer,
        "function": call.function,
        "inputs": tuple(project.aliases.get(name, name) for name in operands(call)),
        "outputs": tuple(project.aliases.get(name, name) for name in destinations(call)),
        "reshaped": call.arguments[0] in project.aliases,
    }


def unary(project: HlsProject, call: Call, result: int = 1) -> UnaryFields:
    """`result` is the place of its type in the template."""
    data, result_type = project.type_of(call.template[0]), project.type_of(call.template[result])
    return {**wires(project, call), "data": data, "result": result_type}


def pair(project: HlsProject, call: Call) -> PairFields:
    first, second, result = (project.type_of(name) for name in call.template[:3])
    return {**wires(project, call), "first": first, "second": second, "result": result}


def config_of(project: HlsProject, call: Call) -> Config:
    return project.configs[call.template[-1]]


def constants_of(project: HlsProject, name: str, type_: FixedType, size: int) -> Array:
    """A weight array as int64 in LSBs of its type. Raises UnsupportedError where it is of another size."""
    values = project.weights(name)
    if values.size != size:
        raise UnsupportedError(f"{name}.txt holds {values.size} values where {size} are due")
    return to_integers(values, type_.fraction)
