"""What a network says of itself: its nodes by name, who reads what, what multiplies, what the gate compares."""

from __future__ import annotations

import numpy as np
import pytest

from hlsflow.network.graph import MOVES, MULTIPLIES, Network, Node, Op
from hlsflow.network.unbuildable import refusals_of_network


def node(name: str, op: Op = Op.ACTIVATION, *inputs: str, shape=(4,), **more) -> Node:
    return Node(name=name, op=op, inputs=inputs, shape=shape, **more)


@pytest.fixture
def branched() -> Network:
    """x - a - softmax - softmax, and b beside it, which reads x and a."""
    nodes = (
        node("x", Op.INPUT),
        node("a", Op.DENSE, "x"),
        node("first", Op.SOFTMAX, "a"),
        node("second", Op.SOFTMAX, "first"),
        node("b", Op.MERGE, "x", "a"),
    )
    return Network(nodes=nodes, inputs=("x",), outputs=("second", "b"))


def test_a_node_is_found_by_its_name_or_not_at_all(branched):
    assert branched["b"].op is Op.MERGE and branched["x"].op is Op.INPUT
    # a name that was read from a file: equal, and another object
    assert branched["".join(["sec", "ond"])].op is Op.SOFTMAX
    with pytest.raises(KeyError, match="missing"):
        branched["missing"]


def test_the_readers_of_a_node(branched):
    assert [item.name for item in branched.consumers("x")] == ["a", "b"]
    assert [item.name for item in branched.consumers("a")] == ["first", "b"]
    assert branched.consumers("b") == []


def test_the_gate_compares_what_goes_into_a_final_softmax(branched):
    # A softmax of another one is computed with it.
    assert branched.gate_outputs == ("first", "b")
    assert Network(nodes=branched.nodes, inputs=("x",), outputs=("first", "b")).gate_outputs == ("a", "b")
    assert Network(nodes=branched.nodes, inputs=("x",), outputs=("a",)).gate_outputs == ("a",)


def test_a_table_is_inner_where_something_computes_with_it():
    nodes = (
        node("x", Op.INPUT), node("fc", Op.DENSE, "x"), node("mid", Op.TABLE, "fc"), node("flat", Op.RESHAPE, "mid"),
        node("end", Op.SOFTMAX, "flat"), node("shape", Op.RESHAPE, "end"),
    )  # fmt: skip
    network = Network(nodes=nodes, inputs=("x",), outputs=("shape",))
    assert [item.name for item in network.inner_tables] == ["mid"]
    # What goes into the last table is that of another, and the gate compares it as it is.
    assert network.gate_outputs == ("mid",) and network.output_values == ("end",)
    assert Network(nodes=nodes[:4], inputs=("x",), outputs=("flat",)).inner_tables == ()
    # An output whose values are read too.
    both = Network(nodes=nodes, inputs=("x",), outputs=("mid", "shape"))
    assert both.gate_outputs == ("fc", "mid") and both.inner_tables == network.inner_tables


@pytest.mark.parametrize("op", sorted(set(Op) - {Op.INPUT}))
def test_no_other_operation_is_left_out_of_the_gate(op):
    network = Network(nodes=(node("x", Op.INPUT), node("n", op, "x")), inputs=("x",), outputs=("n",))
    assert network.gate_outputs == (("x",) if op in (Op.SOFTMAX, Op.TABLE, Op.RESHAPE) else ("n",))
    assert network.output_values == (("x",) if op is Op.RESHAPE else ("n",))


@pytest.mark.parametrize(
    ("op", "shape", "expected"),
    [
        (Op.DENSE, (5, 3), (5, 3)),
        # kernel and channels are multiplied by together
        (Op.CONV, (3, 2, 4), (6, 4)),
        (Op.CONV, (3, 2, 4, 7), (24, 7)),
        (Op.CONV, (1, 1, 4, 7), (4, 7)),
    ],
)
def test_the_matrix_that_reuse_factors_divide(op, shape, expected):
    assert node("n", op, "x", arrays={"weight": np.zeros(shape)}).multiplications == expected


@pytest.mark.parametrize("op", [Op.DEPTHWISE, Op.SCALE, Op.ACTIVATION, Op.MAX_POOL])
def test_other_nodes_have_no_such_matrix(op):
    with pytest.raises(ValueError, match=rf"n \({op}\) has no multiplication matrix"):
        _ = node("n", op, "x", arrays={"weight": np.zeros((3, 3, 2, 1))}).multiplications


def test_a_node_moves_or_multiplies_or_neither():
    assert {Op.RESHAPE, Op.TRANSPOSE, Op.PAD, Op.RESIZE} == MOVES
    assert {Op.DENSE, Op.CONV, Op.DEPTHWISE} == MULTIPLIES


def test_an_input_that_nothing_reads_is_refused():
    idle = node("idle", Op.INPUT, keras_layer="idle")
    network = Network(nodes=(node("x", Op.INPUT), idle, node("d", Op.DENSE, "x")), inputs=("x", "idle"), outputs=("d",))
    (refusal,) = refusals_of_network(network)
    assert (refusal.layer, refusal.reason) == ("idle", "no output depends on it")
