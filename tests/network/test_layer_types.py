"""One layer's types under way: which is taken, from where, what constants become, and what is said of a loss."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from casts import cast_one

from hlsflow.foundation.errors import UnsupportedError
from hlsflow.network.fixed_point import parse_type
from hlsflow.network.graph import Node, Op
from hlsflow.network.intervals import Interval
from hlsflow.network.layer_types import IGNORED, INTERVAL, QUANTIZER, WEIGHTS, Working, first_of


def working(given=None, declared=None, **arrays) -> Working:
    node = Node(
        name="fc1", op=Op.DENSE, inputs=("x",), shape=(2,), keras_layer="fc_keras",
        arrays={role: np.array(values, dtype=np.float64) for role, values in arrays.items()},
        declared={role: parse_type(text) for role, text in (declared or {}).items()},
    )  # fmt: skip
    return Working(node=node, given={role: parse_type(text) for role, text in (given or {}).items()})


def interval(low, high, fraction: int = 0) -> Interval:
    return Interval(low=np.array(low, dtype=np.float64), high=np.array(high, dtype=np.float64), fraction=fraction)


# --- the choice


@pytest.mark.parametrize(
    ("given", "chosen", "source"),
    [
        (None, "fixed<8,4>", "interval"),
        ("fixed<9,4>", "fixed<9,4>", "configuration"),
        ("fixed<8,4>", "fixed<8,4>", "configuration, as the interval"),
        # the same bits with another rounding are another type
        ("fixed<8,4,RND>", "fixed<8,4,RND>", "configuration"),
    ],
)
def test_the_configuration_goes_before_what_is_derived(given, chosen, source):
    work = working({} if given is None else {"accum": given})
    found = work.choose("accum", parse_type("fixed<8,4>"), INTERVAL)
    assert str(found) == chosen and work.types == {"accum": found} and work.sources == {"accum": source}


def test_a_declared_type_goes_before_a_derived_one():
    one, other = parse_type("fixed<4,2>"), parse_type("fixed<8,4>")
    assert first_of(one, QUANTIZER, other, INTERVAL) == (one, QUANTIZER)
    assert first_of(None, QUANTIZER, other, INTERVAL) == (other, INTERVAL)


# --- constants


def test_weights_become_integers_of_the_narrowest_type_that_is_exact():
    work = working(weight=[[0.5, -1.25], [3.0, 0.0]])
    work.weight("weight")
    assert str(work.types["weight"]) == "fixed<5,3>" and work.sources["weight"] == WEIGHTS
    assert work.arrays["weight"].dtype == np.int64
    assert work.arrays["weight"].tolist() == [[2, -5], [12, 0]]
    assert work.findings == []


def test_weights_take_the_type_of_their_quantizer():
    work = working(declared={"weight": "fixed<8,4>"}, weight=[[0.5], [-1.0]])
    work.weight("weight")
    assert str(work.types["weight"]) == "fixed<8,4>" and work.sources["weight"] == QUANTIZER
    assert work.arrays["weight"].tolist() == [[8], [-16]]


@pytest.mark.parametrize(
    ("type_", "expected", "changed"),
    [
        ("fixed<5,3>", [2, -5, 12, 0, 15], 0),
        # one bit less at the fine end: -1.25 * 2 = -2.5 and 3.75 * 2 = 7.5 go to the even neighbour
        ("fixed<4,3>", [1, -2, 6, 0, 7], 2),
        # one bit less at the coarse end: 3 and 3.75 saturate at 7/4
        ("fixed<4,2>", [2, -5, 7, 0, 7], 2),
        # no sign: -1.25 becomes 0
        ("ufixed<4,2>", [2, 0, 12, 0, 15], 1),
    ],
)
def test_a_given_type_changes_weights_and_says_how_many(type_, expected, changed):
    work = working({"weight": type_}, weight=[0.5, -1.25, 3.0, 0.0, 3.75])
    work.weight("weight")
    assert work.arrays["weight"].tolist() == expected
    assert [(found.code, found.layer, found.role, found.message) for found in work.findings] == (
        [
            ("weights-change", "fc1", "weight",
             f"{type_} changes {changed} of 5 values of the weight (exact: fixed<5,3>)"),
        ]
        if changed
        else []
    )  # fmt: skip


def test_a_wrapping_weight_type_still_saturates():
    """Weights are written into a file: hls4ml rounds and clips them there, and nothing wraps."""
    work = working({"weight": "fixed<3,3>"}, weight=[9.0, -9.0])
    work.weight("weight")
    assert work.arrays["weight"].tolist() == [3, -4]


@pytest.mark.parametrize(("fraction", "refused"), [(59, False), (60, False), (61, True)])
def test_a_constant_too_fine_to_be_an_integer_is_refused(fraction, refused):
    work = working(bias=[2.0**-fraction])
    if not refused:
        work.weight("bias")
        assert work.arrays["bias"].tolist() == [1] and work.types["bias"].fraction == fraction
        return
    with pytest.raises(UnsupportedError, match="layer 'fc_keras': its bias needs 61 fractional bits") as caught:
        work.weight("bias")
    assert caught.value.hint == "quantize it, or give its type in the configuration"


# --- what an assignment loses


def stored(given: str | None, declared: str | None, x: Interval, derived: str = "fixed<5,5>"):
    work = working({} if given is None else {"result": given}, {} if declared is None else {"result": declared})
    work.choose("result", *first_of(work.node.declared.get("result"), QUANTIZER, parse_type(derived), INTERVAL))
    after = work.store("result", x, "sum")
    return work, after


X = interval([-9, 0], [10, 3])


@pytest.mark.parametrize(
    ("given", "codes"),
    [
        (None, []),
        ("fixed<5,5>", []),
        ("fixed<6,5>", []),
        ("fixed<5,5,RND,SAT>", []),
        ("fixed<4,4>", ["result-overflow"]),
        ("fixed<4,4,TRN,SAT_ZERO>", ["result-overflow"]),
        ("fixed<4,4,TRN,SAT>", ["result-saturates"]),
        ("fixed<4,4,TRN,SAT_SYM>", ["result-saturates"]),
        ("fixed<4,5>", ["result-rounds"]),
        ("fixed<3,4>", ["result-overflow", "result-rounds"]),
        ("fixed<3,4,RND,SAT>", ["result-saturates", "result-rounds"]),
        ("ufixed<4,4>", ["result-overflow"]),
    ],
)
def test_every_loss_of_a_given_type_is_a_finding(given, codes):
    work, after = stored(given, None, X)
    assert [found.code for found in work.findings] == codes
    assert all((found.layer, found.role) == ("fc1", "result") for found in work.findings)
    type_ = work.types["result"]
    reached = [[cast_one(v, 0, type_) for v in range(int(a), int(b) + 1)] for a, b in zip(X.low, X.high, strict=True)]
    assert all(low <= min(values) for low, values in zip(after.low, reached, strict=True))
    assert all(high >= max(values) for high, values in zip(after.high, reached, strict=True))


def test_a_finding_names_the_range_and_what_would_hold_it():
    work, _ = stored("fixed<4,4>", None, X)
    assert [found.message for found in work.findings] == [
        "fixed<4,4> can overflow: the sum reaches [-9, 10] in units of 2^0; fixed<5,5> holds it"
    ]
    work, _ = stored("fixed<4,4,TRN,SAT>", None, interval([-9], [10], 1))
    assert [found.message for found in work.findings] == [
        "fixed<4,4,TRN,SAT> drops bits of the sum, which is exact in fixed<5,4>"
    ]
    work, _ = stored("fixed<4,4,TRN,SAT>", None, X)
    assert [found.message for found in work.findings] == [
        "fixed<4,4,TRN,SAT> can saturate: the sum reaches [-9, 10] in units of 2^0"
    ]


@pytest.mark.parametrize(
    ("given", "codes"),
    [
        # what the quantizer itself rounds and saturates is meant
        (None, []),
        ("fixed<4,4,RND_CONV,SAT>", []),
        # finer than the quantizer, or with another mode: another value
        ("fixed<6,5,RND_CONV,SAT>", ["quantizer-differs"]),
        ("fixed<4,4,RND,SAT>", ["quantizer-differs"]),
        ("fixed<4,4,RND_CONV,WRAP>", ["result-overflow", "quantizer-differs"]),
        ("fixed<3,4,RND_CONV,SAT>", ["result-rounds", "quantizer-differs"]),
        # wide enough to lose nothing, which is not what the quantizer does
        ("fixed<9,6>", ["quantizer-differs"]),
    ],
)
def test_another_type_than_the_quantizer_s_is_a_finding(given, codes):
    work, _ = stored(given, "fixed<4,4,RND_CONV,SAT>", interval([-18, 0], [20, 6], 1))
    assert [found.code for found in work.findings] == codes


def test_another_type_that_computes_the_same_is_none():
    """The quantizer neither rounds nor saturates these values, and neither does the wider type."""
    work, after = stored("fixed<9,6>", "fixed<4,4,RND_CONV,SAT>", interval([-8], [7]))
    assert work.findings == []
    assert [Fraction(bound, 2**after.fraction) for bound in after.bounds] == [-8, 7]


def test_a_saturating_type_that_is_not_the_user_s_own_is_no_finding():
    """The one that the file says out loud, as derived, is the design's own."""
    work = working({"result": "fixed<4,4,TRN,SAT>"})
    work.choose("result", parse_type("fixed<4,4,TRN,SAT>"), INTERVAL)
    work.store("result", X, "sum")
    assert work.findings == []


