"""An hls4ml project as a value: the calls of its top function, every layer's configuration, the types, the weights.

Everything is read from the C++ that the HLS tool will see, not from what was asked of hls4ml. So it says what was
really built, and an emulator that starts here is a witness of its own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

from hlsflow.foundation.errors import ToolError
from hlsflow.network.fixed_point import FixedType, parse_type

if TYPE_CHECKING:
    from hlsflow.foundation.arrays import Array


@dataclass(frozen=True, kw_only=True, slots=True)
class Port:
    """An input or output of the top function. `size` counts its values, over all its dimensions."""

    name: str
    type_name: str
    size: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One call of the top function: `nnet::dense<input_t, layer2_t, config2>(x, y, w2, b2); // fc1`."""

    function: str
    template: tuple[str, ...]
    arguments: tuple[str, ...]
    layer: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Config:
    """A layer's configuration struct: its constants and typedefs by name, as they are written."""

    name: str
    values: Mapping[str, str]

    def integer(self, key: str) -> int:
        """A constant as an integer. Raises ToolError naming it where it is absent or no number."""
        text = self.values.get(key)
        number = _integer(text) if text is not None else None
        if number is None:
            raise ToolError(f"parameters.h: struct {self.name}: {key} is {text or 'absent'}, not a whole number")
        return number

    def integers(self, key: str) -> tuple[int, ...]:
        """A table of constants. Raises ToolError where it is absent or holds anything but whole numbers."""
        numbers = [_integer(word) for word in self.values.get(key, "?").split(",")]
        if any(number is None for number in numbers):
            raise ToolError(f"parameters.h: struct {self.name}: {key} is no list of whole numbers")
        return tuple(number for number in numbers if number is not None)


@dataclass(frozen=True, kw_only=True)
class HlsProject:
    """A read project. `root` is the folder that holds `firmware/`; `aliases` map to what no alias is."""

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
        return self._numbers(f"{name}.txt", r"(.*)")

    def compiled_weights(self, name: str) -> Array:
        """The values of a weight array, float64, flat, as `firmware/weights/<name>.h` gives them to HLS."""
        return self._numbers(f"{name}.h", r"=\s*\{([^{}]*)\}")

    def _numbers(self, file: str, listed: str) -> Array:
        """The numbers between commas that the first group of `listed` finds in a file of `firmware/weights`."""
        import numpy as np

        path = self.root / "firmware" / "weights" / file
        try:
            text = path.read_text()
        except OSError as error:
            raise ToolError(f"cannot read {path}: {error.strerror or error}") from error
        found = re.search(listed, text, re.DOTALL)
        try:
            return np.array([float(word) for word in (found[1] if found else "").split(",")], dtype=np.float64)
        except ValueError as error:
            raise ToolError(f"{path}: not a list of numbers: {error}") from error

    def calls_of(self, layer: str) -> list[Call]:
        """The calls that hls4ml made for a layer."""
        return [call for call in self.calls if call.layer == layer]


_TYPEDEF = re.compile(r"^\s*typedef\s+(.+?)\s+(\w+)\s*;", re.MULTILINE)
_PACK = re.compile(r"^nnet::array<\s*(ap_\w+<[^>]*>|ap_\w+)\s*,\s*([\d*\s]+)>$")
_STRUCT = re.compile(r"^struct\s+(\w+)\s*(?::\s*[\w:]+\s*)?\{(.*?)^\};", re.MULTILINE | re.DOTALL)
_CONSTANT = re.compile(r"static\s+(?:const|constexpr)\s+[\w:]+\s+(\w+)\s*=\s*([^;]+);")
_USING = re.compile(r"using\s+(\w+)\s*=\s*([\w:]+)\s*<")
_LATE = re.compile(r"^const\s+\w+\s+(\w+)::(\w+)\s*=\s*([^;]+);", re.MULTILINE)
_TABLE = re.compile(
    r"^unsigned\s+(\w+?)_(from_shape|to_shape|perm|perm_strides)\[\d+\]\s*=\s*\{([^}]*)\};", re.MULTILINE
)
_CALL = re.compile(r"^\s*nnet::(\w+)<([^()]*)>\(([^()]*)\);(?:\s*//\s*(\S+))?", re.MULTILINE)
_ALIAS = re.compile(r"^\s*auto&\s+(\w+)\s*=\s*(\w+)\s*;", re.MULTILINE)
_TRACE = re.compile(r'nnet::save_layer_output<\w+>\(\w+,\s*"([^"]+)",\s*([^)]+)\);')
_PORT = re.compile(r"^(?:hls::stream<(\w+)>\s*&\s*(\w+)|(\w+)\s+(\w+)\s*\[([^\]]+)\])$")


def _integer(text: str) -> int | None:
    """The value of a product of whole numbers such as `28*28`, or None."""
    product = 1
    for factor in text.split("*"):
        word = factor.strip()
        if not re.fullmatch(r"-?\d+", word):
            return None
        product *= int(word)
    return product


