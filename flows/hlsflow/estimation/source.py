"""The C++ of an hls4ml project as text by name, of any hls4ml version: the calls, the structs, the types, the weights.

`conversion.project` reads the projects that we write and refuses what it does not know; an estimate is asked of
anyone's project, from hls4ml 0.2 on, so this reader takes what it finds and leaves judging to `estimate_read`. A folder
with `project.json` and `weights.npz`, the form in which designs are collected for calibration, reads the same.
"""

from __future__ import annotations

import ast
import json
import re
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from hlsflow.foundation.errors import ToolError
from hlsflow.foundation.strict_read import MAX_BYTES, brief, check_zip, read_ends, read_text

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceCall:
    """One `nnet::` call of the top function; `layer` is the comment behind it, else empty."""

    function: str
    template: tuple[str, ...]
    arguments: tuple[str, ...]
    layer: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """The target as the project states it; None where it does not. Clock in ns, uncertainty in per cent of it."""

    backend: str | None = None
    part: str | None = None
    clock_period_ns: float | None = None
    clock_uncertainty_percent: float | None = None
    io_type: str | None = None
    multiplier_binding: str | None = None
    tool_version: str | None = None


@dataclass(frozen=True, kw_only=True)
class Source:
    """A project's sources. `weights(name)` gives a weight array, float64 and flat; None where there is no such file.

    `element_bits` are the widths that a generated quantizer gives to every element, by its function; 0 is a constant 0.
    """

    root: Path
    calls: tuple[SourceCall, ...]
    configs: Mapping[str, Mapping[str, str]]
    types: Mapping[str, str]
    sizes: Mapping[str, str]
    pragmas: tuple[str, ...]
    settings: Settings
    weights: Callable[[str], np.ndarray | None]
    element_bits: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    def integer(self, text: str | None, scope: Mapping[str, str] | None = None) -> int | None:
        """The value of a whole-number expression such as `OUT_HEIGHT_2*OUT_WIDTH_2`, None where it has none."""
        if text is None:
            return None
        try:
            local = {name: said for name, said in (scope or {}).items() if said}
            return _Expressions({**self.sizes, **local}).value(text)
        except (SyntaxError, KeyError, ValueError, ZeroDivisionError, RecursionError, MemoryError):
            return None


class _Expressions:
    """Whole-number expressions over named ones, each name computed once: a few lines can name each other often."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = texts
        self._known: dict[str, int | None] = {}

    def value(self, text: str) -> int:
        """The value of an expression. Raises ValueError or KeyError where it has none that is a size."""
        value = self._of(ast.parse(text.replace("/", "//"), mode="eval").body)
        if abs(value) >= _MAX_SIZE:
            raise ValueError("no size of a layer")
        return value

    def _named(self, name: str) -> int:
        if name not in self._known:
            self._known[name] = None
            self._known[name] = self.value(self._texts[name])
        found = self._known[name]
        if found is None:
            raise ValueError(f"{name} stands for itself")
        return found

    def _of(self, node: ast.expr) -> int:
        match node:
            case ast.Constant(value=int(number)):
                return number
            case ast.Name(id=name):
                return self._named(name)
            case ast.UnaryOp(op=ast.USub(), operand=inner):
                return -self._of(inner)
            case ast.BinOp(left=left, op=op, right=right):
                a, b = self._of(left), self._of(right)
                match op:
                    case ast.Mult():
                        return a * b
                    case ast.Add():
                        return a + b
                    case ast.Sub():
                        return a - b
                    case ast.FloorDiv():
                        return a // b
            case ast.Call(func=ast.Name(id="DIV_ROUNDUP" | "MIN" | "MAX" as name), args=[left, right]):
                a, b = self._of(left), self._of(right)
                return -(-a // b) if name == "DIV_ROUNDUP" else min(a, b) if name == "MIN" else max(a, b)
        raise ValueError(type(node).__name__)


def read_source(root: Path) -> Source:
    """The sources of a project's folder. Raises ToolError naming the file and what it lacks."""
    try:
        if (root / "project.json").is_file():
            return _read_collected(root)
        return _read_cpp(root)
    except OSError as error:
        raise ToolError(f"cannot read {error.filename}: {error.strerror or error}") from error


