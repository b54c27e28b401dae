"""Model files of Keras, written by hand: what Keras would write, and what it would not."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np


def layer(class_name: str, name: str, *inputs: str, call: Mapping[str, Any] | None = None, **config: Any) -> Any:
    """A layer as a Functional model of Keras 2 serializes it."""
    nodes = [[[source, 0, 0, dict(call or {})] for source in inputs]] if inputs else []
    return {"class_name": class_name, "name": name, "config": {"name": name, **config}, "inbound_nodes": nodes}


def entrance(name: str = "x", shape: Sequence[int | None] = (4,)) -> Any:
    return layer("InputLayer", name, batch_input_shape=[None, *shape])


def dense(name: str, *inputs: str, units: int = 3, **config: Any) -> Any:
    return layer("Dense", name, *inputs, **{"units": units, "activation": "linear", "use_bias": True, **config})


def functional(*layers: Any, outputs: Sequence[str] | None = None) -> dict[str, Any]:
    """A model of the layers, whose inputs are its InputLayers, and whose output is the last."""
    ports = [item["name"] for item in layers if item["class_name"] == "InputLayer"]
    return {
        "class_name": "Functional",
        "config": {
            "name": "made",
            "layers": list(layers),
            "input_layers": [[name, 0, 0] for name in ports],
            "output_layers": [[name, 0, 0] for name in outputs or [layers[-1]["name"]]],
        },
    }


def weights_of(*names: str, n_in: int = 4, units: int = 3) -> dict[str, dict[str, np.ndarray]]:
    """Kernels and biases of dense layers."""
    rng = np.random.default_rng(0)
    return {
        name: {"kernel": rng.normal(size=(n_in, units)).astype(np.float32), "bias": np.zeros(units, np.float32)}
        for name in names
    }


def write_h5(path: Path, model: Any, weights: Mapping[str, Mapping[str, np.ndarray]], version: str = "2.15.0") -> Path:
    """A whole model in HDF5, as `Model.save` of Keras 2 writes it."""
    with h5py.File(path, "w") as file:
        file.attrs["keras_version"] = version
        file.attrs["model_config"] = json.dumps(model)
        _write_groups(file.create_group("model_weights"), weights)
    return path


def write_weights(path: Path, weights: Mapping[str, Mapping[str, np.ndarray]]) -> Path:
    """Weights alone, as `save_weights` writes them."""
    with h5py.File(path, "w") as file:
        _write_groups(file, weights)
    return path


def _write_groups(group: Any, weights: Mapping[str, Mapping[str, np.ndarray]]) -> None:
    group.attrs["layer_names"] = [name.encode() for name in weights]
    for name, arrays in weights.items():
        inner = group.create_group(name)
        inner.attrs["weight_names"] = [f"{name}/{variable}:0".encode() for variable in arrays]
        for variable, array in arrays.items():
            inner.create_dataset(f"{name}/{variable}:0", data=array)


def write_keras(path: Path, model: Any, arrays: Mapping[str, np.ndarray], **parts: bytes) -> Path:
    """An archive of Keras' own format, with `arrays` by their paths in it. `parts` replace a member, or add one."""
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        for name, array in arrays.items():
            file.create_dataset(name, data=array)
    members = {
        "config.json": json.dumps(model).encode(),
        "metadata.json": json.dumps({"keras_version": "3.5.0"}).encode(),
        "model.weights.h5": content.getvalue(),
        **parts,
    }
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def write_other_weights(path: Path) -> Path:
    """A model of one dense layer `d`, whose weights are not those of `weights_of`."""
    arrays = {"d": {**weights_of("d")["d"], "bias": np.ones(3, np.float32)}}
    return write_h5(path, functional(entrance(), dense("d", "x")), arrays)


def files_of(folder: Path) -> dict[str, bytes]:
    """The contents of all files of a folder, by their paths in it."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