def read_project(root: Path) -> HlsProject:
    """The project in a folder. Raises ToolError naming the file and what it lacks."""
    firmware = root / "firmware"
    sources = sorted(path for path in firmware.glob("*.cpp")) if firmware.is_dir() else []
    if len(sources) != 1:
        raise ToolError(f"{root} is no hls4ml project: expected one .cpp file in {firmware}, found {len(sources)}")
    source = sources[0]
    try:
        code = source.read_text()
        defines = (firmware / "defines.h").read_text()
        parameters = (firmware / "parameters.h").read_text()
    except OSError as error:
        raise ToolError(f"cannot read {error.filename}: {error.strerror or error}") from error
    types, packed = _types(defines)
    top = source.stem
    ports = _ports(code, top, source)
    inputs, outputs = _split_ports(_with_sizes(ports, root), code, source)
    return HlsProject(
        root=root,
        top=top,
        inputs=inputs,
        outputs=outputs,
        types=types,
        packed=packed,
        configs=_configs(parameters),
        calls=_calls(code),
        aliases=_aliases(code),
        traced={name: _integer(size) or 0 for name, size in _TRACE.findall(code)},
    )


def _aliases(code: str) -> dict[str, str]:
    """The variables that are others under another name, each with the one that holds the values."""
    found: dict[str, str] = {}
    for alias, name in _ALIAS.findall(code):
        # A reshape behind a reshape is an alias of an alias, which stands before it.
        found[alias] = found.get(name, name)
    return found


def _types(defines: str) -> tuple[dict[str, FixedType], dict[str, int]]:
    types: dict[str, FixedType] = {}
    packed: dict[str, int] = {}
    for definition, name in _TYPEDEF.findall(defines):
        pack = _PACK.match(definition)
        if pack is not None:
            packed[name] = _integer(pack.group(2)) or 0
            definition = pack.group(1)
        try:
            types[name] = parse_type(definition)
        except ValueError:
            # Types of other families (ap_float, exponent structs) are only an error where something uses them.
            continue
    return types, packed


def _configs(parameters: str) -> dict[str, Config]:
    found: dict[str, dict[str, str]] = {}
    for name, body in _STRUCT.findall(parameters):
        values = {key: value.strip() for key, value in _CONSTANT.findall(body)}
        values.update({alias: target for target, alias in _TYPEDEF.findall(body)})
        values.update({alias: target.removeprefix("nnet::") for alias, target in _USING.findall(body)})
        found[name] = values
    for struct, key, value in _LATE.findall(parameters):
        found.setdefault(struct, {})[key] = value.strip()
    for struct, key, value in _TABLE.findall(parameters):
        found.setdefault(struct, {})[key] = value.strip()
    return {name: Config(name=name, values=values) for name, values in found.items()}


def _calls(code: str) -> tuple[Call, ...]:
    found = []
    for function, template, arguments, layer in _CALL.findall(code):
        if function.startswith(("load_", "save_")):
            continue
        found.append(
            Call(
                function=function,
                template=tuple(word.strip() for word in template.split(",")),
                arguments=tuple(word.strip() for word in arguments.split(",")),
                layer=layer,
            )
        )
    return tuple(found)


def _ports(code: str, top: str, source: Path) -> list[Port]:
    match = re.search(rf"\bvoid\s+{re.escape(top)}\s*\((.*?)\)\s*\{{", code, re.DOTALL)
    if match is None:
        raise ToolError(f"{source}: no function void {top}(…)")
    ports = []
    for text in match.group(1).split(","):
        port = _PORT.match(" ".join(text.split()))
        if port is None:
            raise ToolError(f"{source}: the parameter '{text.strip()}' of {top} is of an unknown form")
        stream_type, stream_name, array_type, array_name, size = port.groups()
        if stream_type:
            ports.append(Port(name=stream_name, type_name=stream_type, size=0))
        else:
            ports.append(Port(name=array_name, type_name=array_type, size=_integer(size) or 0))
    return ports


def _with_sizes(ports: list[Port], root: Path) -> list[Port]:
    """The ports with their sizes; a stream's size stands in hls4ml_config.yml alone."""
    if all(port.size for port in ports):
        return ports
    import yaml

    path = root / "hls4ml_config.yml"
    try:
        said = yaml.safe_load(path.read_text())
        shapes = {**said["InputShapes"], **said["OutputShapes"]}
        return [replace(port, size=port.size or prod(shapes[port.name])) for port in ports]
    except OSError as error:
        raise ToolError(f"cannot read {path}: {error.strerror or error}") from error
    except (yaml.YAMLError, KeyError, TypeError) as error:
        raise ToolError(f"{path}: it does not state the shapes of the streams: {error}") from error


def _split_ports(ports: list[Port], code: str, source: Path) -> tuple[tuple[Port, ...], tuple[Port, ...]]:
    """Inputs and outputs: a port that some call writes, which is its last data argument, is an output."""
    written: set[str] = set()
    for call in _calls(code):
        written.update(destinations(call))
    inputs = tuple(port for port in ports if port.name not in written)
    outputs = tuple(port for port in ports if port.name in written)
    if not inputs or not outputs:
        raise ToolError(f"{source}: cannot tell the inputs of the top function from its outputs")
    return inputs, outputs


# Where a call's results stand among its arguments; second unless said here.
_TWO_INPUTS = ("add", "subtract", "multiply", "average", "maximum", "minimum", "dot1d")


def destinations(call: Call) -> tuple[str, ...]:
    """The variables that a call writes."""
    if call.function == "clone_stream":
        return call.arguments[1:]
    if call.function in _TWO_INPUTS or call.function.startswith("concatenate"):
        return (call.arguments[2],)
    if call.function in ("leaky_relu", "prelu", "thresholded_relu", "elu") and len(call.arguments) == 3:
        return (call.arguments[2],)
    return (call.arguments[1],)
