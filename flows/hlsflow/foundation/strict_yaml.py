"""YAML read the way people mean it, and validated into a strict type: every mistake is one clear ConfigError."""

from __future__ import annotations

import math
import re
from collections.abc import Hashable, Iterable
from pathlib import Path
from typing import Any, ClassVar, TypeVar, get_args

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from hlsflow.foundation.errors import ConfigError, did_you_mean
from hlsflow.foundation.strict_read import brief, printable, read_bytes

ModelT = TypeVar("ModelT", bound=BaseModel)

MAX_FILE_BYTES = 1 << 20
# Of more mistakes than these a person reads none.
MAX_MISTAKES = 20


class StrictLoader(yaml.SafeLoader):
    """PyYAML's safe loader with YAML 1.2's scalars, without duplicate keys, and with bounded aliases.

    PyYAML follows YAML 1.1: `1e-3` is a string, `010` is 8, `no` is False, and the last of two equal keys wins.
    By aliases of aliases a few lines become a structure of gigabytes, for whoever walks through it.
    """

    yaml_implicit_resolvers: ClassVar[dict[str, list[tuple[str, re.Pattern[str]]]]] = {}  # type: ignore[misc]

    def get_single_node(self) -> yaml.Node | None:
        node = super().get_single_node()
        if node is not None:
            _written_out(node, {})
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.tag != "tag:yaml.org,2002:str":
                raise _error("a key must be a plain word", key)
            if key.value in seen:
                raise _error(f"the key {brief(key.value)} stands twice", key)
            seen.add(key.value)
        return super().construct_mapping(node, deep=True)


def _written_out(node: yaml.Node, known: dict[int, int | None]) -> int:
    """How many characters a node has with its aliases written out. Raises where those are more than a file may have."""
    key = id(node)
    if key in known:
        size = known[key]
        if size is None:
            raise _error("an alias names what it stands in", node)
        return size
    known[key] = None
    if isinstance(node, yaml.ScalarNode):
        size = 1 + len(node.value)
    elif isinstance(node, yaml.MappingNode):
        size = 1 + sum(_written_out(item, known) for pair in node.value for item in pair)
    else:
        size = 1 + sum(_written_out(item, known) for item in node.value)
    if size > MAX_FILE_BYTES:
        raise _error(f"with its aliases (*) written out this is longer than {MAX_FILE_BYTES:,} characters", node)
    known[key] = size
    return size


def _error(problem: str, node: yaml.Node) -> yaml.MarkedYAMLError:
    return yaml.constructor.ConstructorError(None, None, problem, node.start_mark)


def _refuse_octal(loader: StrictLoader, node: yaml.ScalarNode) -> int:
    raise _error(f"{brief(node.value)} has leading zeros: write the number without them, or in quotes", node)


def _finite(loader: StrictLoader, node: yaml.ScalarNode) -> float:
    """The number. `1e999` would be infinite, a limit that nothing reaches, and `!!float .nan` one that all do."""
    try:
        value = float(node.value)
    except ValueError:
        raise _error(f"{brief(node.value)} is not a finite number", node) from None
    if not math.isfinite(value):
        raise _error(f"{brief(node.value)} is not a finite number", node)
    return value


for _tag, _pattern, _first in (
    ("bool", r"^(?:true|false|True|False|TRUE|FALSE)$", "tTfF"),
    ("null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("octal", r"^[-+]?0[0-9]+$", "-+0"),
    ("int", r"^[-+]?(?:0|[1-9][0-9]*|0x[0-9a-fA-F]+)$", "-+0123456789"),
    ("float", r"^[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+)(?:[eE][-+]?[0-9]+)?$", "-+.0123456789"),
):
    StrictLoader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), list(_first))
StrictLoader.add_constructor("tag:yaml.org,2002:octal", _refuse_octal)
StrictLoader.add_constructor("tag:yaml.org,2002:float", _finite)


