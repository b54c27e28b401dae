"""A network of Keras layers as plain values: what `architecture.json` holds, and nothing that could run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any, Literal, Self, get_args

from hlsflow.foundation.errors import ModelError

FORMAT = 1
# Of one sample in one layer: far more than any hardware has.
MOST_VALUES = 1 << 24
Library = Literal["keras", "qkeras", "hgq", "hgq2"]
_KEYS = {"name", "class", "library", "config", "inputs"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Layer:
    """One use of one layer: its class, its settings as JSON values, the names of the layers that it is called with."""

    name: str
    class_name: str
    library: Library
    config: Mapping[str, Any]
    inputs: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Architecture:
    """Layers in an order in which each comes after its inputs; `inputs` are of class InputLayer."""

    name: str
    layers: tuple[Layer, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    def layer(self, name: str) -> Layer:
        return next(layer for layer in self.layers if layer.name == name)

    @property
    def input_shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of one sample of each input. Raises ModelError where an axis has no size."""
        found = {}
        for name in self.inputs:
            shape = self.layer(name).config["shape"]
            if any(not isinstance(size, int) or size < 1 for size in shape):
                raise ModelError(
                    f"{self.name}: the input '{name}' has the shape {tuple(shape)}: hardware needs every size",
                    hint="save the model with a fixed input shape",
                )
            found[name] = tuple(shape)
        return found

    def to_json(self) -> str:
        """The text of `architecture.json`."""
        layers = [
            {
                "name": item.name, "class": item.class_name, "library": item.library, "config": dict(item.config),
                "inputs": list(item.inputs),
            }
            for item in self.layers
        ]  # fmt: skip
        content = {
            "format": FORMAT, "name": self.name, "inputs": list(self.inputs), "outputs": list(self.outputs),
            "layers": layers,
        }  # fmt: skip
        return json.dumps(content, indent=1, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, text: str, source: str) -> Self:
        """What a text holds. Raises ModelError that names `source`."""

        def fail(what: str) -> ModelError:
            return ModelError(f"{source}: {what}", hint="restore the file, or add the model again: hlsflow add FILE")

        try:
            said = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise fail(f"it is no JSON: {error}") from error
        if not isinstance(said, dict) or said.get("format") != FORMAT:
            raise fail(f"it is no architecture of format {FORMAT}")
        try:
            layers = []
            for item in said["layers"]:
                if set(item) != _KEYS or item["library"] not in get_args(Library) or not isinstance(item["name"], str):
                    raise fail(f"a layer has the keys {sorted(item)}, expected {sorted(_KEYS)}")
                if not isinstance(item["config"], dict):
                    raise fail(f"the config of layer '{item['name']}' is no mapping")
                layers.append(
                    Layer(
                        name=item["name"],
                        class_name=str(item["class"]),
                        library=item["library"],
                        config=item["config"],
                        inputs=tuple(map(str, item["inputs"])),
                    )
                )
            found = cls(
                name=str(said["name"]),
                layers=tuple(layers),
                inputs=tuple(map(str, said["inputs"])),
                outputs=tuple(map(str, said["outputs"])),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise fail(f"{type(error).__name__}: {error}") from error
        _check_order(found, fail)
        return found


def _check_order(found: Architecture, fail: Any) -> None:
    seen: set[str] = set()
    for layer in found.layers:
        if layer.class_name == "InputLayer":
            _check_input(layer, fail)
        elif not layer.inputs:
            raise fail(f"layer '{layer.name}' has no inputs")
        if layer.name in seen:
            raise fail(f"two layers are named '{layer.name}'")
        missing = [name for name in layer.inputs if name not in seen]
        if missing:
            raise fail(f"layer '{layer.name}' comes before its input '{missing[0]}'")
        seen.add(layer.name)
    missing = [name for name in (*found.inputs, *found.outputs) if name not in seen]
    if missing or not found.outputs or not found.inputs:
        raise fail(f"no layer '{missing[0]}'" if missing else "no inputs or no outputs")
    other = [name for name in found.inputs if found.layer(name).class_name != "InputLayer"]
    if other:
        raise fail(f"the input '{other[0]}' is no InputLayer")


def _check_input(layer: Layer, fail: Any) -> None:
    shape = layer.config.get("shape")
    if not isinstance(shape, list) or not all(size is None or (type(size) is int and size > 0) for size in shape):
        raise fail(f"the input '{layer.name}' has no shape of whole numbers")
    if prod(size or 1 for size in shape) > MOST_VALUES:
        raise fail(f"the input '{layer.name}' has more than {MOST_VALUES:,} values")
