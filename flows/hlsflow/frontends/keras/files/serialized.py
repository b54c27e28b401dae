"""How Keras writes a model down: layers, where each is in its file, the tensors that calls take, the models' ports."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from hlsflow.foundation.strict_read import printable
from hlsflow.frontends.keras.files.stores import Place

_LONGEST_NAME = 100


def shown(text: Any, length: int = 80) -> str:
    """A text of a file for a person: one line of printable letters, and no long one."""
    flat = printable(str(text).encode(errors="replace").decode()).replace("\n", " ").replace("\t", " ")
    return flat if len(flat) <= length else f"{flat[: length - 3]}..."


def keras_name(name: str) -> str:
    """A layer's name as Keras 2 takes it: Keras 3 allows blanks and letters of any script."""
    found = re.sub(r"[^A-Za-z0-9_.\\/>-]", "_", name)[:_LONGEST_NAME] or "layer"
    return found if found[0].isalnum() or found[0] == "." else f"l{found}"


def written_by_keras_3(said: Mapping[str, Any]) -> bool:
    """Whether a serialized model is of Keras 3, by its version, or where none is said by a key that Keras 3 introduced.

    `Model.to_json` of Keras 3 says no version.
    """
    version = str(said.get("keras_version") or "")
    if version[:1].isdigit():
        return not version.startswith(("1.", "2."))
    text = json.dumps(said)
    return '"batch_shape"' in text or '"DTypePolicy"' in text


def first_layer(item: Mapping[str, Any]) -> Mapping[str, Any]:
    """The configuration of the layer that says an input's shape: through wrappers and models within."""
    config = item["config"]
    while isinstance(config, Mapping) and "layer" in config and "batch_input_shape" not in config:
        config = config["layer"]["config"]
    if isinstance(config, Mapping) and config.get("layers"):
        return first_layer(config["layers"][0])
    return config if isinstance(config, Mapping) else first_layer(config[0])


def input_shape(config: Mapping[str, Any]) -> Sequence[Any]:
    shape = config.get("batch_input_shape") or config.get("batch_shape")
    if shape is None:
        raise ValueError("an input without a shape")
    return [size for size in shape] if isinstance(shape, list) else list(shape["items"])


def name_of(item: Mapping[str, Any]) -> str:
    return str(item.get("name") or item["config"]["name"])


def place_of(item: Mapping[str, Any], count: Counter[str], around: tuple[Place, ...]) -> Place:
    """Where a layer is; `count` counts the classes before it."""
    snake = _snake(str(item["class_name"]).rpartition(">")[2])
    number = count[snake]
    count[snake] += 1
    config = item["config"]
    name = str(item.get("name") or (config.get("name") if isinstance(config, Mapping) else None) or snake)
    return Place(name=name, numbered_class=f"{snake}_{number}" if number else snake, around=around)


def place_within(place: Place, inner: Mapping[str, Any]) -> Place:
    return Place(
        name=place.name, numbered_class=place.numbered_class, around=place.around, inner=str(inner["config"]["name"])
    )


def _snake(class_name: str) -> str:
    """As Keras names the folders of its archives: `q_dense`, `conv1d`, `q_conv2d_batchnorm`."""
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", re.sub(r"\W+", "", class_name))
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def ports_of(said: Any) -> list[Any]:
    """[layer, call, output] of each port; of a single one Keras 3 writes no list of lists, of several maybe a dict.

    Keras takes the ports of a dict in the order of their sorted names.
    """
    if isinstance(said, Mapping):
        said = [said[key] for key in sorted(said)]
    return [said] if said and isinstance(said[0], str) else list(said)


def call_of_node(node: Any) -> tuple[list[tuple[str, int, int]], dict[str, Any]]:
    """The tensors that a call takes, (layer, call, output) each, and what else it is called with."""
    if isinstance(node, Mapping):
        more = {key: value for key, value in (node.get("kwargs") or {}).items() if value is not None}
        tensors = _history(node["args"])
        others = [item for item in node["args"] if not _history([item]) and item is not None]
        if others:
            more["a value"] = others[0]
        return tensors, more
    if node and isinstance(node[0], str):
        # One tensor, not in a list, as some versions write it.
        node = [node]
    found, extra = [], {}
    for entry in node:
        if entry[0] == "_CONSTANT_VALUE":
            extra["a value"] = entry[2]
            continue
        found.append((str(entry[0]), int(entry[1]), int(entry[2])))
        if len(entry) > 3 and entry[3]:
            extra.update(entry[3])
    return found, extra


def first_calls(config: Mapping[str, Any]) -> dict[str, int]:
    """The number of the first call of each layer within a model's configuration.

    Keras counts the calls of a model within a model from 1, for its own layers are its call 0. Which of its versions
    does so for which classes is not asked: every call that is written down is one that something refers to.
    """
    found: dict[str, int] = {}
    nodes = [node for item in config["layers"] for node in item.get("inbound_nodes") or [] if node]
    calls = [(name, call) for node in nodes for name, call, _ in call_of_node(node)[0]]
    calls += [(str(port[0]), int(port[1])) for port in ports_of(config["output_layers"])]
    for name, call in calls:
        found[name] = min(call, found.get(name, call))
    return found


def _history(said: Any) -> list[tuple[str, int, int]]:
    """The tensors within Keras 3's arguments of a call, in order."""
    if isinstance(said, Mapping):
        if said.get("class_name") == "__keras_tensor__":
            layer, call, output = said["config"]["keras_history"]
            return [(str(layer), int(call), int(output))]
        return []
    return [tensor for item in said for tensor in _history(item)] if isinstance(said, list) else []