def parse_yaml(text: str, source: str) -> dict[str, Any]:
    """The mapping that a YAML text holds. `source` names it in messages.

    Raises ConfigError with the line and a mark under the place where the text is no YAML.
    """
    try:
        data = yaml.load(text, Loader=StrictLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        if mark is None:
            raise ConfigError(f"{source}: {error}") from error
        lines = text.splitlines()
        shown = printable(lines[mark.line]) if mark.line < len(lines) else ""
        problem = _bounded(str(error.problem or error.context))
        where = f"{shown}\n  {' ' * mark.column}^" if len(shown) <= 200 else None
        raise ConfigError(f"{source}: line {mark.line + 1}: {problem}", hint=where) from error
    except RecursionError as error:
        raise ConfigError(f"{source}: not a YAML text that can be meant: nested too deeply") from error
    except (yaml.YAMLError, ValueError) as error:
        raise ConfigError(f"{source}: not a YAML text: {_bounded(str(error))}") from error
    if not isinstance(data, dict):
        found = "nothing" if data is None else brief(data)
        raise ConfigError(f"{source}: expected `key: value` lines, found {found}")
    return data


def read_text(path: Path) -> str:
    """A configuration file's text. Raises ConfigError where it cannot be read or is no UTF-8 text."""
    try:
        data = read_bytes(path, MAX_FILE_BYTES)
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror or error}") from error
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not a UTF-8 text (byte {error.start})") from error


def validate(model_type: type[ModelT], data: dict[str, Any], source: str) -> ModelT:
    """`data` as a validated `model_type`. Raises ConfigError with a line for each mistake: source, key path, reason."""
    try:
        return model_type.model_validate(data)
    except ValidationError as error:
        mistakes = error.errors(include_url=False)
        lines = [_message(details, model_type, source) for details in mistakes[:MAX_MISTAKES]]
        if len(mistakes) > MAX_MISTAKES:
            lines.append(f"{source}: and {len(mistakes) - MAX_MISTAKES:,} mistakes more")
        raise ConfigError("\n".join(lines)) from error


def load_config(model_type: type[ModelT], path: Path) -> ModelT:
    """The validated content of the YAML file at `path`. Raises ConfigError."""
    return validate(model_type, parse_yaml(read_text(path), str(path)), str(path))


def _message(details: ErrorDetails, model_type: type[BaseModel], source: str) -> str:
    """One mistake in words: `file: key.path: what is wrong with which value`."""
    path = ".".join(_word(part) for part in details["loc"])
    given = details["input"]
    match details["type"]:
        case "extra_forbidden":
            parent = _type_at(model_type, details["loc"][:-1])
            known = list(parent.model_fields) if parent is not None else []
            problem = f"unknown key; {did_you_mean(_word(details['loc'][-1]), known)}"
        case "missing":
            problem = "missing"
        case "value_error":
            problem = _bounded(str(details["ctx"]["error"]))
        case _:
            text = details["msg"]
            problem = f"{_bounded(text[0].lower() + text[1:])}, not {brief(given)}"
    return ": ".join(part for part in (source, path, problem) if part)


def _word(part: str | int) -> str:
    """A part of a key path as it was written, unless it is no word that a key can be."""
    text = str(part)
    return text if len(text) <= 64 and text.isprintable() else brief(text)


def _bounded(text: str) -> str:
    """A problem in at most some 400 printable characters: it may hold what was given."""
    text = printable(text)
    return text if len(text) <= 400 else f"{text[:300]} ... {text[-80:]}"


def _type_at(model_type: type[BaseModel], loc: Iterable[str | int]) -> type[BaseModel] | None:
    """The pydantic type that stands at a key path, or None where the path leaves the pydantic types."""
    current: type[BaseModel] | None = model_type
    for part in loc:
        field = current.model_fields.get(str(part)) if current is not None else None
        if field is None:
            # A free key of a mapping (a layer's name): the type of the mapping's values is already current.
            continue
        current = next(iter(_models_in(field.annotation)), None)
    return current


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    """The pydantic types inside an annotation such as `dict[str, Layer] | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in get_args(annotation) for model in _models_in(argument)]
