"""Layers of Keras as nodes, one handler at a time.

The layers here are STAND-INS with the attributes that the handlers read, so that no TensorFlow is needed;
`test_constructs` holds the same handlers against Keras itself.
"""

from __future__ import annotations

import itertools
from types import SimpleNamespace

import numpy as np
import pytest

from hlsflow.foundation.errors import UnsupportedError
from hlsflow.frontends.keras import constants
from hlsflow.frontends.keras.network import add_entry
from hlsflow.frontends.nodes.builder import Builder
from hlsflow.network.fixed_point import parse_type
from hlsflow.network.graph import ROUNDED, Op


def layer(name: str, class_name: str = "StandIn", **attributes):
    """A stand-in for a Keras layer (or quantizer) of a class of that name."""
    return type(class_name, (SimpleNamespace,), {})(name=name, **attributes)


def quantizer(class_name: str, step: float | None = None, **config):
    """A stand-in for a quantizer of QKeras: rounds to multiples of `step`, if it is given one."""

    def call(self, x):
        return x if step is None else np.rint(np.asarray(x) / step) * step

    made = type(class_name, (), {"__call__": call, "get_config": lambda self: config})()
    made.__dict__.update(config)
    return made


def built(*steps, shape=(4,), input_type="ufixed<8,0>") -> Builder:
    """A builder that took an input and the (entry, layer) pairs."""
    layers = [owner for _, owner in steps if owner is not None]
    builder = Builder("model", {item.name: item for item in [layer("x"), *layers]}, parse_type(input_type))
    add_entry(builder, {"name": "x", "class_name": "InputLayer", "input_shape": list(shape), "inputs": []})
    for entry, _ in steps:
        add_entry(builder, entry)
    return builder


BITS = {"bits": 4, "integer": 1, "keep_negative": True, "alpha": 1.0}


def test_the_input_has_the_type_that_is_given_for_it():
    node = built(shape=(2, 3)).nodes[0]
    assert (node.op, node.shape, str(node.declared["result"])) == (Op.INPUT, (2, 3), "ufixed<8,0>")
    builder = Builder("m", {}, {"a": parse_type("fixed<3,1>"), "b": parse_type("fixed<4,1>")})
    add_entry(builder, {"name": "b", "class_name": "InputLayer", "input_shape": [5], "inputs": []})
    assert str(builder.nodes[0].declared["result"]) == "fixed<4,1>"


def test_a_dense_layer_multiplies_by_what_its_quantizers_give():
    owner = layer(
        "fc", "QDense", kernel=np.float32([[0.3], [-0.6], [1.1], [9.0]]), bias=np.float32([0.26]),
        kernel_quantizer_internal=quantizer("quantized_bits", 0.25, **BITS),
        bias_quantizer_internal=quantizer("quantized_bits", 0.25, **BITS),
    )  # fmt: skip
    entry = {"name": "fc", "class_name": "QDense", "weight_quantizer": "q", "weight_data": "w", "n_in": 4}
    (_, node) = built((entry, owner)).nodes
    assert (node.op, node.shape, node.inputs) == (Op.DENSE, (1,), ("x",))
    assert node.arrays["weight"].dtype == np.float64
    assert node.arrays["weight"].ravel().tolist() == [0.25, -0.5, 1.0, 9.0]
    assert node.arrays["bias"].tolist() == [0.25]
    # 9 is out of the range of fixed<4,2>: the stand-in did not clip, so the declared type does not hold the weights.
    assert {role: str(type_) for role, type_ in node.declared.items()} == {"bias": "fixed<4,2>"}
    assert "weight_quantizer" not in node.entry and "weight_data" not in node.entry and node.entry["n_in"] == 4
    assert (node.entry["class_name"], node.keras_class, node.keras_layer) == ("Dense", "QDense", "fc")


@pytest.mark.parametrize(
    ("values", "holds"),
    [
        ([0.0, 1.75, -2.0], True), ([2.0], False), ([-2.25], False), ([0.125], False), ([1.75 + 2**-20], False),
        ([1.75], True), ([-2.0], True),
    ],
)  # fmt: skip
def test_a_declared_type_is_kept_if_it_holds_every_weight(values, holds):
    declared = parse_type("fixed<4,2>")
    assert constants._on_grid(np.array(values), declared) == (declared if holds else None)
    assert constants._on_grid(np.array(values), None) is None


