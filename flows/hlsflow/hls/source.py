"""The C++ of an hls4ml project as text by name, of any hls4ml version: calls, structs, types, sizes, weights.

The one reader of it. It takes what it finds and judges nothing: `hls.project` makes of it the project that we wrote and
refuses what it does not know; `estimation.read` takes anyone's project, from hls4ml 0.2 on.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from hlsflow.foundation.errors import ToolError
from hlsflow.foundation.strict_read import read_text
from hlsflow.hls.expressions import whole_number
from hlsflow.hls.names import read_names, users_name

if TYPE_CHECKING:
    from hlsflow.foundation.arrays import Array


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One call of the top function: `nnet::dense<input_t, layer2_t, config2>(x, y, w2, b2); // fc1`.

    `layer` is the comment behind it, empty where there is none.
    """

    function: str
    template: tuple[str, ...]
    arguments: tuple[str, ...]
    layer: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Config:
    """A layer's configuration struct: its constants, typedefs and aliases by name, as they are written."""

    name: str
    values: Mapping[str, str]

    def integer(self, key: str) -> int:
        """A constant as an integer. Raises ToolError naming it where it is absent or no number."""
        text = self.values.get(key)
        number = whole_number(text)
        if number is None:
            raise ToolError(f"parameters.h: struct {self.name}: {key} is {text or 'absent'}, not a whole number")
        return number

    def integers(self, key: str) -> tuple[int, ...]:
        """A table of constants. Raises ToolError where it is absent or holds anything but whole numbers."""
        numbers = [whole_number(word) for word in self.values.get(key, "?").split(",")]
        if any(number is None for number in numbers):
            raise ToolError(f"parameters.h: struct {self.name}: {key} is no list of whole numbers")
        return tuple(number for number in numbers if number is not None)


@dataclass(frozen=True, kw_only=True)
class Source:
    """A project's sources, as they are written.

    `weights(name)` gives a weight array, float64 and flat; None where there is no such file. `aliases` map a variable
    to the one that holds its values. `parameters` are those of the top function. `element_types` are the types that a
    generated quantizer gives to every element, by its function, as they are written; `0` is a constant 0. Calls and
    traces have the user's names of layers; `cpp_names` are those that C++ has otherwise.
    """

    root: Path
    calls: tuple[Call, ...]
    configs: Mapping[str, Config]
    types: Mapping[str, str]
    sizes: Mapping[str, str]
    pragmas: tuple[str, ...]
    weights: Callable[[str], Array | None]
    top: str = ""
    parameters: tuple[str, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)
    traced: Mapping[str, str] = field(default_factory=dict)
    element_types: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    cpp_names: Mapping[str, str] = field(default_factory=dict)

    @property
    def element_bits(self) -> dict[str, tuple[int, ...]]:
        """The widths of the elements by function; 0 for one that is always 0."""
        return {
            name: tuple(int(_WIDTH.findall(text)[0]) if text != "0" else 0 for text in texts)
            for name, texts in self.element_types.items()
        }

    def integer(self, text: str | None, scope: Mapping[str, str] | None = None) -> int | None:
        """The value of a whole-number expression such as `OUT_HEIGHT_2*OUT_WIDTH_2`, None where it has none."""
        return whole_number(text, {**self.sizes, **{name: said for name, said in (scope or {}).items() if said}})


_TYPEDEF = re.compile(r"^\s*typedef\s+(.+?)\s+(\w+)\s*;", re.MULTILINE)
_PACK = re.compile(r"nnet::array<\s*(.+?)\s*,\s*([^,]+?)\s*>")
_DEFINE = re.compile(r"^\s*#define\s+(\w+)\s+([\w*+\-/() ]+?)\s*$", re.MULTILINE)
_SIZE = re.compile(
    r"^\s*(?:static\s+)?(?:constexpr|const)\s+\w+(?:\s+\w+)?\s+(N_\w+|OUT_\w+)\s*=\s*([^;]+);", re.MULTILINE
)
_STRUCT = re.compile(r"^struct\s+(\w+)\s*(?::\s*[\w:]+\s*)?\{(.*?)^\s*\};", re.MULTILINE | re.DOTALL)
_CONSTANT = re.compile(r"static\s+(?:const|constexpr)\s+[\w:]+\s+(\w+)\s*=\s*([^;]+);")
_USING = re.compile(r"using\s+(\w+)\s*=\s*(?:nnet::)?([\w:]+)\s*<")
_LATE = re.compile(r"^const\s+\w+\s+(\w+)::(\w+)\s*=\s*([^;]+);", re.MULTILINE)
_TABLE = re.compile(
    r"^unsigned\s+(\w+?)_(from_shape|to_shape|perm|perm_strides)\[\d+\]\s*=\s*\{([^}]*)\};", re.MULTILINE
)
_CALL = re.compile(r"^\s*nnet::(\w+)<([^()]*)>\(([^()]*)\);(?:\s*//\s*(\S+))?", re.MULTILINE)
_ALIAS = re.compile(r"^\s*auto\s*&\s*(\w+)\s*=\s*(\w+)\s*;", re.MULTILINE)
_TRACE = re.compile(r'nnet::save_layer_output<\w+>\(\w+,\s*"([^"]+)",\s*([^)]+)\);')
_PRAGMA = re.compile(r"^\s*(#pragma HLS (?:PIPELINE|DATAFLOW|STREAM|INTERFACE)[^\n]*)", re.MULTILINE)
# hls4ml's generated quantizers (HGQ): one cast or constant an element (`generate_mask_fn` of its fpga backends).
_QUANTIZER = re.compile(
    r"void\s+(\w+)\((?:input_t \*inp, output_t \*out|hls::stream<input_t> &data, hls::stream<output_t> &res)\)"
    r"\s*\{(.*?)^\}",
    re.MULTILINE | re.DOTALL,
)
_ELEMENT = re.compile(r"out\[(\d+)\]\s*=\s*(?:0|(ap_u?fixed<\s*\d+\s*,[^>]*>)\(inp\[\1\]\))\s*;")
_ASSIGNED = re.compile(r"\bout\[[^\]]*\]\s*=")
_WIDTH = re.compile(r"<\s*(\d+)")


