"""Sparse layers: the plan of the work, and small networks simulated bit for bit."""

from __future__ import annotations

import subprocess
from dataclasses import replace

import numpy as np
import pytest
from rtl_networks import HARD_TRAFFIC, fixed, frames, network, run_design
from tool_fixtures import needs_verilator

from hlsflow.opentools.verilator import Traffic
from hlsflow.opentools.yosys import synthesize
from hlsflow.rtl.chain import Chain
from hlsflow.rtl.folded import folded_design
from hlsflow.rtl.folding import Folding, fold_network
from hlsflow.rtl.sparse.choose import sparse_folding, sparse_network
from hlsflow.rtl.sparse.cost import blocks
from hlsflow.rtl.sparse.lanes import Job, lane_rows
from hlsflow.rtl.sparse.layer import merged, sum_width, weight_width
from hlsflow.rtl.sparse.plan import Planner, SparsePlan, nonzeros, shape_of


def planned(layer, banks: int, groups: int, buses: int, lanes_out: int = 1) -> Folding:
    """The shortest plan in a given shape."""
    planner = Planner(layer, shape_of(layer, banks, groups, buses))
    plan = next(plan for plan in map(planner.plan, range(planner.shortest, 10_000)) if plan is not None)
    return Folding(
        inputs=banks, outputs=groups, groups=1, lanes_in=banks, lanes_out=lanes_out, steps=plan.period,
        dense_steps=plan.period, sparse=plan,
    )  # fmt: skip


def in_shapes(net: Chain, *shapes: tuple[int, int, int]) -> tuple[Folding, ...]:
    """Each layer in a shape of (banks, groups, buses)."""
    lanes_out = [banks for banks, _, _ in shapes[1:]] + [1]
    return tuple(
        planned(layer, *shape, lanes) for layer, shape, lanes in zip(net.layers, shapes, lanes_out, strict=True)
    )


def products_of(layer, plan: SparsePlan) -> np.ndarray:
    """The weights that a plan's rows multiply, by where each place of the window's input comes from at that time."""
    found = np.zeros_like(layer.weights)
    for lane, rows in enumerate(plan.rows):
        bank, group = divmod(lane, plan.shape.groups)
        slot = -1
        for step, row in enumerate(rows):
            slot += row.onward
            if not row.weight:
                continue
            there = [
                entry
                for entry, enters in enumerate(plan.entries)
                if entry % plan.window == row.place and enters - plan.lead < step
            ]
            index = plan.order[there[-1]] * plan.shape.banks + bank
            found[index, plan.outputs[bank, group, max(slot, 0) % plan.shape.slots]] += row.weight
    return found


@pytest.mark.parametrize("zeros", [0.0, 0.5, 0.9])
@pytest.mark.parametrize("shape", [(1, 1, 1), (2, 3, 3), (3, 4, 2), (4, 10, 5)])
def test_a_plan_makes_every_product_once(zeros, shape):
    layer = network((150, 10), (1,), zeros=zeros).layers[0]
    plan = planned(layer, *shape).sparse
    np.testing.assert_array_equal(products_of(layer, plan), layer.weights)
    assert sum(row.weight != 0 for rows in plan.rows for row in rows) == nonzeros(layer)
    for rows in plan.rows:
        assert len(rows) == plan.period and not rows[-1].onward
        # Every sum of a frame is begun, and the lane is at its last output in the end.
        assert plan.shape.slots == 1 or sum(row.onward for row in rows) % plan.shape.slots == 0


def test_a_lane_that_cannot_be_on_time_has_no_rows():
    jobs = [[Job(first=0, last=0, place=0, weight=1), Job(first=0, last=0, place=1, weight=1)]]
    assert lane_rows(jobs, (2,), 9) is None
    late = [[Job(first=0, last=8, place=0, weight=1), Job(first=5, last=8, place=1, weight=1)]]
    rows = lane_rows(late, (2,), 9)
    assert rows is not None and [row.weight for row in rows] == [1, 0, 0, 0, 0, 1, 0, 0, 0]
    assert lane_rows(late, (2,), 6) is None


