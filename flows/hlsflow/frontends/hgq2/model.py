"""The live model of an architecture: layers of the closed table alone, made with their settings, then their weights.

Nothing of a file is deserialized by Keras. The same layers are made in float64 for values that float32 rounds: with the
constants that HGQ 2 itself makes of the weights in float32, which its quantizers then leave as they are.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from math import prod
from typing import TYPE_CHECKING, Any

from hlsflow.foundation.errors import ModelError, ToolError, UnsupportedError
from hlsflow.frontends.contract import Float
from hlsflow.frontends.hgq2.classes import KINDS
from hlsflow.frontends.hgq2.quantizers import NONE, VARIABLES
from hlsflow.frontends.keras.files.architecture import MOST_VALUES, Architecture, Layer
from hlsflow.frontends.keras.runtime import prepare_environment

if TYPE_CHECKING:
    from hlsflow.foundation.arrays import Array

_AGAIN = "add the model again: hlsflow add FILE"
# The words that a quantizer's configuration is made with where its weights say the rest.
_START = {"kbi": {"k0": True, "b0": 4, "i0": 2}, "kif": {"k0": True, "i0": 2, "f0": 2}}
_BARE: Mapping[str, Mapping[str, None]] = {
    "kbi": dict.fromkeys(("bc", "ic", "br", "ir")), "kif": dict.fromkeys(("ic", "ir", "fc", "fr"))
}  # fmt: skip
ACTIVATIONS = (None, "linear", "relu")


@contextlib.contextmanager
def floatx(name: Float) -> Iterator[None]:
    """Keras' float for all that is made inside."""
    import keras

    before, policy = keras.config.floatx(), keras.config.dtype_policy()
    keras.config.set_floatx(name)
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_floatx(before)
        keras.config.set_dtype_policy(policy)


def live_model(architecture: Architecture, weights: Mapping[str, Array], where: str) -> Any:
    """The `keras.Model`, its layers under the names of the architecture's.

    Raises ModelError where weights are missing or of other shapes, UnsupportedError naming a layer.
    """
    prepare_environment()
    import keras

    if keras.backend.backend() != "tensorflow":
        raise ToolError(
            f"Keras computes with {keras.backend.backend()} here, and HGQ 2 is held to TensorFlow",
            hint="KERAS_BACKEND=tensorflow",
        )
    return _made(architecture, weights, where)[0]


def in_float64(architecture: Architecture, weights: Mapping[str, Array], model: Any, where: str) -> Any:
    """The same model in float64, to be called under `floatx("float64")`."""
    constants: dict[str, dict[str, Any]] = {}
    for layer in architecture.layers:
        live = model.get_layer(layer.name)
        if layer.class_name == "QBatchNormalization":
            constants[layer.name] = dict(zip(("kernel", "bias"), live.qscaler_and_qoffset, strict=True))
        elif hasattr(live, "qkernel"):
            constants[layer.name] = {"kernel": live.qkernel, "bias": live.qbias}
    with floatx("float64"):
        return _made(architecture, weights, where, constants)[0]


def _made(
    architecture: Architecture, weights: Mapping[str, Array], where: str, constants: Mapping[str, Any] | None = None
) -> tuple[Any, dict[str, Any]]:
    import keras

    tensors: dict[str, Any] = {}
    for layer in architecture.layers:
        if layer.class_name == "InputLayer":
            tensors[layer.name] = keras.Input(tuple(layer.config["shape"]), name=layer.name)
            continue
        given = [tensors[name] for name in layer.inputs]
        said = f"{where}: layer '{layer.name}' ({layer.class_name})"
        bare = None if constants is None else constants.get(layer.name)
        _check_sizes(layer, given, said)
        try:
            live = _layer(layer, fused=bare is not None)
            tensors[layer.name] = live(given if KINDS[layer.class_name].merges else given[0])
        except Exception as error:
            raise ModelError(f"{said} cannot be made: {_first_line(error)}", hint=_AGAIN) from error
        if any(size is None or size < 1 for size in tensors[layer.name].shape[1:]):
            raise UnsupportedError(f"{said} gives values of no fixed shape")
        if prod(tensors[layer.name].shape[1:]) > MOST_VALUES:
            raise UnsupportedError(f"{said} gives more than {MOST_VALUES:,} values a sample")
        try:
            _fill(live, layer, weights, said, bare)
        except (AttributeError, TypeError, IndexError) as error:
            # Such as a quantizer of biases where the layer has none.
            raise ModelError(
                f"{said}: settings and weights are not of one layer: {_first_line(error)}", hint=_AGAIN
            ) from error
    model = keras.Model(
        [tensors[name] for name in architecture.inputs], [tensors[name] for name in architecture.outputs]
    )
    return model, tensors


def _check_sizes(layer: Layer, given: list[Any], said: str) -> None:
    """Raises UnsupportedError where a layer would have more weights than any hardware, before Keras makes them."""
    if KINDS[layer.class_name].merges == (len(given) < 2):
        raise ModelError(f"{said} reads {len(given)} tensors", hint=_AGAIN)
    channels = given[0].shape[-1] or 1
    config = layer.config
    sizes = [config.get(key) for key in ("units", "filters")]
    for said_sizes in (config.get("kernel_size"), config.get("output_shape")):
        sizes += said_sizes if isinstance(said_sizes, list) else [said_sizes]
    whole = [size for size in sizes if size is not None]
    if any(type(size) is not int or size < 1 for size in whole) or prod(whole) * channels > MOST_VALUES:
        raise UnsupportedError(f"{said}: its settings {whole} are no sizes, or make more than {MOST_VALUES:,} weights")


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]


