"""Quantizers of three values and of two, wide ones and fine ones: their texts, and that QKeras computes their grid."""

import numpy as np
import pytest

from hlsflow.frontends.keras.quantizer_texts import Quantizer, parse_quantizer
from hlsflow.network.fixed_point import parse_type
from hlsflow.network.quantizers import kernel_type


@pytest.mark.parametrize(
    ("text", "quantizer", "values"),
    [
        ("ternary(alpha=1)", Quantizer(name="ternary", bits=2, integer=1, symmetric=True), (-1, 0, 1)),
        ("ternary(alpha=0.125, threshold=0.06)",
         Quantizer(name="ternary", bits=2, integer=-2, symmetric=True, threshold=0.06), (-0.125, 0, 0.125)),
        ("ternary(threshold=2,alpha=4.0)",
         Quantizer(name="ternary", bits=2, integer=3, symmetric=True, threshold=2.0), (-4, 0, 4)),
        ("binary(alpha=1)", Quantizer(name="binary", bits=1, integer=1, symmetric=True), (-1, 1)),
        ("binary(alpha=0.00390625)", Quantizer(name="binary", bits=1, integer=-7, symmetric=True), (-2**-8, 2**-8)),
    ],
)  # fmt: skip
def test_signs_are_read_and_qkeras_gives_their_values(text, quantizer, values):
    from qkeras.quantizers import get_quantizer

    ours = parse_quantizer(text)
    assert ours == quantizer == parse_quantizer(str(ours))
    assert (ours.minimum, ours.step, ours.maximum) == (values[0], values[-1], values[-1])
    theirs = np.asarray(get_quantizer(str(ours))(np.linspace(-3, 3, 601, dtype=np.float32)))
    assert tuple(np.unique(theirs)) == values


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ternary()", "'ternary()': write alpha=1 or another power of two, from 0.00390625 to 256"),
        ("binary(alpha=0.3)", "'binary(alpha=0.3)': write alpha=1 or another power of two, from 0.00390625 to 256"),
        ("binary(alpha=-1)", "'binary(alpha=-1)': write alpha=1 or another power of two, from 0.00390625 to 256"),
        ("binary(alpha=True)", "'binary(alpha=True)': write alpha=1 or another power of two, from 0.00390625 to 256"),
        ("binary(alpha=512)", "'binary(alpha=512)': write alpha=1 or another power of two, from 0.00390625 to 256"),
        ("ternary(1)", "'ternary(1)': give every number by its name, e.g. ternary(alpha=1)"),
        ("ternary(alpha=1,threshold=0)", "'ternary(alpha=1,threshold=0)': threshold must be above 0 and at most 256"),
        ("binary(alpha=1,threshold=1)", "'binary(alpha=1,threshold=1)': unknown argument 'threshold'; known: alpha"),
        ("quantized_bits(8.5,4,alpha=1)", "'quantized_bits(8.5,4,alpha=1)': cannot read the argument '8.5'"),
        ("quantized_bits(33,4,alpha=1)", "'quantized_bits(33,4,alpha=1)': bits must be 2 to 32"),
    ],
)  # fmt: skip
def test_other_texts_are_refused(text, message):
    with pytest.raises(ValueError) as caught:
        parse_quantizer(text)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    "text",
    [
        "quantized_bits(6,-2,alpha=1)", "quantized_bits(4,-8,symmetric=True,alpha=1)", "quantized_relu(6,-1)",
        "quantized_bits(16,1,alpha=1)", "quantized_relu(16,4)",
    ],
)  # fmt: skip
def test_fine_and_wide_grids_are_computed_where_qkeras_fails(text):
    """QKeras' own powers of two are those of int32: none is negative."""
    from hlsflow.frontends.keras.qkeras_quantizers import keras_quantizer

    ours = parse_quantizer(text)
    theirs = keras_quantizer(ours)
    if isinstance(theirs, str):
        from qkeras.quantizers import get_quantizer

        theirs = get_quantizer(theirs)
    assert type(theirs).__name__ == ours.name
    values = np.linspace(-3 * ours.maximum, 3 * ours.maximum, 4001, dtype=np.float32)
    expected = np.clip(np.rint(values / ours.step) * ours.step, ours.minimum, ours.maximum)
    np.testing.assert_array_equal(np.asarray(theirs(values)), expected)


def test_a_relu_of_32_bits_is_finite():
    from hlsflow.frontends.keras.qkeras_quantizers import keras_quantizer

    values = np.float32([-2.0, 0.0, 0.1, 7.9, 100.0])
    found = np.asarray(keras_quantizer(parse_quantizer("quantized_relu(32,3)"))(values))
    np.testing.assert_allclose(found, np.clip(values, 0, 8), rtol=1e-6)


@pytest.mark.parametrize(
    ("class_name", "config", "expected"),
    [
        ("ternary", {"alpha": 1}, "fixed<2,2>"),
        ("ternary", {"alpha": 0.125, "threshold": 0.06}, "fixed<2,-1>"),
        ("binary", {"alpha": 1.0}, "fixed<2,2>"),
        ("binary", {"alpha": "auto_po2"}, None),
        ("binary", {"alpha": 0.3}, None),
        ("binary", {"alpha": None}, None),
        ("quantized_bits", {"alpha": 1, "bits": 24, "integer": 0, "keep_negative": True}, "fixed<24,1>"),
        ("quantized_bits", {"alpha": 1, "bits": 25, "integer": 0, "keep_negative": True}, None),
    ],
)
def test_the_type_that_a_kernel_declares(class_name, config, expected):
    found = kernel_type({"class_name": class_name, "config": config})
    assert found == (None if expected is None else parse_type(expected))