def test_a_layer_without_bias_or_quantizer_declares_nothing():
    owner = layer("fc", kernel=np.ones((4, 2), dtype=np.float32), bias=None, kernel_quantizer_internal=None)
    (_, node) = built(({"name": "fc", "class_name": "Dense"}, owner)).nodes
    assert set(node.arrays) == {"weight"} and node.declared == {} and node.shape == (2,)


CONV = {"name": "c", "out_height": 3, "out_width": 2, "n_filt": 5, "stride_height": 2, "stride_width": 3, "pad_top": 1,
        "pad_bottom": 2, "pad_left": 3, "pad_right": 4}  # fmt: skip


def test_a_convolution_keeps_its_window():
    owner = layer("c", kernel=np.ones((2, 2, 1, 5)), bias=None)
    (_, node) = built(({**CONV, "class_name": "QConv2D", "use_gamma": 1}, owner), shape=(6, 6, 1)).nodes
    assert (node.op, node.shape, node.entry["class_name"]) == (Op.CONV, (3, 2, 5), "Conv2D")
    assert "use_gamma" not in node.entry
    assert node.attributes == {"stride_height": 2, "stride_width": 3, "pad_top": 1, "pad_bottom": 2, "pad_left": 3,
                               "pad_right": 4}  # fmt: skip


def test_a_one_dimensional_one_has_height_one_and_pads_at_its_ends():
    owner = layer("c", kernel=np.ones((2, 1, 5)), bias=None)
    entry = {"name": "c", "class_name": "Conv1D", "out_width": 2, "n_filt": 5, "stride_width": 3, "pad_left": 1,
             "pad_right": 0}  # fmt: skip
    (_, node) = built((entry, owner), shape=(6, 1)).nodes
    assert (node.shape, node.entry["class_name"]) == ((2, 5), "Conv1D")
    assert node.attributes == {"stride_height": 1, "stride_width": 3, "pad_top": 0, "pad_bottom": 0, "pad_left": 1,
                               "pad_right": 0}  # fmt: skip


def test_a_depthwise_convolution_reads_its_own_kernel():
    owner = layer("c", depthwise_kernel=np.full((2, 2, 5, 1), 0.5), bias=np.zeros(5),
                  depthwise_quantizer_internal=quantizer("quantized_bits", **BITS))  # fmt: skip
    (_, node) = built(({**CONV, "class_name": "QDepthwiseConv2D"}, owner), shape=(6, 6, 5)).nodes
    assert (node.op, node.entry["class_name"], set(node.arrays)) == (
        Op.DEPTHWISE,
        "DepthwiseConv2D",
        {"weight", "bias"},
    )
    assert {role: str(type_) for role, type_ in node.declared.items()} == {"weight": "fixed<4,2>"}


@pytest.mark.parametrize("two_d", [True, False])
def test_a_separable_convolution_is_two_layers_with_types_of_their_own(two_d):
    """Padded as Keras pads: what is odd comes behind."""
    axes = 2 if two_d else 1
    window, shape = (2, 3)[-axes:], (5, 6)[-axes:]
    owner = layer("s", depthwise_kernel=np.full((*window, 3, 1), 0.5), bias=np.ones(5), padding="same",
                  pointwise_kernel=np.full((*(1,) * axes, 3, 5), 0.25), strides=(2,) * axes, dilation_rate=(1,) * axes,
                  output_shape=(None, *(3,) * axes, 5),
                  pointwise_quantizer_internal=quantizer("quantized_bits", **BITS),
                  bias_quantizer_internal=quantizer("quantized_bits", **{**BITS, "bits": 5}))  # fmt: skip
    entry = {"name": "s", "class_name": f"SeparableConv{axes}D"}
    _, depthwise, pointwise = built((entry, owner), shape=(*shape, 3)).nodes
    assert (depthwise.name, depthwise.op, depthwise.inputs) == ("s_depthwise", Op.DEPTHWISE, ("x",))
    assert (pointwise.name, pointwise.op, pointwise.inputs) == ("s_pointwise", Op.CONV, ("s_depthwise",))
    assert depthwise.shape[-1] == 3 and pointwise.shape[-1] == 5 and depthwise.shape[:-1] == pointwise.shape[:-1]
    assert set(depthwise.arrays) == {"weight"} and set(pointwise.arrays) == {"weight", "bias"}
    assert depthwise.declared == {}
    assert {role: str(t) for role, t in pointwise.declared.items()} == {"weight": "fixed<4,2>", "bias": "fixed<5,2>"}
    around = {key: depthwise.attributes[key] for key in ("pad_top", "pad_bottom", "pad_left", "pad_right")}
    assert around == {"pad_top": 0, "pad_bottom": 1 if two_d else 0, "pad_left": 0, "pad_right": 1}
    assert (depthwise.attributes["stride_width"], pointwise.attributes["stride_width"]) == (2, 1)
    assert pointwise.entry["in_width"] == pointwise.entry["out_width"] == 3
    assert ("in_height" in pointwise.entry) is two_d and not depthwise.entry["use_bias"]


