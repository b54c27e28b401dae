"""The outermost fields of a protobuf message, read without a library: whether a file is a model of ONNX at all."""

from __future__ import annotations

from io import BufferedReader
from pathlib import Path

from hlsflow.foundation.strict_read import open_regular

_VARINT, _BYTES = 0, 2
# Fields of a ModelProto: numbers, and texts or messages.
_NUMBERS = frozenset((1, 5))
_PARTS = frozenset((2, 3, 4, 6, 7, 8, 14, 20, 25, 26))
_IR_VERSION, _GRAPH = 1, 7
# Of a model that says much of itself before its graph.
_MOST_FIELDS = 10_000


def is_onnx(path: Path) -> bool:
    """Whether a file begins as a model of ONNX does, up to its graph, be that cut off or not."""
    try:
        with open_regular(path) as file:
            return _has_graph(file)
    except (OSError, ValueError):
        return False


def _has_graph(file: BufferedReader) -> bool:
    versioned = False
    for _ in range(_MOST_FIELDS):
        tag = _varint(file)
        if tag is None:
            return False
        field, kind = tag >> 3, tag & 7
        if field == _GRAPH and kind == _BYTES:
            # Some writers put the version behind it.
            return versioned or file.tell() < 3
        if field in _NUMBERS and kind == _VARINT:
            if _varint(file) is None:
                return False
            versioned |= field == _IR_VERSION
        elif field in _PARTS and kind == _BYTES:
            length = _varint(file)
            if length is None or length > 1 << 31:
                return False
            file.seek(length, 1)
        else:
            return False
    return False


def _varint(file: BufferedReader) -> int | None:
    """The next number, None at the end of the file or where there is none."""
    value = 0
    for shift in range(0, 70, 7):
        byte = file.read(1)
        if not byte:
            return None
        value |= (byte[0] & 0x7F) << shift
        if byte[0] < 0x80:
            return value
    return None