def tops(root: Path) -> list[Path]:
    """The .cpp files of a project's firmware, in the order of their names."""
    firmware = root / "firmware"
    return sorted(firmware.glob("*.cpp")) if firmware.is_dir() else []


def read_cpp(root: Path, top: Path) -> Source:
    """The sources of a project whose top function stands in `top`. Raises ToolError naming what cannot be read."""
    firmware = root / "firmware"
    generated = firmware / "nnet_utils" / "nnet_code_gen.h"
    try:
        code, defines = read_text(top), read_text(firmware / "defines.h")
        parameters = read_text(firmware / "parameters.h")
        element_types = read_element_types(read_text(generated)) if generated.is_file() else {}
    except OSError as error:
        raise ToolError(f"cannot read {error.filename}: {error.strerror or error}") from error
    names = read_names(root)
    return Source(
        root=root,
        top=top.stem,
        calls=_calls(code, names),
        configs=_configs(parameters),
        types={name: definition for definition, name in _TYPEDEF.findall(defines)},
        sizes=dict(_DEFINE.findall(defines)) | dict(_SIZE.findall(defines)),
        pragmas=tuple(_PRAGMA.findall(code)),
        weights=partial(_weights, firmware / "weights"),
        parameters=_parameters(code, top.stem),
        aliases=_aliases(code),
        traced={users_name(name, names): size for name, size in _TRACE.findall(code)},
        element_types=element_types,
        cpp_names={name: cpp for cpp, name in names.items()},
    )


def pack_of(definition: str) -> tuple[str, str] | None:
    """(type of an element, expression of how many) of a pack `nnet::array<…>`, None where a type is none."""
    matched = _PACK.fullmatch(definition)
    return None if matched is None else (matched[1], matched[2])


def read_element_types(text: str) -> dict[str, tuple[str, ...]]:
    """The types of the elements by function, of the text of nnet_code_gen.h; `0` for an element that is always 0."""
    found: dict[str, tuple[str, ...]] = {}
    for name, body in _QUANTIZER.findall(text):
        types = {int(place): type_ or "0" for place, type_ in _ELEMENT.findall(body)}
        whole = len(types) == len(_ASSIGNED.findall(body))
        if types and whole and sorted(types) == list(range(len(types))):
            found[name] = tuple(types[place] for place in range(len(types)))
    return found


def text_weights(path: Path) -> Array:
    """The numbers of a weight file such as w2.txt, float64, flat. Raises ToolError."""
    return _numbers(path, r"(.*)")


def header_weights(path: Path) -> Array:
    """The numbers between the braces of a weight header such as w2.h, float64, flat. Raises ToolError."""
    return _numbers(path, r"=\s*\{([^{}]*)\}")


def _weights(folder: Path, name: str) -> Array | None:
    if (folder / f"{name}.txt").is_file():
        return text_weights(folder / f"{name}.txt")
    header = folder / f"{name}.h"
    return header_weights(header) if header.is_file() else None


def _numbers(path: Path, listed: str) -> Array:
    """The numbers between commas that the first group of `listed` finds in a file."""
    import numpy as np

    try:
        text = read_text(path)
    except OSError as error:
        raise ToolError(f"cannot read {path}: {error.strerror or error}") from error
    found = re.search(listed, text, re.DOTALL)
    try:
        return np.array([float(word) for word in (found[1] if found else "").split(",")], dtype=np.float64)
    except ValueError as error:
        raise ToolError(f"{path}: not a list of numbers: {error}") from error


def _configs(parameters: str) -> dict[str, Config]:
    found: dict[str, dict[str, str]] = {}
    for name, body in _STRUCT.findall(parameters):
        values = {key: value.strip() for key, value in _CONSTANT.findall(body)}
        values.update({alias: target for target, alias in _TYPEDEF.findall(body)})
        values.update(_USING.findall(body))
        found[name] = values
    for struct, key, value in (*_LATE.findall(parameters), *_TABLE.findall(parameters)):
        found.setdefault(struct, {})[key] = value.strip()
    return {name: Config(name=name, values=values) for name, values in found.items()}


def _calls(code: str, names: Mapping[str, str]) -> tuple[Call, ...]:
    return tuple(
        Call(
            function=function,
            template=tuple(word.strip() for word in template.split(",")),
            arguments=tuple(word.strip() for word in arguments.split(",")),
            layer=users_name(layer, names),
        )
        for function, template, arguments, layer in _CALL.findall(code)
        if not function.startswith(("load_", "save_"))
    )


def _parameters(code: str, top: str) -> tuple[str, ...]:
    matched = re.search(rf"\bvoid\s+{re.escape(top)}\s*\((.*?)\)\s*\{{", code, re.DOTALL)
    return () if matched is None else tuple(" ".join(text.split()) for text in matched.group(1).split(","))


def _aliases(code: str) -> dict[str, str]:
    """The variables that are others under another name, each with the one that holds the values: a reshape behind a
    reshape is an alias of an alias. Raises ToolError where one stands for itself."""
    said = dict(_ALIAS.findall(code))
    found = {}
    for alias in said:
        name, seen = said[alias], {alias}
        while name in said:
            if name in seen:
                raise ToolError(f"the top function: auto& {name} is an alias of itself")
            seen.add(name)
            name = said[name]
        found[alias] = name
    return found
