"""Samples a second of the integer emulator, of our C simulation and of hls4ml's, on the same samples, one thread each.

    uv run python benchmarks/emulator.py [--model qap8] [--samples 2000]

Each is timed in this one run, after a warm-up, and their outputs are compared as integers. Needs a built model
(`python flows/build.py --model qap8`).
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

# Before numpy is loaded: one thread for its matrix products.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "flows"))

import numpy as np  # noqa: E402

from hlsflow.emulation.emulator import make_emulator  # noqa: E402
from hlsflow.foundation.workspace import find_workspace  # noqa: E402
from hlsflow.hls.csim import compile_csim, find_compiler, simulate  # noqa: E402
from hlsflow.hls.project import HlsProject, read_project  # noqa: E402


def hls4ml_predict(project: HlsProject, x: np.ndarray, folder: Path) -> tuple[np.ndarray, float]:
    """Outputs and seconds of hls4ml's own compiled bridge: its build script, its shared library, its loop."""
    import ctypes
    import shutil
    import subprocess

    copy = folder / "hls4ml"
    shutil.copytree(project.root, copy)
    subprocess.run(["bash", "build_lib.sh"], cwd=copy, check=True, capture_output=True)
    library = ctypes.CDLL(str(next(copy.glob("firmware/*.so"))))
    top = getattr(library, f"{project.top}_double")
    flat = np.ascontiguousarray(x.reshape(len(x), -1), dtype=np.float64)
    outputs = np.zeros((len(x), project.outputs[0].size))
    pointer = ctypes.POINTER(ctypes.c_double)

    def run(count: int) -> float:
        started = time.perf_counter()
        for sample in range(count):
            top(flat[sample].ctypes.data_as(pointer), outputs[sample].ctypes.data_as(pointer))
        return time.perf_counter() - started

    run(50)
    return outputs, run(len(x))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="qap8")
    parser.add_argument("--samples", type=int, default=2000)
    args = parser.parse_args()
    root = find_workspace().build / args.model / "hls"
    project = read_project(root)
    port = project.inputs[0]
    type_ = project.type_of(port.type_name)
    rng = np.random.default_rng(0)
    # Random pixels of a random share of zeros: what they are does not matter to the time.
    integers = rng.integers(type_.min_int, type_.max_int + 1, (args.samples, port.size)) * (
        rng.random((args.samples, 1)) > 0.3
    )
    x = (integers * type_.lsb).astype(np.float32)
    # The emulator takes the pixels themselves, hls4ml their real values: each what it takes fastest.
    pixels = integers.astype(np.min_scalar_type(type_.min_int) if type_.signed else np.min_scalar_type(type_.max_int))

    emulator = make_emulator(project)
    emulator.run([pixels[:100]])
    started = time.perf_counter()
    rounds = 10
    for _ in range(rounds):
        emulated = emulator.run([pixels])
    emulator_s = (time.perf_counter() - started) / rounds

    with tempfile.TemporaryDirectory(prefix="hlsflow-") as name:
        folder = Path(name)
        program = compile_csim(project, folder / "csim", find_compiler())
        simulate(program, project, [x[:50]], folder=folder / "csim", workers=1)
        started = time.perf_counter()
        ours = simulate(program, project, [x], folder=folder / "csim", workers=1)
        csim_s = time.perf_counter() - started
        theirs, hls4ml_s = hls4ml_predict(project, x, folder)
    output = project.outputs[0].name
    lsb = project.type_of(project.outputs[0].type_name).lsb
    equal = np.array_equal(emulated[output], ours[output]) and np.array_equal(ours[output] * lsb, theirs)
    rates = {
        "emulator (numpy, " + emulator.dtype + ")": args.samples / emulator_s,
        "C simulation, hlsflow": args.samples / csim_s,
        "C simulation, hls4ml": args.samples / hls4ml_s,
    }
    print(f"{args.model}, {args.samples} samples, one thread each, outputs {'equal' if equal else 'DIFFERENT'}")
    for what, rate in rates.items():
        print(f"  {what:<28} {rate:>12,.0f} samples/s  {rate / rates['C simulation, hls4ml']:>8,.1f} x hls4ml")
    return 0 if equal else 1


if __name__ == "__main__":
    sys.exit(main())
