"""A live model, of the Keras that is installed, of what was read, and what can be read of a live model. Both load
TensorFlow."""

from __future__ import annotations

import inspect
import json
import re
import sys
from collections.abc import Mapping
from math import prod
from typing import TYPE_CHECKING, Any

from hlsflow.foundation.errors import ModelError, UnsupportedError
from hlsflow.frontends.contract import Origin
from hlsflow.frontends.keras.files.architecture import MOST_VALUES, Architecture, Layer
from hlsflow.frontends.keras.files.classes import library_of, refusal_of, variables_of
from hlsflow.frontends.keras.files.flatten import flattened
from hlsflow.frontends.keras.files.found import FoundModel
from hlsflow.frontends.keras.files.serialized import written_by_keras_3
from hlsflow.frontends.keras.files.settings import FUNCTIONS, NotRead, call_of, settings_of
from hlsflow.frontends.keras.fixed_point_quantizer import CLASS_NAME, VARIABLES
from hlsflow.frontends.keras.fixed_point_quantizer import live as fixed_point_quantizer
from hlsflow.frontends.keras.generations import DEPTHWISE_KERNEL, own_names, quantizer_of, variable_name
from hlsflow.frontends.keras.runtime import prepare_tensorflow

if TYPE_CHECKING:
    from collections.abc import Sequence

    import keras

    from hlsflow.foundation.arrays import Array
    from hlsflow.frontends.keras.files.stores import Place


def keras_model(
    architecture: Architecture, weights: Mapping[str, Array], source: str | None = None
) -> keras.Model:  # fmt: skip
    """The live model, its layers under the names of the architecture's. `source` is what messages call it.

    Only what a file may name is made, by whatever the architecture was written: a class of the closed table, with
    settings that hold no objects; whatever Keras raises for them is the file's fault. Raises ModelError where an
    array is missing or of another shape than its layer's, UnsupportedError naming a layer whose settings this Keras
    does not know.
    """
    prepare_tensorflow(any_keras=True)
    from tensorflow import keras

    where = source or architecture.name
    tensors: dict[str, Any] = {}
    for layer in architecture.layers:
        if layer.class_name == "InputLayer":
            tensors[layer.name] = _input(layer, where)
            continue
        given = [tensors[name] for name in layer.inputs]
        live = _layer(layer, where, weights)
        _guard(live, layer, weights, where)
        try:
            tensors[layer.name] = live(given if len(given) > 1 else given[0])
        except Exception as error:
            raise ModelError(
                f"{where}: layer '{layer.name}' ({layer.class_name}) cannot be called: {_first_line(error)}",
                hint="is the file whole, and the shape of its input the right one?",
            ) from error
        if prod(size or 1 for size in tensors[layer.name].shape[1:]) > MOST_VALUES:
            raise UnsupportedError(f"{where}: layer '{layer.name}' gives more than {MOST_VALUES:,} values a sample")
        _fill(live, layer, weights, where)
    try:
        return keras.Model(
            [tensors[name] for name in architecture.inputs],
            [tensors[name] for name in architecture.outputs],
            name=re.sub(r"[^A-Za-z0-9]", "_", architecture.name) or "model",
        )
    except Exception as error:
        raise ModelError(f"{where}: {_first_line(error)}", hint="add the model again: hlsflow add FILE") from error