def _layer(layer: Layer, *, fused: bool) -> Any:
    """A layer of the closed table; `fused`: of constants that are folded already."""
    kind, config = KINDS[layer.class_name], layer.config
    settings = {key: _setting(config[key]) for key in kind.settings if key in config}
    if kind.of_keras:
        import keras

        return getattr(keras.layers, layer.class_name)(**settings, name=layer.name)
    import hgq.layers

    said = config["quantizers"]
    if layer.class_name == "Quantizer":
        return hgq.layers.Quantizer(_config(said["iq"], "datalane"), name=layer.name)
    class_name = layer.class_name
    if fused and class_name == "QBatchNormDense":
        class_name = "QDense"
        settings = {key: value for key, value in settings.items() if key not in ("scale", "epsilon")}
    if fused and class_name == "QBatchNormalization":
        settings |= {"epsilon": 0.0, "center": True, "scale": True}
    more: dict[str, Any] = {
        "enable_iq": any(part.startswith("iq") for part in said), "enable_oq": "oq" in said, "enable_ebops": False,
    }  # fmt: skip
    for part, conf in said.items():
        if not kind.merges or part == "oq":
            place = {"kq": "weight", "bq": "bias"}.get(part, "datalane")
            more[f"{part}_conf"] = _config(conf, place)
    if kind.merges and more["enable_iq"]:
        inputs = [conf for part, conf in said.items() if part.startswith("iq")]
        more["iq_confs"] = [_config(conf, "datalane") for conf in inputs]
    return getattr(hgq.layers, class_name)(**settings, **more, name=layer.name)


def _setting(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _config(said: Mapping[str, Any], place: str) -> Any:
    from hgq.quantizer import QuantizerConfig

    kind = said["q_type"]
    if kind == NONE:
        return QuantizerConfig(NONE, place)
    axes = {key: _setting(said[key]) for key in ("homogeneous_axis", "heterogeneous_axis")}
    # Once a layer is built it states both.
    if None not in axes.values():
        axes["heterogeneous_axis"] = None
    modes = {key: said[key] for key in ("round_mode", "overflow_mode", "is_weight", "trainable")}
    return QuantizerConfig(kind, place, **_START[kind], **_BARE[kind], **axes, **modes)


def _fill(live: Any, layer: Layer, weights: Mapping[str, Array], said: str, bare: Mapping[str, Any] | None) -> None:
    names = _names(layer, live)
    if bare is not None:
        _assign_constants(live, layer, bare)
    else:
        for number, name in enumerate(names):
            _assign(getattr(live, name), weights.get(f"{layer.name}/{number}"), f"{said}: {name}")
        if f"{layer.name}/{len(names)}" in weights:
            raise ModelError(f"{said}: the file holds more arrays of it than {', '.join(names)}", hint=_AGAIN)
    for part, conf in layer.config.get("quantizers", {}).items():
        found = quantizer_of(live, layer, part)
        for variable in VARIABLES[conf["q_type"]]:
            key = f"{layer.name}/{part}/{variable}"
            _assign(getattr(found, f"_{variable}"), weights.get(key), f"{said}: {part}: {variable}")


def _names(layer: Layer, live: Any) -> list[str]:
    """The weights that a layer has with its settings, in HGQ's order."""
    found = []
    for name in KINDS[layer.class_name].weights:
        name = "_kernel" if name == "kernel" else name
        if getattr(live, name, None) is not None:
            found.append(name)
    return found


def quantizer_of(live: Any, layer: Layer, part: str) -> Any:
    """HGQ's internal quantizer of a part of a layer."""
    if layer.class_name == "Quantizer":
        return live.quantizer
    if KINDS[layer.class_name].merges and part != "oq":
        return live.iq[int(part.removeprefix("iq"))].quantizer
    return getattr(live, part).quantizer


def _assign_constants(live: Any, layer: Layer, bare: Mapping[str, Any]) -> None:
    import numpy as np

    if layer.class_name == "QBatchNormalization":
        live.bn_gamma.assign(np.asarray(bare["kernel"]))
        live.bn_beta.assign(np.asarray(bare["bias"]))
        live.moving_mean.assign(np.zeros(live.moving_mean.shape))
        live.moving_variance.assign(np.ones(live.moving_variance.shape))
        return
    live._kernel.assign(np.asarray(bare["kernel"]))
    if bare["bias"] is not None:
        live.bias.assign(np.asarray(bare["bias"]))


def _assign(variable: Any, array: Array | None, said: str) -> None:
    if array is None:
        raise ModelError(f"{said} is missing", hint="are architecture and weights of the same model?")
    if tuple(variable.shape) != array.shape:
        raise ModelError(
            f"{said} has the shape {array.shape}, its layer expects {tuple(variable.shape)}",
            hint="are architecture and weights of the same model?",
        )
    variable.assign(array)
