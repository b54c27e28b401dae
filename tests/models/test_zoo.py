import re
from pathlib import Path

import numpy as np
import pytest

from hlsflow.models.recipe import Recipe, load_recipe
from hlsflow.models.zoo import build_model, preprocess

MODELS = Path(__file__).resolve().parents[2] / "models"


def recipe(**changes) -> Recipe:
    content = load_recipe(MODELS / "digits6").model_dump(mode="json")
    content["architecture"] = {"name": "mlp", "units": [6, 5, 10], "dropout": 0.1}
    return Recipe.model_validate({**content, **changes})


def without_quantization() -> Recipe:
    return recipe(compression={})


def test_layers_have_their_names_and_order_whatever_was_built_before():
    expected = [
        "pixels", "flatten", "fc1", "relu1", "dropout1", "fc2", "relu2", "dropout2", "logits", "softmax"
    ]  # fmt: skip
    for _ in range(2):
        assert [layer.name for layer in build_model(recipe()).layers] == expected
        assert [layer.name for layer in build_model(without_quantization()).layers] == expected


def test_names_are_c_identifiers():
    for layer in build_model(recipe()).layers:
        assert re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", layer.name)


def test_no_dropout_layer_without_dropout():
    model = build_model(recipe(architecture={"name": "mlp", "units": [6, 5, 10]}))
    assert not [layer.name for layer in model.layers if "dropout" in layer.name]


def test_layers_are_keras_or_qkeras_as_the_recipe_says():
    def kinds(model):
        return {layer.name: type(layer).__name__ for layer in model.layers}

    quantized, plain = kinds(build_model(recipe())), kinds(build_model(without_quantization()))
    assert (quantized["fc1"], quantized["relu1"], quantized["logits"]) == ("QDense", "QActivation", "QDense")
    assert (plain["fc1"], plain["relu1"], plain["logits"]) == ("Dense", "Activation", "Dense")
    # The logits are linear: their softmax is a layer of its own.
    assert quantized["softmax"] == plain["softmax"] == "Activation"
    for model in (build_model(recipe()), build_model(without_quantization())):
        assert model.get_layer("logits").activation in (None, __import__("keras").activations.linear)


def test_a_layers_own_quantizers_are_used():
    content = recipe().model_dump(mode="json")
    content["compression"]["quantization"]["layers"] = {
        "fc2": {"kernel": "quantized_bits(7,2,alpha=1)", "activation": "quantized_relu(5,1)"}
    }
    model = build_model(Recipe.model_validate(content))
    assert model.get_layer("fc1").kernel_quantizer_internal.bits == 6
    assert model.get_layer("fc2").kernel_quantizer_internal.bits == 7
    assert model.get_layer("fc2").bias_quantizer_internal.bits == 6
    assert (model.get_layer("relu2").quantizer.bits, model.get_layer("relu2").quantizer.integer) == (5, 1)


def test_first_weights_depend_on_the_recipe_alone():
    from tensorflow import keras

    keras.utils.set_random_seed(5)
    first = build_model(recipe()).get_weights()
    second = build_model(recipe()).get_weights()
    other = build_model(recipe(seed=99)).get_weights()
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(first[0], other[0])


def test_preprocessing_is_exact():
    pixels = np.arange(256, dtype=np.uint8).reshape(4, 8, 8)
    inputs = preprocess(recipe(), pixels)
    assert inputs.dtype == np.float32
    np.testing.assert_array_equal(inputs.astype(np.float64) * 256, pixels)
    with pytest.raises(TypeError, match="pixels are uint8, not float64"):
        preprocess(recipe(), pixels / 256)


@pytest.mark.parametrize(
    "text",
    [
        "quantized_bits(8,4,alpha=1)",
        "quantized_bits(6,0,alpha=1)",
        "quantized_bits(6,2,symmetric=True,alpha=1)",
        "quantized_relu(8,4)",
        "quantized_relu(6,2)",
    ],
)
def test_qkeras_has_the_grid_that_our_quantizer_says(text):
    """The fixed-point type that hardware gets rests on step, minimum and maximum."""
    from qkeras.quantizers import get_quantizer

    from hlsflow.frontends.keras.quantizer_texts import parse_quantizer

    ours = parse_quantizer(text)
    values = np.arange(-40, 40, ours.step / 4, dtype=np.float32)
    theirs = np.asarray(get_quantizer(str(ours))(values))
    np.testing.assert_array_equal(theirs, np.clip(np.rint(values / ours.step) * ours.step, ours.minimum, ours.maximum))