def _input(layer: Layer, model: str) -> Any:
    from tensorflow import keras

    try:
        return keras.Input(tuple(layer.config["shape"]), name=layer.name)
    except Exception as error:
        raise ModelError(
            f"{model}: the input '{layer.name}' cannot be made: {_first_line(error)}", hint="give it another name"
        ) from error


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _layer(layer: Layer, model: str, weights: Mapping[str, Array]) -> Any:
    """A layer of the closed table, made by its class with its settings; every setting has to be one that it takes."""
    if library_of(layer.class_name) != layer.library:
        raise UnsupportedError(f"{model}: layer '{layer.name}': {refusal_of(layer.class_name)[0]}")
    try:
        said = own_names(settings_of(layer.config, layer.class_name, keras_3=False).config, layer.class_name)
    except NotRead as problem:
        raise UnsupportedError(f"{model}: layer '{layer.name}': {problem}", hint=f"use {problem.way_out}") from problem
    if layer.class_name == CLASS_NAME:
        arrays = {key: weights[f"{layer.name}/{key}"] for key in VARIABLES if f"{layer.name}/{key}" in weights}
        return fixed_point_quantizer(layer.name, said, arrays, f"{model}: layer '{layer.name}'")
    cls = _class(layer)
    known = {"name", "dtype"}
    for base in cls.__mro__:
        if "__init__" in vars(base):
            known |= set(inspect.signature(vars(base)["__init__"]).parameters)
    settings: dict[str, Any] = {"name": layer.name}
    for key, value in said.items():
        if key not in known:
            if value in (None, False, 0, [], {}):
                continue
            raise UnsupportedError(
                f"{model}: layer '{layer.name}': the setting {key}={value!r} is none of this Keras' {layer.class_name}",
                hint="save the model without it",
            )
        settings[key] = value
    try:
        return cls(**{key: value if key == "name" else _value(key, value, layer) for key, value in settings.items()})
    except Exception as error:
        raise UnsupportedError(
            f"{model}: layer '{layer.name}' ({layer.class_name}): Keras does not make it: {_first_line(error)}",
            hint="check the layer's settings in the file",
        ) from error


def _class(layer: Layer) -> Any:
    if layer.library == "qkeras":
        import qkeras

        return getattr(qkeras, layer.class_name)
    from tensorflow import keras

    return getattr(keras.layers, layer.class_name)


def _value(key: str, value: Any, layer: Layer) -> Any:
    """A setting as Keras takes it: quantizers as objects, lists of sizes as tuples."""
    if key.endswith("quantizer") or (key == "activation" and not _is_function(value, layer)):
        return quantizer(value)
    if key == "axis":
        # Of a batch normalization Keras 2 writes a list of one.
        return value[0] if isinstance(value, list) and len(value) == 1 else value
    return tuple(value) if isinstance(value, list) else value


def _is_function(value: Any, layer: Layer) -> bool:
    if not isinstance(value, str):
        return value is None
    return "(" not in value and (layer.class_name != "QActivation" or value not in FUNCTIONS)


def quantizer(said: Any) -> Any:
    """A quantizer of QKeras from a text or {class_name, config}, by its class; None for None."""
    if said is None:
        return None
    from qkeras import quantizers

    if isinstance(said, str):
        name, positional, named = call_of(said, "quantizer")
        return getattr(quantizers, name) if name in FUNCTIONS else getattr(quantizers, name)(*positional, **named)
    return getattr(quantizers, said["class_name"])(**said["config"])


def _guard(live: Any, layer: Layer, weights: Mapping[str, Array], model: str) -> None:
    """Has a layer compare the shape of each variable with its array before it makes one, which may be a huge one."""
    for owner in (live, getattr(live, "cell", None), getattr(live, "batchnorm", None)):
        if owner is not None:
            owner.add_weight = _checked_add(owner.add_weight, layer, weights, model)


def _checked_add(add_weight: Any, layer: Layer, weights: Mapping[str, Array], model: str) -> Any:
    signature = inspect.signature(add_weight)

    def add(*given: Any, **named: Any) -> Any:
        # Keras 2 takes the name first, Keras 3 the shape.
        said = signature.bind_partial(*given, **named).arguments
        name, shape = said.get("name"), said.get("shape")
        array = weights.get(f"{layer.name}/{name}")
        if array is None and name == "kernel":
            array = weights.get(f"{layer.name}/{DEPTHWISE_KERNEL}")
        if array is not None and shape is not None:
            _check_shape(array, tuple(shape), f"{model}: layer '{layer.name}': {name}")
        return add_weight(*given, **named)

    return add


