"""One reader of the C++ of hls4ml, and its two views: strict of projects that we write, lenient of anyone's."""

from __future__ import annotations

import numpy as np
import pytest

from hlsflow.estimation.source import read_source
from hlsflow.foundation.errors import ToolError
from hlsflow.hls.expressions import whole_number
from hlsflow.hls.project import read_project
from hlsflow.network.fixed_point import parse_type

TOP = """
void top(
    input_t x[2*2],
    result_t layer4_out[3]
) {
    #pragma HLS INTERFACE ap_vld port=x,layer4_out
    #pragma HLS DATAFLOW
    nnet::load_weights_from_txt<weight2_t, 12>(w2, "w2.txt");
    auto& layer2_out = x;
    auto& layer3_out = layer2_out;
    nnet::dense<input_t, result_t, config2>(layer3_out, layer4_out, w2, b2); // fc1
    nnet::save_layer_output<result_t>(layer4_out, "fc1", 3);
}
"""
DEFINES = """
#define N_INPUT 2*2
typedef ap_fixed<8,4> input_t;
typedef nnet::array<ap_ufixed<16,8,AP_RND,AP_SAT>, 3*1> result_t;
typedef ap_float<32> unknown_t;
"""
PARAMETERS = """
struct config2 : nnet::dense_config {
    static const unsigned n_in = N_INPUT;
    static const unsigned n_out = 3;
    static const unsigned strategy = nnet::latency;
    typedef model_default_t accum_t;
    template<class x_T, class y_T>
    using product = nnet::product::mult<x_T, y_T>;
};
unsigned config5_perm[3] = {2,0,1};
struct config5 {
    static const unsigned dims = 3;
};
const float config5::slope = 0.5;
"""


@pytest.fixture
def root(tmp_path):
    weights = tmp_path / "firmware" / "weights"
    weights.mkdir(parents=True)
    for name, text in (("top.cpp", TOP), ("defines.h", DEFINES), ("parameters.h", PARAMETERS)):
        (weights.parent / name).write_text(text)
    (weights / "w2.txt").write_text("1.0, -2.5, 3e1")
    (weights / "w2.h").write_text("//shape [3]\nweight2_t w2[3] = {1.0, -2.5,\n3e1};\n")
    (weights / "b2.h").write_text("bias2_t b2[3] = {0, 0, 1};\n")
    return tmp_path


def test_both_views_are_of_one_reading(root):
    project, source = read_project(root), read_source(root)
    assert (project.calls, project.configs, project.aliases) == (source.calls, source.configs, source.aliases)
    assert source.aliases == {"layer2_out": "x", "layer3_out": "x"}
    assert source.configs["config2"].values == {
        "n_in": "N_INPUT", "n_out": "3", "strategy": "nnet::latency", "accum_t": "model_default_t",
        "product": "product::mult",
    }  # fmt: skip
    assert source.configs["config5"].integers("perm") == (2, 0, 1)
    assert source.configs["config5"].values["slope"] == "0.5"
    assert [call.layer for call in source.calls] == ["fc1"]


def test_the_strict_view_has_types_and_sizes(root):
    project = read_project(root)
    assert project.types == {"input_t": parse_type("fixed<8,4>"), "result_t": parse_type("ufixed<16,8,RND,SAT>")}
    assert project.packed == {"result_t": 3}
    assert [(port.name, port.size) for port in (*project.inputs, *project.outputs)] == [("x", 4), ("layer4_out", 3)]
    assert project.traced == {"fc1": 3}
    assert "#pragma HLS INTERFACE ap_vld port=x,layer4_out" in project.pragmas


def test_a_name_is_a_size_for_the_lenient_view_alone(root):
    config = read_project(root).configs["config2"]
    with pytest.raises(ToolError, match=r"parameters\.h: struct config2: n_in is N_INPUT, not a whole number"):
        config.integer("n_in")
    assert read_source(root).integer(config.values["n_in"]) == 4


def test_weights_are_those_of_the_text_else_of_the_header(root):
    project, source = read_project(root), read_source(root)
    for values in (project.weights("w2"), project.compiled_weights("w2"), source.weights("w2")):
        np.testing.assert_array_equal(values, [1.0, -2.5, 30.0])
    np.testing.assert_array_equal(source.weights("b2"), [0, 0, 1])
    assert source.weights("w7") is None
    with pytest.raises(ToolError, match=r"cannot read .*b2\.txt: No such file"):
        project.weights("b2")
    (root / "firmware" / "weights" / "w2.txt").write_text("1, two")
    for view in (project, source):
        with pytest.raises(ToolError, match=r"w2\.txt: not a list of numbers: could not convert string to float"):
            view.weights("w2")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("void top(", "void other(", r"top\.cpp: no function void top\(…\)"),
        ("input_t x[2*2]", "input_t *x", r"top\.cpp: the parameter 'input_t \*x' of top is of an unknown form"),
        (", layer4_out, w2", ", elsewhere, w2", r"top\.cpp: cannot tell the inputs of the top function from its outp"),
        ("x[2*2]", "x[N]", r"cannot read .*hls4ml_config\.yml: No such file"),
    ],
)
def test_the_strict_view_refuses_and_the_lenient_one_takes(root, old, new, said):
    (root / "firmware" / "top.cpp").write_text(TOP.replace(old, new))
    with pytest.raises(ToolError, match=said):
        read_project(root)
    assert read_source(root).calls


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ("{ not yaml", "it does not state the shapes of the streams: while parsing"),
        ("InputShapes: {x: [4]}\n", "it does not state the shapes of the streams: 'OutputShapes'"),
    ],
)
def test_sizes_of_streams_stand_in_the_configuration(root, config, said):
    (root / "firmware" / "top.cpp").write_text(TOP.replace("x[2*2]", "x[N]"))
    (root / "hls4ml_config.yml").write_text(config)
    with pytest.raises(ToolError, match=rf"hls4ml_config\.yml: {said}"):
        read_project(root)


def test_a_second_top_is_refused_unless_it_is_a_bridge(root):
    (root / "firmware" / "top_axi.cpp").write_text("")
    with pytest.raises(ToolError, match=r"expected one \.cpp file in .*firmware, found 2"):
        read_project(root)
    assert read_source(root).top == "top"
    (root / "firmware" / "more.cpp").write_text("")
    with pytest.raises(ToolError, match=r"expected one top function's \.cpp in .*firmware, found 2"):
        read_source(root)


@pytest.mark.parametrize(
    ("text", "value"), [("28*28", 784), (" -3 ", -3), ("7/2", 3), ("true", None), ("x", None), ("", None), (None, None)]
)
def test_whole_numbers(text, value):
    assert whole_number(text) == value
