"""Where the quantizers behind a value step up: all that the value decides, when nothing else reads it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hlsflow.network.fixed_point import FixedType, Overflow, Rounding
from hlsflow.network.graph import MOVES, Network, Node, Op
from hlsflow.network.pooling_rules import is_dyadic, pool_counts

if TYPE_CHECKING:
    from hlsflow.foundation.arrays import Array

# A finer quantizer has more steps than are listed.
MOST_BITS = 20


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Steps:
    """The values where an output steps up: `at` (float64, ascending); where `inclusive` (bool), at the value itself,
    else right above it. Several readers' steps are one list: no value may cross any of them."""

    at: Array
    inclusive: Array


@dataclass(frozen=True, kw_only=True, slots=True)
class Readers:
    """What reads a value: `quantizers`, by name with whether a ReLU stands before, and the nodes `between`.

    Those give the value on and are monotone, so that rounding may as well come before them; or they are means of up to
    2**`mean_bits` of it, which for a value a*x + b are a*m + b with m the mean of x, on a grid so much finer.
    """

    quantizers: tuple[tuple[str, bool], ...]
    between: tuple[str, ...]
    mean_bits: int


@dataclass(frozen=True, kw_only=True, slots=True)
class _Place:
    """Where the walk to the quantizers has come: a node, whether a ReLU was passed, the bits of the means that were,
    and whether nothing else than means and moves was."""

    name: str
    rectified: bool = False
    mean_bits: int = 0
    affine: bool = True


def quantizers_behind(network: Network, name: str) -> Readers | None:
    """The quantizers that read a node's value; None where something else computes with it, or an output is it."""
    quantizers: list[tuple[str, bool]] = []
    waiting, seen = [_Place(name=name)], {_Place(name=name)}
    while waiting:
        place = waiting.pop()
        if place.name in network.outputs:
            return None
        for user in network.consumers(place.name):
            if _quantizes(user):
                quantizers.append((user.name, place.rectified))
                continue
            found = _behind(network, place, user)
            if found is None:
                return None
            if found not in seen:
                seen.add(found)
                waiting.append(found)
    if not quantizers:
        return None
    return Readers(
        quantizers=tuple(dict.fromkeys(quantizers)),
        between=tuple(sorted({place.name for place in seen} - {name})),
        mean_bits=max(place.mean_bits for place in seen),
    )


def _quantizes(node: Node) -> bool:
    placed = "threshold" in node.attributes or "above" in node.attributes
    return placed or (node.op is Op.ACTIVATION and "result" in node.declared)


def _behind(network: Network, place: _Place, user: Node) -> _Place | None:
    """The place behind a node that gives a value on, None for one that does not."""
    if user.op is Op.AVERAGE_POOL:
        counts = pool_counts(user, network[place.name].shape)
        if not place.affine or not is_dyadic(counts):
            return None
        return replace(place, name=user.name, mean_bits=place.mean_bits + max(counts).bit_length() - 1)
    # A zero that padding puts among the values is no value of x.
    affine = place.affine and (user.op in (Op.RESHAPE, Op.TRANSPOSE, Op.RESIZE, Op.CONCATENATE))
    merges = user.op is Op.MERGE and user.function in ("maximum", "minimum")
    if user.op in MOVES or user.op in (Op.MAX_POOL, Op.CONCATENATE) or merges:
        return replace(place, name=user.name, affine=affine)
    if user.op is Op.ACTIVATION and user.function in ("relu", "linear") and "wide" not in user.attributes:
        return replace(place, name=user.name, affine=False, rectified=place.rectified or user.function == "relu")
    return None


def steps_behind(network: Network, readers: Readers) -> Steps | None:
    """The steps of all quantizers that read a value; None where one has no list of them."""
    import numpy as np

    found = []
    for name, rectified in readers.quantizers:
        steps = steps_of(network[name])
        if steps is None:
            return None
        # What a ReLU lets through is never below zero.
        kept = steps.at > 0 if rectified else np.ones(len(steps.at), dtype=bool)
        found.append((steps.at[kept], steps.inclusive[kept]))
    return _sorted([at for at, _ in found], [inclusive for _, inclusive in found])


def _sorted(at: Sequence[Array], inclusive: Sequence[Array]) -> Steps:
    """All steps, each once, in the order in which a rising value meets them."""
    import numpy as np

    values, flags = np.concatenate(at), np.concatenate(inclusive)
    order = np.lexsort((~flags, values))
    values, flags = values[order], flags[order]
    first = np.ones(len(values), dtype=bool)
    first[1:] = (values[1:] != values[:-1]) | (flags[1:] != flags[:-1])
    return Steps(at=values[first], inclusive=flags[first])


def steps_of(node: Node) -> Steps | None:
    """The steps of one quantizer; None where they are not listed."""
    import numpy as np

    if "threshold" in node.attributes:
        # QKeras compares in float32: sign(x) from |x| >= threshold on, 0 for a zero whatever the threshold.
        threshold = float(np.float32(node.attributes["threshold"]))
        outer = threshold > 0
        return Steps(at=np.array([-threshold, threshold]), inclusive=np.array([not outer, outer]))
    if "above" in node.attributes:
        return Steps(at=np.array([node.attributes["above"]]), inclusive=np.zeros(1, dtype=bool))
    type_ = node.declared["result"]
    match node.function:
        case "relu" | "linear" | "hard_tanh":
            # The hard tanh is its value up to +-1, where the type ends.
            return _rounded(type_)
        case "leaky_relu":
            steps = _rounded(type_)
            if steps is None:
                return None
            slope = float(node.arrays["param"][0])
            return Steps(at=np.where(steps.at < 0, steps.at / slope, steps.at), inclusive=steps.inclusive)
        case "hard_sigmoid":
            steps = _rounded(type_)
            return None if steps is None else Steps(at=2 * steps.at - 1, inclusive=steps.inclusive)
        case "binary_tanh":
            return Steps(at=np.zeros(1), inclusive=np.ones(1, dtype=bool))
    return None


def _rounded(type_: FixedType) -> Steps | None:
    """The places where a type that saturates goes on to its next code, and whether it does so at the place itself."""
    import numpy as np

    saturates = type_.overflow in (Overflow.SAT, Overflow.SAT_SYM)
    if not saturates or type_.width > MOST_BITS:
        return None
    least = -type_.max_int if type_.overflow is Overflow.SAT_SYM and type_.signed else type_.min_int
    upper = np.arange(least + 1, type_.max_int + 1, dtype=np.float64)
    half = upper - 0.5
    match type_.rounding:
        case Rounding.RND_CONV:
            # A tie belongs to the even code next to it.
            at, inclusive = half, upper % 2 == 0
        case Rounding.RND:
            at, inclusive = half, np.ones(len(upper), dtype=bool)
        case Rounding.RND_MIN_INF:
            at, inclusive = half, np.zeros(len(upper), dtype=bool)
        case Rounding.RND_INF:
            at, inclusive = half, upper > 0
        case Rounding.RND_ZERO:
            at, inclusive = half, upper <= 0
        case Rounding.TRN:
            at, inclusive = upper, np.ones(len(upper), dtype=bool)
        case Rounding.TRN_ZERO:
            # Below zero a code ends where the next one's number is passed.
            at, inclusive = np.where(upper > 0, upper, upper - 1), upper > 0
    return Steps(at=at * type_.lsb, inclusive=inclusive)
