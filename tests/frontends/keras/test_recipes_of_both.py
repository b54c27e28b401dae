"""The shipped quantized recipes, with their weights, are one network in QKeras 0.9 and in QKeras for Keras 3.

`recipes_of_both.json` holds digests of what either computes, to the last bit; this test runs in both environments:

    uv run pytest tests/frontends/keras/test_recipes_of_both.py
    uv run --no-group keras2 --group keras3 pytest tests/frontends/keras/test_recipes_of_both.py
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from hlsflow.frontends.keras.needs import KERAS_2, KERAS_3
from hlsflow.models.recipe import load_recipe
from hlsflow.network.fixed_point import parse_type

ROOT = Path(__file__).resolve().parents[3]
EXPECTED = json.loads((Path(__file__).parent / "recipes_of_both.json").read_text())
SAMPLES = 500


def digest(array) -> str:
    # Minus zero is zero.
    return hashlib.sha256(np.ascontiguousarray(array + 0.0).tobytes()).hexdigest()[:32]


def computed(name: str) -> dict[str, str]:
    """Digests of a recipe's effective weights and of every layer's outputs but the softmax's, float64."""
    from hlsflow.frontends.keras.constants import effective_arrays
    from hlsflow.frontends.keras.live import KerasModel
    from hlsflow.frontends.keras.network import network_of
    from hlsflow.frontends.witness import comparable_nodes, reference_outputs
    from hlsflow.models.weights import load_trained
    from hlsflow.network.graph import CLOSE

    folder = ROOT / "models" / name
    model = load_trained(folder)[1]
    network = network_of(model, parse_type(load_recipe(folder).input.type))
    shape = network[network.inputs[0]].shape
    pixels = np.random.default_rng(7).integers(0, 256, (SAMPLES, *shape)) / 256
    names = [node for node in comparable_nodes(network) if network[node].op not in CLOSE]
    outputs = reference_outputs(KerasModel(model=model), network, [pixels.astype(np.float32)], names)
    found = {f"{node} outputs": digest(values) for node, values in outputs.items()}
    for layer in model.layers:
        arrays = effective_arrays(layer) if layer.weights else {}
        found |= {f"{layer.name} {role}": digest(array) for role, array in arrays.items()}
    return found


@pytest.mark.parametrize("name", EXPECTED)
def test_a_recipe_computes_the_same_in_both_kerases(name):
    if KERAS_2.missing and KERAS_3.missing:
        pytest.skip("need Keras with its QKeras | uv run pytest")
    from hlsflow.frontends.keras.runtime import prepare_tensorflow

    prepare_tensorflow(any_keras=True)
    assert computed(name) == EXPECTED[name]
