"""What becomes of a recipe: its hardware equals Keras on every output, it is refused, or something is wrong."""

from __future__ import annotations

import re
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from networks import random_inputs

from hlsflow.emulation.emulator import make_emulator
from hlsflow.foundation.errors import ConfigError, HlsflowError, UnsupportedError
from hlsflow.hls.convert import convert
from hlsflow.hls.effective import verify
from hlsflow.hls.lint import lint
from hlsflow.hls.project import HlsProject, read_project
from hlsflow.network.graph import Network
from hlsflow.network.layer_types import LayerTypes
from random_models.recipe import Recipe, model_of

SAMPLES = 60
EXACT, REFUSED, FAULT = "exact", "refused", "fault"


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """`kind` is one of the three; `why` says the refusal or the fault without what is of its model alone."""

    kind: str
    why: str = ""
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.kind}: {self.why}" if self.why else self.kind


@dataclass(frozen=True, kw_only=True, slots=True)
class Converted:
    """A recipe's project and what it was made of."""

    model: Any
    network: Network
    layers: Sequence[LayerTypes]
    project: HlsProject


class Refused(Exception):
    """Lint, or what comes before it, refuses the model: the cause says why."""


def converted(recipe: Recipe, model: Any, folder: Path) -> Converted:
    """The project of a recipe in a folder. Raises Refused, or whatever is raised after lint has accepted it."""
    from hlsflow.frontends.keras.network import network_of

    try:
        network = network_of(model, recipe.input_types)
        found = lint(network, recipe.hls_config)
        found.raise_errors("m.yaml")
    except (UnsupportedError, ConfigError) as refusal:
        raise Refused from refusal
    convert(network, found.layers, recipe.hls_config, folder)
    project = read_project(folder)
    verify(project, found.layers, recipe.hls_config)
    return Converted(model=model, network=network, layers=found.layers, project=project)


def differing(made: Converted) -> list[str]:
    """The outputs on which the emulated hardware is not Keras; each says how far off it is."""
    from hlsflow.frontends.keras.live import KerasModel
    from hlsflow.frontends.witness import reference_outputs

    names = made.network.gate_outputs
    inputs = random_inputs(made.network, SAMPLES)
    found = make_emulator(made.project).run(inputs, layers=names)
    expected = reference_outputs(KerasModel(model=made.model), made.network, inputs, names)
    lsb = {layer.node.name: layer.result.lsb for layer in made.layers}
    errors = {name: np.abs(found[name] * lsb[name] - expected[name]) for name in names}
    return [
        f"{name} differs in {np.count_nonzero(error)} of {error.size} values, by up to {error.max() / lsb[name]:g} LSB"
        for name, error in errors.items()
        if not (error == 0).all()
    ]


def outcome(recipe: Recipe, folder: Path) -> Outcome:
    """What becomes of a recipe whose project is made in a folder; what Keras cannot build is a fault of the drawing."""
    try:
        wrong = differing(converted(recipe, model_of(recipe), folder))
    except Refused as refusal:
        said = str(refusal.__cause__)
        named = "layer '" in said or "layers." in said
        return (
            Outcome(kind=REFUSED, why=_kind(said)) if named else Outcome(kind=FAULT, why="no layer named", detail=said)
        )
    except HlsflowError as error:
        return Outcome(kind=FAULT, why=f"{type(error).__name__} after lint: {_kind(str(error))}", detail=str(error))
    except Exception as error:  # whatever it is, it is shown with its recipe
        return Outcome(kind=FAULT, why=type(error).__name__, detail=traceback.format_exc())
    return Outcome(kind=FAULT, why="not Keras", detail="\n".join(wrong)) if wrong else Outcome(kind=EXACT)


def _kind(text: str) -> str:
    """A refusal without what is of its model alone."""
    line = next((line for line in text.splitlines() if "layer '" in line or "layers." in line), text.splitlines()[0])
    line = re.split("; instead|; legal:|; exact:", re.sub(r"^\S*: layers\.\w+\.", "", line))[0]
    line = re.sub(r"'[^']*'|\[.*?\]|\(?\w*fixed<[^>]*>\)?|\b\w+_\d+(_\w+)?\b|(?<![A-Za-z])-?\d[\d.,x]*", "…", line)
    return line.strip()[:140]
