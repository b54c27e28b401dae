"""Networks written down as lists of layer texts (`shared/cases/random_networks.json`), as Keras models again.

A text is `fc4 = QDense(1, activation=relu, use_bias=False) <- ['act3'] [(5,)]`: name, class, arguments, inputs and
their shapes. What the texts leave out (the units of a branch's QDense, a Flatten before a Concatenate, which layers
are outputs) is filled in here: by the shape that the next layer reads, and by who is read by nobody.
"""

from __future__ import annotations

import ast
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from hlsflow.hls.config import HlsConfig

CASES = Path(os.environ.get("HLSFLOW_CASES") or Path(__file__).resolve().parents[2] / "shared" / "cases")
FILE = CASES / "random_networks.json"

_TEXT = re.compile(r"(\w+) = (\w+)( relu| softmax)?( \(end\))?\((.*)\) <- (\[.*?\]) (\[.*\])$")
_QUANTIZERS = ("kernel_quantizer", "bias_quantizer", "depthwise_quantizer", "pointwise_quantizer")
# Where a text leaves out how many values a last layer has.
_UNITS = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class LayerText:
    """One layer as its text says it."""

    name: str
    class_name: str
    function: str
    positional: tuple[str, ...]
    keywords: Mapping[str, str]
    inputs: tuple[str, ...]
    shapes: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """A network, the types of its inputs, its configuration, and what once happened to it."""

    number: int
    outcome: str
    layers: tuple[LayerText, ...]
    inputs: Mapping[str, str]
    config: HlsConfig


def read_cases(path: Path = FILE) -> list[Case]:
    """All networks of a file, in its order."""
    found = []
    for number, said in enumerate(json.loads(path.read_text())):
        config = said["config"]
        layers = {
            name: {"strategy": strategy, "reuse_factor": reuse} for name, (strategy, reuse) in config["layers"].items()
        }
        found.append(
            Case(
                number=number,
                outcome=said["outcome"],
                layers=tuple(read_layer(text) for text in said["layers"]),
                inputs=said["inputs"],
                config=HlsConfig.model_validate(
                    {"backend": config["backend"], "io_type": config["io_type"], "layers": layers}
                ),
            )
        )
    return found


def read_layer(text: str) -> LayerText:
    """A layer's text taken apart. Raises ValueError where it is of another form."""
    match = _TEXT.match(text)
    if match is None:
        raise ValueError(f"no layer text: {text}")
    name, class_name, function, _, arguments, inputs, shapes = match.groups()
    positional, keywords = [], {}
    for word in _split(arguments):
        key = re.match(r"(\w+)=(?!=)", word)
        if key:
            keywords[key[1]] = word[key.end() :]
        else:
            positional.append(word)
    return LayerText(
        name=name,
        class_name=class_name,
        function=(function or "").strip(),
        positional=tuple(positional),
        keywords=keywords,
        inputs=tuple(ast.literal_eval(inputs)),
        shapes=tuple(ast.literal_eval(shapes)),
    )


def _split(text: str) -> list[str]:
    """The words between the commas that stand in no bracket."""
    words, depth = [""], 0
    for sign in text:
        depth += (sign in "([{") - (sign in ")]}")
        if sign == "," and depth == 0:
            words.append("")
        else:
            words[-1] += sign
    return [word.strip() for word in words if word.strip()]


