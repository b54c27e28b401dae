"""A model of one's own, from its file to its report, and once more: seconds of each.

    uv run python benchmarks/own_model.py

The file is a 16-64-32-32-5 QKeras network with a softmax, as hls4ml's tutorial has it, trained here on points around
five centres; nothing of it is known to hlsflow but the file and the test set.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "flows"))


def save(folder: Path) -> None:
    """Trains the network; writes model.h5 and test.npz."""
    import numpy as np

    from hlsflow.frontends.keras.runtime import prepare_tensorflow

    prepare_tensorflow()
    import qkeras
    from tensorflow import keras

    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    centres = rng.uniform(-1.5, 1.5, (5, 16))
    classes = rng.integers(0, 5, 6000)
    x = np.clip(np.round((centres[classes] + rng.normal(0, 1.2, (6000, 16))) * 16) / 16, -8, 8 - 1 / 16)
    kinds = {"kernel_quantizer": "quantized_bits(6,0,alpha=1)", "bias_quantizer": "quantized_bits(6,0,alpha=1)"}
    model = keras.Sequential([keras.Input((16,))])
    for units in (64, 32, 32):
        model.add(qkeras.QDense(units, **kinds))
        model.add(qkeras.QActivation("quantized_relu(6,2)"))
    model.add(qkeras.QDense(5, **kinds))
    model.add(keras.layers.Softmax())
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy")
    model.fit(x[:4000], classes[:4000], epochs=10, batch_size=64, verbose=0)
    model.save(folder / "model.h5")
    np.savez(folder / "test.npz", x=x[4000:], y=classes[4000:])


def main() -> int:
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "flows"), "PYTHONWARNINGS": "ignore"}
    command = [
        sys.executable,
        "-m",
        "hlsflow",
        "build",
        "--model",
        "model.h5",
        "--data",
        "test.npz",
        "--workspace",
        ".",
    ]
    with tempfile.TemporaryDirectory(prefix="hlsflow-") as name:
        save(Path(name))
        for what in ("from the file to the report", "once more"):
            started = time.perf_counter()
            subprocess.run(command, cwd=name, env=environment, check=True, stderr=sys.stdout)
            print(f"{what}: {time.perf_counter() - started:.1f} s\n", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
