"""Area and latency of a model's folded RTL against the reuse factor, measured, as a table in reports/.

    python benchmarks/reuse_factor_sweep.py qap8

Every point is simulated against C simulation and synthesized by Yosys; points that are done are kept. Build the model
first: python flows/build.py --model qap8
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "flows"))

from hlsflow.building.plan import BuildRequest, make_plan
from hlsflow.building.tools.open import check_equal
from hlsflow.building.tools.vectors import Vectors, read_vectors
from hlsflow.devices.targets import Target, find_target
from hlsflow.foundation.log import Log, Step
from hlsflow.foundation.steps import Steps, digest
from hlsflow.foundation.workspace import find_workspace, write_text
from hlsflow.hls.project import read_project
from hlsflow.opentools import yosys
from hlsflow.opentools.design import with_reuse_factors
from hlsflow.opentools.tools import OpenTool, find_verilator, find_yosys, needed
from hlsflow.opentools.verilator import Traffic, compile_design, simulate
from hlsflow.rtl.design import RtlDesign
from hlsflow.rtl.folded import folded_design
from hlsflow.rtl.folding import fold_network

FACTORS = (392, 784, 1568, 3136, 7840, 15680, 39200, 78400)
# Cycles to simulate at each point, about: fewer frames where a frame takes longer.
CYCLES = 4_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Point:
    """One measured design. Latency from the first input beat to the last output beat, interval between frames."""

    reuse_factor: int
    multipliers: int
    samples: int
    latency_cycles: int
    interval_cycles: int
    lut: int
    ff: int
    dsp: int
    bram_18k: int
    longest_path_ns: float | None
    steps_skipped: int


def measure(
    design: RtlDesign, factor: int, foldings: tuple, target: Target, vectors: Vectors, folder: Path,
    simulator: OpenTool, synthesizer: OpenTool,
) -> Point:  # fmt: skip
    """Simulates and synthesizes one design in a folder."""
    rtl = folder / "rtl"
    design.write(rtl)
    program = compile_design(design, rtl, folder / "simulator", simulator)
    interval = max(folding.steps for folding in foldings)
    samples = min(len(vectors.inputs), max(20, CYCLES // interval))
    outputs, together = simulate(program, design, rtl, vectors.inputs[:samples], folder / "run")
    check_equal(design, outputs, vectors.outputs[:samples], vectors.source)
    _, apart = simulate(program, design, rtl, vectors.inputs[:10], folder / "run", traffic=Traffic(apart=True))
    synthesis = yosys.synthesize(design, target.family, folder / "yosys", synthesizer)
    path = synthesis.longest_path
    return Point(
        reuse_factor=factor,
        multipliers=sum(folding.multipliers for folding in foldings),
        samples=samples,
        latency_cycles=apart.latency_max,
        interval_cycles=together.interval_max or 0,
        lut=synthesis.stat.whole.lut,
        ff=synthesis.stat.whole.ff,
        dsp=synthesis.stat.whole.dsp,
        bram_18k=synthesis.stat.whole.bram_18k,
        longest_path_ns=None if path is None else path.delay_ns,
        steps_skipped=sum(folding.dense_steps - folding.steps for folding in foldings),
    )


def table(model: str, points: list[Point], target: Target, synthesizer: OpenTool, simulator: OpenTool) -> str:
    """The points as Markdown."""
    lines = [
        f"# {model}: area and latency against the reuse factor",
        "",
        f"Folded RTL of the open path for {target.name}, the same reuse factor for every layer.",
        "",
        f"- latency and interval: measured by {simulator.name} {simulator.version}, every output as in C simulation,",
        "  one input value a cycle (two at a reuse factor of 392)",
        f"- LUT, FF, DSP, BRAM18: cells that {synthesizer.name} {synthesizer.version} mapped, before any packing",
        "- longest path: by the delays of cells alone, without wires, so a routed clock is slower",
        "",
        "| reuse factor | multipliers | latency, cycles | at 100 MHz, µs | interval, cycles | LUT | FF | DSP | BRAM18 "
        "| longest path, ns | zero steps skipped | samples | fits |",
        "|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---|",
    ]
    for point in points:
        fits = all(getattr(point, name) <= getattr(target, name) for name in ("lut", "ff", "dsp", "bram_18k"))
        path = "-" if point.longest_path_ns is None else f"{point.longest_path_ns:.2f}"
        lines.append(
            f"| {point.reuse_factor:,} | {point.multipliers} | {point.latency_cycles:,} "
            f"| {point.latency_cycles / 100:.2f} | {point.interval_cycles:,} "
            f"| {point.lut:,} | {point.ff:,} | {point.dsp} | {point.bram_18k} | {path} "
            f"| {point.steps_skipped:,} | {point.samples:,} | {'yes' if fits else 'no'} |"
        )
    lines += ["", f"Again: `python benchmarks/reuse_factor_sweep.py {model}`."]
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", default="qap8")
    parser.add_argument("--device", default="pynq-z2")
    parser.add_argument("--factors", type=int, nargs="+", default=list(FACTORS))
    args = parser.parse_args()
    workspace = find_workspace()
    plan = make_plan(workspace, BuildRequest(model=args.model))
    hls = workspace.build / plan.name / "hls"
    from hlsflow.rtl.chain import read_chain

    chain = read_chain(read_project(hls))
    target = find_target(args.device)
    simulator, synthesizer = needed(find_verilator(), "Verilator"), needed(find_yosys(), "Yosys")
    vectors = read_vectors(plan, hls, chain)
    steps = Steps(folder=workspace.build / plan.name / "open-cache", log=Log())
    points = []
    for factor in args.factors:
        asked = with_reuse_factors(chain, {layer.name: factor for layer in chain.layers})
        foldings, design = fold_network(asked), folded_design(asked, args.model)
        key = {
            "rtl": digest({**design.sources, **design.memories}),
            "script": yosys.script(design, target.family),
            "tools": [simulator.version, synthesizer.version],
            "samples": plan.samples.identity,
        }

        def make(folder: Path, step: Step, design=design, factor=factor, foldings=foldings) -> str:
            point = measure(design, factor, foldings, target, vectors, folder, simulator, synthesizer)
            write_text(folder / "point.json", json.dumps(asdict(point)))
            return f"{point.latency_cycles:,} cycles, {point.lut:,} LUT, {point.dsp} DSP"

        kept = steps.run(f"sweep-{digest(key)[:16]}", key, make, title=f"reuse {factor}")
        points.append(Point(**json.loads((kept / "point.json").read_text())))
    path = workspace.reports / plan.name / "reuse_factor_sweep.md"
    write_text(path, table(args.model, points, target, synthesizer, simulator))
    print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
