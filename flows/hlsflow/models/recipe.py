"""A model's recipe: architecture, dataset, compression and training, read from `models/<name>/recipe.yaml`."""

from __future__ import annotations

import hashlib
import json
import os
import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from hlsflow.foundation.errors import ConfigError, UsageError, did_you_mean
from hlsflow.foundation.strict_yaml import load_config
from hlsflow.frontends.keras.quantizer_texts import Quantizer, parse_for_role, parse_quantizer

RECIPE_FILE = "recipe.yaml"
# Of a model that somebody added: there is no recipe beside it.
CARD_FILE = "model.yaml"
MODEL_NAME = r"^[A-Za-z][A-Za-z0-9_]*$"
CLASSES = 10
# The share of the training set that a derived model, which has no training of its own, is validated on.
VALIDATION_SPLIT = 0.2


def _canonical_quantizer(role: str) -> Any:
    return AfterValidator(lambda text: str(parse_for_role(text, role)))


KernelQuantizer = Annotated[str, _canonical_quantizer("kernel")]
BiasQuantizer = Annotated[str, _canonical_quantizer("bias")]
ActivationQuantizer = Annotated[str, _canonical_quantizer("activation")]


class Part(BaseModel):
    """A part of a recipe: frozen, strict (no silent conversion), and without unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class Input(Part):
    """How pixels become the network's input: `pixel * 2**scale_exponent`, which `type` holds without rounding."""

    name: Literal["pixels"] = Field(default="pixels", description="The input's name in the network.")
    scale_exponent: int = Field(ge=-16, le=0, description="The input is pixel * 2**scale_exponent; -8 gives pixel/256.")
    type: str = Field(
        pattern=r"^ufixed<\d{1,2},-?\d{1,2}>$", description="The input's type in hardware, which holds every pixel."
    )

    @model_validator(mode="after")
    def _exact(self) -> Self:
        width, integer = (int(number) for number in re.findall(r"-?\d+", self.type))
        if width - integer < -self.scale_exponent or integer < 8 + self.scale_exponent:
            raise ValueError(
                f"{self.type} cannot hold every pixel * 2**{self.scale_exponent}; "
                f"the smallest type that can is ufixed<8,{8 + self.scale_exponent}>"
            )
        return self


class Convolution(Part):
    """A 2-D convolution without padding, `kernel` x `kernel`, its ReLU, and a max-pooling `pool` x `pool` (1: none)."""

    filters: int = Field(ge=1, le=1024, description="Output channels.")
    kernel: int = Field(ge=1, le=16, description="Height and width of the kernel.")
    pool: int = Field(default=1, ge=1, le=16, description="Height and width of the max-pooling; 1: none.")


class Architecture(Part):
    """A network of the zoo: `convolutions` (of a `cnn` alone), then dense layers of `units`, the logits included.

    `ranks` names dense layers that are a product of two, the first of so many neurons, linear and without bias.
    """

    name: Literal["mlp", "cnn"] = Field(description="`mlp`: dense layers alone; `cnn`: convolutions before them.")
    convolutions: tuple[Convolution, ...] = Field(
        default=(), max_length=8, strict=False, description="Of a `cnn`, in order: conv1, conv2, ..."
    )
    units: tuple[Annotated[int, Field(ge=1, le=8192)], ...] = Field(
        min_length=1, max_length=16, strict=False, description="Of the dense layers fc1, fc2, ..., the logits last."
    )
    ranks: dict[str, Annotated[int, Field(ge=1, le=8192)]] = Field(
        default_factory=dict, description="Dense layers that are a product of two, by name, and the inner size."
    )
    dropout: float = Field(default=0.0, ge=0.0, lt=1.0, description="Behind each hidden activation, in training alone.")
    kernel_initializer: Literal[
        "glorot_uniform", "glorot_normal", "he_uniform", "he_normal", "lecun_uniform", "lecun_normal"
    ] = Field(default="glorot_uniform", description="Keras' initializer of every kernel, seeded by the recipe.")

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if (self.name == "cnn") != bool(self.convolutions):
            raise ValueError("convolutions: a cnn has at least one, an mlp none")
        for layer in self.ranks:
            if layer not in self.dense_names():
                raise ValueError(f"ranks.{layer}: no such layer; {did_you_mean(layer, self.dense_names())}")
        return self

    def dense_names(self) -> tuple[str, ...]:
        """The names of the dense layers in order: fc1, fc2, ..., logits."""
        return (*(f"fc{index}" for index in range(1, len(self.units))), "logits")

    def weight_names(self) -> tuple[str, ...]:
        """The names of all layers with a kernel, in order: conv1, ..., fc1_left (where it has a rank), fc1, ..."""
        names = [f"conv{index}" for index in range(1, len(self.convolutions) + 1)]
        for name in self.dense_names():
            names += [f"{name}_left", name] if name in self.ranks else [name]
        return tuple(names)