def keras_model(case: Case) -> Any:
    """The Keras model of a case, its weights as they are initialized; its outputs are what no layer reads."""
    from tensorflow import keras

    shapes = {name: shape for layer in case.layers for name, shape in zip(layer.inputs, layer.shapes, strict=True)}
    known = {*case.inputs, *(layer.name for layer in case.layers)}
    missing = [name for layer in case.layers for name in layer.inputs if name not in known]
    tensors = {
        name: keras.Input(shapes[name], name=name)
        for name in case.inputs
        if name in shapes
    }  # fmt: skip
    # An input that no text reads is read by a Flatten that was left out.
    for name in [name for name in case.inputs if name not in shapes]:
        tensors[name] = keras.Input((1, shapes[missing[-1]][0]), name=name)
    read = {name for layer in case.layers for name in layer.inputs}
    for layer in case.layers:
        for name in layer.inputs:
            if name in missing and name not in tensors:
                source = next(
                    other for other, tensor in tensors.items()
                    if other not in read and prod(tensor.shape[1:]) == prod(shapes[name])
                )  # fmt: skip
                read.add(source)
                tensors[name] = keras.layers.Flatten(name=name)(tensors[source])
        sources = [tensors[name] for name in layer.inputs]
        tensors[layer.name] = make_layer(layer, shapes.get(layer.name))(sources if len(sources) > 1 else sources[0])
    outputs = [tensor for name, tensor in tensors.items() if name not in read]
    return keras.Model([tensors[name] for name in case.inputs], outputs, name=f"case{case.number}")


def make_layer(text: LayerText, shape: tuple[int, ...] | None) -> Any:
    """The Keras layer of a text; `shape` is what the next layer reads, where that is known."""
    import qkeras
    from tensorflow import keras

    name, said = text.name, text.keywords
    first = _value(text.positional[0]) if text.positional else None
    more: dict[str, Any] = {key: _quantizer(said[key]) for key in _QUANTIZERS if key in said}
    if "activation" in said:
        more["activation"] = said["activation"] if said["activation"] in ("relu", "linear") else _quantizer(
            said["activation"]
        )  # fmt: skip
    for key in ("strides", "use_bias"):
        if key in said:
            more[key] = ast.literal_eval(said[key])
    if "padding" in said:
        more["padding"] = said["padding"]
    of_keras = getattr(keras.layers, text.class_name, None)
    match text.class_name:
        case "Dense" | "QDense":
            if text.function:
                more["activation"] = text.function
            if isinstance(first, int):
                units = first
            else:
                # A branch: its one argument is the kernel's quantizer, and the next layer tells how many values.
                more |= {"kernel_quantizer": _quantizer(text.positional[0])}
                units = shape[-1] if shape else _UNITS
            return (of_keras or qkeras.QDense)(units, name=name, **more)
        case "QDepthwiseConv2D" if not isinstance(first, tuple):
            quantizer = _quantizer(text.positional[0])
            return qkeras.QDepthwiseConv2D(3, padding="same", depthwise_quantizer=quantizer, name=name)
        case "QActivation":
            return qkeras.QActivation(_quantizer(", ".join(text.positional)), name=name)
        case "Activation" | "Softmax":
            return keras.layers.Activation(text.function, name=name) if text.function else of_keras(name=name)
        case "Flatten" | "Add" | "Subtract" | "Multiply" | "Average" | "Maximum" | "Minimum" | "Concatenate":
            return of_keras(name=name)
        case "Dropout":
            return of_keras(0.25, name=name)
        case "ReLU" | "PReLU" | "BatchNormalization":
            return of_keras(name=name, **(first or {}))
        case _ if text.class_name.startswith("Global"):
            return of_keras(name=name)
        case "Reshape" | "Permute" | "LeakyReLU" | "ZeroPadding1D" | "ZeroPadding2D" | "UpSampling1D" | "UpSampling2D":
            return of_keras(first, name=name)
    maker = of_keras or getattr(qkeras, text.class_name)
    arguments = (first,) if "Pooling" in text.class_name else first
    return maker(*arguments, name=name, **more)


def _value(text: str) -> Any:
    """A Python literal, or the text itself where it is none."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def _quantizer(text: str) -> Any:
    """What a layer of QKeras takes: the text or, where QKeras cannot compute a negative power of two, an object."""
    from qkeras.quantizers import get_quantizer

    from hlsflow.frontends.keras.qkeras_quantizers import with_float_powers

    if text == "None":
        return None
    made = get_quantizer(text)
    if getattr(made, "integer", 0) >= 0:
        return text
    return with_float_powers(type(made).__name__).from_config(made.get_config())
