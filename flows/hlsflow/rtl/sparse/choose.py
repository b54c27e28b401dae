"""Which layers are sparse: the network as fast as its zeros allow, with the multipliers that its reuse factors ask for.

The goal is the interval of the dense design times the share of weights that are not zero, with some room: no lane is
always busy. Each layer then gets what meets the goal for the least of the device, dense or sparse.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hlsflow.rtl.chain import Chain
from hlsflow.rtl.folding import Folding, divisors, fold_layer, fold_network, legal_lanes, pixel
from hlsflow.rtl.layers import Layer, ProductLayer
from hlsflow.rtl.rows import index_bits
from hlsflow.rtl.sparse.cost import block_ram, blocks, cost
from hlsflow.rtl.sparse.layer import merged, weight_width
from hlsflow.rtl.sparse.plan import Planner, nonzeros, shape_of

# The first goal is so much above the ideal, each next one more above the one before.
ROOM, STEP = 1.085, 1.02
# More banks than the inputs need for their time, more groups than the outputs, and shapes that are tried in a layer.
_MORE_BANKS, _MORE_GROUPS, _TRIES = 6, 3, 80


def sparse_network(chain: Chain) -> tuple[Folding, ...]:
    """The folding of every layer, sparse where that pays; not more multipliers or block RAM than the dense one has.

    Where zeros save nothing it is the dense one.
    """
    dense = fold_network(chain)
    most = _multipliers(dense), _blocks(chain, dense)
    slowest = max(folding.cycles for folding in dense)
    goal = max(
        folding.cycles * _share(layer) * (ROOM if _covered(layer) else 1)
        for layer, folding in zip(chain.layers, dense, strict=True)
    )
    step = STEP
    while goal < slowest:
        found = _for_goal(chain, int(goal), most)
        if found is not None and _multipliers(found) <= most[0] and _blocks(chain, found) <= most[1]:
            return found
        goal, step = max(goal * step, goal + 1), step * STEP
    return dense


def _multipliers(foldings: Sequence[Folding]) -> int:
    return sum(folding.multipliers for folding in foldings)


def _blocks(chain: Chain, foldings: Sequence[Folding]) -> int:
    """Halves of block RAM of the layers that multiply."""
    pairs = zip(chain.layers, foldings, strict=True)
    return sum(blocks(layer, folding) for layer, folding in pairs if isinstance(layer, ProductLayer))


def _covered(layer: Layer) -> bool:
    return isinstance(layer, ProductLayer) and layer.window is None


def _share(layer: Layer) -> float:
    """The share of a layer's products that a sparse one makes."""
    if not isinstance(layer, ProductLayer) or layer.window is not None:
        return 1
    return nonzeros(layer) / layer.weights.size


def _for_goal(chain: Chain, goal: int, most: tuple[int, int]) -> tuple[Folding, ...] | None:
    """The cheapest foldings with at most `goal` busy cycles a frame each, None where a layer has none.

    `most`: multipliers and block RAM of all layers together.
    """
    found: list[Folding] = []
    lanes = 1 if chain.output_size <= goal else -(-chain.output_size // goal)
    for index in reversed(range(len(chain.layers))):
        layer = chain.layers[index]
        before = chain.layers[index - 1] if index else None
        folding = fold_layer(layer, lanes, before)
        if folding.cycles > goal or -(-layer.input_size // folding.lanes_in) > max(goal, folding.cycles):
            folding = None
        if isinstance(layer, ProductLayer) and layer.window is None:
            sparse = sparse_folding(layer, min(lanes, layer.n_out), goal, pixel(before), most)
            options = [option for option in (folding, sparse) if option is not None]
            folding = min(options, key=lambda option: cost(layer, option), default=None)
        if folding is None:
            return None
        found.append(folding)
        lanes = folding.lanes_in
    return tuple(reversed(found))


def sparse_folding(
    layer: ProductLayer, lanes_out: int, goal: int, unit: int | None = None, most: tuple[int, int] | None = None
) -> Folding | None:
    """The sparse folding with the fewest multipliers that takes at most `goal` cycles; None where none was found.

    `unit`: the inputs come in pixels of so many values. `most`: multipliers and block RAM that it may take.
    """
    for banks, groups in _shapes(layer, goal, unit):
        for buses in divisors(groups):
            if merged(layer, buses, lanes_out) is None or not _within(layer, banks * groups, goal, most):
                continue
            planner = Planner(layer, shape_of(layer, banks, groups, buses))
            plan = planner.plan(goal)
            if plan is None:
                continue
            shortest = max(planner.shortest, -(-layer.n_in // banks), -(-layer.n_out // lanes_out))
            # The sooner it is done, the sooner a frame has passed.
            periods = range(shortest, goal, max(1, (goal - shortest) // 12))
            plan = next((found for found in map(planner.plan, periods) if found is not None), plan)
            return Folding(
                inputs=banks, outputs=groups, groups=1, lanes_in=banks, lanes_out=lanes_out, steps=plan.period,
                dense_steps=plan.period, sparse=plan,
            )  # fmt: skip
    return None


def _within(layer: ProductLayer, lanes: int, goal: int, most: tuple[int, int] | None) -> bool:
    """Whether so many lanes may be all right, before a plan is looked for."""
    # A window has more than 16 places unless a layer is small.
    width = lanes * (weight_width(layer) + min(6, index_bits(layer.n_in)))
    return most is None or (lanes <= most[0] and block_ram(min(goal, nonzeros(layer) // lanes), width) <= most[1])


def _shapes(layer: ProductLayer, goal: int, unit: int | None) -> Iterator[tuple[int, int]]:
    """(banks, groups), those of the fewest lanes first."""
    least = -(-layer.n_in // goal)
    found = set()
    for banks in range(least, min(layer.n_in, least + _MORE_BANKS) + 1):
        if legal_lanes(banks, layer.n_in, unit) != banks:
            continue
        for slots in range(1, layer.n_out + 1):
            # The fewest groups with so many outputs a lane, and a few more, whose number may have divisors.
            first = -(-layer.n_out // slots)
            found |= {
                (banks * groups, banks, groups)
                for groups in range(first, min(first + _MORE_GROUPS, layer.n_out + 1))
                if banks * groups * goal >= nonzeros(layer)
            }
    yield from ((banks, groups) for _, banks, groups in sorted(found)[:_TRIES])
