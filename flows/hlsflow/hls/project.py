"""An hls4ml project as a value: the calls of its top function, every layer's configuration, the types, the weights.

Everything is read from the C++ that the HLS tool will see, not from what was asked of hls4ml. So it says what was
really built, and an emulator that starts here is a witness of its own.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

from hlsflow.foundation.errors import ToolError
from hlsflow.foundation.strict_read import read_text
from hlsflow.foundation.target_files import hls4ml_config
from hlsflow.hls.expressions import whole_number
from hlsflow.hls.source import Call, Config, Source, header_weights, pack_of, read_cpp, text_weights, tops
from hlsflow.network.fixed_point import FixedType, parse_type

if TYPE_CHECKING:
    from hlsflow.foundation.arrays import Array


@dataclass(frozen=True, kw_only=True, slots=True)
class Port:
    """An input or output of the top function. `size` counts its values, over all its dimensions."""

    name: str
    type_name: str
    size: int


@dataclass(frozen=True, kw_only=True)
class HlsProject:
    """A read project. `root` is the folder that holds `firmware/`; `aliases` map to what no alias is; `cpp_names` are
    the names of layers that C++ has under others, `element_types` those that a function gives single elements."""

    root: Path
    top: str
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    types: Mapping[str, FixedType]
    packed: Mapping[str, int]
    configs: Mapping[str, Config]
    calls: tuple[Call, ...]
    aliases: Mapping[str, str]
    traced: Mapping[str, int]
    pragmas: tuple[str, ...] = ()
    cpp_names: Mapping[str, str] = field(default_factory=dict)
    element_types: Mapping[str, tuple[FixedType | None, ...]] = field(default_factory=dict)

    @cached_property
    def io_stream(self) -> bool:
        """Whether values are passed as streams of packs."""
        return any(port.type_name in self.packed for port in (*self.inputs, *self.outputs))

    def type_of(self, name: str) -> FixedType:
        """A type by its name in defines.h, or written out. Raises ToolError where there is none."""
        found = self.types.get(name)
        if found is not None:
            return found
        try:
            return parse_type(name)
        except ValueError:
            raise ToolError(f"{self.root}/firmware/defines.h: no fixed-point type '{name}'") from None

    def layer_type(self, config: Config, role: str) -> FixedType:
        """The type that a layer's configuration gives a role: `accum_t`, `weight_t`, …"""
        name = config.values.get(role)
        if name is None:
            raise ToolError(f"{self.root}/firmware/parameters.h: struct {config.name} has no {role}")
        return self.type_of(name)

    def weights(self, name: str) -> Array:
        """The values of a weight array, float64, flat, as written in `firmware/weights/<name>.txt`."""
        return text_weights(self.root / "firmware" / "weights" / f"{name}.txt")

    def compiled_weights(self, name: str) -> Array:
        """The values of a weight array, float64, flat, as `firmware/weights/<name>.h` gives them to HLS."""
        return header_weights(self.root / "firmware" / "weights" / f"{name}.h")

    def in_cpp(self, layer: str) -> str:
        """A layer's name in C++."""
        return self.cpp_names.get(layer, layer)

    def calls_of(self, layer: str) -> list[Call]:
        """The calls that hls4ml made for a layer."""
        return [call for call in self.calls if call.layer == layer]


_PORT = re.compile(r"^(?:hls::stream<(\w+)>\s*&\s*(\w+)|(\w+)\s+(\w+)\s*\[([^\]]+)\])$")


def read_project(root: Path) -> HlsProject:
    """The project in a folder. Raises ToolError naming the file and what it lacks."""
    sources = tops(root)
    if len(sources) != 1:
        raise ToolError(
            f"{root} is no hls4ml project: expected one .cpp file in {root / 'firmware'}, found {len(sources)}"
        )
    path, source = sources[0], read_cpp(root, sources[0])
    inputs, outputs = _split_ports(_with_sizes(_ports(source, path), root), source, path)
    types, packed = _types(source)
    return HlsProject(
        root=root,
        top=source.top,
        inputs=inputs,
        outputs=outputs,
        types=types,
        packed=packed,
        configs=source.configs,
        calls=source.calls,
        aliases=source.aliases,
        traced={name: whole_number(size) or 0 for name, size in source.traced.items()},
        pragmas=source.pragmas,
        cpp_names=source.cpp_names,
        element_types=_element_types(source),
    )


