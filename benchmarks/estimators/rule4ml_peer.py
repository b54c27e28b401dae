# /// script
# requires-python = "==3.11.*"
# dependencies = ["rule4ml==0.2.0"]
# ///
"""rule4ml's estimates of designs that hlsflow describes: JSON in, JSON out. Run by `compare.py` with `uv run --script`.

rule4ml is GPL-3.0: it stays in this process and its own environment, and nothing of hlsflow is imported here. It takes
a Keras model, a board of four, a strategy, one precision and one reuse factor; weights, clock and binding it does not
see. A design whose precision or strategy it does not know is tried at its nearest.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

# TensorFlow and torch's triton carry an LLVM each, and one process takes only one.
os.environ.setdefault("KERAS_BACKEND", "torch")
sys.modules["triton"] = None  # type: ignore[assignment]

import keras  # noqa: E402
from rule4ml.models.wrappers import MultiModelWrapper  # noqa: E402

PRECISIONS = ("ap_fixed<2, 1>", "ap_fixed<8, 3>", "ap_fixed<8, 4>", "ap_fixed<16, 6>")
FIELDS = {
    "LUT": "lut",
    "FF": "ff",
    "DSP": "dsp",
    "BRAM": "bram_18k",
    "CYCLES": "latency_cycles",
    "INTERVAL": "interval_cycles",
}


def network(design: dict) -> keras.Model:
    """The design as a Keras model with weights of its own: rule4ml looks at shapes alone."""
    x = inputs = keras.Input(shape=(design["layers"][0]["n_in"],))
    for layer in design["layers"]:
        x = keras.layers.Dense(layer["n_out"], activation=layer["activation"])(x)
    model = keras.Model(inputs, x, name="design")
    model.build((None, design["layers"][0]["n_in"]))
    return model


def main() -> None:
    designs = json.loads(Path(sys.argv[1]).read_text())
    estimator = MultiModelWrapper()
    estimator.load_default_models()
    results = []
    for design in designs:
        wanted = design["weight_bits"]
        precision = min(PRECISIONS, key=lambda text: abs(int(text[9:].split(",")[0]) - wanted))
        config = {
            "board": design["board"],
            "model": {"precision": precision, "reuse_factor": design["reuse_factor"], "strategy": design["strategy"]},
        }
        try:
            frame = estimator.predict(network(design), hls_configs=[config])
            row = frame.mean(numeric_only=True)
            results.append({name: float(row[column]) for column, name in FIELDS.items() if column in row})
        except Exception as error:
            results.append({"error": f"{type(error).__name__}: {error}"[:200]})
    Path(sys.argv[2]).write_text(json.dumps(results, indent=1))


main()
