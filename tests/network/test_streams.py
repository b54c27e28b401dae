"""The packs in which values travel in io_stream, and what of a network they do not allow; on networks by hand."""

from __future__ import annotations

import numpy as np
import pytest

from hlsflow.network.fixed_point import parse_type
from hlsflow.network.graph import Network, Node, Op
from hlsflow.network.streams import copies, pack_sizes, padded_apart, repacked, unpackable
from hlsflow.network.unbuildable import refusals_of_io_type


def node(name: str, op: Op, *inputs: str, shape=(12,), weight=None, **attributes) -> Node:
    arrays = {} if weight is None else {"weight": np.ones(weight)}
    return Node(name=name, op=op, inputs=inputs, shape=shape, arrays=arrays, attributes=attributes, keras_layer=name)


def network(*nodes: Node, shape=(3, 4), outputs: tuple[str, ...] | None = None) -> Network:
    first = Node(name="x", op=Op.INPUT, inputs=(), shape=shape, declared={"result": parse_type("fixed<6,3>")},
                 keras_layer="x")  # fmt: skip
    return Network(nodes=(first, *nodes), inputs=("x",), outputs=outputs or (nodes[-1].name,))


FLAT = node("flat", Op.RESHAPE, "x")


@pytest.mark.parametrize(
    ("reader", "again"),
    [
        (node("d", Op.DENSE, "flat", weight=(12, 5), shape=(5,)), False),
        (node("c", Op.CONCATENATE, "flat", "x2", shape=(16,)), False),
        (node("r", Op.RESHAPE, "flat", shape=(6, 2)), False),
        (node("a", Op.ACTIVATION, "flat"), True), (node("s", Op.SCALE, "flat"), True),
        (node("p", Op.PRELU, "flat"), True), (node("m", Op.MERGE, "flat", "flat"), True),
        (node("sm", Op.SOFTMAX, "flat"), True),
    ],
)  # fmt: skip
def test_a_flattening_is_packed_anew_for_a_reader_that_does_not_gather_its_packs(reader, again):
    made = network(FLAT, reader)
    assert repacked(made) == ({"flat"} if again else frozenset())
    assert pack_sizes(made)["flat"] == (12 if again else 4)
    # One position alone: its channels are all there is. But hls4ml copies what is read twice.
    twice = {"flat"} if reader.inputs.count("flat") > 1 else frozenset()
    assert repacked(network(FLAT, reader, shape=(1, 12))) == twice


def test_a_flattening_with_two_readers_is_packed_anew_and_one_that_is_an_output_is_by_hls4ml():
    dense = [node(name, Op.DENSE, "flat", weight=(12, 5), shape=(5,)) for name in "ab"]
    assert repacked(network(FLAT, *dense)) == {"flat"}
    last = network(FLAT)
    assert repacked(last) == frozenset() and pack_sizes(last)["flat"] == 12
    assert repacked(network(FLAT, dense[0], outputs=("flat", "a"))) == {"flat"}
    image = node("image", Op.RESHAPE, "x", shape=(6, 2)), node("a", Op.ACTIVATION, "image", shape=(6, 2))
    assert repacked(network(*image)) == frozenset()
    assert repacked(network(*image, outputs=("image", "a"))) == {"image"}


@pytest.mark.parametrize(
    ("shapes", "sizes"),
    [
        ([(6, 2)], None), ([(2, 6)], (4, 6)), ([(12,), (6, 2)], None), ([(12,), (2, 6)], (4, 6)), ([(1, 12)], None),
        ([(1, 12), (2, 6)], None), ([(4, 3)], (4, 3)), ([(12, 1), (4, 3)], None),
    ],
)  # fmt: skip
def test_packs_are_made_of_packs_where_one_size_divides_the_other(shapes, sizes):
    """A flattening in between changes nothing: its packs are those of the image."""
    nodes = []
    for shape in shapes:
        nodes.append(node(f"r{len(nodes)}", Op.RESHAPE, nodes[-1].name if nodes else "x", shape=shape))
    made = network(*nodes)
    assert [(before, after) for _, before, after in unpackable(made)] == ([] if sizes is None else [sizes])
    found = refusals_of_io_type(made, "io_stream")
    assert [item.layer for item in found] == ([] if sizes is None else [nodes[-1].name])
    assert refusals_of_io_type(made, "io_parallel") == []