def test_what_follows_a_layer_that_was_split_reads_its_last_part():
    owner = layer("s", depthwise_kernel=np.ones((2, 2, 3, 1)), pointwise_kernel=np.ones((1, 1, 3, 5)), bias=None,
                  padding="valid", strides=(2, 2), dilation_rate=(1, 1), output_shape=(None, 3, 3, 5))  # fmt: skip
    flat = {"name": "m", "class_name": "Reshape", "inputs": ["s"]}
    nodes = built(
        ({"name": "s", "class_name": "SeparableConv2D"}, owner), (flat, layer("m", output_shape=(None, 45))),
        shape=(6, 6, 3),
    ).nodes  # fmt: skip
    assert nodes[-1].inputs == ("s_pointwise",) and nodes[-1].shape == (45,)
    assert nodes[-1].entry["target_shape"] == [45]


# --- activations


def activation(made, *, entry=None, **more):
    """The nodes of an activation quantizer behind the input."""
    owner = layer("act", "QActivation", quantizer=made, **more)
    return built(
        ({"name": "act", "class_name": "QActivation", "activation_quantizer": "q", **(entry or {})}, owner)
    ).nodes


def test_a_relu_of_few_bits_has_its_quantizer_s_type():
    _, node = activation(quantizer("quantized_relu", bits=6, integer=2))
    assert (node.function, str(node.declared["result"])) == ("relu", "ufixed<6,2,RND_CONV,SAT>")
    assert node.entry == {"name": "act", "inputs": ["x"], "data_format": "channels_last", "class_name": "Activation",
                          "activation": "relu"}  # fmt: skip
    assert node.attributes == {}


@pytest.mark.parametrize(("bits", "wide"), [(24, False), (25, True), (32, True)])
def test_a_relu_wider_than_float32_is_typed_later(bits, wide):
    _, node = activation(quantizer("quantized_relu", bits=bits, integer=4))
    assert node.attributes == ({"wide": True} if wide else {})
    assert ("result" in node.declared) is not wide


def test_another_quantizer_wider_than_float32_is_refused():
    with pytest.raises(UnsupportedError, match="28 bits are more than float32 holds"):
        activation(quantizer("quantized_tanh", bits=28))


@pytest.mark.parametrize(("name", "function"), [("quantized_tanh", "hard_tanh"), ("quantized_sigmoid", "hard_sigmoid")])
def test_hard_functions_have_their_slope_written_out(name, function):
    _, node = activation(quantizer(name, bits=6))
    assert (node.entry["class_name"], node.entry["slope"], node.entry["shift"]) == ("HardActivation", 0.5, 0.5)
    assert node.function == node.entry["activation"] == function


@pytest.mark.parametrize(("threshold", "used"), [(0.4, 0.4), (None, 0.33)])
def test_a_ternary_activation_is_scaled_to_hls4ml_s_thresholds(threshold, used):
    made = quantizer("ternary", alpha=1)
    made.threshold, made.default_threshold = threshold, 0.33
    _, scale, spacer, node = activation(made)
    assert (scale.name, scale.op, scale.attributes) == ("act_scale", Op.SCALE, {"threshold": used})
    assert (spacer.name, spacer.inputs, spacer.attributes) == ("act_in", ("act_scale",), {"spacer": True})
    assert (node.name, node.inputs, node.function) == ("act", ("act_in",), "ternary_tanh")
    assert node.entry["inputs"] == ["act_in"]


