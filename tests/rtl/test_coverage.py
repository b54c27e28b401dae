"""What our RTL covers is one rule: every refusal by the facts of a layer, whoever says them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from rtl_networks import Pool, fixed, window_on

from hlsflow.hls.integer_nodes import Argmax, Cast, Lookup, Matrix, Node, Padding, Pooling, Softmax
from hlsflow.network.value_tables import ValueTable
from hlsflow.rtl.coverage import problems

DATA = fixed(4, 2)
POOL = window_on((4, 4, 1), Pool("sum"))


def layer(made: type[Node], name: str, function: str, reads: str, **said) -> Node:
    return made(name=name, function=function, inputs=(reads,), outputs=(name,), **said)


def one(made: type[Node], name: str, function: str, reads: str, **said) -> Node:
    return layer(made, name, function, reads, **{"data": DATA, "result": DATA, **said})


def matrix(name: str, function: str, reads: str, **said) -> Node:
    product = {
        "weights": np.array([[1, -2], [3, 4]]), "bias": np.array([0, 1]), "weight": fixed(4, 2), "accum": fixed(12, 8),
        "strategy": "latency", "multiplication": "nnet::product::mult", "reuse_factor": 1,
    }  # fmt: skip
    return one(Matrix, name, function, reads, **product, **said)


def padding(function: str, result=DATA) -> Node:
    sizes = dict.fromkeys(("height", "width", "channels", "top", "bottom", "left", "right"), 1)
    return one(Padding, "pad", function, "x", result=result, **sizes)


def pool(name: str, function: str, reads: str, *, kind="max", whole=False, **window) -> Node:
    said = {"kind": kind, "whole": whole, "window": replace(POOL, **window), "accum": fixed(8, 6)}
    return one(Pooling, name, function, reads, **said)


def softmax(reads: str, *, part=4) -> Node:
    return one(Softmax, "s", "softmax", reads, size=4, slice=part, last=True, implementation="stable", tables=None)


def argmax(reads: str, *, part=4) -> Node:
    return one(Argmax, "s", "softmax", reads, size=4, slice=part, last=True)


def table(function: str) -> Node:
    return one(
        Lookup, "s", function, "fc", table=ValueTable(function=function, data=DATA, size=64, table=DATA, result=DATA)
    )


DENSE = matrix("fc", "dense", "x")
RELU = one(Cast, "relu", "relu", "fc", relu=True)


GLOBAL = pool("g", "global_pooling2d_cl", "fc", whole=True)


def texts(*layers: Node, inputs=("x",), outputs=("y",)) -> list[str]:
    return [problem.text for problem in problems(layers, inputs, outputs, lambda node: node.function)]


def average(**window) -> Node:
    return pool("pool", "pooling2d_cl", "x", kind="average", **window)


@pytest.mark.parametrize(
    "layers",
    [
        (DENSE, RELU),
        (DENSE, argmax("fc")),
        (DENSE, softmax("fc", part=2)),
        (DENSE, table("sigmoid")),
        (padding("zeropad2d_cl"), matrix("c", "conv_2d_cl", "pad", window=POOL)),
        (average(),),
        (pool("max", "pooling1d_cl", "x"),),
    ],
)
def test_covered(layers):
    assert texts(*layers) == []


@pytest.mark.parametrize(
    ("layers", "said"),
    [
        ((DENSE, one(Cast, "relu", "relu", "y", relu=True)), "layer 'relu' reads 'y', which no layer writes"),
        ((one(Cast, "relu", "relu", "x", relu=True),), "no layer multiplies or pools"),
        ((DENSE, RELU, replace(RELU, name="other", outputs=("z",))), "'fc' is read by 2 layers: it covers networks"),
        ((DENSE, layer(Node, "t", "thresholded_relu", "fc")), "no hardware for thresholded_relu (layer 't')"),
        ((DENSE, GLOBAL), "'g' pools over the whole image: it covers windows of"),
        ((padding("zeropad2d_cl"), pool("max", "pooling2d_cl", "pad")), "'pad' pads with zeros: it covers"),
        (
            (
                padding("zeropad2d_cl"),
                matrix("c", "conv_2d_cl", "pad", window=POOL, reshaped=True),
            ),
            "'pad' pads with zeros: it covers that before convolutions",
        ),
        (
            (padding("zeropad1d_cl", fixed(5, 3)), matrix("c", "conv_1d_cl", "pad", window=POOL)),
            "'pad' pads and changes the type",
        ),
        ((DENSE, argmax("fc", part=2)), "'s' takes the largest of parts of its"),
        ((DENSE, softmax("fc"), one(Cast, "r", "relu", "s", relu=True)), "layer 'r' stands behind the softmax 's'"),
        ((DENSE, table("tanh"), one(Cast, "r", "relu", "s", relu=True)), "layer 'r' stands behind the tanh 's'"),
        ((replace(DENSE, accum=fixed(8, 6)),), "the accumulator fixed<8,6> of 'fc' rounds"),
        ((replace(DENSE, strategy="other"),), "strategy other is not covered (layer 'fc')"),
        ((average(height=3),), "'pool' averages windows of 3 x 2 values: it covers averages of 2, 4, 8, … values"),
        ((average(pad_top=1),), "'pool' averages windows of 2 x 2 values, with padding: it covers averages"),
    ],
)  # fmt: skip
def test_refused(layers, said):
    assert [text.startswith(said) for text in texts(*layers)] == [True]


def test_one_input_and_one_output():
    assert texts(DENSE, inputs=("x", "z"), outputs=()) == ["2 inputs (x, z), not one", "0 outputs (), not one"]
