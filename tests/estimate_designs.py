"""Small designs for the estimator's tests, written as hls4ml writes them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np


def dense_project(
    folder: Path, weights: list[np.ndarray], *, strategy: str = "latency", reuse: int = 1, **config
) -> Path:
    """A dense network with ReLUs between its layers, as project.json and weights.npz; weights in units of 2**-4."""
    layers, configs, arrays, source = [], {}, {}, "x"
    for number, matrix in enumerate(weights, start=1):
        n_in, n_out = matrix.shape
        out = f"layer{number}_out"
        configs[f"config{number}"] = {
            "kind": "dense_config", "n_in": str(n_in), "n_out": str(n_out), "strategy": strategy,
            "reuse_factor": str(reuse), "weight_t": "weight_t", "accum_t": "accum_t", "io_type": "io_parallel",
        }  # fmt: skip
        layers.append(
            {"function": "dense", "template": ["input_t", "accum_t", f"config{number}"],
             "arguments": [source, out, f"w{number}", f"b{number}"]}
        )  # fmt: skip
        arrays[f"w{number}"] = (matrix.T if strategy == "resource" else matrix).ravel() / 16
        arrays[f"b{number}"] = np.zeros(n_out)
        source = out
        if number < len(weights):
            configs[f"relu_config{number}"] = {"kind": "activ_config", "n_in": str(n_out)}
            layers.append(
                {"function": "relu", "template": ["accum_t", "input_t", f"relu_config{number}"],
                 "arguments": [out, f"relu{number}_out"]}
            )  # fmt: skip
            source = f"relu{number}_out"
    types = {"input_t": "ap_fixed<8,4>", "accum_t": "ap_fixed<16,8>", "weight_t": "ap_fixed<8,4>"}
    folder.mkdir(parents=True, exist_ok=True)
    said = {"layers": layers, "configs": configs, "types": types, "sizes": {}, "pragmas": ["#pragma HLS PIPELINE"]}
    (folder / "project.json").write_text(json.dumps(said))
    np.savez(folder / "weights.npz", **arrays)
    settings = {"Backend": "Vitis", "Part": "xc7z020clg400-1", "ClockPeriod": 5, "IOType": "io_parallel", **config}
    (folder / "hls4ml_config.yml").write_text("".join(f"{key}: {value}\n" for key, value in settings.items()))
    return folder


def matrix(n_in: int, n_out: int, seed: int = 0) -> np.ndarray:
    """Random integers from -127 to 127."""
    return np.random.default_rng(seed).integers(-127, 128, (n_in, n_out))
