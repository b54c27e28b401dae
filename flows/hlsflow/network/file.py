"""A network as two files, `network.json` and `arrays.npz`: what TensorFlow is needed for is done once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hlsflow.foundation.workspace import storage_errors
from hlsflow.network.fixed_point import parse_type
from hlsflow.network.graph import Network, Node, Op

if TYPE_CHECKING:
    from hlsflow.foundation.arrays import Array


def _plain(value: Any) -> Any:
    """Numbers of numpy as Python's, tuples as lists."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value.item() if hasattr(value, "item") else value


def save_network(network: Network, folder: Path) -> None:
    """Writes a network into a folder. Raises StorageError."""
    import numpy as np

    nodes = [
        {
            "name": node.name,
            "op": str(node.op),
            "inputs": list(node.inputs),
            "shape": list(node.shape),
            "function": node.function,
            "declared": {role: str(type_) for role, type_ in node.declared.items()},
            "attributes": _plain(node.attributes),
            "entry": _plain(node.entry),
            "keras_layer": node.keras_layer,
            "keras_class": node.keras_class,
        }
        for node in network.nodes
    ]
    arrays = {f"{node.name}/{role}": array for node in network.nodes for role, array in node.arrays.items()}
    with storage_errors(folder):
        (folder / "network.json").write_text(
            json.dumps({"nodes": nodes, "inputs": network.inputs, "outputs": network.outputs}, indent=1)
        )
        np.savez_compressed(folder / "arrays.npz", **arrays)


def load_network(folder: Path) -> Network:
    """The network that `save_network` wrote into a folder."""
    import numpy as np

    said = json.loads((folder / "network.json").read_text())
    with np.load(folder / "arrays.npz", allow_pickle=False) as archive:
        arrays: dict[str, dict[str, Array]] = {}
        for key in archive.files:
            name, role = key.rsplit("/", 1)
            arrays.setdefault(name, {})[role] = archive[key]
    nodes = tuple(
        Node(
            name=item["name"],
            op=Op(item["op"]),
            inputs=tuple(item["inputs"]),
            shape=tuple(item["shape"]),
            function=item["function"],
            arrays=arrays.get(item["name"], {}),
            declared={role: parse_type(text) for role, text in item["declared"].items()},
            attributes=item["attributes"],
            entry=item["entry"],
            keras_layer=item["keras_layer"],
            keras_class=item["keras_class"],
        )
        for item in said["nodes"]
    )
    return Network(nodes=nodes, inputs=tuple(said["inputs"]), outputs=tuple(said["outputs"]))