def test_a_refusal_names_the_layer_and_the_way_out():
    with pytest.raises(UnsupportedError) as caught:
        activation(quantizer("binary", alpha="auto"))
    assert "layer 'act': alpha='auto' scales an activation" in f"{caught.value}" and "alpha=1" in f"{caught.value}"


def parts(nodes):
    """(name, op or function, constants) of every node behind the input, each of which reads the one before it."""
    for before, node in itertools.pairwise(nodes):
        assert node.inputs[-1] == before.name and list(node.inputs) == node.entry["inputs"]
    return [
        (node.name, node.function or str(node.op), *(float(array.ravel()[0]) for array in node.arrays.values()))
        for node in nodes[1:]
    ]


def test_a_leaky_quantizer_is_a_slope_whose_values_are_held_from_below():
    nodes = activation(quantizer("quantized_relu", bits=6, integer=2, negative_slope=0.25))
    assert parts(nodes) == [
        ("act_rounded", "leaky_relu", 0.25),
        ("act_scale_1", "scale", 1, 1),
        ("act_from_least", "relu"),
        ("act", "scale", 1, -1),
    ]
    assert str(nodes[1].declared["result"]) == "fixed<6,3,RND_CONV,SAT>"
    assert nodes[1].entry["class_name"] == "LeakyReLU" and {node.keras_layer for node in nodes[1:]} == {"act"}


def test_two_scales_in_a_row_are_one():
    more = {"relu_upper_bound": 1.5, "is_quantized_clip": False}
    nodes = activation(quantizer("quantized_relu", bits=6, integer=2, negative_slope=0.5, **more))
    assert parts(nodes)[2:] == [
        ("act_from_least", "relu"),
        # 1.5 - (x - 2)
        ("act_scale_3", "scale", -1, 3.5),
        ("act_to_most", "relu"),
        ("act", "scale", -1, 1.5),
    ]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("binary_tanh", [("act_above", "scale"), ("act_in", "linear"), ("act", "binary_tanh")]),
        ("binary_sigmoid", [("act_above", "scale"), ("act_in", "linear"), ("act_sign", "binary_tanh"),
                            ("act", "scale", 0.5, 0.5)]),
        ("hard_tanh", [("act", "hard_tanh")]),
        ("hard_sigmoid", [("act", "hard_sigmoid")]),
        ("smooth_tanh", [("act_scale_0", "scale", 0.1875, 0.5), ("act_from_zero", "relu"),
                         ("act_scale_2", "scale", -1, 1), ("act_to_most", "relu"), ("act", "scale", -2, 1)]),
    ],
)  # fmt: skip
def test_a_function_of_qkeras_is_made_of_those_of_hls4ml(name, expected):
    def function(x):
        return x

    function.__name__ = name
    nodes = activation(function)
    assert parts(nodes) == expected and all(
        "result" in node.declared for node in nodes if node.function == "binary_tanh"
    )


def test_a_function_of_qkeras_without_a_proof_is_refused():
    with pytest.raises(UnsupportedError, match=r"layer 'act': no exact conversion of QActivation\('of_mine'\)"):
        activation(type("Function", (), {"__name__": "of_mine"})())


@pytest.mark.parametrize(("slope", "exact"), [(0.25, True), (0.0, True), (1.5, True), (2**-12, True), (2**-13, False),
                                              (0.3, False)])  # fmt: skip
def test_a_slope_that_is_no_short_binary_fraction_is_said_to_round(slope, exact):
    node = built(({"name": "l", "class_name": "LeakyReLU", "activ_param": slope}, layer("l"))).nodes[-1]
    assert node.arrays["param"].tolist() == [np.float32(slope)] and node.function == "leaky_relu"
    assert node.entry["activ_param"] == np.float32(slope)
    assert (ROUNDED not in node.attributes) is exact
    if not exact:
        assert "is no short binary fraction, so Keras itself rounds" in node.attributes[ROUNDED]


def test_a_negative_slope_is_refused():
    with pytest.raises(UnsupportedError, match=r"layer 'l': the slope -0\.25 is negative"):
        built(({"name": "l", "class_name": "LeakyReLU", "activ_param": -0.25}, layer("l")))


def relu_layer(**settings):
    owner = layer("r", "ReLU", **{"negative_slope": 0, "threshold": 0, "max_value": None, **settings})
    return built(({"name": "r", "class_name": "Activation", "activation": "ReLU"}, owner)).nodes


