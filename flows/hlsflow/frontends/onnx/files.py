"""Models of ONNX as files: protobuf, of which nothing is run. What cannot be read for certain is refused."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from hlsflow.foundation.errors import ModelError, UnsupportedError
from hlsflow.foundation.strict_read import UnreadableError, brief, printable, read_bytes
from hlsflow.frontends.onnx.graph import CHANNELS_LAST, MOST_TENSOR_VALUES, QONNX_DOMAINS, Graph, Step
from hlsflow.frontends.onnx.version_6 import OLDEST, modernized

MAX_BYTES = 512 << 20
# What a tensor may state of its size, so that none fills the memory: as many values as the largest file holds.
_MOST_VALUES = MAX_BYTES // 4
_MOST_STEPS = 5_000
_NEWEST = 22
_AGAIN = "export it again, and copy it whole"
_KNOWN = frozenset(("", "ai.onnx", CHANNELS_LAST, *QONNX_DOMAINS))


def read_model(path: Path) -> tuple[bytes, Any]:
    """The bytes of a file and its ModelProto. Raises ModelError."""
    try:
        data = read_bytes(path, MAX_BYTES)
    except UnreadableError as error:
        raise ModelError(f"{path}: {error.strerror}", hint="an .onnx file of one model") from error
    except OSError as error:
        raise ModelError(f"cannot read {path}: {error.strerror or error}", hint="check the path") from error
    return data, parse_model(data, str(path))


def parse_model(data: bytes, where: str) -> Any:
    """The ModelProto of a file's bytes. Raises ModelError where they are damaged."""
    import onnx
    from google.protobuf.message import DecodeError

    model = onnx.ModelProto()
    try:
        model.ParseFromString(data)
    except (DecodeError, ValueError, RecursionError) as error:
        raise ModelError(f"{where}: no model of ONNX, or a damaged one: {brief(str(error))}", hint=_AGAIN) from error
    if not model.HasField("graph") or not (model.graph.node and model.graph.output):
        raise ModelError(f"{where}: a model of ONNX without a graph, or with an empty one", hint=_AGAIN)
    return model


def graph_of(model: Any, where: str) -> Graph:
    """The graph of a ModelProto. Raises ModelError where it is damaged, UnsupportedError where it is not read."""
    opset = _opset(model, where)
    graph = model.graph
    if len(graph.node) > _MOST_STEPS:
        raise UnsupportedError(f"{where}: {len(graph.node):,} nodes, more than {_MOST_STEPS:,}", hint="a smaller model")
    if model.functions or graph.sparse_initializer:
        what = "functions of its own" if model.functions else "sparse initializers"
        raise UnsupportedError(f"{where}: {what}, which are not read", hint="export it without, e.g. by onnxsim")
    constants = {_text(item.name): _array(item, f"initializer '{_text(item.name)}'", where)
                 for item in graph.initializer}  # fmt: skip
    inputs, batch = _inputs(graph, constants, where)
    steps = _ordered(_steps(graph, constants, where), {*constants, *inputs}, where)
    if opset < OLDEST:
        steps, opset = tuple(modernized(step, where) for step in steps), OLDEST
    made = {name for step in steps for name in step.outputs}
    outputs = tuple(_text(item.name) for item in graph.output)
    for name in outputs:
        if name not in made and name not in inputs:
            raise ModelError(f"{where}: no node gives its output '{name}'", hint=_AGAIN)
    return Graph(
        name=_text(graph.name), steps=steps, constants=constants, inputs=inputs, outputs=outputs, opset=opset,
        batch=batch,
    )  # fmt: skip


def _text(said: str | bytes) -> str:
    """A name of the file: its bytes where they are no UTF-8."""
    return printable(said if isinstance(said, str) else said.decode("utf-8", errors="replace"))[:200]


def _opset(model: Any, where: str) -> int:
    found = {_text(item.domain): int(item.version) for item in model.opset_import}
    version = found.get("", found.get("ai.onnx"))
    if version is None:
        raise ModelError(f"{where}: it says no version of ONNX' operators (opset_import)", hint=_AGAIN)
    if not OLDEST - 1 <= version <= _NEWEST:
        raise UnsupportedError(
            f"{where}: operators of version {version}; those of {OLDEST - 1} to {_NEWEST} are read",
            hint=f"export it with opset_version={min(_NEWEST, 17)}",
        )
    return version


def _inputs(graph: Any, constants: Mapping[str, Any], where: str) -> tuple[dict[str, tuple[int, ...]], int | None]:
    """The shape of one sample of each input, and the size of the first axis of all where it is stated."""
    found: dict[str, tuple[int, ...]] = {}
    batches: set[int | None] = set()
    for item in graph.input:
        name = _text(item.name)
        if name in constants:
            # Older exporters name their weights as inputs, too.
            continue
        tensor = item.type.tensor_type
        if not item.type.HasField("tensor_type") or tensor.elem_type not in (1, 11):
            raise UnsupportedError(
                f"{where}: its input '{name}' is no tensor of float32 or float64", hint="inputs of float32"
            )
        sizes = [int(axis.dim_value) if axis.HasField("dim_value") else None for axis in tensor.shape.dim]
        if len(sizes) < 2:
            raise UnsupportedError(
                f"{where}: its input '{name}' has {len(sizes)} axes, of which the first is the batch",
                hint="an input of (batch, values) at least",
            )
        sample = tuple(size or 0 for size in sizes[1:])
        if any(size < 1 for size in sample):
            shown = ", ".join("?" if size is None else str(size) for size in sizes)
            raise UnsupportedError(
                f"{where}: its input '{name}' is ({shown}): an axis beside the batch has no size",
                hint="export it with sizes for all axes but the first",
            )
        _demand_few(sample, f"the input '{name}'", where, MOST_TENSOR_VALUES)
        found[name] = sample
        batches.add(sizes[0])
    if not found:
        raise ModelError(f"{where}: it has no input", hint=_AGAIN)
    return found, batches.pop() if len(batches) == 1 else None


