"""Reading an archive of HGQ 2: its layers as plain values, its weights by name. Nothing of it is run."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hlsflow.foundation.errors import ModelError, UnsupportedError
from hlsflow.frontends.contract import Origin
from hlsflow.frontends.hgq2 import quantizers
from hlsflow.frontends.hgq2.classes import KINDS, TRAINING_ONLY, Kind, foreign, refusal_of
from hlsflow.frontends.hgq2.found import FoundHgq2
from hlsflow.frontends.keras.files.architecture import Architecture, Layer
from hlsflow.frontends.keras.files.reader import file_bytes, opened_archive
from hlsflow.frontends.keras.files.serialized import (
    call_of_node,
    input_shape,
    keras_name,
    name_of,
    place_of,
    ports_of,
    shown,
)
from hlsflow.frontends.keras.files.stores import read_array
from hlsflow.network.quantizers import NotExact

if TYPE_CHECKING:
    from hlsflow.foundation.arrays import Array

_AGAIN = "save the model again with HGQ 2: model.save('model.keras')"
_MOST_LAYERS = 5000
_MODELS = ("Functional", "Sequential", "Model")


def read_archive(path: Path) -> FoundHgq2:
    """What an archive holds. Raises ModelError where it is damaged, UnsupportedError naming all layers that are not
    read."""
    data = file_bytes(path)
    with opened_archive(data, path) as (said, datasets):
        reading = _Reading(str(path), datasets)
        try:
            architecture = reading.model(said)
        except (KeyError, TypeError, IndexError, AttributeError, ValueError, OverflowError, RecursionError) as error:
            what = f"{type(error).__name__}: {shown(error)}"
            raise ModelError(f"{path}: its architecture is damaged: {what}", hint=_AGAIN) from error
        kind = f"HGQ 2 model (.keras of Keras {said['keras_version']})"
        return FoundHgq2(
            architecture=architecture,
            weights=reading.weights,
            notes=tuple(reading.notes),
            origin=Origin(file=shown(path.name), sha256=hashlib.sha256(data).hexdigest(), format=kind),
        )


class _Reading:
    """One archive under way."""

    def __init__(self, source: str, datasets: Mapping[str, Any]) -> None:
        self.source, self.datasets = source, datasets
        self.weights: dict[str, Array] = {}
        self.notes: list[str] = []
        self.refused: list[str] = []
        self.taking: list[tuple[str, Kind, dict[str, Any], str]] = []

    def model(self, said: Mapping[str, Any]) -> Architecture:
        if said["class_name"] not in _MODELS or str(said.get("module")).partition(".")[0] not in ("keras", "None"):
            raise UnsupportedError(
                f"{self.source}: a model of class '{shown(said['class_name'])}': what it computes is code, and code of "
                "a file is never run",
                hint="build it from the functional API of Keras, or as a Sequential, and save that",
            )
        config = said["config"]
        if len(config["layers"]) > _MOST_LAYERS:
            raise ModelError(f"{self.source}: more than {_MOST_LAYERS:,} layers", hint="take a smaller model")
        count: Counter[str] = Counter()
        places = {name_of(item): place_of(item, count, ()).numbered_class for item in config["layers"]}
        if len(places) != len(config["layers"]):
            raise ValueError("two layers of one name")
        sequential = said["class_name"] == "Sequential"
        calls = dict(_chain(config["layers"]) if sequential else self._calls(config["layers"]))
        layers, passed = self._layers(config["layers"], calls, places)
        if self.refused:
            raise UnsupportedError("\n  ".join([f"{self.source}: not all of it is read:", *self.refused]))
        for taken in self.taking:
            self._take(*taken)
        if sequential:
            inputs, outputs = [layers[0].name], [layers[-1].name]
        else:
            inputs, outputs = ([passed[str(port[0])] for port in ports_of(config[key])] for key in
                               ("input_layers", "output_layers"))  # fmt: skip
        found = Architecture(
            name=shown(config.get("name") or "model"), layers=tuple(_ordered(layers)), inputs=tuple(inputs),
            outputs=tuple(outputs),
        )  # fmt: skip
        # Its own checks of an architecture's text: names, order, sizes.
        return Architecture.from_json(found.to_json(), self.source)

    def _calls(self, items: list[Any]) -> Iterator[tuple[str, list[str]]]:
        for item in items:
            nodes = item.get("inbound_nodes") or []
            if len(nodes) > 1:
                self._refuse(name_of(item), "it is used more than once", "one layer for each use")
            sources, more = call_of_node(nodes[0]) if nodes else ([], {})
            wrong = {key: value for key, value in more.items() if key != "training" or value}
            if wrong or any(call or output for _, call, output in sources):
                self._refuse(name_of(item), "it is called with more than tensors", "layer(tensor)")
            yield name_of(item), [name for name, _, _ in sources]

    def _layers(
        self, items: list[Any], calls: Mapping[str, list[str]], places: Mapping[str, str]
    ) -> tuple[list[Layer], dict[str, str]]:
        """The layers, and by a name of the file that of the layer with its values."""
        passed = {name_of(item): keras_name(name_of(item)) for item in items}
        for item in items:
            if item["class_name"] in TRAINING_ONLY and foreign(item) is None:
                passed[name_of(item)] = calls[name_of(item)][0]
                self.notes.append(f"left out, since training alone knows it: '{shown(name_of(item))}'")
        found = []
        for item in items:
            name = name_of(item)
            if passed[name] != keras_name(name) or (item["class_name"] in TRAINING_ONLY and foreign(item) is None):
                continue
            try:
                library, config = self._layer(item, places[name])
            except NotExact as problem:
                self._refuse(name, str(problem), problem.way_out)
                continue
            inputs = tuple(keras_name(_through(source, passed)) for source in calls[name])
            found.append(Layer(name=keras_name(name), class_name=item["class_name"], library=library, config=config,
                               inputs=inputs))  # fmt: skip
        return found, {name: keras_name(_through(name, passed)) for name in passed}

    def _layer(self, item: Mapping[str, Any], place: str) -> Any:
        """(library, settings) of a layer, whose weights wait until all layers are known. Raises NotExact."""
        class_name, config, name = item["class_name"], item["config"], keras_name(name_of(item))
        owner = foreign(item)
        if class_name == "InputLayer" and owner is None:
            return "keras", {"shape": [size for size in input_shape(config)[1:]]}
        kind = KINDS.get(class_name)
        if kind is None:
            raise NotExact(*refusal_of(class_name))
        if owner is not None:
            raise NotExact(f"its class '{shown(class_name)}' is of {shown(owner)}", refusal_of("")[1])
        settings = {key: _plain(config.get(key), key) for key in kind.settings if key in config}
        if kind.of_keras:
            return "keras", settings
        said = self._quantizers(class_name, kind, config)
        self.taking.append((name, kind, said, place))
        return "hgq2", {**settings, "quantizers": said}

    def _quantizers(self, class_name: str, kind: Kind, config: Mapping[str, Any]) -> dict[str, Any]:
        """The settings of each quantizer by the name of its part: `iq`, `oq`, `kq`, `bq`; of merges `iq0`, `iq1`, …"""
        if class_name == "Quantizer":
            return {"iq": quantizers.settings_of(config["config"], "of values")}
        found: dict[str, Any] = {}
        if config["enable_iq"] and kind.merges:
            confs = config["iq_confs"]
            for index, conf in enumerate(confs if isinstance(confs, list) else [confs]):
                found[f"iq{index}"] = quantizers.settings_of(conf, "of inputs")
        elif config["enable_iq"]:
            found["iq"] = quantizers.settings_of(config["iq_conf"], "of inputs")
        for part in kind.quantizers:
            if config.get(f"{part}_conf") is not None:
                found[part] = quantizers.settings_of(config[f"{part}_conf"], f"{part} of constants")
        if config["enable_oq"]:
            found["oq"] = quantizers.settings_of(config["oq_conf"], "of outputs")
        return found

    def _take(self, name: str, kind: Kind, said: Mapping[str, Any], place: str) -> None:
        """Puts the weights of a layer aside, `<layer>/kernel`, and those of its quantizers, `<layer>/iq/f`."""
        where = f"{self.source}: layer '{shown(name)}'"
        # HGQ's factor and its count of bits have no shape.
        arrays = [array for array in self._arrays(f"layers/{place}/vars", where) if array.shape != ()]
        if len(arrays) > len(kind.weights):
            raise ModelError(f"{where}: the file holds {len(arrays)} arrays of it", hint=_AGAIN)
        for number, array in enumerate(arrays):
            self.weights[f"{name}/{number}"] = array
        for part, config in said.items():
            folder = f"layers/{place}/{_folder(part, kind)}"
            if not kind.quantizers and not kind.merges and f"layers/{place}/quantizer/vars/0" in self.datasets:
                folder = f"layers/{place}"
            found = self._arrays(f"{folder}/quantizer/vars", where)
            for key, array in quantizers.named(found, config, f"{where}: {part}").items():
                self.weights[f"{name}/{part}/{key}"] = array

    def _arrays(self, folder: str, where: str) -> list[Array]:
        import numpy as np

        found: list[Array] = []
        while f"{folder}/{len(found)}" in self.datasets:
            array = read_array(self.datasets[f"{folder}/{len(found)}"], where)
            if array.dtype.kind == "f":
                array = np.asarray(array, dtype=np.float32)
                if array.shape != () and not np.isfinite(array).all():
                    raise ModelError(f"{where}: it holds values that are NaN or infinite", hint="train it again")
            found.append(array)
        return found

    def _refuse(self, name: str, reason: str, way_out: str) -> None:
        self.refused.append(f"layer '{shown(name)}': {shown(reason, 240)}; instead: {way_out}")


def _folder(part: str, kind: Kind) -> str:
    if kind.merges and part != "oq":
        number = int(part.removeprefix("iq"))
        return f"iq/quantizers/quantizer{f'_{number}' if number else ''}"
    return part


def _chain(items: list[Any]) -> Iterator[tuple[str, list[str]]]:
    """What each layer of a Sequential reads. Raises ValueError where none says the shape of the input."""
    if items[0]["class_name"] != "InputLayer":
        raise ValueError("a Sequential without an InputLayer: keras.Input(shape) as its first")
    previous: list[str] = []
    for item in items:
        yield name_of(item), previous
        previous = [name_of(item)]


def _through(name: str, passed: Mapping[str, str]) -> str:
    """The layer that computes the values of one, those left out passed over."""
    seen: set[str] = set()
    while name in passed and passed[name] != keras_name(name):
        if name in seen:
            raise ValueError(f"layer '{shown(name)}' reads itself")
        seen.add(name)
        name = passed[name]
    return name


def _ordered(layers: list[Layer]) -> Iterator[Layer]:
    """Each layer after those that it reads. Raises ValueError where there is no such order."""
    waiting = list(layers)
    done: set[str] = set()
    while waiting:
        ready = [layer for layer in waiting if done.issuperset(layer.inputs)]
        if not ready:
            raise ValueError(f"layer '{shown(waiting[0].name)}' has inputs that no layer gives")
        yield from ready
        done |= {layer.name for layer in ready}
        waiting = [layer for layer in waiting if layer not in ready]


def _plain(value: Any, key: str) -> Any:
    """A JSON value without objects in it. Raises NotExact."""
    if isinstance(value, Mapping):
        if value.get("class_name") == "__tuple__":
            return [_plain(item, key) for item in value["items"]]
        raise NotExact(f"its {key} is an object of the class '{shown(value.get('class_name'))}'", "a plain value")
    if isinstance(value, list):
        return [_plain(item, key) for item in value]
    if value is not None and not isinstance(value, (bool, int, float, str)):
        raise NotExact(f"its {key} is no plain value", "a plain value")
    return value