def _read_collected(root: Path) -> Source:
    try:
        said = json.loads(read_text(root / "project.json"))
        configs = {name: {k: str(v) for k, v in values.items()} for name, values in said["configs"].items()}
        calls = tuple(
            SourceCall(
                function=layer["function"], template=tuple(layer["template"]), arguments=tuple(layer["arguments"])
            )
            for layer in said["layers"]
        )
        return Source(
            root=root, calls=calls, configs=configs, types=said["types"], sizes=said["sizes"],
            pragmas=tuple(said["pragmas"]), settings=read_settings(root), weights=partial(_packed_weights, root),
        )  # fmt: skip
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ToolError(f"{root}/project.json: it does not describe a project: {brief(error)}") from error


def _packed_weights(root: Path, name: str) -> np.ndarray | None:
    import numpy as np

    path = root / "weights.npz"
    if not path.is_file():
        return None
    try:
        check_zip(path)
        with np.load(path, allow_pickle=False) as arrays:
            return np.asarray(arrays[name], dtype=np.float64).ravel() if name in arrays else None
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise ToolError(f"{path}: cannot be read: {brief(str(error))}") from error


# Of whole numbers in a project: more is no size, and could be made larger without end.
_MAX_SIZE = 1 << 63

_TYPEDEF = re.compile(r"^\s*typedef\s+(.+?)\s+(\w+)\s*;", re.MULTILINE)
_DEFINE = re.compile(r"^\s*#define\s+(\w+)\s+([\w*+\-/() ]+?)\s*$", re.MULTILINE)
_SIZE = re.compile(
    r"^\s*(?:static\s+)?(?:constexpr|const)\s+\w+(?:\s+\w+)?\s+(N_\w+|OUT_\w+)\s*=\s*([^;]+);", re.MULTILINE
)
_STRUCT = re.compile(r"^struct\s+(\w+)\s*(?::\s*nnet::(\w+)\s*)?\{(.*?)^\s*\};", re.MULTILINE | re.DOTALL)
_CONSTANT = re.compile(r"static\s+(?:const|constexpr)\s+[\w:]+\s+(\w+)\s*=\s*([^;]+);")
_USING = re.compile(r"using\s+(\w+)\s*=\s*(?:nnet::)?([\w:]+)\s*<")
_CALL = re.compile(r"^\s*nnet::(\w+)<([^()]*)>\(([^()]*)\);(?:\s*//\s*(\S+))?", re.MULTILINE)
_ALIAS = re.compile(r"^\s*auto\s*&\s*(\w+)\s*=\s*(\w+)\s*;", re.MULTILINE)
_PRAGMA = re.compile(r"^\s*(#pragma HLS (?:PIPELINE|DATAFLOW|STREAM)[^\n]*)", re.MULTILINE)


# hls4ml's generated quantizers (HGQ): one cast or constant an element (`generate_mask_fn` of its fpga backends).
_QUANTIZER = re.compile(r"void\s+(\w+)\(input_t \*inp, output_t \*out\)\s*\{(.*?)^\}", re.MULTILINE | re.DOTALL)
_ELEMENT = re.compile(r"out\[(\d+)\]\s*=\s*(?:0\s*;|ap_u?fixed<\s*(\d+)\s*,)")


def read_element_bits(text: str) -> dict[str, tuple[int, ...]]:
    """The widths of the elements by function, of the text of nnet_code_gen.h; 0 for an element that is always 0."""
    found: dict[str, tuple[int, ...]] = {}
    for name, body in _QUANTIZER.findall(text):
        widths = {int(index): int(width or 0) for index, width in _ELEMENT.findall(body)}
        if widths and sorted(widths) == list(range(len(widths))):
            found[name] = tuple(widths[index] for index in range(len(widths)))
    return found


