"""Of streams the read-back looks past what hls4ml puts between layers: padding calls of a window's own, and copies.

The projects are put together by hand in the words of hls4ml's C++ (1.3.0, io_stream).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hlsflow.hls.effective import _window_problems, _with_pads
from hlsflow.hls.effective_target import _writer
from hlsflow.hls.project import HlsProject
from hlsflow.hls.source import Call, Config
from hlsflow.network.graph import Node, Op
from hlsflow.network.layer_types import LayerTypes


def project(*calls: Call, aliases: dict[str, str] | None = None, **configs: dict[str, str]) -> HlsProject:
    structs = {name: Config(name=name, values=values) for name, values in configs.items()}
    return HlsProject(
        root=Path("nowhere"), top="top", inputs=(), outputs=(), types={}, packed={}, configs=structs, calls=calls,
        aliases=aliases or {}, traced={},
    )  # fmt: skip


def call(function: str, template: tuple[str, ...], arguments: tuple[str, ...], layer: str) -> Call:
    return Call(function=function, template=template, arguments=arguments, layer=layer)


CONV = call("conv_2d_cl", ("layer9_t", "layer2_t", "config2"), ("layer9_out", "layer2_out", "w2", "b2"), "conv")


def window(**attributes: int) -> LayerTypes:
    node = Node(
        name="conv", op=Op.CONV, inputs=("x_in",), shape=(4, 4, 1), attributes=attributes, entry={}, keras_layer="conv",
        arrays={"weight": np.zeros((3, 3, 1, 1))},
    )  # fmt: skip
    return LayerTypes(
        node=node, types={}, sources={}, arrays={}, interval=None, proof="", keras_exact=True, findings=()
    )  # fmt: skip


@pytest.mark.parametrize(
    ("padding", "said"),
    [
        ({"pad_top": "1", "pad_left": "2"}, []),
        ({"pad_top": "0", "pad_left": "2"}, ["pad_top is 0 in the C++, 1 planned"]),
        ({"pad_top": "2", "pad_left": "2"}, ["pad_top is 2 in the C++, 1 planned"]),
    ],
)
@pytest.mark.parametrize("dimensions", [1, 2])
def test_a_windows_padding_may_be_a_call_before_it(padding, said, dimensions):
    pads = call(
        f"zeropad{dimensions}d_cl", ("input_t", "layer9_t", "config9"), ("x_in", "layer9_out"), f"zp{dimensions}d_conv"
    )  # fmt: skip
    other = call("zeropad2d_cl", ("input_t", "layer8_t", "config8"), ("x_in", "layer8_out"), "zp2d_another")
    own = {"pad_top": "0", "pad_left": "0", "stride_height": "1"}
    made = project(
        other, pads, CONV, config2=own, config8={"pad_top": "7"}, config9={**padding, "stride_height": "5"}
    )  # fmt: skip
    found = _with_pads(made, CONV, made.configs["config2"])
    assert _window_problems(window(pad_top=1, pad_left=2, stride_height=1), found) == said


def test_a_window_without_a_padding_call_has_its_own_pads():
    other = call("zeropad2d_cl", ("input_t", "layer8_t", "config8"), ("x_in", "layer8_out"), "zp2d_conv")
    made = project(other, CONV, config2={"pad_top": "0"}, config8={"pad_top": "1"})
    found = _with_pads(made, CONV, made.configs["config2"])
    assert _window_problems(window(pad_top=1), found) == ["pad_top is 0 in the C++, 1 planned"]


def test_a_copy_of_a_stream_is_of_the_layer_that_wrote_it():
    relu = call("relu", ("input_t", "layer2_t", "config2"), ("x_in", "layer2_out"), "relu")
    # The function's name as it is when read from a file, not a literal of this program.
    clone = call("".join(["clone", "_stream"]), ("layer2_t", "layer2_t", "4"), ("layer2_out", "a", "b"), "clone_relu")
    again = call("".join(["clone", "_stream"]), ("layer2_t", "layer2_t", "4"), ("b", "c", "d"), "clone_b")
    made = project(relu, clone, again)
    assert [_writer(made, name) for name in ("layer2_out", "a", "b", "c", "d", "x_in")] == [*["relu"] * 5, ""]


def test_a_stream_in_packs_of_another_size_is_of_the_layer_that_wrote_it_under_whichever_name():
    relu = call("relu", ("input_t", "layer2_t", "config2"), ("x_in", "layer2_out"), "relu")
    # A flattening is a second name of what it reads.
    repack = call("".join(["repack", "_stream"]), ("layer2_t", "result_t", "4"), ("layer3_out", "out"), "shape")
    made = project(relu, repack, aliases={"layer3_out": "layer2_out"})
    assert _writer(made, "out") == "relu"
