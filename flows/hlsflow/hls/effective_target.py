"""What the project's scripts and its top function say of the target, against what was asked for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import prod
from pathlib import Path

from hlsflow.foundation.errors import ToolError
from hlsflow.foundation.target_files import tcl_settings
from hlsflow.hls.config import HlsConfig
from hlsflow.hls.project import HlsProject, destinations
from hlsflow.network.graph import Op
from hlsflow.network.layer_types import LayerTypes

# The lines of build_prj.tcl that hand the settings to the tool.
_USED = ("set_part $part", "create_clock -period $clock_period", "set_clock_uncertainty $clock_uncertainty")
# #pragma HLS INTERFACE axis port=x_in,layer7_out
_INTERFACE = re.compile(r"#pragma HLS INTERFACE\s+(\w+)\s+port=(\S+)")
_IO_TYPE = re.compile(r"nnet::(io_\w+)$")


def target_problems(project: HlsProject, config: HlsConfig) -> list[str]:
    """Part, clock, its uncertainty, backend and top as project.tcl states them, where they are not the planned ones."""
    said = dict(tcl_settings(_text(project.root / "project.tcl")))
    planned = {
        "part": config.part,
        "clock_period": config.clock_period_ns,
        "clock_uncertainty": config.clock_uncertainty_percent,
        "backend": config.backend.lower(),
        "project_name": project.top,
    }
    problems = []
    for key, value in planned.items():
        found = said.get(key, "absent")
        if found != value and _number(found) != value:
            problems.append(f"project.tcl: {key} is {found}, {value} planned")
    script = _text(project.root / "build_prj.tcl")
    problems += [f"build_prj.tcl: no '{line}', so that it is of no effect" for line in _USED if line not in script]
    return problems


def interface_problems(project: HlsProject, layers: Sequence[LayerTypes], config: HlsConfig) -> list[str]:
    """The io type and the ports of the top function, where they are not the planned ones."""
    stream = config.io_type == "io_stream"
    problems = []
    if project.io_stream != stream:
        found = "io_stream" if project.io_stream else "io_parallel"
        problems.append(f"the ports are those of {found}, {config.io_type} planned")
    for struct in project.configs.values():
        stated = _IO_TYPE.search(struct.values.get("io_type", ""))
        if stated and stated[1] != config.io_type:
            problems.append(f"io_type of {struct.name} is {stated[1]} in the C++, {config.io_type} planned")
    interfaces = _INTERFACE.findall("\n".join(project.pragmas))
    modes = {port: mode for mode, ports in interfaces for port in ports.split(",")}
    for port in (*project.inputs, *project.outputs):
        mode, due = modes.get(port.name, "absent"), "axis" if stream else "ap_vld"
        if mode != due:
            problems.append(f"the interface pragma of port '{port.name}' is {mode}, {due} planned")
    return problems + _port_problems(project, layers)


def _port_problems(project: HlsProject, layers: Sequence[LayerTypes]) -> list[str]:
    done = {layer.node.name: layer for layer in layers}
    named = project.cpp_names
    inputs = {named.get(layer.node.name, layer.node.name): layer for layer in layers if layer.node.op is Op.INPUT}
    problems = []
    if len(inputs) != len(project.inputs):
        problems.append(f"{len(project.inputs)} inputs in the C++, {len(inputs)} planned")
    planned = []
    for port in project.inputs:
        # By name: ports stand in the order of the model's inputs, layers in that in which others read them.
        layer = inputs.get(port.name)
        if layer is None:
            problems.append(f"input '{port.name}' is no input that was planned")
        else:
            planned.append((port, layer, "input"))
    for port in project.outputs:
        layer = done.get(_writer(project, port.name))
        if layer is None:
            problems.append(f"output '{port.name}' is written by no layer that was planned")
        else:
            planned.append((port, layer, "output"))
    for port, layer, what in planned:
        type_ = project.type_of(port.type_name)
        same = type_ == layer.result if what == "input" else type_.grid == layer.result.grid
        if not same:
            problems.append(f"{what} '{port.name}': {type_} in the C++, {layer.result} planned")
        if port.size != prod(layer.node.shape):
            problems.append(f"{what} '{port.name}': {port.size} values in the C++, {prod(layer.node.shape)} planned")
    return problems


def _writer(project: HlsProject, name: str) -> str:
    """The layer that writes a variable; copies of streams, and streams in packs of another size, are passed over."""
    writers = {written: call for call in project.calls for written in destinations(call)}
    while name in writers and writers[name].function in ("clone_stream", "repack_stream"):
        source = writers[name].arguments[0]
        name = project.aliases.get(source, source)
    return writers[name].layer if name in writers else ""


def _number(text: str) -> float | None:
    try:
        return float(text.removesuffix("%"))
    except ValueError:
        return None


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError as error:
        raise ToolError(f"cannot read {path}: {error.strerror or error}") from error
