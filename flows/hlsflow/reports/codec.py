"""Frozen values to plain JSON data and back, by their type hints."""

from __future__ import annotations

import dataclasses
import functools
import types
import typing
from enum import Enum
from typing import Any


def to_data(value: Any) -> Any:
    """`value` as dicts, lists, strings, numbers and None. Every field is written, None included."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_data(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, (tuple, list)):
        return [to_data(item) for item in value]
    return value


def from_data(kind: Any, data: Any) -> Any:
    """The value of type `kind` that `data` states. Raises ValueError naming the field that does not fit."""
    origin = typing.get_origin(kind)
    if origin in (types.UnionType, typing.Union):
        if data is None:
            return None
        (kind,) = [option for option in typing.get_args(kind) if option is not type(None)]
        return from_data(kind, data)
    if origin is tuple:
        (item_kind, _) = typing.get_args(kind)
        return tuple(from_data(item_kind, item) for item in _expect(list, data))
    if dataclasses.is_dataclass(kind):
        hints = _hints(kind)
        unknown = sorted(set(_expect(dict, data)) - set(hints))
        missing = sorted(set(hints) - set(data))
        if unknown or missing:
            raise ValueError(f"{kind.__name__}: unknown fields {unknown}, missing fields {missing}")
        return kind(**{name: from_data(hint, data[name]) for name, hint in hints.items()})
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind(data)
    if kind is float and type(data) is int:
        return float(data)
    return _expect(kind, data)


def _expect(kind: type, data: Any) -> Any:
    if type(data) is not kind:
        raise ValueError(f"{data!r} is no {kind.__name__}")
    return data


@functools.cache
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)
