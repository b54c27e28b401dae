"""The main job beside the same job done by plain hls4ml calls, in one run: seconds of each, and what each found.

    uv run python benchmarks/main_job.py [--model qap8] [--data-dir DIR]

Both start from nothing, in a process of their own: load TensorFlow, the model and MNIST, convert, compile, simulate all
test samples. hls4ml's side is what its tutorial does: config_from_keras_model(granularity='name'), convert, compile,
predict.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

PLAIN = """\
import os, sys, time
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
sys.path.insert(0, sys.argv[1])
started = time.perf_counter()
def lap(what):
    global started
    print(f"  {what:<12} {time.perf_counter() - started:6.1f} s", flush=True)
    started = time.perf_counter()
from pathlib import Path
import numpy as np
from hlsflow.models.weights import load_trained
from hlsflow.models.zoo import preprocess
from hlsflow.datasets.dataset import load_dataset
import hls4ml
recipe, model = load_trained(Path(sys.argv[2]))
x = preprocess(recipe, load_dataset(recipe.dataset, sys.argv[4] or None).x_test)
lap("load")
keras = model.predict(x, verbose=0)
lap("keras")
config = hls4ml.utils.config_from_keras_model(model, granularity="name", backend="Vitis")
project = hls4ml.converters.convert_from_keras_model(
    model, hls_config=config, backend="Vitis", output_dir=sys.argv[3], io_type="io_parallel", part="xc7z020clg400-1")
lap("convert")
project.compile()
lap("compile")
found = project.predict(np.ascontiguousarray(x))
lap("predict")
agree = float(np.mean(found.argmax(axis=1) == keras.argmax(axis=1)))
print(f"  same class as Keras: {100 * agree:.2f} %; no integer comparison, no proof, no record")
"""


def timed(command: list[str], env: dict[str, str], *, summary: bool = True) -> float:
    """Seconds of a command; its progress is shown, its closing summary only where it is asked for."""
    started = time.perf_counter()
    subprocess.run(command, env=env, check=True, stderr=sys.stdout, stdout=None if summary else subprocess.DEVNULL)
    return time.perf_counter() - started


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="qap8")
    parser.add_argument("--data-dir", default=os.environ.get("HLSFLOW_DATA", ""))
    args = parser.parse_args()
    env = {**os.environ, "PYTHONWARNINGS": "ignore", "HLSFLOW_DATA": args.data_dir}
    with tempfile.TemporaryDirectory(prefix="hlsflow-") as name:
        workspace = Path(name) / "workspace"
        for folder in ("models", "hls_configs"):
            shutil.copytree(ROOT / folder, workspace / folder)
        print("hlsflow", flush=True)
        ours = timed(
            [sys.executable, str(ROOT / "flows" / "build.py"), "--model", args.model, "--workspace", str(workspace)],
            env,
            summary=False,
        )
        print("hlsflow, second time", flush=True)
        again = timed(
            [sys.executable, str(ROOT / "flows" / "build.py"), "--model", args.model, "--workspace", str(workspace)],
            env,
            summary=False,
        )
        print("plain hls4ml", flush=True)
        script = [sys.executable, "-W", "ignore", "-c", PLAIN, str(ROOT / "flows"), str(ROOT / "models" / args.model)]
        plain = timed([*script, str(Path(name) / "plain"), args.data_dir], env)
    print(f"\nhlsflow {ours:.1f} s, second time {again:.1f} s, plain hls4ml {plain:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
