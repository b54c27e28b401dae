"""Estimators side by side on the same finished designs: hlsflow's, leaving their repository out, and rule4ml's.

    python benchmarks/estimators/compare.py /path/to/reports

`reports` holds PAIRS.csv and the designs of `hlsflow calibrate --reports`. Writes peers.md beside this file. rule4ml
runs in an environment of its own (uv fetches it: a gigabyte, once), and sees dense networks alone.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "flows"))

from hlsflow.estimation.accuracy import smape_percent  # noqa: E402
from hlsflow.estimation.calibration import leave_one_repository_out  # noqa: E402
from hlsflow.estimation.cost import TARGETS  # noqa: E402
from hlsflow.estimation.design import Design, Kind  # noqa: E402
from hlsflow.estimation.table import collected_designs  # noqa: E402

_ACTIVATIONS = {Kind.RELU: "relu", Kind.SOFTMAX: "softmax"}


def described(design: Design) -> dict:
    """A dense design in rule4ml's terms."""
    layers: list[dict] = []
    for layer in design.layers:
        if layer.kind is Kind.DENSE:
            layers.append({"n_in": layer.n_in, "n_out": layer.n_out, "activation": None})
        elif layer.kind in _ACTIVATIONS and layers:
            layers[-1]["activation"] = _ACTIVATIONS[layer.kind]
    first = next(layer for layer in design.layers if layer.kind is Kind.DENSE)
    generation, family = design.target.part.device.generation, design.target.part.device.family
    board = "pynq-z2" if generation == "7-series" else "zcu102" if family.startswith("zynq") else "alveo-u250"
    return {
        "layers": layers,
        "board": board,
        "strategy": "Resource" if first.strategy == "resource" else "Latency",
        "reuse_factor": first.reuse_factor,
        "weight_bits": first.weight.width if first.weight else 16,
    }


def peer(designs: list[dict]) -> list[dict]:
    """rule4ml's answers. Raises CalledProcessError where it cannot be installed or fails."""
    with tempfile.TemporaryDirectory() as folder:
        asked, answered = Path(folder, "designs.json"), Path(folder, "results.json")
        asked.write_text(json.dumps(designs))
        command = ["uv", "run", "--no-project", "--script", str(HERE / "rule4ml_peer.py"), str(asked), str(answered)]
        subprocess.run(command, check=True)
        return json.loads(answered.read_text())


def main() -> None:
    pairs = list(collected_designs(Path(sys.argv[1])))
    predictions = leave_one_repository_out([row for _, row in pairs])
    chosen = [(d, p) for (d, _), p in zip(pairs, predictions, strict=True) if p.row.group == "parallel"]
    answers = peer([described(design) for design, _ in chosen])
    good = [i for i, answer in enumerate(answers) if "error" not in answer]
    lines = [
        "# Estimators side by side",
        "",
        "Written by `python benchmarks/estimators/compare.py REPORTS`. SMAPE in % (0 to 200) against csynth, on the "
        f"{len(good)} of {len(chosen)} dense io_parallel designs that rule4ml 0.2.0 takes. hlsflow: each design by "
        "constants fitted without its repository.",
        "",
        "| target | hlsflow | rule4ml 0.2.0 |",
        "|---|---|---|",
    ]
    for target in TARGETS:
        known = [i for i in good if target in answers[i]]
        measured = [chosen[i][1].row.measured[target] for i in known]
        own = smape_percent([float(round(chosen[i][1].values[target])) for i in known], measured) if known else None
        other = smape_percent([max(0.0, answers[i][target]) for i in known], measured) if known else None
        cells = ["-" if value is None else f"{value:.1f}" for value in (own, other)]
        lines.append(f"| {target} | {cells[0]} | {cells[1]} |")
    refused = sorted({answer["error"] for answer in answers if "error" in answer})
    lines += ["", *(f"- not taken: {reason}" for reason in refused)] if refused else [""]
    (HERE / "peers.md").write_text("\n".join(lines).rstrip() + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
