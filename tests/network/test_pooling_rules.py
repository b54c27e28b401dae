"""The rules of pooling: how many values a window covers, which values come out, and who reads a mean rounded."""

from __future__ import annotations

from itertools import product

import pytest
from networks import input_node

from hlsflow.network.fixed_point import parse_type
from hlsflow.network.graph import Network, Node, Op
from hlsflow.network.pooling_rules import Readers, is_dyadic, is_padded, mean_bits, pool_counts, readers_of
from hlsflow.network.ranges import resolve

SIDES = ("top", "bottom", "left", "right")


def pool(op: Op, shape, *, kernel=(1, 2), stride=(1, 1), pads=(0, 0, 0, 0), whole=False, source="x") -> Node:
    attributes = {
        "global": whole, "pool_height": kernel[0], "pool_width": kernel[1], "stride_height": stride[0],
        "stride_width": stride[1],
    } | {f"pad_{side}": pad for side, pad in zip(SIDES, pads, strict=True)}  # fmt: skip
    return Node(name="pool", op=op, inputs=(source,), shape=shape, attributes=attributes, keras_layer="pool")


def image(shape, type_: str) -> Node:
    return Node(name="x", op=Op.INPUT, inputs=(), shape=shape, declared={"result": parse_type(type_)}, keras_layer="x")


def last(*nodes: Node, given=None):
    return resolve(Network(nodes=nodes, inputs=("x",), outputs=(nodes[-1].name,)), given or {})[-1]


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "out", "pads"),
    [
        ((4, 4), (2, 2), (2, 2), (2, 2), (0, 0, 0, 0)),
        ((5, 5), (2, 2), (2, 2), (3, 3), (0, 1, 0, 1)),
        ((5, 7), (3, 2), (2, 3), (3, 3), (1, 1, 1, 1)),
        ((4, 6), (3, 3), (1, 1), (4, 6), (1, 1, 1, 1)),
        ((1, 9), (1, 4), (1, 3), (1, 3), (0, 0, 2, 0)),
        ((6, 2), (4, 2), (3, 1), (2, 1), (2, 0, 0, 0)),
    ],
)
def test_a_window_covers_so_many_values_that_are_no_padding(size, kernel, stride, out, pads):
    """The top and the left are padded as said, the bottom and the right as far as windows reach."""
    inside = set()
    for row, column in product(*map(range, out)):
        top, left = row * stride[0] - pads[0], column * stride[1] - pads[2]
        places = product(range(top, top + kernel[0]), range(left, left + kernel[1]))
        inside.add(sum(0 <= i < size[0] and 0 <= j < size[1] for i, j in places))
    node = pool(Op.AVERAGE_POOL, (*out, 3), kernel=kernel, stride=stride, pads=pads)
    assert pool_counts(node, (*size, 3)) == inside
    if size[0] == 1:
        flat = pool(Op.AVERAGE_POOL, (out[1], 3), kernel=kernel, stride=stride, pads=pads)
        assert pool_counts(flat, (size[1], 3)) == inside


def test_a_global_pooling_has_one_window():
    assert pool_counts(pool(Op.AVERAGE_POOL, (3,), kernel=(4, 5), whole=True), (4, 5, 3)) == {20}


@pytest.mark.parametrize(
    ("counts", "dyadic"), [({1}, True), ({2, 4}, True), ({4, 6}, False), ({3}, False), ({64}, True)]
)
def test_a_division_ends_in_binary_for_powers_of_two(counts, dyadic):
    assert is_dyadic(counts) is dyadic


@pytest.mark.parametrize("side", range(4))
def test_padding_on_any_side_is_padding(side):
    pads = [0, 0, 0, 0]
    assert not is_padded(pool(Op.MAX_POOL, (2, 1), pads=tuple(pads)))
    pads[side] = 1
    assert is_padded(pool(Op.MAX_POOL, (2, 1), pads=tuple(pads)))


