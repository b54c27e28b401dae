"""`model.yaml`: where an added model came from, what its inputs are, what it is verified on, what it is for."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import AfterValidator, Field

from hlsflow.foundation.errors import ConfigError
from hlsflow.foundation.strict_yaml import load_config
from hlsflow.frontends.registry import FRONT_ENDS
from hlsflow.models.recipe import CARD_FILE, MODEL_NAME, Part
from hlsflow.network.fixed_point import FixedType, parse_type

SAMPLES_FILE = "samples.npz"
_SHA256 = r"^[0-9a-f]{64}$"


# A value of Keras is a float32: it holds 24 bits, and no number far from 1.
MOST_INPUT_BITS = 24
MOST_SHIFT = 60


def input_type(text: str) -> FixedType:
    """The type of an input. Raises ValueError saying why it is none."""
    found = parse_type(text)
    if found.width > MOST_INPUT_BITS:
        raise ValueError(f"an input of Keras is float32, which holds {MOST_INPUT_BITS} bits, and '{text}' has more")
    if abs(found.fraction) > MOST_SHIFT:
        raise ValueError(f"the last bit of '{text}' is 2**{-found.fraction}: scale the input")
    return found.grid


def _front_end(name: str) -> str:
    if name not in FRONT_ENDS:
        raise ValueError(f"no front end '{name}'; there are: {', '.join(FRONT_ENDS)}")
    return name


def _type_text(text: str) -> str:
    return str(input_type(text))


class OriginCard(Part):
    """The file that the model was read from, and as what.

    `folder` is the SHA-256 of the absolute path of the file's folder: it tells files of one name apart, and says
    nothing of whose machine they lie on.
    """

    file: str = Field(description="The file's name.")
    sha256: str | None = Field(pattern=_SHA256, description="Its digest; none for a live model.")
    format: str = Field(description="As what it was read.")
    folder: str | None = Field(default=None, pattern=_SHA256, description="The digest of its folder's absolute path.")


class InputCard(Part):
    """An input's type in hardware, and why it is that one."""

    name: str = Field(description="The input's name in the model.")
    type: Annotated[str, AfterValidator(_type_text)] = Field(description="Its type in hardware, such as `ufixed<8,0>`.")
    because: str = Field(description="Why it is that one.")


class SamplesCard(Part):
    """The data beside the model: where it came from, how many, what the labels are, the largest error of rounding it
    onto the inputs' types."""

    source: str = Field(description="The file that they came from.")
    sha256: str = Field(pattern=_SHA256, description="The digest of the kept samples.")
    count: int = Field(ge=1, description="How many.")
    labels: Literal["classes", "targets"] | None = Field(description="What the labels are, or none.")
    rounding_error: float = Field(ge=0, description="The largest error of rounding a sample onto the inputs' types.")


class Card(Part):
    """What is known of an added model. `notes` are what the reader of its file left out or changed."""

    name: str = Field(pattern=MODEL_NAME, max_length=64, description="The model's, and its folder's.")
    title: str = Field(min_length=1, max_length=120, description="What reports call it.")
    front_end: Annotated[str, AfterValidator(_front_end)] = Field(
        default="keras", description="What reads it and is its witness, as `hlsflow doctor` lists them."
    )
    origin: OriginCard = Field(description="The file that the model was read from.")
    task: Literal["classification", "binary", "regression"] = Field(
        description="How the outputs are held against labels."
    )
    inputs: tuple[InputCard, ...] = Field(min_length=1, strict=False, description="The inputs and their types.")
    samples: SamplesCard | None = Field(default=None, description="The samples beside it that a build is verified on.")
    notes: tuple[str, ...] = Field(default=(), strict=False, description="What reading the file left out or changed.")

    def identity(self) -> str:
        """The digest of what decides the network besides the files of its front end."""
        said: dict[str, object] = {"task": self.task, "inputs": {item.name: item.type for item in self.inputs}}
        if self.front_end != "keras":
            # What one framework computed of the files is no evidence of what another one would.
            said["front_end"] = self.front_end
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


_HEAD = "# Written by hlsflow add; the types of the inputs, the title and the task are yours to edit.\n"


def card_text(card: Card) -> str:
    """The text of `model.yaml`."""
    said = card.model_dump(mode="json", exclude_defaults=True)
    return _HEAD + yaml.safe_dump(said, sort_keys=False, allow_unicode=True, width=110)


def again_hint(name: str) -> str:
    """How a model that was added comes back whole."""
    return f"add the model again: hlsflow add FILE --name {name} --force"


def load_card(folder: Path) -> Card:
    """The card of a model's folder. Raises ConfigError that names the file and the key."""
    path = folder / CARD_FILE
    card = load_config(Card, path)
    if card.name != folder.resolve().name:
        raise ConfigError(f"{path}: name: '{card.name}' is not its folder's name '{folder.resolve().name}'")
    return card