def test_widths_are_those_of_the_values():
    layer = replace(network((4, 1), (1,)).layers[0], weights=np.array([[3], [-4], [0], [1]]))
    assert weight_width(layer) == 3
    # Inputs up to 15: one bank sums to [-60, 60], two banks to [0, 45] and [-60, 15].
    assert (sum_width(layer, 1), sum_width(layer, 2)) == (7, 7)
    assert sum_width(replace(layer, accum=fixed(5, 1)), 1) == 5


def test_words_merge_where_they_can():
    layer = network((4, 20), (1,)).layers[0]
    assert [merged(layer, 5, lanes) for lanes in (1, 2, 5, 10)] == [1, 2, 1, 2]
    assert merged(layer, 5, 3) is None
    assert merged(layer, 20, 3) == 1


CASES = {
    # All lane counts of a layer of 7 outputs: alone, with outputs that the lanes do not divide, one each.
    **{f"{groups} lanes": (network((20, 7), (1,), zeros=0.6), ((2, groups, groups),)) for groups in (1, 2, 3, 5, 7)},
    "one bus": (network((23, 7), (1,), zeros=0.6, data=fixed(5, 3)), ((3, 6, 1),)),
    "a window of several laps": (network((150, 8), (1,), zeros=0.7), ((2, 4, 2),)),
    "all zero": (network((12, 5), (1,), zeros=1.0), ((2, 2, 1),)),
    "one input": (network((1, 3), (1,)), ((1, 2, 2),)),
    "one of each": (network((1, 1), (1,)), ((1, 1, 1),)),
    "1 bit": (network((17, 6), (1,), data=fixed(1, 1, signed=False)), ((4, 3, 3),)),
    "1 signed bit": (network((17, 6), (1,), zeros=0.3, data=fixed(1, 1)), ((4, 3, 1),)),
    "layers": (network((40, 12, 7, 5), (1, 1, 1), zeros=0.5), ((3, 6, 2), (2, 3, 3), (1, 5, 1))),
    "merging words": (network((30, 20, 4), (1, 1), zeros=0.8), ((3, 10, 5), (2, 2, 1))),
}


