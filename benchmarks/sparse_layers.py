"""What zeros buy in our RTL: qap8's network at several sparsities, dense and sparse, measured; a table in reports/.

    python benchmarks/sparse_layers.py qap8

The weights of every layer are pruned by magnitude, as integers, without training: this measures hardware, not accuracy.
Every design is simulated on real frames against the emulator's integers and synthesized by Yosys. The model's project
is converted anew; nothing need be built before.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "flows"))

import numpy as np

from hlsflow.building.plan import BuildRequest, Plan, make_plan
from hlsflow.building.session import Session
from hlsflow.building.steps.network import load_network_step
from hlsflow.building.tools.open import check_equal
from hlsflow.devices.targets import Target, find_target
from hlsflow.emulation.emulator import emulator_of
from hlsflow.foundation.log import Log
from hlsflow.foundation.steps import Steps
from hlsflow.foundation.workspace import find_workspace, write_text
from hlsflow.hls.convert import convert
from hlsflow.hls.integer_network import IntegerNetwork, read_integer_network
from hlsflow.hls.integer_nodes import Matrix
from hlsflow.hls.lint import lint
from hlsflow.hls.project import read_project
from hlsflow.network.fixed_point import to_integers
from hlsflow.opentools import yosys
from hlsflow.opentools.budget import Budget
from hlsflow.opentools.tools import find_verilator, find_yosys, needed
from hlsflow.opentools.verilator import Traffic, compile_design, simulate
from hlsflow.rtl.chain import chain_of
from hlsflow.rtl.folded import folded_design
from hlsflow.rtl.folding import fold_network
from hlsflow.rtl.sparse.choose import sparse_network

SPARSITIES = (0.5, 0.7, 0.9)


@dataclass(frozen=True, kw_only=True, slots=True)
class Point:
    """One measured design; `sparsity` None: the model's own weights."""

    architecture: str
    sparsity: float | None
    multipliers: int
    lanes_in: int
    samples: int
    latency_cycles: int
    interval_cycles: int
    lut: int
    ff: int
    dsp: int
    bram_18k: int


def converted(plan: Plan, folder: Path) -> IntegerNetwork:
    """The integer network of a model's project, converted in a folder."""
    network = load_network_step(plan, Steps(folder=folder, log=Log()), Session(plan.model))
    hls = folder / "hls"
    hls.mkdir()
    convert(network, lint(network, plan.config).layers, plan.config, hls)
    return read_integer_network(read_project(hls))


def pruned(network: IntegerNetwork, sparsity: float) -> IntegerNetwork:
    """The network with that share of each layer's weights zero: the least by magnitude, the first of equal ones."""

    def prune(node: Matrix) -> Matrix:
        weights = node.weights.copy()
        order = np.argsort(np.abs(weights), axis=None, kind="stable")
        weights.flat[order[: round(weights.size * sparsity)]] = 0
        return replace(node, weights=weights)

    return replace(
        network, nodes=tuple(prune(node) if isinstance(node, Matrix) else node for node in network.nodes)
    )  # fmt: skip


def measure(
    network: IntegerNetwork, sparsity: float | None, architecture: str, frames: np.ndarray, folder: Path, target: Target
) -> Point:
    """One design, simulated bit for bit and synthesized. Raises MismatchError where an integer differs."""
    simulator, synthesizer = needed(find_verilator(), "Verilator"), needed(find_yosys(), "Yosys")
    chain = chain_of(network)
    foldings = sparse_network(chain) if architecture == "sparse" else fold_network(chain)
    design = folded_design(chain, "network", foldings, architecture)
    inputs = to_integers(frames.reshape(len(frames), -1), chain.input_type.fraction)
    expected = emulator_of(network).run([frames], layers=[chain.output])[chain.output].reshape(len(frames), -1)
    rtl = folder / "rtl"
    design.write(rtl)
    program = compile_design(design, rtl, folder / "simulator", simulator)
    outputs, together = simulate(program, design, rtl, inputs, folder / "run")
    check_equal(design, outputs, expected, "the emulator")
    hard = Traffic(gap_percent=30, stall_percent=60, seed=3)
    latency = 0
    for traffic in (hard, Traffic(apart=True)):
        outputs, simulated = simulate(program, design, rtl, inputs[:100], folder / "run", traffic=traffic)
        check_equal(design, outputs, expected[:100], "the emulator")
        latency = simulated.latency_max
    whole = yosys.synthesize(design, target.family, folder / "yosys", synthesizer, budget=Budget()).stat.whole
    for note in design.notes:
        print(f"  {note}", file=sys.stderr)
    return Point(
        architecture=architecture, sparsity=sparsity, multipliers=sum(folding.multipliers for folding in foldings),
        lanes_in=design.source.lanes, samples=len(frames), latency_cycles=latency,
        interval_cycles=together.interval_max or 0, lut=whole.lut, ff=whole.ff, dsp=whole.dsp, bram_18k=whole.bram_18k,
    )  # fmt: skip


def table(model: str, points: list[Point], target: Target) -> str:
    """The points as Markdown, each beside the dense one."""
    dense = points[0]
    lines = [
        f"# {model}: what zeros buy in hardware",
        "",
        f"Folded RTL of the open path for {target.name}; weights pruned by magnitude, layer by layer, untrained. The",
        "ideal interval is the dense one's times the share of weights that are left. A sparse design has at most the",
        "multipliers and the block RAM of the dense one, and puts them where the work is. Every integer of every frame",
        "is the emulator's; counts are of Yosys' cells, before any packing.",
        "",
        "| sparsity | architecture | multipliers | inputs a cycle | interval, cycles | ideal | above it "
        "| latency, cycles | LUT | to dense | FF | DSP | BRAM18 | frames |",
        "|---:|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for point in points:
        ideal = dense.interval_cycles * (1 - (point.sparsity or 0))
        lines.append(
            f"| {'own' if point.sparsity is None else format(point.sparsity, '.0%')} | {point.architecture} "
            f"| {point.multipliers} | {point.lanes_in} | {point.interval_cycles:,} | {ideal:,.1f} "
            f"| {point.interval_cycles / ideal - 1:+.1%} | {point.latency_cycles:,} | {point.lut:,} "
            f"| {point.lut / dense.lut - 1:+.1%} | {point.ff:,} | {point.dsp} | {point.bram_18k} | {point.samples:,} |"
        )
    lines += ["", f"Again: `python benchmarks/sparse_layers.py {model}`."]
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", default="qap8")
    parser.add_argument("--device", default="pynq-z2")
    parser.add_argument("--frames", type=int, default=300, help="of the test set (default 300)")
    parser.add_argument("--sparsities", type=float, nargs="+", default=list(SPARSITIES))
    args = parser.parse_args()
    workspace = find_workspace()
    plan = make_plan(workspace, BuildRequest(model=args.model))
    target = find_target(args.device)
    frames = plan.samples.load().inputs[0][: args.frames]
    points: list[Point] = []
    with tempfile.TemporaryDirectory() as folder:
        network = converted(plan, Path(folder))
        for sparsity, architecture in ((None, "folded"), *((share, "sparse") for share in args.sparsities)):
            own = network if sparsity is None else pruned(network, sparsity)
            point = measure(own, sparsity, architecture, frames, Path(folder) / f"{architecture}{sparsity}", target)
            print(json.dumps(asdict(point)), file=sys.stderr, flush=True)
            points.append(point)
    path = workspace.reports / plan.name / "sparse_layers.md"
    write_text(path, table(args.model, points, target))
    print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