@pytest.mark.parametrize(("readers", "outputs", "refused"), [(7, (), False), (8, (), True), (7, ("x",), True)])
def test_a_stream_has_seven_readers_at_most(readers, outputs, refused):
    nodes = [node(f"a{index}", Op.ACTIVATION, "x", shape=(3, 4)) for index in range(readers)]
    made = network(*nodes, outputs=(*outputs, "a0"))
    assert copies(made, made["x"]) == readers + len(outputs)
    found = refusals_of_io_type(made, "io_stream")
    assert [item.layer for item in found] == (["x"] if refused else [])
    if refused:
        assert found[0].reason == "a stream has 8 readers, the outputs among them, and hls4ml copies it at most 7 times"


@pytest.mark.parametrize(("kernel", "positions", "refused"), [(2, 2**17, False), (2, 2**17 + 1, True),
                                                              (1, 2**20 + 1, False)])  # fmt: skip
def test_windows_are_written_out_in_parallel_up_to_a_limit(kernel, positions, refused):
    made = network(node("c", Op.CONV, "x", shape=(positions, 5), weight=(kernel, 4, 5)), shape=(positions + 1, 4))
    found = refusals_of_io_type(made, "io_parallel")
    assert [item.layer for item in found] == (["c"] if refused else [])
    if refused:
        assert found[0].reason == "io_parallel writes a statement for each of the 1,048,584 values in its windows"


def convolution(name: str, op: Op, kernel, stride_height: int, shape=(2, 3, 5)) -> Node:
    pads = dict.fromkeys(("pad_top", "pad_bottom", "pad_left", "pad_right"), 0)
    return node(name, op, "x", shape=shape, weight=(*kernel, 2, 5), stride_height=stride_height, stride_width=1, **pads)


@pytest.mark.parametrize(
    ("op", "kernel", "stride", "rows", "refused"),
    [
        (Op.CONV, (1, 3), 2, 4, True), (Op.CONV, (1, 3), 1, 4, False), (Op.CONV, (2, 3), 2, 4, False),
        (Op.CONV, (1, 1), 2, 4, False), (Op.DEPTHWISE, (1, 1), 2, 4, True), (Op.DEPTHWISE, (1, 3), 2, 4, True),
        (Op.DEPTHWISE, (2, 1), 2, 4, False), (Op.CONV, (1, 3), 2, 1, False),
    ],
)  # fmt: skip
def test_a_kernel_of_one_row_skips_no_rows_of_a_stream(op, kernel, stride, rows, refused):
    made = network(convolution("c", op, kernel, stride), shape=(rows, 3, 2))
    found = refusals_of_io_type(made, "io_stream")
    assert [item.layer for item in found] == (["c"] if refused else [])
    assert not refused or "those that the stride leaves out" in found[0].reason


@pytest.mark.parametrize(("pads", "readers", "apart"), [((1, 0), 2, True), ((0, 1), 2, True), ((0, 0), 2, False),
                                                        ((1, 1), 1, False)])  # fmt: skip
def test_the_padding_of_a_convolution_is_a_layer_of_its_own_where_the_stream_has_other_readers(pads, readers, apart):
    conv = node("c", Op.CONV, "x", shape=(3, 5), weight=(2, 4, 5), pad_left=pads[0], pad_right=pads[1])
    others = [node(f"a{index}", Op.ACTIVATION, "x", shape=(3, 4)) for index in range(readers - 1)]
    assert padded_apart(network(conv, *others)) == ({"c"} if apart else frozenset())