def test_a_relu_with_a_bound_a_slope_or_a_threshold_is_made_of_parts():
    assert parts(relu_layer(max_value=6)) == [
        ("r_lower", "relu"), ("r_scale_1", "scale", -1, 6), ("r_to_most", "relu"), ("r", "scale", -1, 6)
    ]  # fmt: skip
    assert parts(relu_layer(negative_slope=0.5, max_value=2))[:2] == [
        ("r_leaky", "leaky_relu", 0.5), ("r_scale_1", "scale", -1, 2)
    ]  # fmt: skip
    assert ROUNDED in relu_layer(negative_slope=0.3, max_value=2)[-1].attributes
    nodes = relu_layer(threshold=0.3)
    assert parts(nodes) == [
        ("r_above", "scale"), ("r_in", "linear"), ("r_sign", "binary_tanh"), ("r_scale_3", "scale", 0.5, 0.5),
        ("r", "multiply"),
    ]  # fmt: skip
    assert nodes[1].attributes == {"above": float(np.float32(0.3))} and nodes[-1].inputs == ("x", "r_scale_3")


def test_a_thresholded_relu_passes_what_is_above_its_threshold():
    nodes = built(({"name": "t", "class_name": "ThresholdedReLU"}, layer("t", theta=0.75))).nodes
    assert nodes[1].attributes == {"above": 0.75} and (nodes[-1].op, nodes[-1].inputs[0]) == (Op.MERGE, "x")


def test_an_elu_of_another_alpha_is_one_of_alpha_one_with_a_slope():
    def elu(alpha):
        return built(({"name": "e", "class_name": "ELU"}, layer("e", alpha=alpha))).nodes

    assert parts(elu(1.0)) == [("e", "elu")]
    assert parts(elu(0.5)) == [("e_table", "elu"), ("e", "leaky_relu", 0.5)]


@pytest.mark.parametrize(("function", "tables"), [("swish", ["sigmoid"]), ("mish", ["softplus", "tanh"])])
def test_a_gated_function_is_its_input_times_tables_of_it(function, tables):
    nodes = built(({"name": "a", "class_name": "Activation", "activation": function}, layer("a"))).nodes
    assert [node.function for node in nodes[1:-1]] == tables and all(node.op is Op.TABLE for node in nodes[1:-1])
    assert (nodes[-1].function, nodes[-1].inputs) == ("multiply", ("x", nodes[-2].name))


def test_keras_own_hard_sigmoid_is_said_to_round():
    entry = {"name": "a", "class_name": "HardActivation", "activation": "hard_sigmoid"}
    nodes = built((entry, layer("a"))).nodes
    assert parts(nodes)[0] == ("a_scale_0", "scale", float(np.float32(0.2)), 0.5)
    assert "the factor 0.2 of Keras' hard_sigmoid" in nodes[-1].attributes[ROUNDED]


@pytest.mark.parametrize("function", ["sigmoid", "tanh", "softplus", "softsign", "elu", "selu"])
def test_a_function_of_single_values_is_a_table(function):
    node = built(({"name": "a", "class_name": "Activation", "activation": function}, layer("a"))).nodes[-1]
    assert (node.op, node.function, node.entry["activation"]) == (Op.TABLE, function, function)


def test_a_float_activation_without_a_proof_is_refused_and_a_linear_one_is_nothing():
    with pytest.raises(UnsupportedError, match="layer 'a': hls4ml has no function for the activation 'gelu'"):
        built(({"name": "a", "class_name": "Activation", "activation": "gelu"}, layer("a")))
    assert (
        built(({"name": "a", "class_name": "Activation", "activation": "relu"}, layer("a"))).nodes[-1].function
        == "relu"
    )
    builder = built(({"name": "a", "class_name": "Activation", "activation": "linear"}, layer("a")))
    assert len(builder.nodes) == 1 and builder.now("a") == "x"
    with pytest.raises(UnsupportedError, match="no test proves the conversion of GRU"):
        built(({"name": "g", "class_name": "GRU"}, layer("g")))


# --- shapes


