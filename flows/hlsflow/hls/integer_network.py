"""The integer network of a converted project: what was really built, read back in one place.

The emulator is a view of it, and so is our hardware. It holds what the C++ says: types, rounding, saturation, weights;
no view looks at the C++ again.
"""

from __future__ import annotations

from dataclasses import dataclass

from hlsflow.hls.call_readers import node_of
from hlsflow.hls.integer_nodes import Node
from hlsflow.hls.project import HlsProject
from hlsflow.hls.project import Port as ProjectPort
from hlsflow.network.fixed_point import FixedType


@dataclass(frozen=True, kw_only=True, slots=True)
class Port:
    """An input or output: `size` values of a type, which the nodes know by the name of `variable`."""

    name: str
    variable: str
    type: FixedType
    size: int


@dataclass(frozen=True, kw_only=True, slots=True)
class IntegerNetwork:
    """A network of integers. Each of its nodes reads what inputs and nodes before it give."""

    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    nodes: tuple[Node, ...]


def read_integer_network(project: HlsProject) -> IntegerNetwork:
    """The integer network of a project. Raises UnsupportedError or ToolError where a call lacks what it needs."""
    return IntegerNetwork(
        inputs=tuple(_port(project, port) for port in project.inputs),
        outputs=tuple(_port(project, port) for port in project.outputs),
        nodes=tuple(node_of(project, call) for call in project.calls),
    )


def _port(project: HlsProject, port: ProjectPort) -> Port:
    variable = project.aliases.get(port.name, port.name)
    return Port(name=port.name, variable=variable, type=project.type_of(port.type_name), size=port.size)