def test_what_was_found_is_part_of_the_proof_and_what_was_ignored_is_not():
    work = working()
    work.proof = "sums stay in [0, 1]"
    assert work.whole_proof == "sums stay in [0, 1]" and not work.loses("accum")
    work.note(IGNORED, "accum", "this type is not taken")
    assert work.whole_proof == "sums stay in [0, 1]" and not work.loses("accum")
    work.note("accum-overflow", "accum", "it can overflow")
    assert work.whole_proof == "sums stay in [0, 1]; but accum: it can overflow"
    assert work.loses("accum") and not work.loses("result")


@pytest.mark.parametrize(
    ("declared", "given", "low", "high", "fraction", "codes"),
    [
        # a sign that no value has, though both round
        ("ufixed<4,4,RND_CONV,SAT>", "fixed<5,5,RND_CONV,SAT>", 0, 19, 1, []),
        # coarser than a quantizer that loses nothing
        ("fixed<8,4,RND_CONV,SAT>", "fixed<4,4>", -9, 10, 1, ["result-rounds", "quantizer-differs"]),
        # finer than the quantizer, and still rounding: its bits are dropped, and that was meant
        ("fixed<6,6,RND_CONV,SAT>", "fixed<7,6>", -9, 10, 3, ["quantizer-differs"]),
        # neither loses anything
        ("fixed<6,6,RND_CONV,SAT>", "fixed<9,7>", -9, 10, 0, []),
    ],
)
def test_a_type_beside_its_quantizer(declared, given, low, high, fraction, codes):
    work, _ = stored(given, declared, interval([low], [high], fraction))
    assert [found.code for found in work.findings] == codes


@pytest.mark.parametrize("code", ["accum-rounds", "result-overflow", "weights-change"])
@pytest.mark.parametrize("role", ["accum", "result", "weight"])
def test_a_role_loses_by_its_own_findings_alone(role, code):
    work = working()
    work.note(code, "".join(list(role)), "words")
    assert [name for name in ("accum", "result", "weight") if work.loses(name)] == [role]
    assert work.whole_proof == f"; but {role}: words"
    ignored = working()
    ignored.note("".join(list(IGNORED)), role, "words")
    assert not ignored.loses(role) and ignored.whole_proof == ""
