"""The read-back fails for every single thing of a written project that is not what was asked for, and names it."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace

import numpy as np
import pytest
from networks import input_node
from proof_networks import Chain

from hlsflow.foundation.errors import ToolError
from hlsflow.hls.config import HlsConfig
from hlsflow.hls.convert import convert
from hlsflow.hls.effective import verify
from hlsflow.hls.project import read_project
from hlsflow.network.fixed_point import parse_type
from hlsflow.network.graph import Network, Node, Op
from hlsflow.network.ranges import resolve

CONFIG = HlsConfig.model_validate(
    {"clock_period_ns": 7.5, "layers": {"fc": {"strategy": "resource", "reuse_factor": 4}}}
)  # fmt: skip


def network():
    """One of each kind of layer that has constants, windows or tables."""
    rng = np.random.default_rng(2)
    chain = Chain((4, 4, 2), "fixed<8,3>").scale("bn", np.array([0.5, 0.75]), np.array([0.25, 1.0]))
    chain.prelu("slopes", rng.integers(1, 8, (4, 4, 2)) / 8).leaky("leaky", 0.125)
    chain.pool("pool", "Max", 2).merge("twice", "add", "pool").activation("hard", "hard_sigmoid",
                                                                           "ufixed<8,0,RND_CONV,SAT>")  # fmt: skip
    chain.flatten("flat").dense("fc", rng.integers(1, 16, (8, 3)) / 8, rng.integers(1, 8, 3) / 4)
    return chain.softmax("probabilities").network()


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("written")
    layers = resolve(network(), {})
    convert(network(), layers, CONFIG, folder)
    return folder


@pytest.fixture
def project(written, tmp_path):
    """(a copy of the written project to change, its layers)."""
    shutil.copytree(written, tmp_path / "hls", ignore=shutil.ignore_patterns("nnet_utils", "ap_types"))
    return tmp_path / "hls", resolve(network(), {})


def change(path, before: str, after: str) -> None:
    """Replaces the one match of a regular expression in a file."""
    text = path.read_text()
    changed, count = re.subn(before, after, text, count=1, flags=re.MULTILINE)
    assert count == 1 and changed != text, (path, before)
    path.write_text(changed)


def test_the_project_as_written_is_the_planned_one(project):
    folder, layers = project
    verify(read_project(folder), layers, CONFIG)


FIRST = (r"^([^,]+),", "3.0,")
LISTED = (r"= \{[^,]+,", "= {3.0,")
CPP, PARAMETERS, DEFINES = "firmware/TOP.cpp", "firmware/parameters.h", "firmware/defines.h"


@pytest.mark.parametrize(
    ("file", "before", "after", "said"),
    [
        ("firmware/weights/w9.txt", *FIRST, "layer 'fc': the values of the weight in w9.txt are not the planned ones"),
        # On no grid of the type.
        ("firmware/weights/w9.txt", FIRST[0], "0.3,", "layer 'fc': the values of the weight in w9.txt are not"),
        ("firmware/weights/b9.txt", *FIRST, "layer 'fc': the values of the bias in b9.txt are not the planned ones"),
        ("firmware/weights/s2.txt", *FIRST, "layer 'bn': the values of the scale in s2.txt are not the planned ones"),
        ("firmware/weights/b2.txt", *FIRST, "layer 'bn': the values of the bias in b2.txt are not the planned ones"),
        ("firmware/weights/a3.txt", *FIRST, "layer 'slopes': the values of the param in a3.txt are not the planned"),
        # What HLS compiles in is another file than what the C simulation reads.
        ("firmware/weights/w9.h", *LISTED, "layer 'fc': the values of the weight in w9.h are not the planned ones"),
        ("firmware/weights/b9.h", *LISTED, "layer 'fc': the values of the bias in b9.h are not the planned ones"),
        ("firmware/weights/s2.h", *LISTED, "layer 'bn': the values of the scale in s2.h are not the planned ones"),
        ("firmware/weights/b2.h", *LISTED, "layer 'bn': the values of the bias in b2.h are not the planned ones"),
        ("firmware/weights/a3.h", *LISTED, "layer 'slopes': the values of the param in a3.h are not the planned ones"),
        (CPP, r"layer3_out, 0\.125,", "layer3_out, 0.25,", "layer 'leaky': the slope is 0.25 in the C++, 0.125 planne"),
        (CPP, r"nnet::add<", "nnet::subtract<", "layer 'twice': nnet::subtract in the C++, add planned"),
        (CPP, r"nnet::hard_sigmoid<", "nnet::hard_tanh<", "layer 'hard': nnet::hard_tanh in the C++, hard_sigmoid pl"),
        (CPP, r"^ *nnet::pooling2d_cl<.*$", "", "layer 'pool': 0 calls in the C++ where one was due"),
        (CPP, r"INTERFACE ap_vld", "INTERFACE axis", "the interface pragma of port 'x_in' is axis, ap_vld planned"),
        (CPP, r"x_in\[4\*4\*2\]", "x_in[4*4*3]", "input 'x_in': 48 values in the C++, 32 planned"),
        (CPP, r"layer10_out\[3\]", "layer10_out[4]", "output 'layer10_out': 4 values in the C++, 3 planned"),
        (DEFINES, r"ap_fixed<8,3> input_t", "ap_fixed<8,4> input_t", "input 'x_in': fixed<8,4> in the C++, fixed<8,3>"),
        (DEFINES, r"(ap_u?fixed<)\d+(.*> layer2_t)", r"\g<1>40\2", "layer 'bn': result is fixed<40,"),
        (DEFINES, r"(ap_u?fixed<)\d+(.*> result_t)", r"\g<1>7\2", "output 'layer10_out': ufixed<7,"),
        (DEFINES, r"(ap_u?fixed<)\d+(.*> fc_accum_t)", r"\g<1>9\2", "layer 'fc': accum is fixed<9,"),
        (DEFINES, r"(ap_u?fixed<)\d+(.*> fc_weight_t)", r"\g<1>9\2", "layer 'fc': weight is ufixed<9,"),
        (DEFINES, r"(ap_u?fixed<)\d+(.*> slopes_param_t)", r"\g<1>9\2", "layer 'slopes': param is ufixed<9,"),
        (DEFINES, r"(ap_u?fixed<)\d+(.*> leaky_param_t)", r"\g<1>9\2", "layer 'leaky': param is ufixed<9,"),
        (DEFINES, r"(ap_u?fixed<)\d+(.*> bn_scale_t)", r"\g<1>9\2", "layer 'bn': scale is ufixed<9,"),
        (DEFINES, r"(ap_u?fixed<)\d+(.*> probabilities_exp_table_t)", r"\g<1>9\2", "layer 'probabilities': exp_table "),
        (PARAMETERS, r"strategy = nnet::resource", "strategy = nnet::latency", "layer 'fc': strategy is latency in th"),
        (PARAMETERS, r"reuse_factor = 4", "reuse_factor = 2", "layer 'fc': reuse factor is 2 in the C++, 4 planned"),
        (PARAMETERS, r"exp_table_size = \d+", "exp_table_size = 512", "layer 'probabilities': exp_table_size is 512 i"),
        (PARAMETERS, r"inv_table_size = \d+", "inv_table_size = 512", "layer 'probabilities': inv_table_size is 512 i"),
        (PARAMETERS, r"exp_table_size = \d+", "exp_table_size = 65536", "exp_table_size is 65536 in the C++"),
        (PARAMETERS, r"inv_table_size = \d+", "inv_table_size = 65536", "inv_table_size is 65536 in the C++"),
        (PARAMETERS, r"slope = 0\.5", "slope = 0.75", "layer 'hard': slope is 0.75 in the C++, 0.5 planned"),
        (PARAMETERS, r"exp_scale = [\d.]+", "exp_scale = 0.5", "layer 'probabilities': exp_scale is 0.5 in the C++, 1"),
        (PARAMETERS, r"softmax_implementation::stable", "softmax_implementation::latency", "implementation is latency"),
        (PARAMETERS, r"pool_width = 2", "pool_width = 3", "layer 'pool': pool_width is 3 in the C++, 2 planned"),
        (PARAMETERS, r"stride_height = 2", "stride_height = 1", "layer 'pool': stride_height is 1 in the C++, 2"),
        (PARAMETERS, r"pad_left = 0", "pad_left = 1", "layer 'pool': pad_left is 1 in the C++, 0 planned"),
        (PARAMETERS, r"slope = 0\.5", "slope = 0.25", "layer 'hard': slope is 0.25 in the C++, 0.5 planned"),
        (PARAMETERS, r"io_type = nnet::io_parallel", "io_type = nnet::io_stream", "io_type of config2 is io_stream in"),
        ("project.tcl", r'part "[^"]+"', 'part "xcu250-figd2104-2L-e"', "project.tcl: part is xcu250-figd2104-2L-e, x"),
        ("project.tcl", r"clock_period [\d.]+", "clock_period 10", "project.tcl: clock_period is 10, 7.5 planned"),
        ("project.tcl", r"clock_uncertainty [\d.]+%", "clock_uncertainty 2%", "project.tcl: clock_uncertainty is 2%, "),
        ("project.tcl", r"^set clock_uncertainty.*$", "", "project.tcl: clock_uncertainty is absent, 12.5 planned"),
        ("project.tcl", r'backend "vitis"', 'backend "vivado"', "project.tcl: backend is vivado, vitis planned"),
        ("project.tcl", r'project_name "\w+"', 'project_name "other"', "project.tcl: project_name is other, TOP"),
        ("build_prj.tcl", r"create_clock -period \$clock_period", "create_clock -period 99", "build_prj.tcl: no 'crea"),
        ("build_prj.tcl", r"set_part \$part", "set_part xc7z010clg400-1", "build_prj.tcl: no 'set_part $part'"),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "",
)  # fmt: skip
def test_one_thing_changed_is_named(project, file, before, after, said):
    folder, layers = project
    # The top's own name stands for the design.
    top = read_project(folder).top
    change(folder / file.replace("TOP", top), before, after)
    with pytest.raises(ToolError) as caught:
        verify(read_project(folder), layers, CONFIG)
    text = str(caught.value)
    assert text.startswith("hls4ml wrote another project than was asked for:") and said.replace("TOP", top) in text


def test_a_script_that_is_missing_is_named(project):
    folder, layers = project
    (folder / "project.tcl").unlink()
    with pytest.raises(ToolError, match=r"cannot read .*project\.tcl"):
        verify(read_project(folder), layers, CONFIG)


@pytest.mark.parametrize("backend", ["Vitis", "Vivado"])
@pytest.mark.parametrize("io_type", ["io_parallel", "io_stream"])
def test_a_project_for_streams_or_for_arrays_is_not_taken_for_the_other(backend, io_type, tmp_path):
    config = HlsConfig(backend=backend, io_type=io_type)
    layers = resolve(network(), {}, io_type)
    convert(network(), layers, config, tmp_path)
    project = read_project(tmp_path)
    verify(project, layers, config)
    other = "io_stream" if io_type == "io_parallel" else "io_parallel"
    with pytest.raises(ToolError, match=f"the ports are those of {io_type}, {other} planned"):
        verify(project, layers, config.model_copy(update={"io_type": other}))
    with pytest.raises(ToolError, match=r"project\.tcl: backend is"):
        verify(project, layers, config.model_copy(update={"backend": "Vivado" if backend == "Vitis" else "Vitis"}))


def test_the_scale_of_a_ternary_quantizer_is_read_back(tmp_path):
    chain = Chain((6,), "fixed<8,3>").scale("t_scale", np.ones(6), np.zeros(6))
    chain.nodes[-1] = replace(chain.last, arrays={}, attributes={"threshold": 0.5})
    chain.activation("t_in", "linear", attributes={"spacer": True}).activation("t", "ternary_tanh", "fixed<2,2>")
    layers = resolve(chain.network(), {})
    convert(chain.network(), layers, HlsConfig(), tmp_path)
    verify(read_project(tmp_path), layers, HlsConfig())
    (scale,) = [path for path in (tmp_path / "firmware/weights").glob("s*.txt")]
    change(scale, *FIRST)
    with pytest.raises(ToolError, match=r"layer 't_scale': the values of the scale in s2\.txt"):
        verify(read_project(tmp_path), layers, HlsConfig())


def test_what_assigns_values_to_their_own_type_may_be_left_out(tmp_path):
    chain = Chain((6,), "fixed<8,3>").activation("same", "linear", "fixed<8,3>").activation("relu", "relu")
    layers = resolve(chain.network(), {})
    convert(chain.network(), layers, HlsConfig(), tmp_path)
    project = read_project(tmp_path)
    assert [call.layer for call in project.calls] == ["relu"]
    verify(project, layers, HlsConfig())
    other = [replace(layers[1], types={"result": parse_type("fixed<7,3>")})]
    with pytest.raises(ToolError, match="layer 'same': 0 calls in the C\\+\\+ where one was due"):
        verify(project, [layers[0], *other, layers[2]], HlsConfig())


def test_inputs_stand_in_the_order_of_the_model_whichever_is_read_first(tmp_path):
    first, second = input_node(3, "fixed<8,3>", "first"), input_node(3, "ufixed<4,4>", "second")
    entry = {"name": "sum", "class_name": "Merge", "op": "add", "inputs": ["second", "first"]}
    merge = Node(name="sum", op=Op.MERGE, inputs=("second", "first"), shape=(3,), function="add", entry=entry,
                 keras_layer="sum")  # fmt: skip
    both = Network(nodes=(second, first, merge), inputs=("first", "second"), outputs=("sum",))
    layers = resolve(both, {})
    convert(both, layers, HlsConfig(), tmp_path)
    project = read_project(tmp_path)
    assert [port.name for port in project.inputs] == ["first", "second"]
    verify(project, layers, HlsConfig())
    change(tmp_path / "firmware" / "defines.h", r"ap_ufixed<4,4>", "ap_ufixed<5,5>")
    with pytest.raises(ToolError, match=r"input 'second': ufixed<5,5> in the C\+\+, ufixed<4,4> planned"):
        verify(read_project(tmp_path), layers, HlsConfig())


def test_an_input_of_another_name_is_none_that_was_planned(project):
    folder, layers = project
    others = [
        replace(layer, node=replace(layer.node, name="x")) if layer.node.op is Op.INPUT else layer for layer in layers
    ]
    with pytest.raises(ToolError, match="input 'x_in' is no input that was planned"):
        verify(read_project(folder), [others[0]], CONFIG)
