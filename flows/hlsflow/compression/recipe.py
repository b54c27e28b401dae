"""A model's recipe: architecture, dataset, compression and training, read from `models/<name>/recipe.yaml`."""

from __future__ import annotations

import hashlib
import json
import os
import re
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from hlsflow.compression.quantizers import Quantizer, parse_quantizer
from hlsflow.errors import ConfigError, did_you_mean
from hlsflow.strict_yaml import load_config

RECIPE_FILE = "recipe.yaml"


def _canonical_quantizer(text: str) -> str:
    return str(parse_quantizer(text))


QuantizerText = Annotated[str, AfterValidator(_canonical_quantizer)]


class Part(BaseModel):
    """A part of a recipe: frozen, strict (no silent conversion), and without unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class Input(Part):
    """How pixels become the network's input: `pixel * 2**scale_exponent`, which `type` holds without rounding."""

    name: Literal["pixels"] = "pixels"
    scale_exponent: int = Field(ge=-16, le=0)
    type: str = Field(pattern=r"^ufixed<\d{1,2},-?\d{1,2}>$")

    @model_validator(mode="after")
    def _exact(self) -> Self:
        width, integer = (int(number) for number in re.findall(r"-?\d+", self.type))
        if width - integer < -self.scale_exponent or integer < 8 + self.scale_exponent:
            raise ValueError(
                f"{self.type} cannot hold every pixel * 2**{self.scale_exponent}; "
                f"the smallest type that can is ufixed<8,{8 + self.scale_exponent}>"
            )
        return self


class Architecture(Part):
    """A network of the zoo. `units` are the neurons of every dense layer, the logits included."""

    name: Literal["mlp"]
    units: tuple[Annotated[int, Field(ge=1, le=4096)], ...] = Field(min_length=1, max_length=16, strict=False)
    dropout: float = Field(default=0.0, ge=0.0, lt=1.0)
    kernel_initializer: Literal[
        "glorot_uniform", "glorot_normal", "he_uniform", "he_normal", "lecun_uniform", "lecun_normal"
    ] = "glorot_uniform"

    def dense_names(self) -> tuple[str, ...]:
        """The names of the dense layers in order: fc1, fc2, ..., logits."""
        return (*(f"fc{index}" for index in range(1, len(self.units))), "logits")


class LayerQuantization(Part):
    """What differs in one dense layer. `activation` is that of the activation layer behind it."""

    kernel: QuantizerText | None = None
    bias: QuantizerText | None = None
    activation: QuantizerText | None = None


class Quantization(Part):
    """The quantizers of all layers, in QKeras notation, and those of single layers where they differ."""

    kernel: QuantizerText
    bias: QuantizerText
    activation: QuantizerText
    layers: dict[str, LayerQuantization] = Field(default_factory=dict)

    def of(self, layer: str, role: Literal["kernel", "bias", "activation"]) -> Quantizer:
        """The quantizer of a dense layer's kernel, its bias, or the activation behind it."""
        special = self.layers.get(layer)
        text = getattr(special, role) if special is not None else None
        return parse_quantizer(text if text is not None else getattr(self, role))


class Pruning(Part):
    """Magnitude pruning of every dense kernel: the sparsity rises by a cubic polynomial over all training steps.

    The masks follow every `frequency_steps` steps. `end_epoch` (None: the last) is where the sparsity is final.
    """

    initial_sparsity: float = Field(default=0.0, ge=0.0, lt=1.0)
    final_sparsity: float = Field(gt=0.0, lt=1.0)
    frequency_steps: int = Field(default=100, ge=1)
    end_epoch: int | None = Field(default=None, ge=1)


class Compression(Part):
    quantization: Quantization | None = None
    pruning: Pruning | None = None


class Training(Part):
    """`validation_split` is the share at the end of the training set that is never trained on."""

    optimizer: Literal["adam"] = "adam"
    learning_rate: float = Field(gt=0.0, le=1.0)
    learning_rate_decay: Literal["constant", "cosine"] = "constant"
    batch_size: int = Field(ge=1, le=65536)
    epochs: int = Field(ge=1, le=10000)
    validation_split: float = Field(gt=0.0, lt=1.0)
    loss: Literal["categorical_crossentropy"] = "categorical_crossentropy"


class Recipe(Part):
    """Everything that decides a model's weights."""

    name: str = Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$", max_length=64)
    title: str = Field(min_length=1, max_length=120)
    description: str = ""
    dataset: Literal["mnist", "fashion_mnist", "cifar10", "digits"]
    seed: int = Field(ge=0, lt=2**31)
    input: Input
    architecture: Architecture
    compression: Compression = Compression()
    training: Training

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.architecture.units[-1] != 10:
            raise ValueError(
                f"architecture.units: the last layer gives one logit for each of the 10 classes of {self.dataset}, "
                f"not {self.architecture.units[-1]}"
            )
        names = self.architecture.dense_names()
        quantization = self.compression.quantization
        for layer, special in (quantization.layers if quantization else {}).items():
            path = f"compression.quantization.layers.{layer}"
            if layer not in names:
                raise ValueError(f"{path}: no such layer; {did_you_mean(layer, names)}")
            if layer == "logits" and special.activation is not None:
                raise ValueError(f"{path}.activation: the logits have no quantized activation behind them")
        pruning = self.compression.pruning
        if pruning is not None:
            if pruning.final_sparsity < pruning.initial_sparsity:
                raise ValueError("compression.pruning: final_sparsity must be at least initial_sparsity")
            if pruning.end_epoch is not None and pruning.end_epoch > self.training.epochs:
                raise ValueError("compression.pruning.end_epoch: later than the last epoch of training.epochs")
        return self

    def sha256(self) -> str:
        """The digest of all that decides the weights; the prose (title, description) is left out.

        Defaults are left out too, so that a key that is added later does not change the digests of older recipes.
        """
        content = self.model_dump(mode="json", exclude={"title", "description"}, exclude_defaults=True)
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def load_recipe(path: str | os.PathLike[str]) -> Recipe:
    """The recipe of a model folder or of a recipe file.

    Raises ConfigError that names the file, the key path and a near word for each mistake.
    """
    file = Path(path)
    if file.is_dir():
        file = file / RECIPE_FILE
    recipe = load_config(Recipe, file)
    if file.name == RECIPE_FILE and recipe.name != file.resolve().parent.name:
        raise ConfigError(f"{file}: name: '{recipe.name}' is not its folder's name '{file.resolve().parent.name}'")
    return recipe