def _types(source: Source) -> tuple[dict[str, FixedType], dict[str, int]]:
    types: dict[str, FixedType] = {}
    packed: dict[str, int] = {}
    for name, definition in source.types.items():
        pack = pack_of(definition)
        if pack is not None:
            definition, size = pack
            packed[name] = whole_number(size) or 0
        try:
            types[name] = parse_type(definition)
        except ValueError:
            # Types of other families (ap_float, exponent structs) are only an error where something uses them.
            continue
    return types, packed


def _element_types(source: Source) -> dict[str, tuple[FixedType | None, ...]]:
    """The types that functions give single elements, None: always 0; no function that has one of another family."""
    found = {}
    for name, texts in source.element_types.items():
        with contextlib.suppress(ValueError):
            found[name] = tuple(None if text == "0" else parse_type(text) for text in texts)
    return found


def _ports(source: Source, path: Path) -> list[Port]:
    if not source.parameters:
        raise ToolError(f"{path}: no function void {source.top}(…)")
    ports = []
    for text in source.parameters:
        port = _PORT.match(text)
        if port is None:
            raise ToolError(f"{path}: the parameter '{text}' of {source.top} is of an unknown form")
        stream_type, stream_name, array_type, array_name, size = port.groups()
        if stream_type:
            ports.append(Port(name=stream_name, type_name=stream_type, size=0))
        else:
            ports.append(Port(name=array_name, type_name=array_type, size=whole_number(size) or 0))
    return ports


def _with_sizes(ports: list[Port], root: Path) -> list[Port]:
    """The ports with their sizes; a stream's size stands in hls4ml_config.yml alone."""
    if all(port.size for port in ports):
        return ports
    path = root / "hls4ml_config.yml"
    try:
        said = hls4ml_config(read_text(path))
        shapes = {**said["InputShapes"], **said["OutputShapes"]}
        return [replace(port, size=port.size or prod(shapes[port.name])) for port in ports]
    except OSError as error:
        raise ToolError(f"cannot read {path}: {error.strerror or error}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise ToolError(f"{path}: it does not state the shapes of the streams: {error}") from error


def _split_ports(ports: list[Port], source: Source, path: Path) -> tuple[tuple[Port, ...], tuple[Port, ...]]:
    """Inputs and outputs: a port that some call writes, which is its last data argument, is an output."""
    written = {name for call in source.calls for name in destinations(call)}
    inputs = tuple(port for port in ports if port.name not in written)
    outputs = tuple(port for port in ports if port.name in written)
    if not inputs or not outputs:
        raise ToolError(f"{path}: cannot tell the inputs of the top function from its outputs")
    return inputs, outputs


# Where a call's results stand among its arguments; second unless said here.
_TWO_INPUTS = ("add", "subtract", "multiply", "average", "maximum", "minimum", "dot1d")


def operands(call: Call) -> tuple[str, ...]:
    """The variables that a call reads, its weights left out."""
    two = call.function in _TWO_INPUTS or call.function.startswith("concatenate")
    return call.arguments[:2] if two else call.arguments[:1]


def destinations(call: Call) -> tuple[str, ...]:
    """The variables that a call writes."""
    if call.function == "clone_stream":
        return call.arguments[1:]
    if call.function in _TWO_INPUTS or call.function.startswith("concatenate"):
        return (call.arguments[2],)
    if call.function in ("leaky_relu", "prelu", "thresholded_relu", "elu") and len(call.arguments) == 3:
        return (call.arguments[2],)
    return (call.arguments[1],)
