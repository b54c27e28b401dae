"""A layer's settings as plain values: what training alone uses is left out, what Keras 3 names otherwise is renamed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any

from hlsflow.frontends.keras.files.classes import foreign
from hlsflow.frontends.keras.fixed_point_quantizer import CLASS_NAME, modes
from hlsflow.network.quantizers import MOST_EXPONENT_BITS, exponents_beyond

# Settings that decide nothing at inference, or that say how the file was written.
_IDLE = re.compile(
    r"(\w+_)?(initializer|regularizer|constraint)$|name$|trainable$|momentum$|seed$|build_config$|compile_config$|"
    r"shared_object_id$|(batch_)?(input_)?shape$|batch_size$|optional$|ragged$|sparse$|input_dtype$|"
    r"quantization_(config|mode)$|lora_(rank|alpha)$|synchronized$|renorm(_\w+)?$|fused$|adjustment$|"
    r"virtual_batch_size$|implementation$|unroll$|input_dim$|input_length$|kernel_range$|bias_range$|"
    r"(depthwise|pointwise|gamma|beta|mean|variance|inverse)_range$|ema_freeze_delay$|activity_\w+$|rate$|noise_shape$|dtype$"
)
_KEPT = {"Embedding": ("input_dim",)}
# Activations of Keras that a text may name.
ACTIVATIONS = frozenset(
    "linear relu relu6 sigmoid hard_sigmoid tanh softmax softplus softsign elu selu exponential gelu swish silu "
    "leaky_relu mish".split()
)
# Functions of QKeras that QActivation takes by their name alone.
FUNCTIONS = frozenset("binary_tanh hard_tanh hard_sigmoid smooth_tanh smooth_sigmoid binary_sigmoid".split())
QUANTIZERS = frozenset(
    "quantized_bits quantized_linear quantized_relu quantized_ulaw quantized_tanh quantized_sigmoid quantized_hswish "
    "quantized_po2 quantized_relu_po2 binary ternary stochastic_binary stochastic_ternary bernoulli".split()
)
# Layers that stand as an activation, as `activation=ReLU()`.
ACTIVATION_LAYERS = frozenset(("ReLU", "LeakyReLU", "ELU", "ThresholdedReLU", "Softmax"))
_CALL = re.compile(r"(?P<name>[A-Za-z_]\w*)\s*(?:\((?P<arguments>[^()]*)\))?")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


class NotRead(Exception):
    """A setting that is not read; the message says why, `way_out` what to do."""

    def __init__(self, reason: str, way_out: str) -> None:
        super().__init__(reason)
        self.way_out = way_out


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """`config` holds what decides the values at inference, `dtype` the float that the file names (None: none)."""

    config: dict[str, Any]
    dtype: str | None


def settings_of(said: Mapping[str, Any], class_name: str, *, keras_3: bool, own: bool = False) -> Settings:
    """The settings of a layer's configuration. `own`: the Keras that wrote it will compute it. Raises NotRead."""
    found: dict[str, Any] = {}
    if said.get("return_state"):
        raise NotRead("it gives its state as further outputs", "return_state=False")
    if class_name == CLASS_NAME:
        try:
            modes(said)
        except ValueError as problem:
            raise NotRead(str(problem), "another mode") from problem
        return Settings(
            config={key: said[key] for key in ("RND", "SAT") if key in said}, dtype=_dtype(said.get("dtype"))
        )
    for key, value in said.items():
        if key.endswith("quantizer") or key == "quantizer":
            found[key] = quantizer_of(value, key, keras_3=keras_3, own=own)
        elif key in ("activation", "recurrent_activation"):
            found[key] = activation_of(value, class_name, keras_3=keras_3, own=own)
        elif not _IDLE.match(key) or key in _KEPT.get(class_name, ()):
            found[key] = plain(value, key)
    if class_name == "LeakyReLU" and "negative_slope" in found:
        found["alpha"] = found.pop("negative_slope")
    return Settings(config=found, dtype=_dtype(said.get("dtype")))


def _dtype(said: Any) -> str | None:
    if isinstance(said, Mapping):
        inner = said.get("config")
        said = inner.get("name") if isinstance(inner, Mapping) else None
    return said if isinstance(said, str) else None


def plain(value: Any, key: str) -> Any:
    """A JSON value that holds no serialized object. Raises NotRead."""
    if isinstance(value, Mapping):
        if set(value) == {"class_name", "items"} and value["class_name"] == "__tuple__":
            return [plain(item, key) for item in value["items"]]
        raise NotRead(f"its setting {key} is an object of class '{value.get('class_name')}'", "a plain value")
    if isinstance(value, list):
        return [plain(item, key) for item in value]
    if isinstance(value, float) and not isfinite(value):
        raise NotRead(f"its setting {key} is {value}", "a number")
    return value


