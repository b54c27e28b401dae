"""One builder of designs: facts from the C++ and facts from the plan give the same design of the same network."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from networks import small_network
from planned_constructs import EXACT_CONSTRUCTS, planned

from hlsflow.devices.catalogue import find_part
from hlsflow.estimation.design import Design, Kind, Layer
from hlsflow.estimation.estimate import estimate
from hlsflow.estimation.facts import DesignFacts, LayerFacts, Window, design_of_facts, kind_of, target_for
from hlsflow.estimation.model import shipped_model
from hlsflow.estimation.network import design_of_layers
from hlsflow.estimation.read import design_of, target_of
from hlsflow.estimation.source import read_source
from hlsflow.foundation.errors import ToolError
from hlsflow.hls.config import HlsConfig
from hlsflow.network.fixed_point import FixedType, parse_type
from hlsflow.network.ranges import resolve

TARGET = target_for(part=find_part("xc7z020clg400-1"), clock_period_ns=5.0, backend="Vitis", io_stream=False)
# hls4ml copies streams and packs them anew by calls of their own, which no plan shows.
INSERTED = ("clone_stream", "repack_stream")


def comparable(layer: Layer) -> dict[str, object]:
    """A layer without its variables' names, with grids for types and with whether a bias is there for its value."""
    said = {item.name: getattr(layer, item.name) for item in fields(layer) if item.name not in ("inputs", "output")}
    said |= {name: value.grid for name, value in said.items() if isinstance(value, FixedType)}
    said |= {"biases": layer.biases is not None and (layer.biases != 0).any() and layer.biases != 0}
    return {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in said.items()}


def sizes(design: Design) -> list[tuple[int, int, int]]:
    return [(stream.depth, stream.bits, stream.elements) for stream in design.streams]


@pytest.mark.slow
@pytest.mark.parametrize("construct", EXACT_CONSTRUCTS, ids=lambda item: item.name)
def test_a_plan_and_the_project_made_of_it_are_one_design(construct, shared_run):
    for _, layers, config, root in planned(shared_run, construct):
        source = read_source(root)
        plan, project = design_of_layers("x", layers, config), design_of(source, target_of(source))
        if any(call.function in INSERTED for call in source.calls):
            continue
        assert [comparable(layer) for layer in plan.layers] == [comparable(layer) for layer in project.layers]
        assert sizes(plan) == sizes(project)
        assert (plan.target, plan.dataflow, plan.doubts) == (project.target, project.dataflow, project.doubts)
        assert estimate(plan, shipped_model()).values == estimate(project, shipped_model()).values


@pytest.mark.parametrize(
    ("function", "kind"),
    [
        ("dense", Kind.DENSE), ("dense_large", Kind.DENSE), ("td_dense", Kind.DENSE), ("conv_2d_cl", Kind.CONV),
        ("pointwise_conv_1d_cl", Kind.CONV), ("depthwise_conv_2d_cl", Kind.DEPTHWISE), ("normalize", Kind.SCALE),
        ("relu", Kind.RELU), ("leaky_relu", Kind.RELU), ("hard_tanh", Kind.RELU), ("tanh", Kind.TABLE),
        ("softmax", Kind.SOFTMAX), ("global_pooling2d_cl", Kind.POOL), ("add", Kind.MERGE), ("dot1d", Kind.MERGE),
        ("concatenate3d", Kind.MOVE), ("h_quantize", Kind.MOVE), ("lstm_06", Kind.OTHER),
    ],
)  # fmt: skip
def test_kinds_by_the_names_of_any_version(function, kind):
    assert kind_of(function) is kind


def made(**said) -> Design:
    facts = {"name": "l", "inputs": ("x",), "output": "y", **said}
    return design_of_facts(DesignFacts(name="d", target=TARGET, layers=[LayerFacts(**facts)], dataflow=False))


def test_a_scale_of_each_channel_holds_for_every_position():
    layer = made(function="normalize", size=12, weights=np.array([2, 3, 4]), weight=parse_type("fixed<4,4>")).layers[0]
    assert layer.weights.tolist() == [[2, 3, 4] * 4]
    assert layer.n_out == 12


@pytest.mark.parametrize(("transposed", "first_row"), [(False, [0, 1, 2]), (True, [0, 2, 4])])
def test_a_matrix_as_it_is_stored(transposed, first_row):
    layer = made(function="dense", matrix=(2, 3), weights=np.arange(6), transposed=transposed).layers[0]
    assert layer.weights[0].tolist() == first_row


def test_the_shape_of_windows():
    window = Window(in_positions=64, positions=36, height=3, width=3, row_width=8)
    layer = made(function="conv_2d_cl", window=window, channels=4, filters=5, turns=36).layers[0]
    assert (layer.n_in, layer.n_out, layer.positions, layer.in_positions, layer.kernel) == (36, 5, 36, 64, 9)
    assert (layer.parallel_positions, layer.kernel_height, layer.row_width, layer.channels) == (1, 3, 8, 4)
    pool = made(function="global_pooling2d_cl", window=window, filters=5).layers[0]
    assert (pool.n_in, pool.n_out, pool.positions, pool.kernel) == (320, 5, 1, 64)


def test_what_is_not_known_is_a_doubt():
    assert made(function="dense", matrix=(2, 3)).doubts == (
        "the weights of layer 'l' are not there: taken as dense and random",
    )
    assert made(function="gru_stack", size=3).doubts == ("layer 'l' is a gru_stack, which is not modelled",)
    assert made(function="h_quantize", size=3).doubts == (
        "the widths that 'h_quantize' gives single elements stand in generated code alone",
    )


def test_a_version_that_is_none():
    with pytest.raises(ToolError, match=r"'new' is no tool version: write e\.g\. 2023\.2"):
        target_for(part=TARGET.part, clock_period_ns=5.0, backend="Vitis", io_stream=False, tool_version="new")


def test_a_planned_network_is_read_in_its_order():
    net = small_network(sizes=(6, 5, 4))
    design = design_of_layers("small", resolve(net, {}), HlsConfig())
    assert [layer.kind for layer in design.layers] == [Kind.DENSE, Kind.RELU, Kind.DENSE]
    assert (design.input_size, design.dataflow, design.doubts) == (6, False, ())