@needs_verilator
@pytest.mark.parametrize("name", CASES)
def test_simulated_bit_for_bit(name, tmp_path):
    net, shapes = CASES[name]
    foldings = in_shapes(net, *shapes)
    inputs = frames(net, 40)
    design = folded_design(net, "top", foldings, "sparse")
    runs = run_design(design, inputs, tmp_path, Traffic(), Traffic(apart=True), HARD_TRAFFIC, Traffic(stall_percent=90))
    for outputs, _ in runs:
        np.testing.assert_array_equal(outputs, net.run(inputs))
    together, apart = runs[0][1], runs[1][1]
    assert apart.latency_min == apart.latency_max
    # A half of the stored frames is free some cycles after it was read.
    ports = [-(-size // lanes) + 3 for size, lanes in ((net.input_size, design.source.lanes), (net.output_size, 1))]
    # 40 frames, the first of which has nobody to overlap with; a drain between frames would be seen here.
    slowest = max(*(folding.steps for folding in foldings), *ports)
    assert together.cycles <= 39 * (slowest + 1) + apart.latency_max + 4


@needs_verilator
def test_empty_rows_and_columns(tmp_path):
    net = network((24, 6), (1,), zeros=0.3)
    weights = net.layers[0].weights.copy()
    weights[::3] = 0
    weights[:, 4] = 0
    net = replace(net, layers=(replace(net.layers[0], weights=weights),))
    inputs = frames(net)
    ((outputs, _),) = run_design(
        folded_design(net, "top", in_shapes(net, (3, 3, 1)), "sparse"), inputs, tmp_path, Traffic()
    )
    np.testing.assert_array_equal(outputs, net.run(inputs))


@needs_verilator
def test_a_wrong_weight_is_seen(tmp_path):
    net, shapes = CASES["layers"]
    inputs = frames(net)
    design = folded_design(net, "top", in_shapes(net, *shapes), "sparse")
    rows = [f"{int(row, 16) ^ 1:0{len(row)}x}" for row in design.memories["layer_fc0_steps.mem"].splitlines()]
    broken = replace(design, memories={**design.memories, "layer_fc0_steps.mem": "\n".join(rows) + "\n"})
    ((outputs, _),) = run_design(broken, inputs, tmp_path, Traffic())
    assert (outputs != net.run(inputs)).any()


@needs_verilator
@pytest.mark.parametrize(("zeros", "most"), [(0.5, 24), (0.7, 24), (0.9, 34)])
def test_the_interval_follows_the_zeros(zeros, most, tmp_path):
    """As many multipliers as the dense network has; at the highest sparsity the first layer takes the second's, too."""
    net = network((392, 24, 10), (392, 24), zeros=zeros)
    assert sum(folding.multipliers for folding in fold_network(net)) == 34
    layer = net.layers[0]
    net = replace(net, layers=(layer,))
    ideal = 392 * nonzeros(layer) / layer.weights.size
    folding = sparse_folding(layer, 1, int(1.15 * ideal), most=(most, 1000))
    assert folding is not None and folding.multipliers <= most
    inputs = frames(net, 40)
    design = folded_design(net, "top", [folding], "sparse")
    ((outputs, simulated),) = run_design(design, inputs, tmp_path, Traffic())
    np.testing.assert_array_equal(outputs, net.run(inputs))
    assert simulated.cycles <= 39 * 1.15 * ideal + simulated.latency_max + 4


def test_a_network_is_sparse_where_it_pays_and_within_the_dense_ones_means():
    net = network((392, 24, 10), (392, 24), zeros=0.8)
    foldings, dense = sparse_network(net), fold_network(net)
    assert foldings[0].sparse is not None and foldings[0].steps < 0.6 * dense[0].steps
    assert foldings[0].multipliers < 0.5 * dense[0].multipliers
    assert sum(folding.multipliers for folding in foldings) <= sum(folding.multipliers for folding in dense)
    taken = [sum(map(blocks, net.layers, made)) for made in (foldings, dense)]
    assert taken[0] <= taken[1]


def ternary(net: Chain) -> Chain:
    return replace(net, layers=tuple(replace(layer, weights=np.sign(layer.weights)) for layer in net.layers))


@needs_verilator
@pytest.mark.parametrize("data", [None, fixed(5, 3), fixed(1, 1)])
def test_ternary_products_of_luts(data, tmp_path):
    net = ternary(network((20, 7), (1,), zeros=0.5, data=data))
    inputs = frames(net)
    design = folded_design(net, "top", in_shapes(net, (2, 3, 3)), "sparse")
    assert ".USE_DSP(0)" in design.sources["layer_fc0.v"]
    ((outputs, _),) = run_design(design, inputs, tmp_path, Traffic())
    np.testing.assert_array_equal(outputs, net.run(inputs))


@pytest.mark.parametrize(("low_bit", "dsp"), [(True, 0), (False, 6)])
def test_ternary_takes_no_dsp_block(low_bit, dsp, tmp_path, yosys):
    net = network((12, 6), (1,), zeros=0.5)
    net = ternary(net) if low_bit else net
    design = folded_design(net, "top", in_shapes(net, (2, 3, 3)), "sparse")
    assert synthesize(design, "xc7", tmp_path, yosys).stat.whole.dsp == dsp


def test_without_zeros_nothing_is_sparse():
    net = network((30, 6), (30,))
    net = replace(net, layers=(replace(net.layers[0], weights=np.ones((30, 6), dtype=np.int64)),))
    assert not any(folding.sparse for folding in sparse_network(net))


def test_inputs_that_come_in_pixels_are_cut_between_them():
    layer = network((24, 6), (1,), zeros=0.5).layers[0]
    folding = sparse_folding(layer, 1, 9, unit=4)
    assert folding is not None and folding.lanes_in == 4
    assert sparse_folding(layer, 1, 9, most=(3, 99)) is None


@needs_verilator
def test_lint_is_clean(tmp_path):
    net, shapes = CASES["merging words"]
    design = folded_design(net, "top", in_shapes(net, *shapes), "sparse")
    design.write(tmp_path)
    ignored = [f"-Wno-{kind}" for kind in ("WIDTH", "DECLFILENAME", "VARHIDDEN", "UNUSED")]
    done = subprocess.run(
        ["verilator", "--lint-only", "-Wall", *ignored, "--top-module", "top", *sorted(design.sources)],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