def activation_of(said: Any, class_name: str, *, keras_3: bool, own: bool = False) -> Any:
    """None, a name, a quantizer (a text or {class_name, config}), or a layer that stands as one. Raises NotRead."""
    if said is None:
        return None
    if isinstance(said, Mapping):
        name = str(said.get("class_name"))
        if name == "function" and isinstance(said.get("config"), str):
            return activation_of(said["config"], class_name, keras_3=keras_3, own=own)
        if name in ACTIVATION_LAYERS and foreign(said) is None:
            inner = settings_of(said.get("config") or {}, name, keras_3=keras_3)
            return {"class_name": name, "config": inner.config, "layer": True}
        return quantizer_of(said, "activation", keras_3=keras_3, own=own)
    if isinstance(said, str) and said in ACTIVATIONS and not (class_name == "QActivation" and said in FUNCTIONS):
        if keras_3 and said == "hard_sigmoid":
            raise NotRead("hard_sigmoid of Keras 3 is another function than that of Keras 2", "quantized_sigmoid")
        return said
    return quantizer_of(said, "activation", keras_3=keras_3, own=own)


def quantizer_of(said: Any, key: str, *, keras_3: bool, own: bool = False) -> Any:
    """A quantizer's configuration, {class_name, config}, or its text as it was matched. Raises NotRead."""
    if said is None:
        return None
    if isinstance(said, Mapping):
        owner = foreign(said)
        if owner is not None:
            raise NotRead(f"its {key} is of {owner}, not of QKeras", "a quantizer of QKeras")
        # In HDF5 Keras 3 writes `qkeras>quantized_bits`.
        name, config = str(said.get("class_name")).rpartition(">")[2], said.get("config")
        if name not in QUANTIZERS or not isinstance(config, Mapping):
            raise NotRead(f"its {key} is '{name}', no quantizer of QKeras", "a quantizer such as quantized_bits(8,0)")
        values = {
            inner: plain(value, f"{key}.{inner}") for inner, value in config.items() if inner not in _OF_QUANTIZER
        }
        if name == "quantized_hswish":
            # QKeras writes it down and does not take it again.
            values.pop("keep_negative", None)
        _of_a_sane_size(values.items(), key)
        found: Any = {"class_name": name, "config": values}
    elif isinstance(said, str):
        name, positional, named = call_of(said, key)
        _of_a_sane_size((*enumerate(positional), *named.items()), key)
        found = said
        named = {**({"bits": positional[0]} if positional else {}), **named}
        values = {**named, **({"alpha": "positional"} if name == "quantized_bits" and len(positional) > 4 else {})}
    else:
        raise NotRead(f"its {key} is {type(said).__name__}, no quantizer", "a quantizer such as quantized_bits(8,0)")
    reason = exponents_beyond(name, values.get("bits"))
    if reason is not None:
        raise NotRead(f"its {key} {reason}", f"at most {MOST_EXPONENT_BITS} bits")
    if keras_3 and not own and str(values.get("alpha", "1")).startswith("auto"):
        raise NotRead(
            f"its {key} scales by the data (alpha='{values['alpha']}'), which QKeras for Keras 3 computes otherwise",
            "Keras 3 itself (the command of `hlsflow doctor`), or alpha=1",
        )
    return found


# Of any number of a quantizer: far above every width and scale, and far below what would be computed for ever.
_MOST_OF_A_QUANTIZER = 1 << 16


def _of_a_sane_size(said: Iterable[tuple[Any, Any]], key: str) -> None:
    for name, value in said:
        for number in value if isinstance(value, list) else (value,):
            if isinstance(number, int | float) and abs(number) > _MOST_OF_A_QUANTIZER:
                which = name if isinstance(name, str) else f"argument {name + 1}"
                raise NotRead(f"its {key} says {number:g} for {which}", f"at most {_MOST_OF_A_QUANTIZER:,}")


# What QKeras keeps of a quantizer and inference has no use for.
_OF_QUANTIZER = frozenset(("qnoise_factor", "var_name", "use_ste", "use_variables", "post_training_scale", "name"))


def call_of(text: str, key: str) -> tuple[str, list[Any], dict[str, Any]]:
    """(name, positional values, named values) of a quantizer's text, matched and never evaluated. Raises NotRead."""
    call = _CALL.fullmatch(text.strip())
    if call is None or call["name"] not in QUANTIZERS | FUNCTIONS | ACTIVATIONS:
        raise NotRead(f"its {key} '{text[:60]}' is no quantizer of QKeras", "a quantizer such as quantized_bits(8,0)")
    positional: list[Any] = []
    named: dict[str, Any] = {}
    for part in call["arguments"].split(",") if (call["arguments"] or "").strip() else []:
        name, equals, value = part.rpartition("=")
        if equals:
            named[name.strip()] = _literal(value, text, key)
        elif named:
            raise NotRead(f"its {key} '{text[:60]}' has a value behind named ones", "name every value")
        else:
            positional.append(_literal(value, text, key))
    return call["name"], positional, named


def _literal(said: str, text: str, key: str) -> Any:
    said = said.strip()
    if _NUMBER.fullmatch(said) and isfinite(float(said)):
        return float(said) if set(said) & set(".eE") else int(said)
    if said in ("True", "False", "None"):
        return {"True": True, "False": False, "None": None}[said]
    if len(said) > 1 and said[0] == said[-1] and said[0] in "'\"" and said[1:-1].isidentifier():
        return said[1:-1]
    raise NotRead(f"its {key} '{text[:60]}' holds '{said[:40]}', no number and no name", "a number")