@pytest.mark.parametrize(
    ("type_", "pads", "bounds"),
    [
        ("ufixed<6,6>", (0, 0, 0, 0), (0, 63)),
        ("fixed<6,6>", (0, 0, 0, 0), (-32, 31)),
        ("fixed<6,6>", (0, 0, 1, 0), (-32, 31)),
        ("ufixed<6,6>", (0, 0, 1, 0), (0, 63)),
    ],
)
def test_a_maximum_is_one_of_its_inputs(type_, pads, bounds):
    layer = last(image((4, 1), type_), pool(Op.MAX_POOL, (3, 1), pads=pads))
    assert layer.interval.bounds == bounds and layer.interval.low.shape == (3, 1)
    assert str(layer.result) == type_ == str(layer.types["accum"])


def test_the_padding_of_unsigned_values_is_half_the_range_however_small_they_are():
    """A quantizer gives 0 to 31 of a type of six bits, and hls4ml pads with 32."""
    relu = Node(name="r", op=Op.ACTIVATION, inputs=("x",), shape=(4, 1), function="linear",
                declared={"result": parse_type("ufixed<6,6,RND_CONV,SAT>")}, keras_layer="r")  # fmt: skip
    for pads, most in (((0, 0, 0, 0), 31), ((0, 0, 1, 0), 32), ((0, 0, 0, 1), 32)):
        layer = last(image((4, 1), "fixed<6,6>"), relu, pool(Op.MAX_POOL, (3, 1), pads=pads, source="r"))
        assert layer.interval.bounds == (0, most) and str(layer.result) == "ufixed<6,6>"


@pytest.mark.parametrize(
    ("type_", "size", "accum", "result"),
    [
        # -8..7 in a sum of 4: -32..28 with two bits more; the mean keeps those bits
        ("fixed<4,4>", 4, "fixed<8,6>", "fixed<6,4>"),
        ("ufixed<4,4>", 4, "ufixed<8,6>", "ufixed<6,4>"),
        ("ufixed<4,4>", 1, "ufixed<4,4>", "ufixed<4,4>"),
        ("fixed<4,2>", 2, "fixed<6,3>", "fixed<5,2>"),
        # three values: two bits for the sum, ten below the input's grid
        ("fixed<4,4>", 3, "fixed<16,6>", "fixed<14,4>"),
        ("ufixed<4,4>", 3, "ufixed<16,6>", "ufixed<14,4>"),
        # -1 and 0: the least sum, -3, decides
        ("fixed<1,1>", 3, "fixed<13,3>", "fixed<11,1>"),
    ],
)
def test_the_types_of_a_mean(type_, size, accum, result):
    layer = last(image((size, 1), type_), pool(Op.AVERAGE_POOL, (1, 1), kernel=(1, size), stride=(1, size)))
    assert (str(layer.types["accum"]), str(layer.result)) == (accum, result)
    input_type = parse_type(type_)
    low, high = (bound * 2.0**-layer.interval.fraction for bound in layer.interval.bounds)
    assert (low, high) == (input_type.min_int * input_type.lsb, input_type.max_int * input_type.lsb)


@pytest.mark.parametrize(
    ("most", "fraction", "finest", "bits"),
    [(9, 4, None, 12), (9, 4, 4, 12), (9, 4, 11, 12), (9, 4, 12, 13), (9, 4, 20, 21), (3, 0, -5, 10), (16, 0, 9, 14),
     (17, 0, 9, 15)],
)  # fmt: skip
def test_a_mean_is_kept_a_bit_below_its_finest_reader(most, fraction, finest, bits):
    assert mean_bits(most, fraction, Readers(finest=finest, unrounded=())) == bits


def reader(name: str, op: Op, source: str, function: str = "", result: str | None = None) -> Node:
    declared = {} if result is None else {"result": parse_type(result)}
    return Node(name=name, op=op, inputs=(source,), shape=(1,), function=function, declared=declared, keras_layer=name)


QUANTIZER = "ufixed<6,2,RND_CONV,SAT>"