class LayerQuantization(Part):
    """What differs in one layer. `activation` is that of the activation layer behind it."""

    kernel: KernelQuantizer | None = Field(default=None, description="Of the kernel.")
    bias: BiasQuantizer | None = Field(default=None, description="Of the bias.")
    activation: ActivationQuantizer | None = Field(default=None, description="Of the activation behind the layer.")


class Quantization(Part):
    """The quantizers of all layers, in QKeras notation, and those of single layers where they differ."""

    kernel: KernelQuantizer = Field(description="Of every kernel, such as `quantized_bits(8,4,alpha=1)`.")
    bias: BiasQuantizer = Field(description="Of every bias.")
    activation: ActivationQuantizer = Field(description="Of every hidden activation, such as `quantized_relu(6,2)`.")
    layers: dict[str, LayerQuantization] = Field(
        default_factory=dict, description="What differs in single layers, by name: conv1, fc1, fc1_left, logits."
    )

    def of(self, layer: str, role: Literal["kernel", "bias", "activation"]) -> Quantizer:
        """The quantizer of a layer's kernel, its bias, or the activation behind it."""
        special = self.layers.get(layer)
        text = getattr(special, role) if special is not None else None
        return parse_quantizer(text if text is not None else getattr(self, role))


class Pruning(Part):
    """Magnitude pruning of every kernel: the sparsity rises by a cubic polynomial over all training steps.

    The masks follow every `frequency_steps` steps. `end_epoch` (None: the last) is where the sparsity is final.
    """

    initial_sparsity: float = Field(default=0.0, ge=0.0, lt=1.0, description="The share of zeros at the start.")
    final_sparsity: float = Field(gt=0.0, lt=1.0, description="The share of zeros in each kernel at the end.")
    frequency_steps: int = Field(default=100, ge=1, description="Training steps between two updates of the masks.")
    end_epoch: int | None = Field(
        default=None, ge=1, description="Where the sparsity is final (default: the last)."
    )


class Distillation(Part):
    """Learning from a trained model of the same workspace (Hinton, Vinyals and Dean, arXiv:1503.02531).

    The loss is `alpha` times the cross-entropy with the classes, plus `1 - alpha` times the Kullback-Leibler divergence
    from the teacher's scores, both softened by `temperature`, to the student's.
    """

    teacher: str = Field(pattern=MODEL_NAME, max_length=64, description="A trained model of the workspace.")
    temperature: float = Field(gt=0.0, le=1000.0, description="What softens both models' scores.")
    alpha: float = Field(ge=0.0, le=1.0, description="The weight of the classes; 1 - alpha is the teacher's.")


class Compression(Part):
    quantization: Quantization | None = Field(default=None, description="Quantizers in training (QAT).")
    pruning: Pruning | None = Field(default=None, description="Pruning in training; with quantization this is QAP.")
    distillation: Distillation | None = Field(default=None, description="Learning from a larger model.")


class Derivation(Part):
    """Where the weights of a model come from that was made out of a trained one: `hlsflow compress` writes this.

    `method` is the method's name and parameters, as `hlsflow.compression.derivation` reads them.
    """

    source: str = Field(pattern=MODEL_NAME, max_length=64, description="The model whose weights these come from.")
    source_weights_sha256: str = Field(pattern=r"^[0-9a-f]{64}$", description="The digest of those weights.")
    method: dict[str, Any] = Field(description="The method's name and parameters.")


class Training(Part):
    """`validation_split` is the share at the end of the training set that is never trained on."""

    optimizer: Literal["adam"] = Field(default="adam", description="Keras' Adam.")
    learning_rate: float = Field(gt=0.0, le=1.0, description="The first step's.")
    learning_rate_decay: Literal["constant", "cosine"] = Field(
        default="constant", description="`cosine`: falls to zero over all steps."
    )
    batch_size: int = Field(ge=1, le=65536, description="Samples a step.")
    epochs: int = Field(ge=1, le=10000, description="Passes over the training set.")
    validation_split: float = Field(
        gt=0.0, lt=1.0, description="The share at the end of the training set that is never trained on."
    )
    loss: Literal["categorical_crossentropy"] = Field(
        default="categorical_crossentropy", description="Of the softmax against the classes."
    )


