"""Types for single elements: what they hold, what they make of intervals, and where HGQ's float32 is exact."""

from __future__ import annotations

import json
from itertools import product

import numpy as np
import pytest
from networks import cast_network, element_types, expected

from hlsflow.foundation.errors import UnsupportedError
from hlsflow.hls.config import HlsConfig
from hlsflow.hls.lint import lint
from hlsflow.network.element_types import ElementTypes, cast_elements
from hlsflow.network.fixed_point import Overflow, Rounding, parse_type
from hlsflow.network.graph import Op
from hlsflow.network.ranges import resolve

MODES = list(product(Rounding, Overflow))


def types_of(*texts: str) -> ElementTypes:
    return ElementTypes(
        types=tuple(None if text == "0" else parse_type(text) for text in texts), index=np.arange(len(texts))
    )


def test_types_come_from_bits_that_broadcast_over_a_batch():
    found = ElementTypes.of_batch(
        np.array([[1, 0, 1]]), np.array([[4, 3, 0]]), np.array([[2, 5, 9]]), 2,
        rounding=Rounding.RND, overflow=Overflow.SAT,
    )  # fmt: skip
    assert found.index.shape == (1, 3)
    texts = [str(type_) for type_ in found.over((2, 3))]
    assert texts == ["fixed<4,2,RND,SAT>", "ufixed<3,5,RND,SAT>", "None"] * 2
    assert found.by_channel and found.fits((7, 3)) and not found.fits((3,)) and not found.fits((7, 4))


@pytest.mark.parametrize(
    ("shapes", "said"),
    [
        (((2, 3),) * 3, "differ within a batch"),
        (((1, 3), (1, 3), (3,)), "shapes"),
        (((1, 1, 3),) * 3, "for 1 axes"),
    ],
)
def test_bits_of_other_shapes_are_refused(shapes, said):
    with pytest.raises(ValueError, match=said):
        ElementTypes.of_batch(*map(np.ones, shapes), 1, rounding=Rounding.TRN, overflow=Overflow.WRAP)


def test_a_sign_bit_alone_that_is_symmetric_is_zero():
    one = np.ones((1, 1))
    types = ElementTypes.of_bits(one, one, one, rounding=Rounding.TRN, overflow=Overflow.SAT_SYM)
    assert types.types == (None,) and types.alike is None
    assert ElementTypes.of_bits(one, one, one, rounding=Rounding.TRN, overflow=Overflow.SAT).alike is not None


def test_they_are_json_values_and_back():
    types = element_types((2, 3, 4))
    again = ElementTypes.read(json.loads(json.dumps(types.said)))
    assert again.types == types.types and np.array_equal(again.index, types.index)


def test_the_enclosing_type_holds_each_and_is_no_wider():
    types = types_of("fixed<4,2>", "ufixed<5,4>", "0", "ufixed<2,-3>")
    assert str(types.enclosing) == "fixed<10,5>"
    assert all(types.enclosing.holds(type_) for type_ in types.given)
    assert types_of("0").enclosing is None
    assert types_of("ufixed<3,1>").alike == parse_type("ufixed<3,1>") and types.alike is None


@pytest.mark.parametrize(("rounding", "overflow"), MODES)
def test_each_element_becomes_what_its_type_makes_of_it(rounding, overflow):
    types = element_types((40,), rounding, overflow)
    whole = np.arange(-256, 256, dtype=np.int64)[:, None].repeat(40, axis=1)
    result = parse_type("fixed<24,14>")
    found = cast_elements(whole, 5, types.over((40,)), result) * result.lsb
    assert np.array_equal(found, expected(whole * 2.0**-5, types))


@pytest.mark.parametrize(("rounding", "overflow"), MODES)
def test_the_interval_holds_every_value_and_its_type_is_no_wider_than_that(rounding, overflow):
    types = element_types((24,), rounding, overflow, seed=1)
    (_, layer) = resolve(cast_network((24,), types, input_type="fixed<7,4>"), {})
    values = expected(np.arange(-64, 64)[:, None].repeat(24, axis=1) * 2.0**-3, types)
    low, high = (bound * 2.0**-layer.interval.fraction for bound in (layer.interval.low, layer.interval.high))
    assert (values.min(axis=0) >= low).all() and (values.max(axis=0) <= high).all()
    # A wrap may reach everything; else the bounds are reached.
    if overflow is Overflow.SAT:
        assert np.array_equal(values.min(axis=0), low) and np.array_equal(values.max(axis=0), high)
    assert layer.node.op is Op.QUANTIZE and not layer.findings


def test_one_type_for_all_is_a_plain_cast():
    types = ElementTypes.of_bits(
        np.ones((1, 3)), np.full((1, 3), 4), np.full((1, 3), 2), rounding=Rounding.TRN, overflow=Overflow.WRAP
    )
    layer = resolve(cast_network((2, 3), types), {})[1]
    assert (layer.node.op, layer.node.function, str(layer.node.declared["result"])) == (
        Op.ACTIVATION, "linear", "fixed<4,2>",
    )  # fmt: skip
    # It wraps because the quantizer does: nothing is lost, and nothing is said to be.
    assert not layer.findings and "rounds and wraps as the quantizer does" in layer.proof


def test_a_narrower_type_of_the_users_own_is_told_what_it_loses():
    types = types_of("fixed<4,2>", "fixed<5,2>")
    found = resolve(cast_network((2,), types), {"q": {"result": parse_type("fixed<4,2>")}})[1]
    assert [finding.code for finding in found.findings] == ["result-rounds"]
    found = resolve(cast_network((2,), types), {"q": {"result": parse_type("fixed<4,1>")}})[1]
    assert [finding.code for finding in found.findings] == ["result-overflow"]


@pytest.mark.parametrize(
    ("input_type", "text", "exact"),
    [
        # floor(x * 2**f) rounds nothing, however fine x is; the wrap needs the whole number and 2**bits.
        ("fixed<24,12>", "fixed<4,2>", True),
        ("fixed<24,24>", "fixed<4,2>", False),
        ("fixed<22,22>", "fixed<20,20>", True),
        # Adding 1/2 needs the grid of both: 24 bits are full at the ends of the range.
        ("fixed<24,12>", "fixed<4,2,RND>", True),
        ("fixed<25,13>", "fixed<4,2,RND>", False),
        ("fixed<23,23>", "fixed<25,25,RND,SAT>", False),
        ("fixed<22,22>", "fixed<20,20,RND,SAT>", True),
    ],
)
def test_where_the_formula_in_float32_is_exact(input_type, text, exact):
    layers = resolve(cast_network((2,), types_of(text, "ufixed<3,1>"), input_type=input_type), {})
    assert layers[1].keras_exact == exact


def test_a_stream_has_one_cast_for_all_positions():
    lint(cast_network((3, 2), element_types((1, 2))), HlsConfig(io_type="io_stream"))
    network = cast_network((3, 2), element_types((3, 2)))
    lint(network, HlsConfig(io_type="io_parallel"))
    with pytest.raises(UnsupportedError, match="layer 'q': its types change from position to position"):
        lint(network, HlsConfig(io_type="io_stream"))


def test_what_c_simulation_takes_for_an_error_is_refused():
    types = types_of("fixed<4,9,RND>", "fixed<4,2>")
    with pytest.raises(UnsupportedError, match="it rounds every value of fixed<4,-4> to 0"):
        lint(cast_network((2,), types, input_type="fixed<4,-4>"), HlsConfig())