def test_a_causal_convolution_pads_by_all_but_one_of_its_kernel_whatever_the_stride():
    """hls4ml's converter takes off what the stride leaves over at the end."""
    for class_name, arrays in (("Conv1D", {"kernel": np.ones((3, 1, 5))}),
                               ("SeparableConv1D", {"depthwise_kernel": np.ones((3, 1, 1)),
                                                    "pointwise_kernel": np.ones((1, 1, 5))})):  # fmt: skip
        entry = {"name": "c", "class_name": class_name, "in_width": 8, "out_width": 3, "n_filt": 5, "n_chan": 1,
                 "filt_width": 3, "stride_width": 3, "pad_left": 0, "pad_right": 1}  # fmt: skip
        for padding, pads in (("causal", (2, 0)), ("same", (0, 1))):
            owner = layer("c", class_name, bias=None, padding=padding, strides=(3,), dilation_rate=(1,),
                          output_shape=(None, 3, 5), **arrays)  # fmt: skip
            node = built((entry, owner), shape=(8, 1)).nodes[1]
            assert (node.entry["pad_left"], node.entry["pad_right"]) == pads
            assert node.attributes["pad_left"] == pads[0]


@pytest.mark.parametrize(
    ("entry", "owner"),
    [
        ({"class_name": "Reshape"}, layer("m", output_shape=(None, 4, 2))),
        ({"class_name": "Transpose"}, layer("m", output_shape=(None, 4, 2), dims=(1, 2))),
        ({"class_name": "ZeroPadding1D", "pad_left": 0}, layer("m", output_shape=(None, 4, 2))),
        ({"class_name": "UpSampling1D"}, layer("m", output_shape=(None, 4, 2))),
        ({"class_name": "MaxPooling1D", "pool_width": 1, "stride_width": 1, "n_out": 4, "n_filt": 2, "pad_left": 0,
          "pad_right": 0}, layer("m")),
        ({"class_name": "Activation", "activation": "linear"}, layer("m", "Activation")),
    ],
)  # fmt: skip
def test_what_passes_its_values_on_as_they_are_is_no_node(entry, owner):
    behind = {"name": "r", "class_name": "Activation", "activation": "relu", "inputs": ["m"]}
    builder = built(({"name": "m", **entry}, owner), (behind, layer("r", "Activation")), shape=(4, 2))
    assert [(node.name, node.inputs) for node in builder.nodes] == [("x", ()), ("r", ("x",))]
    assert builder.carrier("m") == builder.now("m") == "x" and builder.carrier("r") == "r"


def test_a_pooling_of_one_value_that_skips_some_is_a_node():
    entry = {"name": "m", "class_name": "MaxPooling1D", "pool_width": 1, "stride_width": 2, "n_out": 2, "n_filt": 2,
             "pad_left": 0, "pad_right": 0}  # fmt: skip
    assert built((entry, layer("m")), shape=(4, 2)).nodes[-1].op is Op.MAX_POOL


def test_a_softmax_is_named_as_the_c_plus_plus_calls_it():
    entry = {"name": "s", "class_name": "Softmax", "activation": "Softmax", "axis": -1}
    node = built((entry, layer("s", "Softmax"))).nodes[-1]
    assert (node.op, node.entry["activation"], node.entry["axis"]) == (Op.SOFTMAX, "softmax", -1)


def test_global_pooling_covers_the_whole_image():
    for shape, height, width in (((6, 7, 3), 6, 7), ((7, 3), 1, 7)):
        dims = f"{len(shape) - 1}D"
        node = built(({"name": "p", "class_name": f"GlobalAveragePooling{dims}"}, layer("p")), shape=shape).nodes[-1]
        assert (node.op, node.shape) == (Op.AVERAGE_POOL, (3,))
        assert (node.attributes["pool_height"], node.attributes["pool_width"]) == (height, width)
        assert node.attributes["global"] is True and node.attributes["stride_width"] == 1
    node = built(({"name": "p", "class_name": "GlobalMaxPooling1D"}, layer("p")), shape=(7, 3)).nodes[-1]
    assert node.op is Op.MAX_POOL


