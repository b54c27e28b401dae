"""How many values a network gives: known where its description says so, and never guessed."""

from __future__ import annotations

import pytest
from model_files import dense, entrance, functional, layer

from hlsflow.frontends.keras.files.architecture import Architecture, Layer
from hlsflow.frontends.keras.files.output_count import output_count


def network(*layers):
    """The architecture of layers as `functional` takes them."""
    found = []
    for item in functional(*layers)["config"]["layers"]:
        config = {"shape": item["config"]["batch_input_shape"][1:]} if not item["inbound_nodes"] else item["config"]
        inputs = tuple(source[0] for node in item["inbound_nodes"] for source in node)
        library = "qkeras" if item["class_name"].startswith("Q") else "keras"
        found.append(
            Layer(name=item["name"], class_name=item["class_name"], library=library, config=config, inputs=inputs)
        )
    return Architecture(name="n", layers=tuple(found), inputs=("x",), outputs=(found[-1].name,))


@pytest.mark.parametrize(
    ("layers", "count"),
    [
        ((entrance(), dense("d", "x", units=7)), 7),
        ((entrance("x", (4, 4)), layer("Flatten", "f", "x"), layer("QDense", "d", "f", units=7)), 7),
        ((entrance(), dense("e", "x"), layer("BatchNormalization", "b", "e"), dense("d", "b", units=7)), 7),
        ((entrance(), dense("d", "x", units=7), layer("QActivation", "a", "d"), layer("Softmax", "s", "a")), 7),
        ((entrance("x", (9, 9, 1)), layer("QConv2D", "c", "x", filters=7), layer("MaxPooling2D", "p", "c"),
          layer("GlobalAveragePooling2D", "g", "p"), layer("Softmax", "s", "g")), 7),
        # What says nothing of the number of values:
        ((entrance("x", (5, 4)), dense("d", "x", units=7)), None),
        ((entrance("x", (9, 9, 1)), layer("Conv2D", "c", "x", filters=7), layer("Flatten", "f", "c")), None),
        ((entrance("x", (9, 1)), layer("Conv1D", "c", "x", filters=7),
          layer("GlobalMaxPooling1D", "g", "c", keepdims=True)), None),
        ((entrance(), layer("Reshape", "r", "x", target_shape=[2, 2]), dense("d", "r", units=7)), None),
        ((entrance(), layer("Flatten", "f", "x")), None),
    ],
)  # fmt: skip
def test_the_number_of_values_is_that_of_the_last_layer_with_neurons(layers, count):
    model = network(*layers)
    assert output_count(model, model.outputs[0]) == count


def test_a_very_deep_network_is_walked_through():
    deep = [layer("ReLU", f"r{index}", f"r{index - 1}" if index else "d") for index in range(3000)]
    model = network(entrance(), dense("d", "x", units=7), *deep)
    assert output_count(model, model.outputs[0]) == 7
