"""The networks that were tried and failed (`shared/cases`): what lint accepts is built and equals Keras, the rest
is refused before anything is converted, each with its layer and a way out.

Weights are not in the file. Those here are random multiples of 1/16, so that the layers without quantizers have types
of few bits, and most networks come as far as the hardware.
"""

from __future__ import annotations

import numpy as np
import pytest
from case_networks import FILE, Case, keras_model, read_cases, read_layer
from constructs import randomized
from networks import random_inputs

from hlsflow.emulation.emulator import make_emulator
from hlsflow.foundation.errors import ConfigError, UnsupportedError
from hlsflow.hls.convert import convert
from hlsflow.hls.csim import simulate
from hlsflow.hls.effective import verify
from hlsflow.hls.lint import lint
from hlsflow.hls.project import read_project
from hlsflow.network.fixed_point import parse_type

CASES = read_cases() if FILE.is_file() else []
needs_cases = pytest.mark.skipif(not CASES, reason=f"needs {FILE} (or its folder in HLSFLOW_CASES)")
SAMPLES = 100

# Words of the reason for which a network is refused, by its number.
_DEPTHWISE = "no resource strategy for a depthwise convolution in io_parallel"
_PARALLEL = "hls4ml's parallel convolution sums wrongly above"
_INPUT = "the output has the values of the input"
_ROWS = "streams a kernel of height 1 along the rows alone"
_ZERO = "it rounds every value of"
_MEAN = "a mean that does not end in binary"
REFUSED = {
    0: "4 is not legal for a depthwise convolution of 1x1",
    **dict.fromkeys((1, 7, 39), _DEPTHWISE),
    **dict.fromkeys((5, 67, 74), _ROWS),
    **dict.fromkeys((8, 79), _MEAN),
    **dict.fromkeys((10, 12, 46, 63, 76), _INPUT),
    **dict.fromkeys((15, 34, 41, 42, 81, 92), _PARALLEL),
    **dict.fromkeys((30, 62, 65, 87, 88, 94), _ZERO),
    61: "a stream of packs of 4 values cannot be made into one of packs of 7",
}
# Some of what is built now: causal padding with a stride, ReLU and PReLU behind a flattened merge, a Softmax behind
# `binary`, a ternary activation of whole numbers, a ReLU behind a flattened convolution. The constructs have the rest,
# in both backends and io types.
SIMULATED = (2, 3, 4, 22, 69)


@pytest.mark.parametrize(
    ("text", "name", "class_name", "function", "positional", "keywords", "shapes"),
    [
        ("sm6 = Softmax (end)() <- ['fc5'] [(5,)]", "sm6", "Softmax", "", (), {}, ((5,),)),
        ("ac2 = Activation relu() <- ['a'] [(2, 3)]", "ac2", "Activation", "relu", (), {}, ((2, 3),)),
        ("fc4 = QDense softmax (end)(quantized_bits(12,2,alpha='auto')) <- ['a'] [(2,)]", "fc4", "QDense", "softmax",
         ("quantized_bits(12,2,alpha='auto')",), {}, ((2,),)),
        ("cv = QConv1D((1, (3,)), kernel=(3,), padding=causal, bias_quantizer=None) <- ['x'] [(8, 4)]", "cv", "QConv1D",
         "", ("(1, (3,))",), {"kernel": "(3,)", "padding": "causal", "bias_quantizer": "None"}, ((8, 4),)),
        ("m = Add() <- ['a', 'b'] [(1,), (1,)]", "m", "Add", "", (), {}, ((1,), (1,))),
        ("act = QActivation(quantized_relu(6,2,relu_upper_bound=0.75)) <- ['a'] [(1,)]", "act", "QActivation", "",
         ("quantized_relu(6,2,relu_upper_bound=0.75)",), {}, ((1,),)),
    ],
)  # fmt: skip
def test_a_layer_s_text_is_taken_apart(text, name, class_name, function, positional, keywords, shapes):
    found = read_layer(text)
    assert (found.name, found.class_name, found.function) == (name, class_name, function)
    assert (found.positional, found.keywords, found.shapes) == (positional, keywords, shapes)


def test_another_text_is_no_layer():
    with pytest.raises(ValueError, match="no layer text: fc1 = Dense"):
        read_layer("fc1 = Dense(3)")


@pytest.fixture(scope="module")
def tensorflow():
    from hlsflow.frontends.keras.runtime import prepare_tensorflow

    prepare_tensorflow()


def model_of(case: Case):
    model = randomized(keras_model(case))
    for layer in model.layers:
        values = layer.get_weights()
        if values:
            layer.set_weights([np.round(value * 16) / 16 if value.dtype.kind == "f" else value for value in values])
    return model


def linted(case: Case, model):
    """The network and its layers' types, with what lint has to say. Raises the refusal, whichever it is."""
    from hlsflow.frontends.keras.network import network_of

    network = network_of(model, {name: parse_type(text) for name, text in case.inputs.items()})
    found = lint(network, case.config)
    found.raise_errors("m.yaml")
    return network, found


def check_against_keras(case: Case, model, network, found, outputs, inputs) -> None:
    from hlsflow.frontends.keras.live import KerasModel
    from hlsflow.frontends.witness import reference_outputs

    expected = reference_outputs(KerasModel(model=model), network, inputs, network.gate_outputs)
    types = {layer.node.name: layer.result for layer in found.layers}
    for name in network.gate_outputs:
        assert np.array_equal(outputs[name] * types[name].lsb, expected[name]), name


@pytest.mark.slow
@needs_cases
@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case.number))
def test_a_network_is_refused_with_a_reason_or_equals_keras(case, tmp_path, tensorflow):
    model = model_of(case)
    if case.number in REFUSED:
        with pytest.raises((UnsupportedError, ConfigError)) as caught:
            linted(case, model)
        assert REFUSED[case.number] in str(caught.value)
        assert "layer '" in str(caught.value) or "layers." in str(caught.value)
        return
    network, found = linted(case, model)
    convert(network, found.layers, case.config, tmp_path)
    project = read_project(tmp_path)
    verify(project, found.layers, case.config)
    inputs = random_inputs(network, SAMPLES)
    outputs = make_emulator(project).run(inputs, layers=network.gate_outputs)
    check_against_keras(case, model, network, found, outputs, inputs)


@pytest.mark.slow
@needs_cases
@pytest.mark.parametrize("number", SIMULATED)
def test_the_c_simulation_of_a_network_equals_keras_and_the_emulator(number, tmp_path, tensorflow, quick_compile):
    case = CASES[number]
    model = model_of(case)
    network, found = linted(case, model)
    convert(network, found.layers, case.config, tmp_path / "hls")
    project = read_project(tmp_path / "hls")
    program = quick_compile(project, tmp_path / "csim", case.config.backend)
    inputs = random_inputs(network, SAMPLES)
    types = {layer.node.name: layer.result for layer in found.layers}
    traced = {name: types[name] for name in network.gate_outputs}
    outputs = simulate(program, project, inputs, layers=traced, folder=tmp_path / "csim", workers=1)
    emulated = make_emulator(project).run(inputs, layers=network.gate_outputs)
    for name, values in outputs.items():
        assert np.array_equal(emulated[name], values), name
    check_against_keras(case, model, network, found, outputs, inputs)