def test_pooling_keeps_its_window():
    entry = {**CONV, "name": "p", "class_name": "MaxPooling2D", "pool_height": 4, "pool_width": 3}
    node = built((entry, layer("p")), shape=(6, 6, 5)).nodes[-1]
    assert (node.op, node.shape) == (Op.MAX_POOL, (3, 2, 5))
    assert (node.attributes["pool_height"], node.attributes["pool_width"], node.attributes["pad_left"]) == (4, 3, 3)
    entry = {"name": "p", "class_name": "AveragePooling1D", "n_out": 3, "n_filt": 5, "pool_width": 2,
             "stride_width": 2, "pad_left": 0, "pad_right": 0}  # fmt: skip
    node = built((entry, layer("p")), shape=(6, 5)).nodes[-1]
    assert (node.op, node.shape, node.attributes["pool_height"]) == (Op.AVERAGE_POOL, (3, 5), 1)
    assert node.attributes["global"] is False


@pytest.mark.parametrize(("axis", "shape", "index"), [(1, (8, 3, 2), 0), (2, (4, 6, 2), 1), (3, (4, 3, 4), 2),
                                                      (-1, (4, 3, 4), 2), (-3, (8, 3, 2), 0)])  # fmt: skip
def test_concatenation_counts_its_axis_without_the_batch(axis, shape, index):
    """Of three tensors it is a chain of two."""
    entry = {"name": "c", "class_name": "Concatenate", "axis": axis, "inputs": ["x", "x"]}
    node = built((entry, layer("c", axis=axis)), shape=(4, 3, 2)).nodes[-1]
    assert (node.shape, node.attributes) == (shape, {"axis": index})
    *_, first, second = built(({**entry, "inputs": ["x", "x", "x"]}, layer("c", axis=axis)), shape=(4, 3, 2)).nodes
    assert (first.name, first.shape, first.inputs) == ("c_of_1", shape, ("x", "x"))
    longer = tuple(size + (4, 3, 2)[index] * (place == index) for place, size in enumerate(shape))
    assert (second.name, second.shape, second.inputs) == ("c", longer, ("c_of_1", "x"))


def test_moves_have_the_shape_that_keras_says():
    moved = layer("m", output_shape=(None, 2, 4, 3), dims=(3, 1, 2))
    nodes = built(({"name": "m", "class_name": "Transpose"}, moved), shape=(4, 3, 2)).nodes
    assert (nodes[-1].shape, nodes[-1].attributes) == ((2, 4, 3), {"dims": (3, 1, 2)})
    padded = layer("m", output_shape=(None, 5, 3, 2))
    node = built(({"name": "m", "class_name": "ZeroPadding2D", "pad_top": 1}, padded), shape=(4, 3, 2)).nodes[-1]
    assert node.attributes == {"pad_top": 1, "pad_bottom": 0, "pad_left": 0, "pad_right": 0}
    node = built(
        ({"name": "m", "class_name": "UpSampling2D"}, layer("m", output_shape=(None, 8, 6, 2))), shape=(4, 3, 2)
    )
    assert (node.nodes[-1].op, node.nodes[-1].shape) == (Op.RESIZE, (8, 6, 2))


def test_a_flattening_behind_a_transposition_is_kept_apart():
    """hls4ml would drop the transposition and reorder the weights behind it."""
    moved, flat = layer("t", output_shape=(None, 2, 4), dims=(2, 1)), layer("f", output_shape=(None, 8))
    steps = ({"name": "t", "class_name": "Transpose"}, moved), ({"name": "f", "class_name": "Reshape"}, flat)
    nodes = built(*steps, shape=(4, 2)).nodes
    assert [(node.name, node.inputs) for node in nodes[-2:]] == [("f_in", ("t",)), ("f", ("f_in",))]
    assert nodes[-2].attributes == {"spacer": True} and nodes[-2].shape == (2, 4)
    # Reshaped to two axes, or behind anything else, there is nothing to keep apart.
    assert len(built(({"name": "f", "class_name": "Reshape"}, flat), shape=(4, 2)).nodes) == 2


def test_a_merge_and_a_prelu():
    entry = {"name": "m", "class_name": "Merge", "op": "subtract", "inputs": ["x", "x"]}
    node = built((entry, layer("m"))).nodes[-1]
    assert (node.op, node.function, node.inputs, node.shape) == (Op.MERGE, "subtract", ("x", "x"), (4,))
    node = built(
        ({"name": "p", "class_name": "PReLU", "param_data": 1}, layer("p", alpha=np.float32([0.5] * 4)))
    ).nodes[-1]
    assert (node.op, node.arrays["param"].tolist()) == (Op.PRELU, [0.5] * 4) and "param_data" not in node.entry