@pytest.mark.parametrize(
    ("between", "passes"),
    [
        ((Op.RESHAPE, ""), True), ((Op.TRANSPOSE, ""), True), ((Op.PAD, ""), True), ((Op.RESIZE, ""), True),
        ((Op.MAX_POOL, ""), True), ((Op.CONCATENATE, ""), True), ((Op.MERGE, "maximum"), True),
        ((Op.MERGE, "minimum"), True), ((Op.ACTIVATION, "relu"), True), ((Op.ACTIVATION, "linear"), True),
        ((Op.MERGE, "add"), False), ((Op.MERGE, "multiply"), False), ((Op.ACTIVATION, "leaky_relu"), False),
        ((Op.DENSE, ""), False), ((Op.SCALE, ""), False), ((Op.AVERAGE_POOL, ""), False), ((Op.SOFTMAX, ""), False),
        ((Op.PRELU, ""), False), ((Op.CONV, ""), False), ((Op.DEPTHWISE, ""), False),
    ],
)  # fmt: skip
def test_a_quantizer_behind_what_passes_values_on_reads_the_mean(between, passes):
    first = input_node(1, name="x")
    middle, final = reader("m", between[0], "x", between[1]), reader("q", Op.ACTIVATION, "m", "relu", QUANTIZER)
    found = readers_of(Network(nodes=(first, middle, final), inputs=("x",), outputs=("q",)), first, {})
    assert found == (Readers(finest=4, unrounded=()) if passes else Readers(finest=None, unrounded=("'m'",)))


def test_every_reader_counts_and_the_output_is_one():
    first = input_node(1, name="x")
    readers = (
        reader("a", Op.ACTIVATION, "x", "linear", "fixed<6,3,RND_CONV,SAT>"),
        reader("b", Op.ACTIVATION, "x", "relu", QUANTIZER),
        reader("sign", Op.ACTIVATION, "x", "binary_tanh", "fixed<2,2>"),
    )
    network = Network(nodes=(first, *readers), inputs=("x",), outputs=("a", "b", "sign"))
    assert readers_of(network, first, {}) == Readers(finest=4, unrounded=())
    wide = {"a": {"result": parse_type("fixed<12,3>")}}
    assert readers_of(network, first, wide) == Readers(finest=9, unrounded=())
    sign = Network(nodes=(first, readers[2]), inputs=("x",), outputs=("sign",))
    assert readers_of(sign, first, {}) == Readers(finest=None, unrounded=())
    ternary = reader("t", Op.ACTIVATION, "x", "ternary_tanh", "fixed<2,2>")
    both = Network(nodes=(first, ternary), inputs=("x",), outputs=("x", "t"))
    assert readers_of(both, first, {}) == Readers(finest=None, unrounded=("the output", "'t'"))


@pytest.mark.parametrize(
    ("result", "codes", "claimed"),
    [
        # as derived, ten bits below the input's grid, and one bit less: then it is the type that cuts, and says so
        (None, ["mean-rounds"], False),
        ("fixed<14,4>", ["mean-rounds"], False),
        ("fixed<13,4>", ["result-rounds"], False),
        ("fixed<4,4>", ["result-rounds"], False),
    ],
)
def test_a_mean_that_is_an_output_is_said_to_be_cut(result, codes, claimed):
    node = pool(Op.AVERAGE_POOL, (1, 1), kernel=(1, 3), stride=(1, 3))
    given = {} if result is None else {"pool": {"result": parse_type(result)}}
    layer = last(image((3, 1), "fixed<4,4>"), node, given=given)
    assert [found.code for found in layer.findings] == codes
    assert "cut off 10 bits below the input's grid" in layer.proof
    assert ("too far down" in layer.proof) is claimed


def test_a_cut_is_counted_from_the_input_s_own_grid():
    """Ten bits below quarters are twelve: a result with ten cuts by itself."""
    node = pool(Op.AVERAGE_POOL, (1, 1), kernel=(1, 3), stride=(1, 3))
    for result, codes in (("fixed<12,2>", ["result-rounds"]), ("fixed<14,2>", ["mean-rounds"])):
        layer = last(image((3, 1), "fixed<4,2>"), node, given={"pool": {"result": parse_type(result)}})
        assert [found.code for found in layer.findings] == codes


def test_a_mean_that_a_quantizer_reads_is_cut_where_it_cannot_tell():
    node = pool(Op.AVERAGE_POOL, (1, 1), kernel=(1, 3), stride=(1, 3))
    relu = reader("q", Op.ACTIVATION, "pool", "relu", QUANTIZER)
    network = Network(nodes=(image((3, 1), "fixed<4,4>"), node, relu), inputs=("x",), outputs=("q",))
    layer = resolve(network, {})[1]
    assert layer.findings == () and "too far down to change a rounding of its readers" in layer.proof
