"""A model in words: layers with their settings and what they read, the types of the inputs, and how it is built."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from hlsflow.hls.config import HlsConfig
from hlsflow.network.fixed_point import FixedType, parse_type


@dataclass(frozen=True, kw_only=True, slots=True)
class LayerWords:
    """One layer: its class in QKeras or Keras, its settings, and the names of what it reads."""

    name: str
    class_name: str
    settings: Mapping[str, Any]
    reads: tuple[str, ...]

    def __str__(self) -> str:
        said = ", ".join(f"{key}={value!r}" for key, value in self.settings.items())
        return f"{self.name} = {self.class_name}({said}) <- {', '.join(self.reads)}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """All that a model, its weights and its project are made of.

    `inputs` holds type and shape by name, `layers` stand in an order in which each reads what is before it, `config`
    has the keys of an HLS configuration.
    """

    seed: int
    inputs: Mapping[str, tuple[str, tuple[int, ...]]]
    layers: tuple[LayerWords, ...]
    outputs: tuple[str, ...]
    config: Mapping[str, Any]

    def __str__(self) -> str:
        inputs = [f"{name} = {type_} {shape}" for name, (type_, shape) in self.inputs.items()]
        lines = [*inputs, *map(str, self.layers), f"outputs {', '.join(self.outputs)}", str(dict(self.config))]
        return "\n".join([f"seed {self.seed}", *(f"  {line}" for line in lines)])

    @property
    def input_types(self) -> dict[str, FixedType]:
        return {name: parse_type(type_) for name, (type_, _) in self.inputs.items()}

    @property
    def hls_config(self) -> HlsConfig:
        return HlsConfig.model_validate(dict(self.config))

    def reached(self) -> Recipe:
        """Without the inputs and layers that no output depends on, and what the configuration says of these."""
        wanted, layers = set(self.outputs), []
        for layer in reversed(self.layers):
            if layer.name in wanted:
                layers.append(layer)
                wanted.update(layer.reads)
        said = {name: keys for name, keys in self.config.get("layers", {}).items() if name in wanted}
        return replace(
            self,
            inputs={name: value for name, value in self.inputs.items() if name in wanted},
            layers=tuple(reversed(layers)),
            config={**self.config, "layers": said},
        )


@dataclass(kw_only=True)
class Building:
    """Keras' tensors by name, one layer after the other."""

    tensors: dict[str, Any] = field(default_factory=dict)

    def open(self, name: str, shape: tuple[int, ...]) -> None:
        from tensorflow import keras

        self.tensors[name] = keras.Input(shape, name=name)

    def add(self, layer: LayerWords) -> None:
        """Raises what Keras raises where it cannot build it."""
        import qkeras
        from tensorflow import keras

        class_ = getattr(qkeras, layer.class_name, None) or getattr(keras.layers, layer.class_name)
        read = [self.tensors[name] for name in layer.reads]
        made = class_(name=layer.name, **layer.settings)
        self.tensors[layer.name] = made(read if len(read) > 1 else read[0])


def model_of(recipe: Recipe) -> Any:
    """The Keras model of a recipe, with its random weights. Raises what Keras raises where it cannot build it."""
    from tensorflow import keras

    building = Building()
    for name, (_, shape) in recipe.inputs.items():
        building.open(name, shape)
    for layer in recipe.layers:
        building.add(layer)
    inputs, outputs = ([building.tensors[name] for name in names] for names in (recipe.inputs, recipe.outputs))
    model = keras.Model(inputs, outputs if len(outputs) > 1 else outputs[0], name=f"fuzz{recipe.seed}")
    for layer in model.layers:
        _randomize(layer, recipe.seed)
    return model


def _randomize(layer: Any, seed: int) -> None:
    """Random weights that reach every code of the quantizers and saturate; the same ones whatever is around it."""
    rng = np.random.default_rng([seed, zlib.crc32(layer.name.encode())])
    scale = float(rng.choice([0.7, 0.7, 0.7, 0.1, 4.0]))
    plain = not type(layer).__name__.startswith(("Q", "BatchNorm"))
    values = []
    for value, variable in zip(layer.get_weights(), layer.weights, strict=True):
        name = variable.name.rsplit("/", 1)[-1]
        if "variance" in name:
            value = rng.uniform(0.5, 2, value.shape)
        elif "gamma" in name:
            value = rng.uniform(0.5, 1.5, value.shape) * rng.choice(
                [-1, 1, 1, 1, 0], value.shape, p=[0.2, *[0.25] * 3, 0.05]
            )
        elif "iteration" not in name:
            value = rng.normal(0, scale, value.shape)
            if value.ndim > 1 and rng.random() < 0.1:
                value[..., 0] = 0
            # Layers without quantizers have weights of few bits, so that most networks come as far as the hardware.
            value = np.round(value * 16) / 16 if plain else value
        values.append(value)
    if values:
        layer.set_weights(values)