class Recipe(Part):
    """Everything that decides a model's weights.

    `classes` keeps those classes of the dataset alone, in that order: the images of the others are left out.
    `training` is None for a model that was derived from another one and not trained further.
    """

    name: str = Field(pattern=MODEL_NAME, max_length=64, description="The model's, and its folder's.")
    title: str = Field(min_length=1, max_length=120, description="What reports call it.")
    description: str = Field(default="", description="Prose, for people.")
    dataset: Literal["mnist", "fashion_mnist", "cifar10", "digits"] = Field(
        description="What it is trained and verified on; `digits` needs no download."
    )
    classes: tuple[Annotated[int, Field(ge=0, lt=CLASSES)], ...] | None = Field(
        default=None,
        min_length=2,
        max_length=CLASSES,
        strict=False,
        description="Keeps those classes alone, in that order (default: all).",
    )
    seed: int = Field(ge=0, lt=2**31, description="Of all that is random: initial weights, batches, dropout.")
    input: Input = Field(description="How pixels become the network's input.")
    architecture: Architecture = Field(description="The network.")
    compression: Compression = Field(default=Compression(), description="How it is made smaller in training.")
    derived: Derivation | None = Field(
        default=None, description="Where the weights of a compressed model come from; `hlsflow compress` writes it."
    )
    training: Training | None = Field(
        default=None, description="How it is trained; left out by a derived model that is not trained further."
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.classes is not None and len(set(self.classes)) != len(self.classes):
            raise ValueError(f"classes: {list(self.classes)} names one twice")
        classes = CLASSES if self.classes is None else len(self.classes)
        if self.architecture.units[-1] != classes:
            raise ValueError(
                f"architecture.units: the last layer gives one logit for each of the {classes} classes of "
                f"{self.dataset}, not {self.architecture.units[-1]}"
            )
        if self.training is None and self.derived is None:
            raise ValueError("training: missing; only a model that is derived from another one does without")
        names = self.architecture.weight_names()
        quantization = self.compression.quantization
        for layer, special in (quantization.layers if quantization else {}).items():
            path = f"compression.quantization.layers.{layer}"
            if layer not in names:
                raise ValueError(f"{path}: no such layer; {did_you_mean(layer, names)}")
            if (layer == "logits" or layer.endswith("_left")) and special.activation is not None:
                raise ValueError(f"{path}.activation: there is no activation behind this layer")
        pruning = self.compression.pruning
        if pruning is not None:
            if pruning.final_sparsity < pruning.initial_sparsity:
                raise ValueError("compression.pruning: final_sparsity must be at least initial_sparsity")
            for layer in names if quantization is not None else ():
                if quantization.of(layer, "kernel").name == "binary":
                    raise ValueError(
                        f"compression.pruning: the binary kernel of {layer} has no zero; "
                        "ternary(alpha=1) has one, or leave pruning out"
                    )
            if self.training is None:
                raise ValueError("compression.pruning: it takes place during the training, and there is none")
            if pruning.end_epoch is not None and pruning.end_epoch > self.training.epochs:
                raise ValueError("compression.pruning.end_epoch: later than the last epoch of training.epochs")
        return self

    @property
    def validation_share(self) -> float:
        """The share at the end of the training set that is never trained on."""
        return VALIDATION_SPLIT if self.training is None else self.training.validation_split

    def sha256(self) -> str:
        """The digest of all that decides the weights; the prose (title, description) is left out.

        Defaults are left out too, so that a key that is added later does not change the digests of older recipes.
        """
        content = self.model_dump(mode="json", exclude={"title", "description"}, exclude_defaults=True)
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def load_recipe(path: str | os.PathLike[str]) -> Recipe:
    """The recipe of a model folder or of a recipe file.

    Raises ConfigError that names the file, the key path and a near word for each mistake, UsageError for a model that
    was added.
    """
    file = Path(path)
    if file.is_dir():
        if (file / CARD_FILE).is_file() and not (file / RECIPE_FILE).is_file():
            raise UsageError(
                f"{file.name} was added from a file ({file / CARD_FILE}), and only a recipe says how to train a model",
                hint=f"train it where it came from, then: hlsflow add FILE --name {file.name} --force",
            )
        file = file / RECIPE_FILE
    recipe = load_config(Recipe, file)
    if file.name == RECIPE_FILE and recipe.name != file.resolve().parent.name:
        raise ConfigError(f"{file}: name: '{recipe.name}' is not its folder's name '{file.resolve().parent.name}'")
    return recipe
