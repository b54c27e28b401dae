"""What may stand in a YAML file, from the type that validates it: as JSON Schema for editors, as tables for people."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

# https://json-schema.org/draft/2020-12, which pydantic writes.
DIALECT = "https://json-schema.org/draft/2020-12/schema"


@dataclass(frozen=True, kw_only=True, slots=True)
class Key:
    """One key: its path from the top (`layers.*.precision`), what its value may be, and what it means."""

    path: str
    values: str
    default: str
    meaning: str


def json_schema(model: type[BaseModel], title: str) -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a file that `model` validates, without what looks at several keys."""
    schema = model.model_json_schema(by_alias=True)
    return {"$schema": DIALECT, **schema, "title": title}


def keys(schema: Mapping[str, Any]) -> list[Key]:
    """Every key of a schema that `json_schema` gave, in the order of the file; `*` stands for a name of the user's."""
    return list(_keys(schema, schema.get("$defs", {}), ""))


def _keys(node: Mapping[str, Any], known: Mapping[str, Any], path: str) -> Iterator[Key]:
    for name, value in node.get("properties", {}).items():
        below = f"{path}.{name}" if path else name
        yield Key(
            path=below,
            values=_values(value, known),
            default="required" if name in node.get("required", ()) else _default(value),
            meaning=value.get("description", ""),
        )
        for inner, suffix in _objects(value, known):
            yield from _keys(inner, known, below + suffix)


def _resolved(value: Mapping[str, Any], known: Mapping[str, Any]) -> Mapping[str, Any]:
    name = value.get("$ref", "").rpartition("/")[2]
    return known[name] if name else value


def _choices(value: Mapping[str, Any], known: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """What a value may be, without None: that a key may be left out is its default's to say."""
    value = _resolved(value, known)
    given = [_resolved(item, known) for item in value.get("anyOf", [value])]
    return [item for item in given if item.get("type") != "null"]


def _objects(value: Mapping[str, Any], known: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], str]]:
    """The objects with keys of their own in a value, and what leads to them."""
    for choice in _choices(value, known):
        if "properties" in choice:
            yield choice, ""
        for key, suffix in (("additionalProperties", ".*"), ("items", "[]")):
            inner = choice.get(key)
            if isinstance(inner, Mapping):
                for found, more in _objects(inner, known):
                    yield found, suffix + more


def _values(value: Mapping[str, Any], known: Mapping[str, Any]) -> str:
    return " or ".join(_one(choice, known) for choice in _choices(value, known)) or "any value"


def _one(choice: Mapping[str, Any], known: Mapping[str, Any]) -> str:
    if "enum" in choice:
        return ", ".join(f"`{word}`" for word in choice["enum"])
    if "const" in choice:
        return f"`{choice['const']}`"
    match choice.get("type"):
        case "array":
            inner = choice.get("items")
            return f"list of {_values(inner, known)}" if isinstance(inner, Mapping) and inner else "list"
        case "object":
            inner = choice.get("additionalProperties")
            named = isinstance(inner, Mapping) and "properties" not in choice
            return f"names with {_values(inner, known)}" if named and inner else "keys"
        case "integer" | "number" as kind:
            return " ".join([kind, *_limits(choice)])
        case "string" if "examples" in choice:
            return " or ".join(f"`{text}`" for text in choice["examples"])
        case "string":
            return "text"
        case "boolean":
            return "`true` or `false`"
    return "any value"


def _limits(choice: Mapping[str, Any]) -> list[str]:
    signs = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
    found = [f"{sign} {choice[key]:,}" for key, sign in signs.items() if key in choice]
    return [", ".join(found)] if found else []


def _default(value: Mapping[str, Any]) -> str:
    default = value.get("default")
    if default in (None, "", [], {}) or isinstance(default, Mapping | list):
        return ""
    if isinstance(default, float) and default.is_integer():
        default = int(default)
    return f"`{default if isinstance(default, str) else json.dumps(default)}`"