def _check_shape(array: Array, expected: tuple[int, ...], where: str) -> None:
    if expected != array.shape:
        raise ModelError(
            f"{where} has the shape {array.shape}, its layer expects {expected}",
            hint="are architecture and weights of the same model?",
        )


def _fill(live: Any, layer: Layer, weights: Mapping[str, Array], model: str) -> None:
    variables = {variable_name(variable, live): variable for variable in live.weights}
    for name in variables_of(layer.class_name, layer.config):
        where = f"{model}: layer '{layer.name}': {name}"
        array, variable = weights.get(f"{layer.name}/{name}"), variables.get(name)
        if array is None or variable is None:
            raise ModelError(f"{where} is missing", hint="are architecture and weights of the same model?")
        _check_shape(array, tuple(variable.shape), where)
        # HGQ's variables are int8, whole numbers here as well.
        # Keras 3 says a type by its name.
        variable.assign(array.astype(getattr(variable.dtype, "as_numpy_dtype", variable.dtype)))


class _LiveStore:
    """The weights of a live model, by the layer's place."""

    def __init__(self, model: Any) -> None:
        self._model = model

    def of(self, place: Place, names: Sequence[str], more: Sequence[str] = ()) -> dict[str, Array]:
        if not names:
            # Keras 3 has operations that are no layer of the model.
            return {}
        found = self._model
        for outer in (*place.around, place):
            found = found.get_layer(outer.name)
        arrays = {variable_name(item, found): item.numpy() for item in found.weights}
        missing = [name for name in names if name not in arrays]
        if missing:
            raise ModelError(f"layer '{place.name}': it has no {missing[0]}", hint="build the model before it is given")
        return {name: arrays[name] for name in (*names, *more) if name in arrays}


def _say_clips(said: Mapping[str, Any], model: Any) -> None:
    """Adds to a serialized model what the `get_config` of `quantized_relu` leaves out: whether it clips at its type."""
    config = said.get("config")
    items = config if isinstance(config, list) else config.get("layers", []) if isinstance(config, dict) else []
    for item in items:
        name = item.get("name") or (item["config"].get("name") if isinstance(item.get("config"), dict) else None)
        live = next((layer for layer in model.layers if layer.name == name), None)
        if live is None or not isinstance(item.get("config"), dict):
            continue
        if hasattr(live, "layers"):
            _say_clips(item, live)
        written = item["config"].get("activation")
        if isinstance(written, str) or getattr(_quantizer_of_layer(live), "is_quantized_clip", True):
            continue
        if not isinstance(written, dict) or not isinstance(written.get("config"), dict):
            raise UnsupportedError(
                f"layer '{name}': QKeras does not write is_quantized_clip=False down", hint="leave it at True"
            )
        written["config"]["is_quantized_clip"] = False


def _quantizer_of_layer(live: Any) -> Any:
    return quantizer_of(live) if type(live).__name__ == "QActivation" else getattr(live, "activation", None)


def found_of_model(model: Any) -> FoundModel:
    """What a live Keras model is, as if it were read from a file. Raises as `read_model_file` does."""
    try:
        said = json.loads(model.to_json())
    except (AttributeError, NotImplementedError, TypeError, ValueError) as error:
        raise UnsupportedError(
            f"{type(model).__name__} is no model of Keras that can be written down: {error}",
            hint="build it from the functional API of Keras, or as a Sequential",
        ) from error
    name = str(getattr(model, "name", "model"))
    # Keras 3 does not write it down.
    version = said.get("keras_version") or sys.modules["keras"].__version__
    _say_clips(said, model)
    # It is the Keras that is loaded here, and no other one will open it.
    architecture, weights, notes = flattened(said, _LiveStore(model), name, own=True)
    return FoundModel(
        architecture=architecture,
        weights=weights,
        notes=tuple(notes),
        keras_3=written_by_keras_3({**said, "keras_version": version}),
        origin=Origin(file=name, sha256=None, format=f"Keras {version} model (live)"),
    )