def _read_cpp(root: Path) -> Source:
    firmware = root / "firmware"
    sources = sorted(path for path in firmware.glob("*.cpp")) if firmware.is_dir() else []
    tops = [path for path in sources if not path.stem.endswith(("_axi", "_bridge", "_test"))]
    if len(tops) != 1:
        raise ToolError(
            f"{root} is no hls4ml project: expected one top function's .cpp in {firmware}, found {len(tops)}"
        )
    code, defines = read_text(tops[0]), read_text(firmware / "defines.h")
    parameters = read_text(firmware / "parameters.h")
    configs: dict[str, dict[str, str]] = {}
    for name, kind, body in _STRUCT.findall(parameters):
        values = {"kind": kind} | {key: value.strip() for key, value in _CONSTANT.findall(body)}
        values |= {key: _plain(value) for key, value in values.items()}
        values |= {alias: target for target, alias in _TYPEDEF.findall(body)}
        values |= {f"using_{alias}": target for alias, target in _USING.findall(body)}
        configs[name] = values
    aliases = dict(_ALIAS.findall(code))
    calls = tuple(
        SourceCall(
            function=function,
            template=tuple(word.strip() for word in template.split(",")),
            arguments=tuple(_resolved(word.strip(), aliases) for word in arguments.split(",")),
            layer=layer,
        )
        for function, template, arguments, layer in _CALL.findall(code)
        if not function.startswith(("load_", "save_"))
    )
    if not calls:
        raise ToolError(f"{tops[0]}: it calls no layer of nnet::")
    generated = firmware / "nnet_utils" / "nnet_code_gen.h"
    return Source(
        root=root, calls=calls, configs=configs,
        types={name: definition for definition, name in _TYPEDEF.findall(defines)},
        sizes=dict(_DEFINE.findall(defines)) | dict(_SIZE.findall(defines)),
        pragmas=tuple(_PRAGMA.findall(code)), settings=read_settings(root), weights=partial(_text_weights, firmware),
        element_bits=read_element_bits(read_text(generated)) if generated.is_file() else {},
    )  # fmt: skip


def _plain(value: str) -> str:
    """`nnet::io_parallel` as `io_parallel`; expressions and numbers as they are."""
    return value.rsplit("::", 1)[-1] if re.fullmatch(r"[\w:]+", value) else value


def _resolved(name: str, aliases: Mapping[str, str]) -> str:
    """What a name stands for. Raises ToolError where it stands for itself."""
    seen = {name}
    while name in aliases:
        name = aliases[name]
        if name in seen:
            raise ToolError(f"the top function: auto& {name} is an alias of itself")
        seen.add(name)
    return name


def _text_weights(firmware: Path, name: str) -> np.ndarray | None:
    """The numbers of weights/<name>.txt, else those between the braces of weights/<name>.h."""
    import numpy as np

    text = firmware / "weights" / f"{name}.txt"
    header = firmware / "weights" / f"{name}.h"
    try:
        if text.is_file():
            return np.array([float(word) for word in read_text(text).split(",")], dtype=np.float64)
        if header.is_file():
            body = re.search(r"=\s*\{(.*?)\}\s*;", read_text(header), re.DOTALL)
            return (
                None if body is None else np.array([float(word) for word in re.findall(r"[-+.\deE]+", body.group(1))])
            )
    except ValueError as error:
        raise ToolError(f"{firmware}/weights/{name}: not a list of numbers: {error}") from error
    return None


_KEYS = {
    "backend": r"Backend['\"]?\s*:\s*['\"]?(\w+)",
    "part": r"(?:Xilinx)?Part['\"]?\s*:\s*['\"]?([\w-]+)",
    "clock_period_ns": r"ClockPeriod['\"]?\s*:\s*['\"]?([\d.]+)",
    "clock_uncertainty_percent": r"ClockUncertainty['\"]?\s*:\s*['\"]?([\d.]+)\s*%",
    "io_type": r"IOType['\"]?\s*:\s*['\"]?(\w+)",
}
_TCL = {
    "part": r"set\s+part\s+\"([\w-]+)\"",
    "clock_period_ns": r"set\s+clock_period\s+([\d.]+)",
    "clock_uncertainty_percent": r"set\s+clock_uncertainty\s+([\d.]+)%",
}


def read_settings(root: Path) -> Settings:
    """The target: from hls4ml_config.yml and, where that is silent, the Tcl scripts. Neither is parsed as its language,
    for the YAML may hold Python objects."""
    found: dict[str, str | float] = {}
    for name, patterns in (("hls4ml_config.yml", _KEYS), ("project.tcl", _TCL)):
        path = root / name
        text = read_text(path) if path.is_file() else ""
        for key, pattern in patterns.items():
            match = re.search(rf"(?:^|[\s{{,'\"]){pattern}", text)
            if match and match.group(1) not in ("null", "None"):
                found.setdefault(key, float(match.group(1)) if key.startswith("clock") else match.group(1))
    for path in sorted(root.glob("*.tcl")) + sorted(root.glob("vi*_hls.log")):
        # The end of a log of hours is no setting.
        text = read_ends(path, MAX_BYTES)[0].decode("utf-8", errors="replace") if path.is_file() else ""
        if match := re.search(r"config_op\s+mul\s+-impl\s+(\w+)", text):
            found.setdefault("multiplier_binding", match.group(1))
        if match := re.search(r"\bv?(20\d\d\.\d)", text) if path.suffix == ".log" else None:
            found.setdefault("tool_version", match.group(1))
    return Settings(**found)