def _demand_few(shape: Iterable[int], what: str, where: str, most: int = _MOST_VALUES) -> None:
    count = 1
    for size in shape:
        if size < 0:
            raise ModelError(f"{where}: {what} has an axis of {size} values", hint=_AGAIN)
        count *= size
    if count > most:
        raise UnsupportedError(f"{where}: {what} states {count:,} values", hint="a smaller model")


def _array(tensor: Any, what: str, where: str) -> Any:
    import numpy as np
    from onnx import numpy_helper

    if tensor.data_location or tensor.external_data:
        raise UnsupportedError(
            f"{where}: {what} lies in a file of its own, and no file is opened that another one names",
            hint="onnx.save_model(model, FILE, save_as_external_data=False) puts all into one",
        )
    _demand_few(tensor.dims, what, where)
    try:
        found = numpy_helper.to_array(tensor)
    except Exception as error:  # TypeError, ValueError, KeyError, …: whatever the bytes make of it
        raise ModelError(f"{where}: {what} is damaged: {brief(str(error))}", hint=_AGAIN) from error
    if found.dtype.kind not in "fiub" or found.dtype.itemsize > 8:
        raise UnsupportedError(f"{where}: {what} holds {found.dtype}, no numbers", hint="weights of float32")
    if found.dtype.kind == "f" and not np.isfinite(found).all():
        raise ModelError(f"{where}: {what} holds NaN or infinite values", hint="train it again, or find out why")
    return found


def _steps(graph: Any, constants: dict[str, Any], where: str) -> list[Step]:
    """All nodes, as they stand; those that are constants are put among `constants`."""
    found: list[Step] = []
    names: set[str] = set()
    for index, node in enumerate(graph.node):
        op, domain = _text(node.op_type), _text(node.domain)
        name = _text(node.name) or f"{op}_{index}"
        while name in names:
            name = f"{name}_{index}"
        names.add(name)
        if domain not in _KNOWN:
            raise UnsupportedError(
                f"{where}: node '{name}': an operator {op} of the domain '{domain}', which is not read",
                hint="operators of ONNX, and Quant, BipolarQuant and Trunc of QONNX",
            )
        said = {_text(item.name): _attribute(item, name, where) for item in node.attribute}
        if op == "Constant" and domain in ("", "ai.onnx"):
            constants[_text(node.output[0])] = _constant(said, name, where)
            continue
        found.append(
            Step(
                name=name,
                op=op,
                domain="" if domain == "ai.onnx" else domain,
                inputs=tuple(_text(item) for item in node.input),
                outputs=tuple(_text(item) for item in node.output),
                attributes=said,
            )
        )
    return found


def _constant(said: Mapping[str, Any], name: str, where: str) -> Any:
    import numpy as np

    for key, kind in (("value", None), ("value_float", "f4"), ("value_floats", "f4"), ("value_int", "i8"),
                      ("value_ints", "i8")):  # fmt: skip
        if key in said:
            return np.asarray(said[key], dtype=kind)
    raise UnsupportedError(f"{where}: node '{name}': a Constant of no numbers", hint="a tensor of floats or integers")


def _attribute(item: Any, node: str, where: str) -> Any:
    from onnx import AttributeProto, helper

    if item.type == AttributeProto.TENSOR:
        return _array(item.t, f"the attribute '{_text(item.name)}' of node '{node}'", where)
    if item.type in (AttributeProto.GRAPH, AttributeProto.GRAPHS):
        raise UnsupportedError(
            f"{where}: node '{node}' holds a graph of its own: which branch is taken, hardware cannot choose",
            hint="export it without If, Loop and Scan",
        )
    try:
        found = helper.get_attribute_value(item)
    except ValueError as error:
        raise ModelError(f"{where}: an attribute of node '{node}' is damaged", hint=_AGAIN) from error
    if isinstance(found, bytes):
        return found.decode("utf-8", errors="replace")
    return tuple(found) if hasattr(found, "__iter__") and not isinstance(found, str) else found


def _ordered(steps: list[Step], known: set[str], where: str) -> tuple[Step, ...]:
    """The steps in an order of computation. Raises ModelError where there is none."""
    made: dict[str, str] = {}
    for step in steps:
        for name in filter(None, step.outputs):
            if name in made or name in known:
                raise ModelError(f"{where}: two nodes give the tensor '{name}'", hint=_AGAIN)
            made[name] = step.name
    for step in steps:
        for name in filter(None, step.inputs):
            if name not in known and name not in made:
                raise ModelError(f"{where}: node '{step.name}' reads '{name}', which nothing in it gives", hint=_AGAIN)
    found: list[Step] = []
    ready, waiting = set(known) | {""}, steps
    while waiting:
        # Exporters write nodes in order: one pass does.
        left = []
        for step in waiting:
            if all(name in ready for name in step.inputs):
                found.append(step)
                ready.update(step.outputs)
            else:
                left.append(step)
        if len(left) == len(waiting):
            raise ModelError(f"{where}: a circle of nodes, '{left[0].name}' among them", hint=_AGAIN)
        waiting = left
    return tuple(found)


def identifier(text: str, otherwise: str) -> str:
    """A name of letters, digits and _, beginning with a letter."""
    found = re.sub(r"[^A-Za-z0-9]+", "_", text).strip("_")
    return found if re.match(r"[A-Za-z]", found) else f"{otherwise}_{found}".rstrip("_")
