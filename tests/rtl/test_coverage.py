"""What our RTL covers is one rule: every refusal by the facts of a layer, whoever says them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from rtl_networks import Pool, fixed, window_on

from hlsflow.rtl.coverage import Asked, Average, Product, problems

PRODUCT = Product(
    weights=np.array([[1, -2], [3, 4]]), bias=np.array([0, 1]), data=fixed(4, 2), weight=fixed(4, 2),
    accum=fixed(12, 8), strategy="latency",
)  # fmt: skip


def layer(name: str, function: str, reads: str, **said) -> Asked:
    return Asked(name=name, function=function, called=function, inputs=(reads,), outputs=(name,), **said)


DENSE = layer("fc", "dense", "x", work=PRODUCT)
RELU = layer("relu", "relu", "fc")
POOL = window_on((4, 4, 1), Pool("sum"))


def texts(*layers: Asked, inputs=("x",), outputs=("y",)) -> list[str]:
    return [problem.text for problem in problems(layers, inputs, outputs)]


def average(**window) -> Asked:
    work = Average(window=replace(POOL, **window), data=fixed(4, 2), accum=fixed(8, 6))
    return layer("pool", "pooling2d_cl", "x", work=work)


@pytest.mark.parametrize(
    "layers",
    [
        (DENSE, RELU),
        (DENSE, layer("s", "softmax", "fc", is_argmax=True)),
        (DENSE, layer("s", "softmax", "fc", of_parts=True)),
        (layer("pad", "zeropad2d_cl", "x"), layer("c", "conv_2d_cl", "pad", work=PRODUCT)),
        (average(),),
        (layer("max", "pooling1d_cl", "x"),),
    ],
)
def test_covered(layers):
    assert texts(*layers) == []


@pytest.mark.parametrize(
    ("layers", "said"),
    [
        ((DENSE, layer("relu", "relu", "y")), "layer 'relu' reads 'y', which no layer writes"),
        ((layer("relu", "relu", "x"),), "no layer multiplies or pools"),
        ((DENSE, RELU, replace(RELU, name="other", outputs=("z",))), "'fc' is read by 2 layers: it covers networks"),
        ((DENSE, layer("t", "tanh", "fc")), "no hardware for tanh (layer 't')"),
        ((DENSE, layer("g", "global_pooling2d_cl", "fc")), "'g' pools over the whole image: it covers windows of"),
        ((layer("pad", "zeropad2d_cl", "x"), layer("max", "pooling2d_cl", "pad")), "'pad' pads with zeros: it covers"),
        (
            (
                layer("pad", "zeropad2d_cl", "x"),
                layer("c", "conv_2d_cl", "pad", work=PRODUCT, behind_reshape=True),
            ),
            "'pad' pads with zeros: it covers that before convolutions",
        ),
        (
            (layer("pad", "zeropad1d_cl", "x", changes_type=True), layer("c", "conv_1d_cl", "pad", work=PRODUCT)),
            "'pad' pads and changes the type",
        ),
        ((DENSE, layer("s", "softmax", "fc", is_argmax=True, of_parts=True)), "'s' takes the largest of parts of its"),
        ((DENSE, layer("s", "softmax", "fc"), layer("r", "relu", "s")), "layer 'r' stands behind the softmax 's'"),
        ((replace(DENSE, work=replace(PRODUCT, accum=fixed(8, 6))),), "the accumulator fixed<8,6> of 'fc' rounds"),
        ((replace(DENSE, work=replace(PRODUCT, strategy="other")),), "strategy other is not covered (layer 'fc')"),
        ((average(height=3),), "'pool' averages windows of 3 x 2 values: it covers averages of 2, 4, 8, … values"),
        ((average(pad_top=1),), "'pool' averages windows of 2 x 2 values, with padding: it covers averages"),
    ],
)  # fmt: skip
def test_refused(layers, said):
    assert [text.startswith(said) for text in texts(*layers)] == [True]


def test_one_input_and_one_output():
    assert texts(DENSE, inputs=("x", "z"), outputs=()) == ["2 inputs (x, z), not one", "0 outputs (), not one"]
