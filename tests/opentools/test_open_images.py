"""QKeras networks with convolutions, from the model to the simulated RTL: QKeras, C simulation and RTL are equal."""

from __future__ import annotations

import numpy as np
import pytest
from constructs import BIAS, KERNEL, randomized
from rtl_networks import HARD_TRAFFIC, run_design
from tool_fixtures import needs_verilator

from hlsflow.hls.config import HlsConfig, LayerConfig
from hlsflow.hls.convert import convert
from hlsflow.hls.csim import simulate
from hlsflow.hls.lint import lint
from hlsflow.hls.project import read_project
from hlsflow.network.fixed_point import parse_type, to_integers
from hlsflow.opentools.check import check_supported
from hlsflow.opentools.design import Architecture
from hlsflow.opentools.verilator import Traffic
from hlsflow.rtl.chain import read_chain
from hlsflow.rtl.folded import folded_design

# Each image is a hundred windows: every kind of image below is some thousands of sums in every layer.
SAMPLES = 500
INPUT = parse_type("ufixed<8,0>")


def layers():
    from tensorflow import keras

    return keras.layers


def qconv(filters: int, name: str, **more):
    import qkeras

    return qkeras.QConv2D(filters, 3, kernel_quantizer=KERNEL, bias_quantizer=BIAS, name=name, **more)


def dense(units: int, name: str):
    import qkeras

    return qkeras.QDense(units, kernel_quantizer=KERNEL, bias_quantizer=BIAS, name=name)


def relu(name: str):
    import qkeras

    return qkeras.QActivation("quantized_relu(6,4)", name=name)


def shipped_kind():
    """reshape, conv 12 of 3x3, relu, max-pool 2x2, flatten, dense 10, softmax, on images of 12 x 12."""
    from tensorflow import keras

    x = keras.Input((12, 12), name="x_in")
    y = relu("relu1")(qconv(12, "conv1")(layers().Reshape((12, 12, 1), name="channels")(x)))
    y = layers().Flatten(name="flatten")(layers().MaxPooling2D(2, name="pool1")(y))
    return keras.Model(x, layers().Activation("softmax", name="softmax")(dense(10, "logits")(y)), name="construct")


def stacked():
    """Two convolutions that pad, the second with strides; an average, a maximum; three channels in."""
    from tensorflow import keras

    x = keras.Input((10, 9, 3), name="x_in")
    y = relu("relu1")(qconv(4, "conv1", padding="same")(x))
    y = layers().AveragePooling2D(2, name="pool1")(y)
    y = relu("relu2")(qconv(6, "conv2", padding="same", strides=2)(y))
    y = layers().MaxPooling2D((3, 2), strides=1, name="pool2")(y)
    y = dense(5, "logits")(layers().Flatten(name="flatten")(y))
    return keras.Model(x, layers().Activation("softmax", name="softmax")(y), name="construct")


def one_dimensional():
    import qkeras
    from tensorflow import keras

    x = keras.Input((20, 2), name="x_in")
    y = qkeras.QConv1D(6, 4, strides=2, kernel_quantizer=KERNEL, bias_quantizer=BIAS, name="conv1")(x)
    y = layers().MaxPooling1D(3, name="pool1")(relu("relu1")(y))
    return keras.Model(x, dense(5, "logits")(layers().Flatten(name="flatten")(y)), name="construct")


REUSE = {
    "one multiplier a filter": (shipped_kind, {"conv1": 9, "logits": 300}, "io_stream", "stable"),
    "a window a cycle": (shipped_kind, {"conv1": 1, "logits": 12}, "io_parallel", "stable"),
    # Reuse factors above the inputs of a window are wrong in hls4ml's io_parallel (nnet_conv2d_resource.h says so).
    "argmax": (shipped_kind, {"conv1": 54, "logits": 600}, "io_stream", "argmax"),
    "stacked": (stacked, {"conv1": 27, "conv2": 18, "logits": 8}, "io_parallel", "argmax"),
    "one dimension": (one_dimensional, {"conv1": 8, "logits": 18}, "io_stream", "stable"),
}


def edge_inputs(shape: tuple[int, ...]) -> np.ndarray:
    """Random images: of any values, of extremes alone, and mostly dark; then all dark, all bright, and stripes."""
    rng = np.random.default_rng(11)
    values = rng.integers(0, 256, (SAMPLES, *shape))
    part = SAMPLES // 4
    values[part : 2 * part] = rng.choice([0, 255], (part, *shape))
    values[2 * part : 3 * part] *= rng.random((part, *shape)) < 0.1
    values[0], values[1], values[2], values[2, ::2] = 0, 255, 0, 255
    return values * INPUT.lsb


@pytest.mark.slow
@needs_verilator
@pytest.mark.parametrize("name", REUSE)
def test_qkeras_c_simulation_and_rtl_are_equal(name, tmp_path, quick_compile):
    from hlsflow.building.agreement import in_lsb
    from hlsflow.frontends.keras.network import network_of
    from hlsflow.frontends.keras.outputs import keras_outputs
    from hlsflow.frontends.keras.runtime import prepare_tensorflow

    prepare_tensorflow()
    make, factors, io_type, softmax = REUSE[name]
    model = randomized(make())
    network = network_of(model, INPUT)
    config = HlsConfig(
        io_type=io_type,
        strategy="resource",
        layers={layer: LayerConfig(reuse_factor=factor) for layer, factor in factors.items()}
        | ({"softmax": LayerConfig(implementation=softmax)} if "softmax" in model.output_names else {}),
    )
    typed = lint(network, config).layers
    check_supported(network, typed, config, Architecture.AUTO)
    convert(network, typed, config, tmp_path / "hls")
    project = read_project(tmp_path / "hls")
    read = read_chain(project)
    inputs = edge_inputs(model.input_shape[1:])
    integers = to_integers(inputs.reshape(SAMPLES, -1), read.input_type.fraction)

    (gated,) = network.gate_outputs
    types = {layer.node.name: layer.result for layer in typed}
    wanted = in_lsb(gated, keras_outputs(model, network, [inputs], [gated])[gated], types[gated]).reshape(SAMPLES, -1)
    program = quick_compile(project, tmp_path / "csim", "Vitis")
    traced = {gated: types[gated]}
    simulated = simulate(program, project, [inputs], layers=traced, folder=tmp_path / "csim")
    np.testing.assert_array_equal(simulated[gated], wanted)

    expected = simulated[project.outputs[0].name] if softmax == "argmax" else wanted
    runs = run_design(folded_design(read, "top"), integers, tmp_path, Traffic(), HARD_TRAFFIC, Traffic(apart=True))
    for outputs, _ in runs:
        np.testing.assert_array_equal(outputs, expected)
    if softmax == "argmax":
        np.testing.assert_array_equal(runs[0][0].argmax(axis=1), wanted.argmax(axis=1))
